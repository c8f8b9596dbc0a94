"""Lists: selectors by labels and fields, pages, and versions."""

from api import ABSENT, matching
from suite import LEASES, Case, Row, config_map, lease, pod


class Selecting(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, labels in {"a": {"app": "x", "tier": "one"}, "b": {"app": "x", "tier": "two"}, "c": {"app": "y", "rank": "5"}, "d": {}}.items():
            made = cls.api.post(f"/api/v1/namespaces/{cls.ns}/pods", pod(name, labels=labels))
            assert made.code == 201, made

    def selected(self, plural="pods", **query):
        return "".join(item["metadata"]["name"] for item in self.read(plural, **query)["items"])

    def test_labels_select(self):
        for selector, expected in {
                "app=x": "ab", "app==x": "ab", "app!=x": "cd", "app in (x,y)": "abc", "app notin (x)": "cd", "app": "abc", "!app": "d",
                "app=x,tier=two": "b", "app=x,!rank": "ab", "rank>4": "c", "rank<5": "", "app in (x), tier notin (one)": "b", "app=": "", "": "abcd"}.items():
            with self.subTest(selector):
                self.assertEqual(self.selected(labelSelector=selector), expected)

    def test_fields_select(self):
        self.ok(self.api.patch(self.path("pods/b/status"), {"status": {"phase": "Running", "podIP": "10.1.1.1", "podIPs": [{"ip": "10.1.1.1"}]}}))
        for selector, expected in {
                "metadata.name=a": "a", "metadata.name!=a": "bcd", f"metadata.namespace={self.ns}": "abcd", "spec.nodeName=": "abcd", "status.phase=Running": "b",
                "status.phase!=Running,metadata.name!=c": "ad", "spec.restartPolicy=Always": "abcd", "spec.serviceAccountName=default": "abcd",
                "spec.schedulerName=other": "", "status.podIP=10.1.1.1": "b"}.items():
            with self.subTest(selector):
                self.assertEqual(self.selected(fieldSelector=selector), expected)

    def test_both_select_together(self):
        self.assertEqual(self.selected(labelSelector="app=x", fieldSelector="metadata.name!=a"), "b")

    def test_what_cannot_be_selected_by_is_refused(self):
        self.check_rows([
            Row("a field that is none", "GET", "pods", None, 400, {"reason": "BadRequest", "message": matching('field label not supported: spec.color')},
                fieldSelector="spec.color=red"),
            Row("of another kind", "GET", "configmaps", None, 400, {"message": matching('not a known field selector|field label not supported')}, fieldSelector="status.phase=x"),
            Row("no selector", "GET", "pods", None, 400, {"reason": "BadRequest"}, labelSelector="a===b"),
            Row("a key that is none", "GET", "pods", None, 400, {"reason": "BadRequest"}, labelSelector="a b=c"),
            Row("a field selector that is none", "GET", "pods", None, 400, {"reason": "BadRequest"}, fieldSelector="metadata.name")])

    def test_a_list_over_all_namespaces(self):
        self.assertEqual(self.selected("/api/v1/pods", labelSelector="app=x", fieldSelector=f"metadata.namespace={self.ns}"), "ab")

    def test_items_of_a_list_say_no_kind(self):
        listed = self.read("pods")
        self.check(listed, {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": matching("^[0-9]+$")}})
        self.check(listed["items"][0], {"kind": ABSENT, "apiVersion": ABSENT})

    def test_an_empty_list_is_a_list(self):
        self.check(self.read("secrets"), {"kind": "SecretList", "items": []})


class Pages(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(7):
            made = cls.api.post(f"/apis/coordination.k8s.io/v1/namespaces/{cls.ns}/leases", lease(f"l{i}"))
            assert made.code == 201, made

    def test_pages_together_are_the_list(self):
        page = self.read(LEASES, limit="3")
        version, names = page["metadata"]["resourceVersion"], []
        # What changes meanwhile is not seen: all pages are of one version.
        self.make(LEASES, lease("l2b"))
        self.ok(self.api.delete(self.path(f"{LEASES}/l5")))
        self.assertEqual(page["metadata"]["remainingItemCount"], 4)
        while True:
            names += [i["metadata"]["name"] for i in page["items"]]
            self.assertEqual(page["metadata"]["resourceVersion"], version)
            if not page["metadata"].get("continue"):
                break
            page = self.read(LEASES, **{"limit": "3", "continue": page["metadata"]["continue"]})
        self.assertEqual(names, [f"l{i}" for i in range(7)])
        self.check(page["metadata"], {"remainingItemCount": ABSENT, "continue": ABSENT})
        self.ok(self.api.delete(self.path(f"{LEASES}/l2b")))
        self.make(LEASES, lease("l5"))

    def test_a_page_of_a_selection_does_not_count_what_remains(self):
        self.check(self.read(LEASES, limit="3", fieldSelector="metadata.name!=l1")["metadata"], {"remainingItemCount": ABSENT, "continue": matching(".")})

    def test_a_page_that_holds_everything_is_the_last(self):
        self.check(self.read(LEASES, limit="100")["metadata"], {"continue": ABSENT, "remainingItemCount": ABSENT})

    def test_tokens_that_are_none_are_refused(self):
        token = self.read(LEASES, limit="3")["metadata"]["continue"]
        self.check_rows([
            Row("a token that is none", "GET", LEASES, None, 400, {"reason": "BadRequest", "message": matching("continue key is not valid")}, **{"limit": "3", "continue": "nonsense"}),
            Row("a token with a version", "GET", LEASES, None, 400, {"message": matching("specifying resource version is not allowed when using continue")},
                **{"limit": "3", "continue": token, "resourceVersion": "5"}),
            Row("a limit that is no number", "GET", LEASES, None, 400, {"reason": "BadRequest"}, limit="x")])

    def test_a_list_may_be_of_an_older_version(self):
        before = self.read("configmaps")
        self.make("configmaps", config_map("newer"))
        version = before["metadata"]["resourceVersion"]
        exact = self.read("configmaps", resourceVersion=version, resourceVersionMatch="Exact")
        self.assertEqual([i["metadata"]["name"] for i in exact["items"]], [i["metadata"]["name"] for i in before["items"]])
        self.assertEqual(exact["metadata"]["resourceVersion"], version)
        newer = self.read("configmaps", resourceVersion=version, resourceVersionMatch="NotOlderThan")
        self.assertGreaterEqual(int(newer["metadata"]["resourceVersion"]), int(version))
        self.assertEqual(self.api.get(self.path("configmaps"), resourceVersion="0").code, 200)

"""Patches: JSON patch, merge patch, strategic merge patch, and server-side apply."""

from api import ABSENT, APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, holding, matching
from suite import WIDGETS, Case, Row, config_map, established, pod, service, widget, widget_crd


class Patching(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        established(cls.api, widget_crd())

    def test_a_merge_patch_sets_and_removes(self):
        self.make("configmaps", config_map("merge", {"a": "1", "b": "2"}, labels={"x": "1"}))
        after = self.ok(self.api.patch(self.path("configmaps/merge"), {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"x": None, "y": "2"}}}), 200)
        self.check(after["metadata"]["labels"], {"x": ABSENT, "y": "2"})
        self.assertEqual(after["data"], {"b": "2", "c": "3"})
        self.check(self.ok(self.api.patch(self.path("configmaps/merge"), {"metadata": {"labels": None}})), {"metadata": {"labels": ABSENT}})

    def test_a_merge_patch_replaces_lists(self):
        self.make(WIDGETS, widget("lists", {"size": 1, "words": ["a", "b"], "parts": [{"name": "x"}]}))
        after = self.ok(self.api.patch(self.path(f"{WIDGETS}/lists"), {"spec": {"words": ["c"], "parts": [{"name": "y", "weight": 5}]}}))
        self.check(after["spec"], {"words": ["c"], "parts": [{"name": "y", "weight": 5}]})

    def test_a_json_patch_does_what_it_says(self):
        self.make("configmaps", config_map("json", {"a": "1"}))
        after = self.ok(self.api.patch(self.path("configmaps/json"), [
            {"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/metadata/labels", "value": {"x~/y": "no label"}},
            {"op": "remove", "path": "/metadata/labels/x~0~1y"}, {"op": "replace", "path": "/data/a", "value": "3"},
            {"op": "copy", "from": "/data/a", "path": "/data/d"}, {"op": "move", "from": "/data/d", "path": "/data/e"}], JSON_PATCH))
        self.assertEqual(after["data"], {"a": "3", "e": "3"})

    def test_a_json_patch_that_does_not_fit_changes_nothing(self):
        made = self.make("configmaps", config_map("fit"))
        def op(op, path, **more):
            return [{"op": "add", "path": "/data/new", "value": "1"}, {"op": op, "path": path, **more}]
        rows = [("a test that fails", op("test", "/data/k", value="other"), 422, "Invalid"),
                ("removing what is not there", op("remove", "/data/none"), 422, "Invalid"),
                ("below what is not there", op("add", "/none/x", value="x"), 422, "Invalid"),
                ("no list of operations", {"op": "add"}, 400, "BadRequest"),
                ("no JSON", "[{", 400, "BadRequest")]
        self.check_rows([Row(why, "PATCH", "configmaps/fit", body, code, {"reason": reason}, type=JSON_PATCH)
                         for why, body, code, reason in rows])
        self.assertEqual(self.read("configmaps/fit"), made)

    def test_a_json_patch_may_replace_what_is_not_there(self):
        self.make("configmaps", config_map("replace"))
        after = self.ok(self.api.patch(self.path("configmaps/replace"), [{"op": "replace", "path": "/data/none", "value": "x"}], JSON_PATCH))
        self.assertEqual(after["data"], {"k": "v", "none": "x"})

    def test_a_strategic_patch_merges_lists_by_their_keys(self):
        self.make("services", service("keys", {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}))
        after = self.ok(self.api.patch(self.path("services/keys"), {"spec": {"ports": [{"port": 80, "targetPort": 8080}, {"name": "c", "port": 82}]}},
                                       STRATEGIC_PATCH))
        self.assertEqual({p["name"]: p["targetPort"] for p in after["spec"]["ports"]}, {"a": 8080, "b": 81, "c": 82})
        after = self.ok(self.api.patch(self.path("services/keys"), {"spec": {"ports": [{"$patch": "delete", "port": 81}], "selector": {"$patch": "replace", "z": "1"}}},
                                       STRATEGIC_PATCH))
        self.assertEqual(sorted(p["port"] for p in after["spec"]["ports"]), [80, 82])
        self.assertEqual(after["spec"]["selector"], {"z": "1"})

    def test_a_strategic_patch_of_a_status_merges_conditions(self):
        self.make("pods", pod("conditions"))
        for kind in ("Ready", "PodScheduled", "Ready"):
            after = self.ok(self.api.patch(self.path("pods/conditions/status"), {"status": {"conditions": [{"type": kind, "status": "True"}]}}, STRATEGIC_PATCH))
        self.assertEqual(sorted(c["type"] for c in after["status"]["conditions"]), ["PodScheduled", "Ready"])

    def test_finalizers_merge_strategically_and_can_be_taken_away(self):
        self.make("configmaps", config_map("finals", finalizers=["a.b/c"]))
        path = self.path("configmaps/finals")
        after = self.ok(self.api.patch(path, {"metadata": {"finalizers": ["a.b/d"]}}, STRATEGIC_PATCH))
        self.assertEqual(sorted(after["metadata"]["finalizers"]), ["a.b/c", "a.b/d"])
        after = self.ok(self.api.patch(path, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}}, STRATEGIC_PATCH))
        self.assertEqual(after["metadata"]["finalizers"], ["a.b/d"])

    def test_a_patch_that_changes_nothing_makes_no_version(self):
        made = self.make("configmaps", config_map("same"))
        self.assertEqual(self.ok(self.api.patch(self.path("configmaps/same"), {"data": {"k": "v"}})), made)
        self.assertEqual(self.ok(self.api.patch(self.path("configmaps/same"), {})), made)

    def test_patches_that_are_refused(self):
        made = self.make("configmaps", config_map("refused"))
        self.ok(self.api.patch(self.path("configmaps/refused"), {"data": {"k": "2"}}))
        self.make(WIDGETS, widget("refused"))
        version = made["metadata"]["resourceVersion"]
        rows = [
            ("no such object", "configmaps/none", {}, MERGE_PATCH, 404, {"message": 'configmaps "none" not found'}),
            ("a stale version", "configmaps/refused", {"metadata": {"resourceVersion": version}, "data": {"k": "3"}}, MERGE_PATCH, 409,
             {"reason": "Conflict", "message": matching("the object has been modified")}),
            ("another uid", "configmaps/refused", {"metadata": {"uid": "other"}}, MERGE_PATCH, 422,
             {"reason": "Invalid", "details": {"causes": holding({"field": "metadata.uid", "message": 'Invalid value: "other": field is immutable'})}}),
            ("another name", "configmaps/refused", {"metadata": {"name": "other"}}, MERGE_PATCH, 400, {"reason": "BadRequest"}),
            ("another kind", "configmaps/refused", {"kind": "Secret"}, MERGE_PATCH, 422, {"reason": "Invalid", "message": matching('^ "" is invalid: patch: Invalid value: ')}),
            ("a type that is none", "configmaps/refused", {}, "application/json", 415,
             {"reason": "UnsupportedMediaType", "message": "415: Unsupported Media Type"}),
            ("strategic, of a custom resource", f"{WIDGETS}/refused", {}, STRATEGIC_PATCH, 415,
             {"message": matching("accepted media types include: application/json-patch\\+json, application/merge-patch\\+json, application/apply-patch\\+yaml")}),
            ("what the rules forbid", f"{WIDGETS}/refused", {"spec": {"size": 0}}, MERGE_PATCH, 422, {"reason": "Invalid"}),
            ("no JSON", "configmaps/refused", "{", MERGE_PATCH, 400, {"reason": "BadRequest"}),
            ("an unknown field, strictly", "configmaps/refused", {"colour": "red"}, MERGE_PATCH, 422, {"reason": "Invalid", "message": matching('unknown field "colour"')})]
        self.check_rows([Row(why, "PATCH", path, body, code, expect, type=type, **({"fieldValidation": "Strict"} if "strictly" in why else {}))
                         for why, path, body, type, code, expect in rows])

    def test_metadata_that_is_the_servers_is_not_patched(self):
        made = self.make("configmaps", config_map("servers"))
        after = self.ok(self.api.patch(self.path("configmaps/servers"), {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 9}}))
        self.assertEqual(after["metadata"]["creationTimestamp"], made["metadata"]["creationTimestamp"])

    def test_a_status_patch_carries_its_version(self):
        made = self.make(WIDGETS, widget("status"))
        path, version = self.path(f"{WIDGETS}/status/status"), made["metadata"]["resourceVersion"]
        after = self.ok(self.api.patch(path, {"metadata": {"resourceVersion": version}, "status": {"state": "On"}, "spec": {"size": 9}}))
        self.check(after, {"status": {"state": "On"}, "spec": {"size": 3}, "metadata": {"generation": 1}})
        self.assertEqual(self.api.patch(path, {"metadata": {"resourceVersion": version}, "status": {"state": "Off"}}).code, 409)
        self.check(self.ok(self.api.patch(path, {"status": None})), {"status": ABSENT})


class Applying(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        established(cls.api, widget_crd())

    def apply(self, short, body, manager="one", code=None, **more):
        return self.ok(self.api.apply(self.path(short), body, manager, **more), code)

    def test_applying_makes_what_is_not_there(self):
        self.check(self.apply("configmaps/new", config_map("new"), code=201), {"data": {"k": "v"}, "metadata": {"managedFields": holding(
            {"manager": "one", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}}})}})

    def test_applying_the_same_again_makes_no_version(self):
        made = self.apply("configmaps/again", config_map("again"))
        self.assertEqual(self.apply("configmaps/again", config_map("again"), code=200), made)

    def test_what_is_no_longer_applied_goes(self):
        self.apply("configmaps/drop", config_map("drop", {"a": "1", "b": "2"}, labels={"l": "1"}))
        after = self.apply("configmaps/drop", config_map("drop", {"b": "2"}))
        self.assertEqual(after["data"], {"b": "2"})
        self.check(after, {"metadata": {"labels": ABSENT}})

    def test_what_another_manager_applied_stays(self):
        self.apply("configmaps/two", config_map("two", {"a": "1"}))
        self.apply("configmaps/two", config_map("two", {"b": "2"}), "two")
        self.assertEqual(self.apply("configmaps/two", config_map("two", {"a": "3"}))["data"], {"a": "3", "b": "2"})

    def test_another_managers_value_is_a_conflict_unless_forced(self):
        self.apply("configmaps/fight", config_map("fight", {"a": "1"}))
        self.check_rows([Row("conflict", "PATCH", "configmaps/fight", config_map("fight", {"a": "2"}), 409, {
            "reason": "Conflict", "message": 'Apply failed with 1 conflict: conflict with "one": .data.a',
            "details": {"causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}]}},
            type=APPLY_PATCH, fieldManager="two")])
        self.apply("configmaps/fight", config_map("fight", {"a": "1"}), "agrees")
        after = self.apply("configmaps/fight", config_map("fight", {"a": "2"}), "two", force="true")
        self.assertEqual(after["data"], {"a": "2"})
        self.assertEqual([e["manager"] for e in after["metadata"]["managedFields"] if "f:data" in e["fieldsV1"]], ["two"])

    def test_lists_merge_by_their_keys(self):
        self.apply(f"{WIDGETS}/lists", widget("lists", {"size": 1, "parts": [{"name": "a", "weight": 2}], "tags": ["x"]}))
        after = self.apply(f"{WIDGETS}/lists", widget("lists", {"parts": [{"name": "b"}], "tags": ["y"]}), "two")
        self.check(after["spec"], {"parts": [{"name": "a", "weight": 2}, {"name": "b", "weight": 1}], "tags": ["x", "y"]})
        after = self.apply(f"{WIDGETS}/lists", widget("lists", {"size": 1}))
        self.check(after["spec"], {"parts": [{"name": "b"}], "tags": ["y"]})

    def test_containers_of_a_pod_merge_by_name(self):
        self.apply("pods/c", pod("c"))
        after = self.apply("pods/c", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"},
                                      "spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}, "two", force="true")
        self.check(after["spec"]["containers"], [{"name": "main", "image": "busybox:2"}])

    def test_status_is_applied_by_its_own_door(self):
        self.apply(f"{WIDGETS}/status", {**widget("status"), "status": {"state": "no"}})
        after = self.apply(f"{WIDGETS}/status/status", {**widget("status"), "status": {"state": "On"}}, "controller")
        self.check(after, {"status": {"state": "On"}, "spec": {"size": 3}})
        self.check(self.read(f"{WIDGETS}/status")["metadata"], {"managedFields": holding(
            {"manager": "controller", "operation": "Apply", "subresource": "status"})})

    def test_yaml_is_applied(self):
        self.check(self.apply("configmaps/yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {k: v}\n"), {"data": {"k": "v"}})

    def test_what_cannot_be_applied_is_refused(self):
        self.apply("configmaps/there", config_map("there"))
        rows = [
            ("no manager", config_map("there"), {}, 422, {"message": 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'}),
            ("managed fields", {**config_map("there"), "metadata": {"name": "there", "managedFields": [{"manager": "x"}]}}, {"fieldManager": "m"}, 400,
             {"message": "metadata.managedFields must be nil"}),
            ("a stale version", config_map("there", {"k": "2"}, resourceVersion="1"), {"fieldManager": "m", "force": "true"}, 409, {"reason": "Conflict"}),
            ("another name", config_map("other"), {"fieldManager": "m"}, 400, {"reason": "BadRequest"}),
            ("no kind", {"metadata": {"name": "there"}}, {"fieldManager": "m"}, 400, {"reason": "BadRequest"})]
        self.check_rows([Row(why, "PATCH", "configmaps/there", body, code, expect, type=APPLY_PATCH, **more)
                         for why, body, more, code, expect in rows])
        self.check_rows([Row("force without applying", "PATCH", "configmaps/there", {}, 422,
                             {"message": matching("force: Forbidden: may not be specified for non-apply patch")}, type=MERGE_PATCH, force="true")])

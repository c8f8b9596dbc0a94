"""How clients find out what is served."""

from api import ABSENT, holding, matching
from suite import Case, Row, established, widget_crd
from waiting import wait_for

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class Discovery(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        established(cls.api, widget_crd())

    def resource(self, path, name):
        return next((r for r in self.read(path)["resources"] if r["name"] == name), None)

    def test_it_is_alive(self):
        for path, token in (("/healthz", ""), ("/livez", ""), ("/readyz", ""), ("/readyz/ping", None)):
            answer = self.api.get(path, token=token)
            self.assertEqual((answer.code, answer.body), (200, b"ok"), path)

    def test_its_version_is_a_release(self):
        self.check(self.ok(self.api.get("/version", token="")), {"major": "1", "minor": "35", "gitVersion": "v1.35.4", "platform": "linux/amd64"})

    def test_groups_and_versions(self):
        self.check(self.read("/api"), {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": holding({"clientCIDR": "0.0.0.0/0"})})
        groups = self.read("/apis")
        self.check(groups, {"kind": "APIGroupList", "apiVersion": "v1", "groups": holding(*[
            {"name": name, "preferredVersion": {"groupVersion": f"{name}/v1", "version": "v1"}, "versions": holding({"groupVersion": f"{name}/v1", "version": "v1"})}
            for name in ("apps", "batch", "coordination.k8s.io", "events.k8s.io", "policy", "rbac.authorization.k8s.io", "networking.k8s.io",
                         "authentication.k8s.io", "authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io",
                         "scheduling.k8s.io", "conformance.example.com")])})
        self.check(self.read("/apis/conformance.example.com"), {"kind": "APIGroup", "name": "conformance.example.com"})

    def test_resources_of_the_core(self):
        for name, expected in {
                "pods": {"singularName": "pod", "namespaced": True, "kind": "Pod", "shortNames": ["po"], "categories": ["all"]},
                "pods/status": {"kind": "Pod"}, "pods/log": {"kind": "Pod", "verbs": ["get"]},
                "pods/binding": {"kind": "Binding", "verbs": ["create"]},
                "pods/portforward": {"kind": "PodPortForwardOptions", "verbs": ["create", "get"]},
                "pods/eviction": {"kind": "Eviction", "group": "policy", "version": "v1", "verbs": ["create"]},
                "serviceaccounts/token": {"kind": "TokenRequest", "group": "authentication.k8s.io", "version": "v1"},
                "namespaces": {"namespaced": False, "shortNames": ["ns"]}, "namespaces/finalize": {"verbs": ["update"]},
                "nodes": {"namespaced": False}, "nodes/status": {}, "services": {"shortNames": ["svc"]}, "configmaps": {"shortNames": ["cm"]},
                "secrets": {}, "events": {"shortNames": ["ev"]}, "persistentvolumeclaims": {}, "resourcequotas": {}, "serviceaccounts": {}, "endpoints": {}}.items():
            with self.subTest(name):
                found = self.resource("/api/v1", name)
                self.assertIsNotNone(found, name)
                self.check(found, expected)
        self.check(self.read("/api/v1"), {"kind": "APIResourceList", "groupVersion": "v1"})

    def test_verbs_are_those_that_are_served(self):
        everything = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        for path, name, verbs in (("/api/v1", "pods", everything), ("/api/v1", "configmaps", everything), ("/apis/coordination.k8s.io/v1", "leases", everything),
                                  ("/apis/authentication.k8s.io/v1", "tokenreviews", ["create"]), ("/api/v1", "namespaces", [v for v in everything if v != "deletecollection"]),
                                  ("/apis/conformance.example.com/v1", "widgets", everything), ("/apis/conformance.example.com/v1", "widgets/status", ["get", "patch", "update"])):
            with self.subTest(name):
                self.assertEqual(sorted(self.resource(path, name)["verbs"]), verbs)

    def test_everything_at_once(self):
        for path, group, resource in (("/api", ABSENT, "pods"), ("/apis", "conformance.example.com", "widgets")):
            def there():
                answer = self.api.get(path, accept=AGGREGATED)
                item = next((i for i in self.ok(answer)["items"] if i["metadata"].get("name", ABSENT) == group), None)
                return item and (answer, item)
            answer, item = wait_for(there, f"{group} is not listed")
            self.assertEqual(answer.headers["Content-Type"], "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            self.check(answer.json, {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"})
            found = next(r for r in item["versions"][0]["resources"] if r["resource"] == resource)
            self.check(found, {"scope": "Namespaced", "verbs": holding("get", "watch"), "subresources": holding({"subresource": "status"})})

    def test_schemas(self):
        paths = wait_for(lambda: (p := self.read("/openapi/v3")["paths"]).get("apis/conformance.example.com/v1") and p, "no schema of the custom resource")
        for group in ("api/v1", "apis/apps/v1", "apis/coordination.k8s.io/v1", "apis/conformance.example.com/v1"):
            self.check(paths[group], {"serverRelativeURL": matching(f"^/openapi/v3/{group}")})
        document = self.read(paths["apis/conformance.example.com/v1"]["serverRelativeURL"])
        self.check(document, {"openapi": matching("^3."), "components": {"schemas": {"com.example.conformance.v1.Widget": {
            "type": "object", "x-kubernetes-group-version-kind": [{"group": "conformance.example.com", "version": "v1", "kind": "Widget"}],
            "properties": {"spec": {"required": ["size"], "properties": {"size": {"type": "integer"}}}}}}}})
        self.assertIn("io.k8s.api.core.v1.Pod", self.read("/openapi/v3/api/v1")["components"]["schemas"])


class Events(Case):
    def event(self, name, **more):
        return {"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": self.ns, "uid": "u", "apiVersion": "v1"},
                "reason": "Tested", "message": "it happened", "type": "Normal", "source": {"component": "conformance"}, "count": 1,
                "firstTimestamp": "2024-01-02T03:04:05Z", "lastTimestamp": "2024-01-02T03:04:05Z", **more}

    def test_an_event_has_two_faces(self):
        made = self.make("events", self.event("a"))
        self.check(made, {"kind": "Event", "apiVersion": "v1", "reportingComponent": "", "reportingInstance": ""})
        self.check(self.read("events.k8s.io/v1/events/a"), {
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {"kind": "Pod", "name": "p", "uid": "u"}, "note": "it happened", "reason": "Tested",
            "deprecatedSource": {"component": "conformance"}, "deprecatedCount": 1, "deprecatedFirstTimestamp": "2024-01-02T03:04:05Z", "involvedObject": ABSENT})
        new = self.make("events.k8s.io/v1/events", {
            "metadata": {"name": "b"}, "regarding": {"kind": "Pod", "name": "q", "namespace": self.ns}, "reason": "Tested", "note": "again", "type": "Warning", "action": "Test",
            "eventTime": "2024-01-02T03:04:05.678901Z", "reportingController": "example.com/c", "reportingInstance": "c-1"})
        self.check(new, {"eventTime": "2024-01-02T03:04:05.678901Z"})
        self.check(self.read("events/b"), {"involvedObject": {"name": "q"}, "message": "again", "reportingComponent": "example.com/c", "source": {}})

    def test_events_are_selected_by_what_they_are_about(self):
        self.make("events", self.event("s1", reason="Selected"))
        self.make("events", self.event("s2", reason="Selected", type="Warning", involvedObject={"kind": "Node", "name": "n", "namespace": self.ns}))
        for selector, expected in {"involvedObject.kind=Node": ["s2"], "involvedObject.name=p,type=Normal": ["s1"], "type=Warning,involvedObject.name=n": ["s2"]}.items():
            self.assertEqual([i["metadata"]["name"] for i in self.read("events", fieldSelector=selector + ",reason=Selected")["items"]], expected)

    def test_a_repeated_event_is_patched(self):
        self.make("events", self.event("series"))
        after = self.ok(self.api.patch(self.path("events/series"), {"count": 2, "lastTimestamp": "2024-01-02T03:05:05Z"}, "application/strategic-merge-patch+json"))
        self.check(after, {"count": 2, "firstTimestamp": "2024-01-02T03:04:05Z", "lastTimestamp": "2024-01-02T03:05:05Z"})

    def test_an_event_of_another_namespace_is_refused(self):
        self.check_rows([Row("elsewhere", "POST", "events", self.event("x", involvedObject={"kind": "Pod", "name": "p", "namespace": "elsewhere"}), 422,
                             {"details": {"causes": holding({"field": "involvedObject.namespace"})}})])


class Leases(Case):
    def test_of_two_who_want_it_one_gets_it(self):
        path = self.path("coordination.k8s.io/v1/leases/lock")
        made = self.make("coordination.k8s.io/v1/leases", {"metadata": {"name": "lock"}, "spec": {
            "holderIdentity": "a", "leaseDurationSeconds": 15, "acquireTime": "2024-01-02T03:04:05.000000Z", "renewTime": "2024-01-02T03:04:05.000000Z", "leaseTransitions": 0}})
        self.assertEqual(made["spec"]["renewTime"], "2024-01-02T03:04:05.000000Z")
        one, two = ({**made, "spec": {**made["spec"], "holderIdentity": who}} for who in "bc")
        self.assertEqual([self.api.put(path, each).code for each in (one, two)], [200, 409])
        self.check(self.read(path), {"spec": {"holderIdentity": "b"}})

    def test_leases_that_are_none(self):
        self.check_rows([
            Row("no time", "POST", "coordination.k8s.io/v1/leases", {"metadata": {"name": "x"}, "spec": {"renewTime": "now"}}, 400, {"reason": "BadRequest"}),
            Row("no duration", "POST", "coordination.k8s.io/v1/leases", {"metadata": {"name": "x"}, "spec": {"leaseDurationSeconds": 0}}, 422,
                {"details": {"causes": holding({"field": "spec.leaseDurationSeconds", "message": matching("must be greater than 0")})}})])

"""Deletion: grace, preconditions, finalizers, owners, collections, namespaces."""

import time

from api import ABSENT, holding, matching
from suite import LEASES, Case, Row, config_map, lease, pod, service
from waiting import wait_for


class Deleting(Case):
    def test_most_kinds_answer_with_success_and_pods_with_themselves(self):
        made = self.make("configmaps", config_map("a"))
        self.check(self.ok(self.api.delete(self.path("configmaps/a")), 200), {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}})
        self.make(LEASES, lease("a"))
        self.check(self.ok(self.api.delete(self.path(f"{LEASES}/a")), 200), {"details": {"group": "coordination.k8s.io", "kind": "leases"}})
        self.make("pods", pod("a"))
        self.check(self.ok(self.api.delete(self.path("pods/a")), 200), {"kind": "Pod", "metadata": {"name": "a"}})
        self.make("services", service("a"))
        self.check(self.ok(self.api.delete(self.path("services/a")), 200), {"kind": "Service"})
        for gone in ("configmaps/a", f"{LEASES}/a", "pods/a", "services/a"):
            self.assertEqual(self.api.get(self.path(gone)).code, 404, gone)

    def test_a_pod_on_a_node_waits_for_its_kubelet(self):
        self.make("pods", pod("bound", {"nodeName": "n1", "terminationGracePeriodSeconds": 20}))
        path = self.path("pods/bound")
        ending = self.ok(self.api.delete(path), 200)
        self.check(ending["metadata"], {"deletionTimestamp": matching("Z$"), "deletionGracePeriodSeconds": 20})
        self.assertEqual(self.ok(self.api.delete(path), 200)["metadata"]["deletionTimestamp"], ending["metadata"]["deletionTimestamp"])
        # Less grace than before counts, more does not.
        self.check(self.ok(self.api.delete(path, {"gracePeriodSeconds": 5})), {"metadata": {"deletionGracePeriodSeconds": 5}})
        self.check(self.ok(self.api.delete(path, {"gracePeriodSeconds": 30})), {"metadata": {"deletionGracePeriodSeconds": 5}})
        self.assertEqual(self.api.get(path).code, 200)
        self.ok(self.api.delete(path, {"gracePeriodSeconds": 0}))
        self.assertEqual(self.api.get(path).code, 404)

    def test_a_pod_that_has_ended_needs_no_grace(self):
        self.make("pods", pod("ended", {"nodeName": "n1"}))
        self.ok(self.api.patch(self.path("pods/ended/status"), {"status": {"phase": "Succeeded"}}))
        self.ok(self.api.delete(self.path("pods/ended")))
        self.assertEqual(self.api.get(self.path("pods/ended")).code, 404)

    def test_preconditions_hold_or_nothing_happens(self):
        made = self.make("configmaps", config_map("pre"))
        uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
        self.check_rows([
            Row("another uid", "DELETE", "configmaps/pre", {"preconditions": {"uid": "other"}}, 409, {
                "reason": "Conflict", "message": f'Operation cannot be fulfilled on ConfigMap "pre": the UID in the precondition (other) does not match the UID in record ({uid}). The object might have been deleted and then recreated'}),
            Row("another version", "DELETE", "configmaps/pre", {"preconditions": {"resourceVersion": "1"}}, 409, {
                "message": f'Operation cannot be fulfilled on ConfigMap "pre": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record ({version}). The object might have been modified'}),
            Row("no such object", "DELETE", "configmaps/none", None, 404, {"message": 'configmaps "none" not found'}),
            Row("a policy that is none", "DELETE", "configmaps/pre", {"propagationPolicy": "Sideways"}, 422, {"reason": "Invalid"}),
            Row("no options", "DELETE", "configmaps/pre", "{", 400, {"reason": "BadRequest"})])
        self.ok(self.api.delete(self.path("configmaps/pre"), {"preconditions": {"uid": uid, "resourceVersion": version}}))

    def test_a_dry_run_deletes_nothing(self):
        self.make("configmaps", config_map("dry"))
        self.ok(self.api.delete(self.path("configmaps/dry"), dryRun="All"), 200)
        self.ok(self.api.delete(self.path("configmaps/dry"), {"dryRun": ["All"]}), 200)
        self.read("configmaps/dry")

    def test_a_selection_is_deleted_at_once(self):
        other = self.new_namespace()
        path = f"/api/v1/namespaces/{other}/configmaps"
        for name, label in {"a": "x", "b": "x", "c": "y"}.items():
            self.ok(self.api.post(path, config_map(name, labels={"l": label})))
        gone = self.ok(self.api.delete(path, labelSelector="l=x"), 200)
        self.check(gone, {"kind": "ConfigMapList"})
        self.assertEqual(sorted(i["metadata"]["name"] for i in gone["items"]), ["a", "b"])
        self.assertEqual([i["metadata"]["name"] for i in self.read(path, labelSelector="l")["items"]], ["c"])


class Finalizers(Case):
    def test_an_object_stays_until_its_last_finalizer_is_gone(self):
        path = self.path("configmaps/kept")
        self.make("configmaps", config_map("kept", finalizers=["a.b/one", "a.b/two"]))
        ending = self.ok(self.api.delete(path), 200)
        self.check(ending, {"kind": "ConfigMap", "metadata": {"deletionTimestamp": matching("Z$"), "deletionGracePeriodSeconds": 0,
                                                              "finalizers": ["a.b/one", "a.b/two"]}})
        self.check(self.ok(self.api.patch(path, {"metadata": {"finalizers": ["a.b/two"]}, "data": {"k": "2"}})), {"data": {"k": "2"}})
        self.check_rows([Row("a new finalizer", "PATCH", "configmaps/kept", {"metadata": {"finalizers": ["a.b/two", "a.b/three"]}}, 422, {
            "reason": "Invalid", "message": matching("metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers")},
            type="application/merge-patch+json")])
        self.check(self.ok(self.api.delete(path)), {"kind": "ConfigMap", "metadata": {"deletionTimestamp": ending["metadata"]["deletionTimestamp"]}})
        self.ok(self.api.patch(path, {"metadata": {"finalizers": None}}), 200)
        self.assertEqual(self.api.get(path).code, 404)

    def test_a_watcher_sees_the_wait_and_the_end(self):
        start = self.read("configmaps")["metadata"]["resourceVersion"]
        self.make("configmaps", config_map("seen", finalizers=["a.b/one"]))
        self.ok(self.api.delete(self.path("configmaps/seen")))
        self.ok(self.api.patch(self.path("configmaps/seen"), {"metadata": {"finalizers": []}}))
        with self.api.watch(self.path("configmaps"), resourceVersion=start, fieldSelector="metadata.name=seen") as watch:
            events = [watch.next() for _ in range(3)]
        self.assertEqual([e["type"] for e in events], ["ADDED", "MODIFIED", "DELETED"])
        self.check(events[1]["object"]["metadata"], {"deletionTimestamp": matching("Z$")})

    def test_its_name_is_free_only_when_it_is_gone(self):
        self.make("configmaps", config_map("name", finalizers=["a.b/one"]))
        self.ok(self.api.delete(self.path("configmaps/name")))
        self.assertEqual(self.api.post(self.path("configmaps"), config_map("name")).code, 409)


class Owners(Case):
    def owned(self, name, owner, plural="configmaps", **more):
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], **more}
        return self.make(plural, config_map(name, ownerReferences=[reference]))

    def test_what_is_owned_goes_after_its_owner(self):
        owner = self.make("configmaps", config_map("owner"))
        self.owned("owned", owner)
        grandchild = self.read("configmaps/owned")
        self.owned("below", grandchild)
        self.ok(self.api.delete(self.path("configmaps/owner"), {"propagationPolicy": "Background"}))
        self.assertEqual(self.api.get(self.path("configmaps/owner")).code, 404)
        self.gone("configmaps/owned")
        self.gone("configmaps/below")

    def test_it_stays_while_another_owner_is_there(self):
        one, two = self.make("configmaps", config_map("one")), self.make("configmaps", config_map("two"))
        references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]} for o in (one, two)]
        self.make("configmaps", config_map("shared", ownerReferences=references))
        self.ok(self.api.delete(self.path("configmaps/one")))
        wait_for(lambda: len(self.read("configmaps/shared")["metadata"]["ownerReferences"]) == 1, "the gone owner is still named")
        self.ok(self.api.delete(self.path("configmaps/two")))
        self.gone("configmaps/shared")

    def test_an_owner_that_never_was_is_no_owner(self):
        self.owned("stray", {"metadata": {"name": "owner-of-nothing", "uid": "00000000-0000-4000-8000-000000000000"}})
        self.gone("configmaps/stray")

    def test_in_the_foreground_the_owner_goes_last(self):
        owner = self.make("configmaps", config_map("front"))
        self.owned("held", owner, blockOwnerDeletion=True)
        self.ok(self.api.patch(self.path("configmaps/held"), {"metadata": {"finalizers": ["a.b/hold"]}}))
        self.owned("free", owner)
        waiting = self.ok(self.api.delete(self.path("configmaps/front"), {"propagationPolicy": "Foreground"}), 200)
        self.check(waiting, {"kind": "ConfigMap", "metadata": {"finalizers": ["foregroundDeletion"], "deletionTimestamp": matching("Z$")}})
        wait_for(lambda: self.read("configmaps/held")["metadata"].get("deletionTimestamp"), "the dependent is not being deleted")
        self.read("configmaps/front")
        self.ok(self.api.patch(self.path("configmaps/held"), {"metadata": {"finalizers": None}}))
        self.gone("configmaps/held")
        self.gone("configmaps/front")
        self.gone("configmaps/free")

    def test_orphans_stay(self):
        owner = self.make("configmaps", config_map("parent"))
        self.owned("orphan", owner)
        # The collector learns of a new object by watching; an orphan is one that it knew.
        time.sleep(1)
        self.ok(self.api.delete(self.path("configmaps/parent"), {"propagationPolicy": "Orphan"}), 200)
        self.gone("configmaps/parent")
        self.check(self.read("configmaps/orphan"), {"metadata": {"ownerReferences": ABSENT}})

    def test_a_pod_takes_its_services_and_config_maps_along(self):
        owner = self.make("pods", pod("driver"))
        reference = {"apiVersion": "v1", "kind": "Pod", "name": "driver", "uid": owner["metadata"]["uid"], "controller": True}
        self.make("configmaps", config_map("conf", ownerReferences=[reference]))
        self.make("services", {**service("svc"), "metadata": {"name": "svc", "ownerReferences": [reference]}})
        self.make("pods", pod("executor", ownerReferences=[reference]))
        self.ok(self.api.delete(self.path("pods/driver"), {"gracePeriodSeconds": 0}))
        for name in ("configmaps/conf", "services/svc", "pods/executor"):
            self.gone(name)


class Namespaces(Case):
    def test_a_namespace_begins_with_an_account_and_the_authority(self):
        path = f"/api/v1/namespaces/{self.ns}"
        self.check(self.read(path), {"kind": "Namespace", "metadata": {"labels": {"kubernetes.io/metadata.name": self.ns}, "namespace": ABSENT},
                                     "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
        wait_for(lambda: self.api.get(f"{path}/configmaps/kube-root-ca.crt").code == 200, "no authority")
        self.check(self.read("configmaps/kube-root-ca.crt")["data"], {"ca.crt": matching("BEGIN CERTIFICATE")})

    def test_everything_in_it_ends_before_it_does(self):
        name = self.new_namespace()
        path = f"/api/v1/namespaces/{name}"
        self.ok(self.api.post(f"{path}/configmaps", config_map("held", finalizers=["a.b/hold"])))
        self.ok(self.api.post(f"{path}/pods", pod("p")))
        self.check(self.ok(self.api.delete(path), 200), {"kind": "Namespace", "status": {"phase": "Terminating"}, "metadata": {"deletionTimestamp": matching("Z$")}})
        wait_for(lambda: self.api.get(f"{path}/pods/p").code == 404, "the pod is still there")
        wait_for(lambda: self.read(f"{path}/configmaps/held")["metadata"].get("deletionTimestamp"), "the config map is not being deleted")
        self.check_rows([
            Row("nothing new comes in", "POST", f"{path}/configmaps", config_map("new"), 403, {
                "reason": "Forbidden", "message": matching(f'configmaps "new" is forbidden: unable to create new content in namespace {name} because it is being terminated'),
                "details": {"causes": holding({"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": f"namespace {name} is being terminated"})}}),
            Row("deleted once is enough", "DELETE", path, None, 200, {"kind": "Namespace"})])
        self.ok(self.api.patch(f"{path}/configmaps/held", {"metadata": {"finalizers": None}}))
        self.gone(path)
        self.assertEqual(self.api.get(f"{path}/configmaps/held").code, 404)

    def test_some_namespaces_stay(self):
        for name in ("default", "kube-system", "kube-public"):
            self.check_rows([Row(name, "DELETE", f"/api/v1/namespaces/{name}", None, 403, {"reason": "Forbidden", "message": matching("this namespace may not be deleted")})])

"""Doors of a pod besides the plain ones: binding, eviction, log, portforward."""

from api import holding, matching
from suite import Case, Row, pod
from waiting import wait_for

BUDGETS = "policy/v1/poddisruptionbudgets"


def binding(name, node="n1", **metadata):
    return {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, **metadata}, "target": {"kind": "Node", "name": node}}


def eviction(name, **options):
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, **({"deleteOptions": options} if options else {})}


class Binding(Case):
    def test_a_pod_is_bound_once(self):
        made = self.make("pods", pod("a"))
        uid = made["metadata"]["uid"]
        self.check_rows([
            Row("to no node", "POST", "pods/a/binding", {**binding("a"), "target": {}}, 500, {"message": "target.name: Required value"}),
            Row("another pod of the name", "POST", "pods/a/binding", binding("a", uid="other"), 409, {"reason": "Conflict"}),
            Row("bound", "POST", "pods/a/binding", binding("a", uid=uid), 201, {"kind": "Status", "status": "Success", "code": 201}),
            Row("again", "POST", "pods/a/binding", binding("a", "n2"), 409, {
                "reason": "Conflict", "message": matching('Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"')}),
            Row("no such pod", "POST", "pods/none/binding", binding("none"), 404, {"message": 'pods "none" not found'})])
        bound = self.read("pods/a")
        self.check(bound, {"spec": {"nodeName": "n1"}, "status": {"phase": "Pending", "conditions": holding({"type": "PodScheduled", "status": "True"})}})
        self.assertEqual([i["metadata"]["name"] for i in self.read("pods", fieldSelector="spec.nodeName=n1")["items"]], ["a"])

    def test_annotations_of_a_binding_go_to_the_pod(self):
        self.make("pods", pod("annotated", annotations={"old": "1"}))
        self.assertEqual(self.api.post(self.path("pods/annotated/binding"), binding("annotated", annotations={"new": "2"})).code, 201)
        self.check(self.read("pods/annotated"), {"metadata": {"annotations": {"old": "1", "new": "2"}}})

    def test_a_pod_that_is_going_is_not_bound(self):
        self.make("pods", pod("going", finalizers=["a.b/hold"]))
        self.ok(self.api.delete(self.path("pods/going")))
        self.check_rows([Row("going", "POST", "pods/going/binding", binding("going"), 409, {"message": matching("is being deleted, cannot be assigned to a host")})])
        self.ok(self.api.patch(self.path("pods/going"), {"metadata": {"finalizers": None}}))


class Eviction(Case):
    def test_an_evicted_pod_is_deleted(self):
        self.make("pods", pod("free"))
        self.check(self.ok(self.api.post(self.path("pods/free/eviction"), eviction("free")), 201), {"kind": "Status", "status": "Success", "code": 201})
        self.gone("pods/free")
        self.make("pods", pod("bound", {"nodeName": "n1"}))
        self.ok(self.api.post(self.path("pods/bound/eviction"), eviction("bound", gracePeriodSeconds=7)), 201)
        self.check(self.read("pods/bound"), {"metadata": {"deletionGracePeriodSeconds": 7}})
        self.ok(self.api.delete(self.path("pods/bound"), {"gracePeriodSeconds": 0}))

    def test_evictions_that_are_refused(self):
        self.make("pods", pod("kept"))
        self.check_rows([
            Row("no such pod", "POST", "pods/none/eviction", eviction("none"), 404, {"message": 'pods "none" not found'}),
            Row("another name", "POST", "pods/kept/eviction", eviction("other"), 400, {"reason": "BadRequest"}),
            Row("another uid", "POST", "pods/kept/eviction", eviction("kept", preconditions={"uid": "other"}), 409, {"reason": "Conflict"})])
        self.read("pods/kept")

    def ready(self, name, labels):
        self.make("pods", pod(name, {"nodeName": "n1"}, labels=labels))
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self.ok(self.api.patch(self.path(f"pods/{name}/status"), {"status": status}))

    def budget(self, name, labels, **spec):
        return self.make(BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
                                   "spec": {"selector": {"matchLabels": labels}, **spec}})

    def evict(self, name):
        return self.api.post(self.path(f"pods/{name}/eviction"), eviction(name, gracePeriodSeconds=0))

    def test_a_disruption_budget_keeps_its_last_pod(self):
        self.budget("one", {"app": "one"}, minAvailable=1)
        self.ready("one", {"app": "one"})
        # It may take the real server a moment to have counted, and until then it says something else.
        spent = wait_for(lambda: (answer := self.evict("one")).code == 429 and "needs 1 healthy pods and has 1 currently"
                         in str(answer.json) and answer, "no budget keeps the pod")
        self.check(spent.json, {"reason": "TooManyRequests", "message": matching("Cannot evict pod as it would violate the pod's disruption budget."),
                                "details": {"causes": holding({"reason": "DisruptionBudget"})}})
        self.read("pods/one")
        self.ok(self.api.delete(self.path(f"{BUDGETS}/one")))
        self.ok(wait_for(lambda: (answer := self.evict("one")).code == 201 and answer, "it is not let go"), 201)

    def test_a_disruption_budget_spares_one_of_two(self):
        self.budget("two", {"app": "two"}, minAvailable=1)
        self.ready("two-a", {"app": "two"})
        self.ready("two-b", {"app": "two"})
        wait_for(lambda: self.evict("two-a").code == 201, "one of two cannot be evicted")
        self.gone("pods/two-a")
        self.assertEqual(self.evict("two-b").code, 429)

    def test_a_pod_that_does_not_run_is_evicted_in_spite_of_budgets(self):
        self.budget("pending", {"app": "pending"}, minAvailable=1)
        self.make("pods", pod("pending", labels={"app": "pending"}))
        self.ok(self.evict("pending"), 201)

    def test_two_budgets_for_one_pod_are_refused(self):
        for name in ("left", "right"):
            self.budget(name, {"app": "both"}, minAvailable=0)
        self.ready("both", {"app": "both"})
        answer = self.evict("both")
        self.assertEqual(answer.code, 500)
        self.check(answer.json, {"message": matching("This pod has more than one PodDisruptionBudget")})
        self.read("pods/both")

    def test_a_dry_eviction_evicts_nothing(self):
        self.make("pods", pod("dry"))
        self.ok(self.api.post(self.path("pods/dry/eviction"), eviction("dry", dryRun=["All"])), 201)
        self.read("pods/dry")


class Log(Case):
    def test_logs_that_cannot_be_had(self):
        self.make("pods", pod("a"))
        self.make("pods", pod("two", {"containers": [{"name": n, "image": "i"} for n in ("one", "two")]}))
        # Nobody runs it yet, so there is nothing to say.
        answer = self.api.get(self.path("pods/a/log"))
        self.assertEqual((answer.code, answer.body), (204, b""))
        self.check_rows([
            Row("no such pod", "GET", "pods/none/log", None, 404, {"message": 'pods "none" not found'}),
            Row("no such container", "GET", "pods/a/log", None, 400, {"message": "container other is not valid for pod a"}, container="other"),
            Row("which of them", "GET", "pods/two/log", None, 400, {"message": "a container name must be specified for pod two, choose one of: [one two]"}),
            Row("less than nothing", "GET", "pods/a/log", None, 422, {"reason": "Invalid"}, tailLines="-1")])


class PortForward(Case):
    def test_ports_that_cannot_be_reached(self):
        self.make("pods", pod("nowhere"))
        self.check_rows([
            Row("no such pod", "GET", "pods/none/portforward", None, 404, {"message": 'pods "none" not found'}, ports="80"),
            Row("nobody runs it yet", "GET", "pods/nowhere/portforward", None, 400, {"message": "pod nowhere does not have a host assigned"}, ports="80"),
            Row("nor by POST", "POST", "pods/nowhere/portforward", None, 400, {"message": "pod nowhere does not have a host assigned"}, ports="80")])

#!/usr/bin/env python3
"""SparkConnects on the embedded or a real API server: what is made of them, the states that they tell, edits and deletion. The
server's pod does what this suite says.

    test/lifecycle/connect_test.py --server real          # SPARK_OPERATOR and KUBECTL set
"""

from operated import CONFIG_MAPS, CONNECTS, LABEL, PODS, SERVICES, Operated, run_suite

SPEC = {"sparkVersion": "4.1.4", "image": "spark:4.1.4", "server": {"cores": 1}, "executor": {"instances": 1}}
CONTAINER = "spark-kubernetes-driver"


class Connects(Operated):
    def connect(self, name, **spec):
        return self.make(CONNECTS, name, SPEC | spec)

    def told(self, name):
        """State, and reason and message of the condition."""
        status = self.status(CONNECTS, name)
        condition = next((c for c in status.get("conditions", []) if c["type"] == "ServerPodReady"), {})
        return status.get("state", ""), condition.get("reason", ""), condition.get("message", "")

    def tells(self, name, state, reason, text=""):
        self.wait_for(lambda: self.told(name)[:2] == (state, reason) and text in self.told(name)[2],
                      lambda: f"{name} does not get {state} {reason} {text}: {self.told(name)}")

    def server(self, name, but=None):
        """Its pod, once it is there and another one than `but`."""
        def look():
            pod = self.get(PODS, f"{name}-server")
            return pod if pod and pod["metadata"]["uid"] != but and not pod["metadata"].get("deletionTimestamp") else None
        return self.wait_for(look, lambda: f"{name} gets no server: {self.told(name)}")

    def server_is(self, name, ready, started=True, phase="Running", state=None):
        self.set_status(self.server(name), {
            "phase": phase, "podIP": "10.9.8.7", "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": CONTAINER, "image": "spark:4.1.4", "imageID": "", "ready": ready, "started": started,
                                   "restartCount": 0, "state": state or {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]})

    def test_states_from_its_creation_to_its_deletion(self):
        owner = self.connect("sql")
        self.tells("sql", "Provisioning", "ServerPodNotReady")
        pod, service, conf = self.server("sql"), self.get(SERVICES, "sql-server"), self.get(CONFIG_MAPS, "sql-conf")
        for made in (pod, service, conf):
            reference = made["metadata"]["ownerReferences"][0]
            self.assertEqual((reference["uid"], reference["controller"]), (owner["metadata"]["uid"], True))
        self.assertLessEqual(service["spec"]["selector"].items(), pod["metadata"]["labels"].items())
        self.assertEqual([(p["name"], p["port"]) for p in service["spec"]["ports"]],
                         [("driver-rpc", 7078), ("blockmanager", 7079), ("web-ui", 4040), ("spark-connect-server", 15002)])
        self.server_is("sql", ready=False, started=False)
        self.tells("sql", "Provisioning", "ServerPodNotReady", "it is starting")
        self.server_is("sql", ready=True)
        self.tells("sql", "Ready", "ServerPodReady", "Server pod is ready")
        status = self.status(CONNECTS, "sql")
        self.assertEqual(status["server"], {"podName": "sql-server", "podIp": "10.9.8.7", "serviceName": "sql-server"})
        self.assertTrue(status["startTime"] and status["lastUpdateTime"])
        self.server_is("sql", ready=False)
        self.tells("sql", "NotReady", "ServerPodNotReady", "readiness probe")
        self.wait_for(lambda: {"SparkConnectReady", "SparkConnectNotReady"} <= self.reasons("sql"), "events do not tell of its states")
        self.remove(CONNECTS, "sql")
        self.assertIsNone(self.get(PODS, "sql-server"))

    def test_executors_are_counted_by_phase(self):
        self.connect("counted")
        owner = self.server("counted")
        labels = {f"{LABEL}connect-name": "counted", f"{LABEL}launched-by-spark-operator": "true", "spark-role": "executor"}
        reference = {"apiVersion": "v1", "kind": "Pod", "name": "counted-server", "uid": owner["metadata"]["uid"], "controller": True}
        for number in (1, 2):
            self.make(PODS, f"counted-exec-{number}", {"containers": [{"name": "spark-kubernetes-executor", "image": "spark:4.1.4"}]},
                      labels=labels, ownerReferences=[reference])
        self.set_status(self.get(PODS, "counted-exec-1"), {"phase": "Running"})
        self.wait_for(lambda: self.status(CONNECTS, "counted").get("executors") == {"running": 1, "pending": 1},
                      lambda: f"executors are not counted: {self.status(CONNECTS, 'counted')}")

    def test_an_edit_replaces_the_server_and_one_of_the_service_does_not(self):
        self.connect("edited")
        first, service = self.server("edited"), self.get(SERVICES, "edited-server")
        self.server_is("edited", ready=True)
        self.tells("edited", "Ready", "ServerPodReady")
        self.edit(CONNECTS, "edited", {"sparkVersion": "4.1.5", "image": "spark:4.1.5"})
        second = self.server("edited", but=first["metadata"]["uid"])
        self.assertEqual(second["spec"]["containers"][0]["image"], "spark:4.1.5")
        self.assertEqual(second["metadata"]["labels"]["spark-version"], "4.1.5")
        self.server_is("edited", ready=True)
        self.tells("edited", "Ready", "ServerPodReady")
        self.assertEqual(self.get(SERVICES, "edited-server")["metadata"]["uid"], service["metadata"]["uid"])
        self.assertLessEqual(service["spec"]["selector"].items(), second["metadata"]["labels"].items())
        # Of the service alone, first in place, then under another name.
        port = {"name": "sql", "port": 443, "targetPort": 15002}
        self.edit(CONNECTS, "edited", {"server": {"service": {"spec": {"ports": [port]}}}})
        ports = lambda: [p["port"] for p in (self.get(SERVICES, "edited-server") or {"spec": {"ports": []}})["spec"]["ports"]]  # noqa: E731
        self.wait_for(lambda: ports() == [443, 7078, 7079, 4040], lambda: f"the user's port is not there: {ports()}")
        self.edit(CONNECTS, "edited", {"server": {"service": {"metadata": {"name": "edited-front"}}}})
        self.wait_for(lambda: self.get(SERVICES, "edited-front") and not self.get(SERVICES, "edited-server"), "the service keeps its name")
        self.wait_for(lambda: self.status(CONNECTS, "edited")["server"]["serviceName"] == "edited-front", "status names the old service")
        self.assertEqual(self.server("edited")["metadata"]["uid"], second["metadata"]["uid"])
        self.wait_for(lambda: "SparkConnectServerReplaced" in self.reasons("edited"), "no event tells of the server that was replaced")

    def test_a_service_without_a_name_is_called_like_the_server(self):
        self.connect("nameless", server={"cores": 1, "service": {"spec": {"type": "NodePort"}}})
        self.server("nameless")
        service = self.wait_for(lambda: self.get(SERVICES, "nameless-server"), "no service is made")
        self.assertEqual(service["spec"]["type"], "NodePort")

    def test_an_impossible_spec_is_failed_and_recovers(self):
        spec = {key: value for key, value in SPEC.items() if key != "image"}
        self.make(CONNECTS, "impossible", spec)
        self.tells("impossible", "Failed", "InvalidSpec", "spec.image: is required")
        self.assertIsNone(self.get(PODS, "impossible-server"))
        self.edit(CONNECTS, "impossible", {"image": "spark:4.1.4"})
        self.tells("impossible", "Provisioning", "ServerPodNotReady")
        # A server that runs outlives an edit that no server can be made of.
        running = self.server("impossible")
        self.edit(CONNECTS, "impossible", {"image": None})
        self.tells("impossible", "Failed", "InvalidSpec", "the server of the earlier spec runs on")
        self.assertEqual(self.server("impossible")["metadata"]["uid"], running["metadata"]["uid"])

    def test_a_pod_of_its_name_that_is_not_its_own_is_left_alone(self):
        pod = self.make(PODS, "taken-server", {"containers": [{"name": "main", "image": "something:1"}]})
        self.connect("taken")
        self.tells("taken", "Failed", "NameTaken", "belongs to nobody we know")
        self.assertEqual(self.get(PODS, "taken-server")["metadata"]["uid"], pod["metadata"]["uid"])
        self.remove(PODS, "taken-server")
        self.tells("taken", "Provisioning", "ServerPodNotReady")

    def test_a_server_that_was_to_end_is_failed_when_it_has(self):
        self.connect("ending", server={"cores": 1, "template": {"spec": {"restartPolicy": "Never"}}})
        ended = {"exitCode": 1, "reason": "Error", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}
        self.server_is("ending", ready=False, started=False, phase="Failed", state={"terminated": ended})
        self.tells("ending", "Failed", "ServerPodEnded", "exit code 1")

    def test_a_server_that_somebody_deletes_comes_again(self):
        self.connect("steady")
        first = self.server("steady")
        self.call("DELETE", f"{PODS}/steady-server")
        self.server("steady", but=first["metadata"]["uid"])
        self.tells("steady", "Provisioning", "ServerPodNotReady")


if __name__ == "__main__":
    run_suite(Connects)

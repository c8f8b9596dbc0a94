#!/usr/bin/env python3
"""Spark Connect: a server of real Spark comes up under the process kubelet, and Python's client, in a pod of its own, reaches
it by the service's name on the service's port and gets rows that executors have made. An edit of the spec replaces the
server; the client finds the new one under the same name. Deletion leaves nothing.

    test/run.sh e2e                     Spark 4.1 on a real API server
    test/run.sh e2e --all               4.1 on the embedded one, too, and 3.5 on both, with the jar of Maven Central

What it wants besides e2e's own: CONNECT_CLIENT_4_1 (and _3_5), folders of test/lib/fetch_connect_client.sh, and
CONNECT_JAR_3_5, of fetch_connect_jar.sh.
"""

import json
import os
import re
import time
import unittest

from cells import VERSIONS, Cell
from cluster import processes_with
from joined_cluster import JoinedCluster

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "sql"
SERVICE = "sql-connect"
PLACES = [("4.1", "real", True), ("4.1", "embedded", False), ("3.5", "real", False), ("3.5", "embedded", False)]
ROWS = [[k, 143 if k < 6 else 142] for k in range(7)]


def connect(spark, partitions):
    """Pods of one machine share its addresses, so everything binds to the pod's own. 3.5 has no connect jar."""
    conf = {"spark.driver.bindAddress": "$(POD_IP)", "spark.sql.shuffle.partitions": str(partitions),
            "spark.connect.grpc.binding.address": "$(POD_IP)", "spark.ui.enabled": "false"}
    template = {"spec": {"serviceAccountName": "spark-operator-spark", "containers": [{"name": "spark-kubernetes-driver"}]}}
    executor = {"spec": {"containers": [{"name": "spark-kubernetes-executor"}]}}
    if spark == "3.5":
        conf["spark.jars"] = "local:///connect/connect.jar"
        for pod in (template, executor):
            pod["spec"]["volumes"] = [{"name": "connect", "hostPath": {"path": os.environ["CONNECT_JAR_3_5"], "type": "File"}}]
            pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "connect", "mountPath": "/connect/connect.jar", "readOnly": True}]
    return json.dumps({
        "apiVersion": "sparkoperator.k8s.io/v1alpha1", "kind": "SparkConnect", "metadata": {"name": NAME, "namespace": "default"},
        "spec": {"sparkVersion": VERSIONS[spark], "image": f"spark:{VERSIONS[spark]}", "sparkConf": conf,
                 "server": {"cores": 1, "memory": "512m", "template": template,
                            "service": {"metadata": {"name": SERVICE},
                                        "spec": {"ports": [{"name": "grpc", "port": 15002, "targetPort": 15002}]}}},
                 "executor": {"cores": 1, "memory": "512m", "instances": 1, "template": executor}}})


def client(spark):
    folder = os.environ["CONNECT_CLIENT_" + spark.replace(".", "_")]
    return json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "namespace": "default"},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
                 "containers": [{"name": "client", "image": f"spark:{VERSIONS[spark]}",
                                 "command": ["python3", "-B", "/client/connect_client.py", f"sc://{SERVICE}:15002"],
                                 "env": [{"name": "PYTHONPATH", "value": "/connect-client"}],
                                 "volumeMounts": [{"name": "client", "mountPath": "/client"},
                                                  {"name": "packages", "mountPath": "/connect-client", "readOnly": True}]}],
                 "volumes": [{"name": "client", "configMap": {"name": "client"}},
                             {"name": "packages", "hostPath": {"path": folder, "type": "Directory"}}]}})


class Connect(unittest.TestCase):
    def test_connect(self):
        for spark, server, in_ci in PLACES:
            if in_ci or os.environ.get("E2E_ALL") == "1":
                begin = time.monotonic()
                with self.subTest(f"Spark {spark} on the {server} server"):
                    self.serve(spark, server)
                    print(f"ok {time.monotonic() - begin:5.1f} s  a Connect server of Spark {spark} on the {server} API server", flush=True)

    def serve(self, spark, server):
        with JoinedCluster(server) as cluster, cluster.operator(Cell(spark, "python", "native", server, False).spark_home, False):
            self.cluster = cluster
            try:
                cluster.kubectl("create", "configmap", "client", f"--from-file={HERE}/connect_client.py")
                cluster.kubectl("apply", "-f", "-", text=connect(spark, 2))
                cluster.kubectl("apply", "-f", "-", text=client(spark))
                first = self.ready()
                self.rows_with(spark, "2")
                self.status_tells_of_executors()
                cluster.kubectl("apply", "-f", "-", text=connect(spark, 3))
                second = self.ready(after=first)
                self.rows_with(spark, "3")
                self.the_service_leads_to(second)
                self.states_were_told()
            except AssertionError:
                for pod in (f"{NAME}-server", "client"):
                    print(f"--- {pod}\n" + "".join(cluster.try_kubectl("logs", pod, "--tail=60")[1:]))
                print(json.dumps((cluster.get("sparkconnect", NAME) or {}).get("status"), indent=1))
                raise
            self.nothing_is_left()
            self.assertEqual(cluster.refusals(), [])

    def ready(self, after=None):
        """The server's pod, once SparkConnect says Ready and it is another one than `after`."""
        def fact():
            status = (self.cluster.get("sparkconnect", NAME) or {}).get("status") or {}
            pod = self.cluster.get("pod", f"{NAME}-server")
            if status.get("state") == "Ready" and pod and pod["metadata"]["uid"] != after and not pod["metadata"].get("deletionTimestamp"):
                return pod["metadata"]["uid"]
            self.assertNotEqual(status.get("state"), "Failed", json.dumps(status))
            return None
        return self.cluster.wait_for(fact, "the server never became ready")

    def rows_with(self, spark, partitions):
        def fact():
            said = self.cluster.try_kubectl("logs", "client", "--tail=20")[1]
            lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
            return [line for line in lines if line["partitions"] == partitions][-1:]
        got = self.cluster.wait_for(fact, f"the client got no rows from the server with {partitions} partitions")[0]
        self.assertEqual((got["version"], got["rows"]), (VERSIONS[spark], ROWS))

    def status_tells_of_executors(self):
        status = self.cluster.wait_for(
            lambda: [s for s in [self.cluster.get("sparkconnect", NAME)["status"]] if s.get("executors") == {"running": 1}],
            "status does not count one running executor")[0]
        pod = self.cluster.get("pod", f"{NAME}-server")
        self.assertEqual(status["server"], {"podName": f"{NAME}-server", "podIp": pod["status"]["podIP"], "serviceName": SERVICE})
        condition = status["conditions"][0]
        self.assertEqual((condition["type"], condition["status"]), ("ServerPodReady", "True"))

    def the_service_leads_to(self, uid):
        pod, service = self.cluster.get("pod", f"{NAME}-server"), self.cluster.get("service", SERVICE)
        self.assertEqual(pod["metadata"]["uid"], uid)
        for key, value in service["spec"]["selector"].items():
            self.assertEqual(pod["metadata"]["labels"][key], value)
        self.assertEqual(service["spec"]["ports"][0]["name"], "grpc")
        self.assertEqual(len(service["spec"]["ports"]), 4)

    def states_were_told(self):
        reasons = {e["reason"] for e in self.cluster.list("events") if e["involvedObject"]["kind"] == "SparkConnect"}
        self.assertLessEqual({"SparkConnectReady", "SparkConnectServerReplaced"}, reasons)

    def nothing_is_left(self):
        """The server ends well within its grace period: its hook stops Spark, which ends its executors."""
        said = self.cluster.try_kubectl("logs", f"{NAME}-server", "--tail=-1")[1]
        application = re.search(r"spark-[0-9a-f]{32}", said)
        begin = time.monotonic()
        self.cluster.kubectl("delete", "pod", "client")
        self.cluster.kubectl("delete", "sparkconnect", NAME)

        def left():
            found = [f"{kind}/{o['metadata']['name']}" for kind in ("pods", "services", "configmaps")
                     for o in self.cluster.list(kind, f"sparkoperator.k8s.io/connect-name={NAME}")]
            return found + [f"process {pid}" for pid in (processes_with(application.group()) if application else [])]
        self.cluster.wait_for(lambda: not left(), f"left: {left()}", limit=120)
        print(f"   gone after {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)

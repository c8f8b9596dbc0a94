#!/usr/bin/env python3
"""Executors are their driver's work, whoever made the driver: one application, which shuffles through emptyDir scratch space,
runs to its end natively submitted and spark-submitted, with Spark 3.5 and 4.1, and with 4.1 also by a submission service; the
executor pods that the drivers ask the API server for are equal (test/parity/normalise.py says what may differ, and why). Without
a webhook, so that what the application asks for and Spark has no property for is in the drivers' own template.

    test/e2e/executors_test.py           # SPARK_OPERATOR, SPARKCTL, KUBECTL, EMBEDDED_API_SERVER
"""

import json
import os
import sys
import time
import unittest

from cells import VERSIONS, Cell
from cluster import DriverWatch
from joined_cluster import USER, JoinedCluster
from submission_service import SubmissionService

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "parity"))
from normalise import differences, normalised_executors  # noqa: E402

SUBMITTERS = {"3.5": ("native", "spark-submit"), "4.1": ("native", "spark-submit", "rest")}
EXECUTORS = {"1", "2"}
# Of the application, and of Spark itself.
ENVIRONMENT = {"PLAIN", "OTHER", "SPARK_DRIVER_POD_IP"}
SUBMISSION = "sparkoperator.k8s.io/submission-id"
SCRATCH = "/scratch/one"


def application(name, spark, submitter):
    mounts = [{"name": "spark-local-dir-1", "mountPath": SCRATCH}]
    maps = [{"name": f"{name}-job", "path": "/job"}]
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
        "metadata": {"name": name, "namespace": "default", "labels": {"team": "numbers"},
                     "annotations": {"sparkoperator.k8s.io/submitter": submitter}},
        "spec": {
            "type": "Python", "mode": "cluster", "sparkVersion": VERSIONS[spark], "image": f"spark:{VERSIONS[spark]}",
            "imagePullPolicy": "IfNotPresent", "mainApplicationFile": "local:///job/shuffle.py", "restartPolicy": {"type": "Never"},
            # Its files are looked for at the end.
            "sparkConf": {"spark.sql.shuffle.partitions": "8", "spark.cleaner.referenceTracking": "false",
                          "spark.executor.extraJavaOptions": "-Done=1 -Dtwo=2"},
            "volumes": [{"name": "spark-local-dir-1", "emptyDir": {"sizeLimit": "2Gi"}}, {"name": "more", "emptyDir": {}}],
            "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark-operator-spark", "configMaps": maps, "volumeMounts": mounts},
            "executor": {
                "instances": len(EXECUTORS), "cores": 1, "coreRequest": "200m", "memory": "512m", "memoryOverhead": "400m",
                "labels": {"role": "worker"}, "annotations": {"note": "two words"},
                "env": [{"name": "GREETING", "value": "hello"}, {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "envVars": {"PLAIN": "x", "OTHER": "y"},
                "configMaps": maps, "volumeMounts": [*mounts, {"name": "more", "mountPath": "/more"}],
                "tolerations": [{"key": "e2e", "operator": "Exists"}], "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["nobody"]}],
                "terminationGracePeriodSeconds": 20,
            },
        },
    }


class Executors(unittest.TestCase):
    def test_all_submitters(self):
        with JoinedCluster("embedded") as cluster:
            for spark, submitters in SUBMITTERS.items():
                home = Cell(spark, "python", "native", "embedded", False).spark_home
                with self.subTest(f"Spark {spark}"), SubmissionService(home, {**cluster.operators.environment(), "SPARK_USER": USER}) as service:
                    gate = ["--feature-gates=RestSubmitter=true", f"--submitter-service-url={service.url}"] if "rest" in submitters else []
                    with cluster.operator(home, False, *gate):
                        executors = {submitter: self.run_job(cluster, spark, submitter) for submitter in submitters}
                        # Of those that asked for it, and once.
                        self.assertEqual(len(service.asked), submitters.count("rest"))
                    for submitter in submitters[1:]:
                        self.same(executors["native"], executors[submitter], submitter)

    def same(self, natively, otherwise, submitter):
        self.assertLessEqual(EXECUTORS, set(natively))
        self.assertLessEqual(EXECUTORS, set(otherwise))
        for executor in sorted(EXECUTORS):
            found = differences(natively[executor], otherwise[executor])
            self.assertEqual([f"{path}: {a} natively, {b} by {submitter}" for path, a, b in found], [])
            # What is compared is there.
            spark = next(c for c in natively[executor]["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
            self.assertIn({"name": "GREETING", "value": "hello"}, spark["env"])
            self.assertIn(SCRATCH, [mount["mountPath"] for mount in spark["volumeMounts"]])
            self.assertEqual(natively[executor]["spec"]["tolerations"][0]["key"], "e2e")

    def run_job(self, cluster, spark, submitter):
        """The executors of one run, by their ids."""
        name, begin = f"shuffle-{spark.replace('.', '-')}", time.monotonic()
        with open(os.path.join(HERE, "shuffle.py")) as f:
            job = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-job", "namespace": "default"},
                   "data": {"shuffle.py": f.read()}}
        with DriverWatch(cluster) as drivers:
            try:
                for made in (job, application(name, spark, submitter)):
                    cluster.kubectl("apply", "-f", "-", text=json.dumps(made))
                app = cluster.wait_for_state(name, "COMPLETED")
                self.assertRegex(cluster.driver_log(app), r"shuffled 400000 rows: 1009 keys, 400000 values, in \['/scratch/one'\]")
                driver = cluster.get("pod", f"{name}-driver")
                self.assertEqual(driver["metadata"].get("annotations", {}).get("sparkoperator.k8s.io/submitted-by", "native"), submitter)
                executors = self.asked_for(cluster, app, driver)
            finally:
                cluster.kubectl("delete", f"sparkapplication/{name}", f"configmap/{name}-job", "--ignore-not-found")
            cluster.wait_for(lambda: not cluster.list("pods", f"sparkoperator.k8s.io/app-name={name}"), f"pods of {name} are left", limit=120)
            self.assertEqual(drivers.overlaps, [])
        print(f"ok {time.monotonic() - begin:5.1f} s  shuffle, Spark {spark}, {submitter}", flush=True)
        return executors

    def asked_for(self, cluster, app, driver):
        attempt = app["status"]["submissionID"]
        pods = []
        for event in cluster.history().events:
            about, asked = event.get("objectRef") or {}, event.get("requestObject") or {}
            if event["verb"] != "create" or about.get("resource") != "pods" or about.get("subresource"):
                continue
            labels = asked.get("metadata", {}).get("labels", {})
            if labels.get("spark-role") == "executor" and labels.get(SUBMISSION) == attempt:
                pods.append(asked)
        return normalised_executors(pods, {attempt: "ATTEMPT", app["metadata"]["uid"]: "UID-OF-APPLICATION",
                                           driver["metadata"]["uid"]: "UID-OF-DRIVER",
                                           json.dumps(driver["status"]["podIP"]): '"IP-OF-DRIVER"'}, ENVIRONMENT)


if __name__ == "__main__":
    unittest.main(verbosity=2)

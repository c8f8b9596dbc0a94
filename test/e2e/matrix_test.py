#!/usr/bin/env python3
"""Each cell of the matrix (cells.py): Pi by that Spark, language and submitter, on that API server, with or without the
webhook. What its user sees at the end, the events, the driver's log, who made the driver, what has become of driver and executor
pods on their way; that nothing stays when it is deleted, and that nothing was forbidden. One control plane serves the cells of
a server, one operator those that have Spark version and webhook in common, one application after the other.

    test/run.sh e2e                    six cells that meet all pairs of columns
    test/run.sh e2e --all              all sixteen
    test/e2e/matrix_test.py "4.1, java"                           # only cells whose words have this
"""

import os
import sys
import time
import unittest
from itertools import groupby

from cells import TOLERATION, chosen
from cluster import DriverWatch, processes_with, state_of
from joined_cluster import JoinedCluster

# By which user agent a driver's pod is made.
MAKERS = {"native": "spark-operator", "spark-submit": "fabric8"}
REASONS = {"SparkApplicationSubmitted", "SparkDriverRunning", "SparkDriverCompleted", "SparkApplicationCompleted",
           "SparkExecutorRunning"}
# Of which a user is told who asks for what only a webhook can do where none is.
WEBHOOK_NEEDED = "SparkPodWebhookNeeded"


class Matrix(unittest.TestCase):
    words = ""

    def test_matrix(self):
        cells = [c for c in chosen(os.environ.get("E2E_ALL") == "1") if self.words in str(c)]
        self.assertTrue(cells, f"no cell has '{self.words}'")
        for server in sorted({c.server for c in cells}):
            with JoinedCluster(server) as cluster:
                self.run_on(cluster, [c for c in cells if c.server == server])
                with self.subTest(f"refusals of the {server} server"):
                    self.assertEqual(cluster.refusals(), [])

    def run_on(self, cluster, cells):
        def place(cell):
            return cell.spark_home, cell.webhook
        for (spark_home, webhook), group in groupby(sorted(cells, key=place), place):
            with cluster.operator(spark_home, webhook):
                for cell in group:
                    begin = time.monotonic()
                    with self.subTest(str(cell)):
                        Pi(self, cluster, cell).run()
                        print(f"ok {time.monotonic() - begin:5.1f} s  {cell}", flush=True)
            self.assertEqual(os.listdir(cluster.scratch), [], "left in the temporary folder")


class Pi:
    def __init__(self, test, cluster, cell):
        self.test, self.cluster, self.cell, self.name = test, cluster, cell, cell.name

    def run(self):
        reviewed = self.pod_reviews()
        with DriverWatch(self.cluster) as pods:
            self.cluster.kubectl("apply", "-f", "-", text=self.cell.manifest())
            try:
                app = self.cluster.wait_for_state(self.name, "COMPLETED")
                self.check_status(app)
                self.check_defaults(app)
                self.check_driver(app)
                self.check_executors(pods, app)
                self.check_events()
                self.test.assertRegex(self.cluster.driver_log(app), r"Pi is roughly 3\.1\d*")
            finally:
                self.cluster.kubectl("delete", "sparkapplication", self.name, "--ignore-not-found")
            self.nothing_is_left(app["status"])
            self.test.assertEqual(len(pods.of(self.name)), 1)
            self.test.assertEqual(pods.overlaps, [])
            if self.cell.webhook:
                self.test.assertGreaterEqual(self.pod_reviews() - reviewed, 1 + len(pods.executors_of(self.name)))

    def pod_reviews(self):
        return self.cluster.webhook.reviews("/mutate--v1-pod") if self.cell.webhook else 0

    def check_defaults(self, app):
        """Only a webhook writes them into an application."""
        for role in ("driver", "executor"):
            self.test.assertEqual(app["spec"][role].get("cores"), 1 if self.cell.webhook else None)

    def check_status(self, app):
        status, test = app["status"], self.test
        test.assertEqual(state_of(app), "COMPLETED")
        test.assertEqual((status["submissionAttempts"], status["executionAttempts"]), (1, 1))
        test.assertEqual(status["driverInfo"]["podName"], f"{self.name}-driver")
        test.assertTrue(status["executorState"])
        # Also those that end by SIGTERM because their driver, on its way out, deletes their pods.
        test.assertEqual(set(status["executorState"].values()), {"COMPLETED"})
        test.assertTrue(status["sparkApplicationId"].startswith("spark-"))
        test.assertLessEqual(status["lastSubmissionAttemptTime"], status["terminationTime"])

    def check_driver(self, app):
        pod, test = self.cluster.get("pod", f"{self.name}-driver"), self.test
        test.assertEqual(pod["status"]["phase"], "Succeeded")
        test.assertEqual(pod["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"], app["status"]["submissionID"])
        owner = next(o for o in pod["metadata"]["ownerReferences"] if o["kind"] == "SparkApplication")
        test.assertEqual(owner["uid"], app["metadata"]["uid"])
        self.check_mutations(pod, "spark-kubernetes-driver", self.cell.driver_limit)
        maker = self.cluster.maker_of("default", f"{self.name}-driver")
        test.assertTrue(maker and maker.startswith(MAKERS[self.cell.submitter]), f"the driver was made by {maker}")
        test.assertEqual(self.cluster.list("pods", f"spark-role=executor,sparkoperator.k8s.io/app-name={self.name}"), [])

    def check_executors(self, pods, app):
        count = len(app["status"]["executorState"])
        self.cluster.wait_for(lambda: len(pods.executors_of(self.name)) == count, f"there were not {count} executors", limit=30)
        for pod in pods.executors_of(self.name):
            self.check_mutations(pod, "spark-kubernetes-executor", self.cell.executor_limit)

    def check_mutations(self, pod, container, limit):
        """Whoever made them, once; and those that only the webhook can make if it is there."""
        ours = [t for t in pod["spec"].get("tolerations", []) if t.get("key") == TOLERATION]
        self.test.assertEqual(ours, [{"key": TOLERATION, "operator": "Exists"}])
        spark = next(c for c in pod["spec"]["containers"] if c["name"] == container)
        self.test.assertEqual(spark["resources"]["limits"]["memory"], limit, pod["metadata"]["name"])
        self.test.assertIs(pod["spec"]["enableServiceLinks"], False)

    def check_events(self):
        def reasons():
            return {e["reason"] for e in self.cluster.list("events")
                    if e["involvedObject"]["kind"] == "SparkApplication" and e["involvedObject"]["name"] == self.name}
        self.cluster.wait_for(lambda: REASONS <= reasons(), f"events are missing, there are {sorted(reasons())}", limit=60)
        self.test.assertEqual(WEBHOOK_NEEDED in reasons(), not self.cell.webhook)

    def nothing_is_left(self, status):
        application_id = status["sparkApplicationId"]
        labels = (f"sparkoperator.k8s.io/app-name={self.name}", f"spark-app-selector={application_id}")

        def remaining():
            left = [f"{kind}/{o['metadata']['name']}" for kind in ("pods", "services", "configmaps", "persistentvolumeclaims")
                    for selector in labels for o in self.cluster.list(kind, selector)]
            left += [f"{kind}/{o['metadata']['name']}" for kind in ("services", "configmaps") for o in self.cluster.list(kind)
                     if any(owner["name"] in (self.name, f"{self.name}-driver") for owner in o["metadata"].get("ownerReferences", []))]
            # Of spark-submit's process.
            left += [folder for folder in [f"/tmp/spark/{status['submissionID']}"] if os.path.exists(folder)]
            return left + [f"process {pid}" for pid in processes_with(application_id)]
        self.cluster.wait_for(lambda: not remaining(), f"something of {self.name} is left: {remaining()}", limit=120)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        Matrix.words = sys.argv.pop(1)
        os.environ["E2E_ALL"] = "1"
    unittest.main(verbosity=2)

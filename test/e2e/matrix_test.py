#!/usr/bin/env python3
"""Each cell of the matrix (cells.py): Pi by that Spark, language and submitter, on that API server, with or without the
webhook. What its user sees at the end, the events, the driver's log, who made the driver; and that nothing stays when it is
deleted. One cluster serves the cells that have server and Spark version in common, one application after the other.

    test/run.sh e2e                    six cells that meet all pairs of columns
    test/run.sh e2e --all              all sixteen
    test/e2e/matrix_test.py "4.1, java"                           # only cells whose words have this
"""

import os
import sys
import unittest

from cells import chosen
from cluster import DriverWatch, processes_with, state_of
from joined_cluster import JoinedCluster

# By which user agent a driver's pod is made.
MAKERS = {"native": "spark-operator", "spark-submit": "fabric8"}
REASONS = {"SparkApplicationSubmitted", "SparkDriverRunning", "SparkDriverCompleted", "SparkApplicationCompleted",
           "SparkExecutorRunning"}


class Matrix(unittest.TestCase):
    words = ""

    def test_matrix(self):
        cells = [c for c in chosen(os.environ.get("E2E_ALL") == "1") if self.words in str(c)]
        self.assertTrue(cells, f"no cell has '{self.words}'")
        for place in sorted({(c.server, c.spark_home) for c in cells}):
            with JoinedCluster(*place) as cluster:
                for cell in [c for c in cells if (c.server, c.spark_home) == place]:
                    with self.subTest(str(cell)):
                        Pi(self, cluster, cell).run()
                        print(f"ok: {cell}", flush=True)
                with self.subTest(f"refusals of the {place[0]} server"):
                    self.assertEqual(cluster.refusals(), [])


class Pi:
    def __init__(self, test, cluster, cell):
        self.test, self.cluster, self.cell, self.name = test, cluster, cell, cell.name

    def run(self):
        with DriverWatch(self.cluster) as drivers:
            self.cluster.kubectl("apply", "-f", "-", text=self.cell.manifest())
            try:
                app = self.cluster.wait_for_state(self.name, "COMPLETED")
                self.check_status(app)
                self.check_driver(app)
                self.check_events()
                self.test.assertRegex(self.cluster.driver_log(app), r"Pi is roughly 3\.1\d*")
            finally:
                self.cluster.kubectl("delete", "sparkapplication", self.name, "--ignore-not-found")
            self.nothing_is_left(app["status"]["sparkApplicationId"])
            self.test.assertEqual(len(drivers.of(self.name)), 1)
            self.test.assertEqual(drivers.overlaps, [])

    def check_status(self, app):
        status, test = app["status"], self.test
        test.assertEqual(state_of(app), "COMPLETED")
        test.assertEqual((status["submissionAttempts"], status["executionAttempts"]), (1, 1))
        test.assertEqual(status["driverInfo"]["podName"], f"{self.name}-driver")
        test.assertTrue(status["executorState"])
        # A driver that stops asks its executors to end and deletes their pods: which comes first decides about the exit code.
        test.assertLessEqual(set(status["executorState"].values()), {"COMPLETED", "FAILED"})
        test.assertTrue(status["sparkApplicationId"].startswith("spark-"))
        test.assertLessEqual(status["lastSubmissionAttemptTime"], status["terminationTime"])

    def check_driver(self, app):
        pod, test = self.cluster.get("pod", f"{self.name}-driver"), self.test
        test.assertEqual(pod["status"]["phase"], "Succeeded")
        test.assertEqual(pod["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"], app["status"]["submissionID"])
        owner = next(o for o in pod["metadata"]["ownerReferences"] if o["kind"] == "SparkApplication")
        test.assertEqual(owner["uid"], app["metadata"]["uid"])
        maker = self.cluster.maker_of("default", f"{self.name}-driver")
        test.assertTrue(maker and maker.startswith(MAKERS[self.cell.submitter]), f"the driver was made by {maker}")
        test.assertEqual(self.cluster.list("pods", f"spark-role=executor,sparkoperator.k8s.io/app-name={self.name}"), [])

    def check_events(self):
        def reasons():
            return {e["reason"] for e in self.cluster.list("events")
                    if e["involvedObject"]["kind"] == "SparkApplication" and e["involvedObject"]["name"] == self.name}
        self.cluster.wait_for(lambda: REASONS <= reasons(), f"events are missing, there are {sorted(reasons())}", limit=60)

    def nothing_is_left(self, application_id):
        labels = (f"sparkoperator.k8s.io/app-name={self.name}", f"spark-app-selector={application_id}")

        def remaining():
            left = [f"{kind}/{o['metadata']['name']}" for kind in ("pods", "services", "configmaps", "persistentvolumeclaims")
                    for selector in labels for o in self.cluster.list(kind, selector)]
            left += [f"{kind}/{o['metadata']['name']}" for kind in ("services", "configmaps") for o in self.cluster.list(kind)
                     if any(owner["name"] in (self.name, f"{self.name}-driver") for owner in o["metadata"].get("ownerReferences", []))]
            return left + [f"process {pid}" for pid in processes_with(application_id)]
        self.cluster.wait_for(lambda: not remaining(), f"something of {self.name} is left: {remaining()}", limit=120)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        Matrix.words = sys.argv.pop(1)
        os.environ["E2E_ALL"] = "1"
    unittest.main(verbosity=2)

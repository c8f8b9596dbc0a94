#!/usr/bin/env python3
"""A schedule of one run a minute: real Spark computes Pi three times, each run made on its minute and once, and of those that
have completed no more are kept than the history limit says. On a real API server.

    test/e2e/schedule_test.py           # SPARK_OPERATOR, SPARKCTL, KUBECTL
"""

import json
import unittest
from datetime import datetime

from cells import Cell
from cluster import DriverWatch, state_of
from joined_cluster import JoinedCluster

NAME = "pi-every-minute"
RUNS, KEPT = 3, 2
SCHEDULE = {
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication", "metadata": {"name": NAME, "namespace": "default"},
    "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "successfulRunHistoryLimit": KEPT,
             # A minute that this machine is too slow for is made up for.
             "startingDeadlineSeconds": 300, "catchUpPolicy": "All",
             "template": {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
                          "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "arguments": ["1"],
                          "restartPolicy": {"type": "Never"},
                          "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark-operator-spark"},
                          "executor": {"instances": 1, "cores": 1, "memory": "512m"}}}}


class Schedule(unittest.TestCase):
    def test_a_schedule_of_one_run_a_minute(self):
        spark_home = Cell("3.5", "python", "native", "real", False).spark_home
        precision = "--scheduled-spark-application-timestamp-precision=minutes"
        with JoinedCluster("real") as cluster, cluster.operator(spark_home, False, precision), DriverWatch(cluster) as drivers:
            self.cluster, self.seen = cluster, {}
            cluster.kubectl("apply", "-f", "-", text=json.dumps(SCHEDULE))
            try:
                cluster.wait_for(lambda: self.completed() >= RUNS, f"there were not {RUNS} runs")
                cluster.kubectl("patch", "scheduledsparkapplication", NAME, "--type=merge", "-p", '{"spec": {"suspend": true}}')
                cluster.wait_for(lambda: len(self.look()) == KEPT and self.all_ended(), f"not {KEPT} runs are kept: {self.seen}")
                kept = sorted(run["metadata"]["name"] for run in self.look())
                status = cluster.get("scheduledsparkapplication", NAME)["status"]
                self.assertEqual(sorted(status["pastSuccessfulRunNames"]), kept)
                self.assertEqual(status["lastRunName"], max(self.seen))
                self.one_run_each_minute(drivers)
                for run in self.look():
                    self.assertRegex(cluster.driver_log(run), r"Pi is roughly 3\.\d*")
            finally:
                cluster.kubectl("delete", "scheduledsparkapplication", NAME, "--ignore-not-found")
            cluster.wait_for(lambda: not self.look() and not cluster.list("pods", "spark-role=driver"), "runs stay behind", limit=120)
            self.assertEqual(cluster.refusals(), [])

    def look(self):
        """The runs that are there; remembers each with the state that it was last seen in."""
        runs = self.cluster.list("sparkapplications", f"sparkoperator.k8s.io/scheduled-app-name={NAME}")
        for run in runs:
            self.seen[run["metadata"]["name"]] = (state_of(run), run["metadata"]["creationTimestamp"])
            self.assertNotIn(state_of(run), ("FAILED", "SUBMISSION_FAILED"), json.dumps(run.get("status")))
        return runs

    def completed(self):
        self.assertLessEqual(len([r for r in self.look() if state_of(r) == "COMPLETED"]), KEPT + 1)   # one is just being pruned
        return len([state for state, _ in self.seen.values() if state == "COMPLETED"])

    def all_ended(self):
        return all(state == "COMPLETED" for state, _ in self.seen.values())

    def one_run_each_minute(self, drivers):
        """A run is named after its minute, starts no earlier, and has one driver."""
        minutes = sorted(int(name.rsplit("-", 1)[1]) for name in self.seen)
        self.assertEqual(minutes, list(range(minutes[0], minutes[0] + len(minutes))))
        for name, (_, created) in self.seen.items():
            self.assertGreaterEqual(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp(), 60 * int(name.rsplit("-", 1)[1]))
            self.assertEqual(len(drivers.of(name)), 1, name)
        self.assertEqual(drivers.overlaps, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

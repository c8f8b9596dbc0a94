#!/usr/bin/env python3
"""Real Spark, real kubectl, on the embedded control plane: what a user sees from apply to the end.

One cluster serves all tests; applications run one at a time, as two cores want it. Run one test by its name:
    SPARKCTL=build/release/cmd/sparkctl test/e2e/e2e_test.py EndToEnd.test_pi
"""

import os
import tempfile
import time
import unittest

from cluster import APP_LIMIT, DriverWatch, processes_with, state_of
from local_cluster import LocalCluster

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
EXAMPLES = os.path.join(TOP, "deploy", "examples")
APP_NAME = "sparkoperator.k8s.io/app-name"


def example(name, change={}):
    """An example's text with each key of `change`, which must occur in it, replaced by its value."""
    with open(os.path.join(EXAMPLES, name)) as f:
        text = f.read()
    for old, new in change.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(LocalCluster())

    def setUp(self):
        self.drivers = self.enterContext(DriverWatch(self.cluster))

    def apply(self, text):
        self.cluster.kubectl("apply", "-f", "-", text=text)

    def delete(self, name):
        self.cluster.kubectl("delete", "sparkapplication", name, "--ignore-not-found")

    def assert_nothing_of(self, name, application_id):
        """Objects and processes of an application that is gone are gone too."""
        def remaining():
            left = [f"{kind}/{o['metadata']['name']}" for kind in ("pods", "services", "configmaps")
                    for selector in (f"{APP_NAME}={name}", f"spark-app-selector={application_id}")
                    for o in self.cluster.list(kind, selector)]
            left += [f"{kind}/{o['metadata']['name']}" for kind in ("services", "configmaps")
                     for o in self.cluster.list(kind)
                     if any(owner["name"] in (name, f"{name}-driver") for owner in o["metadata"].get("ownerReferences", []))]
            return left + [f"process {pid}" for pid in processes_with(application_id)]
        self.cluster.wait_for(lambda: not remaining(), f"something of {name} is left: {remaining()}", limit=90)

    def test_pi(self):
        said = self.cluster.sparkctl("local", "run", os.path.join(EXAMPLES, "spark-pi.yaml"), limit=APP_LIMIT)
        self.addCleanup(self.delete, "spark-pi")
        self.assertRegex(said, r"Pi is roughly 3\.1\d*")

        app = self.cluster.get("sparkapplication", "spark-pi")
        status = app["status"]
        self.assertEqual(state_of(app), "COMPLETED")
        self.assertEqual(status["driverInfo"]["podName"], "spark-pi-driver")
        self.assertEqual((status["submissionAttempts"], status["executionAttempts"]), (1, 1))
        self.assertEqual(len(status["executorState"]), 2)
        # Also those that end by SIGTERM because their driver, on its way out, deletes their pods.
        self.assertEqual(set(status["executorState"].values()), {"COMPLETED"})
        self.assertTrue(status["sparkApplicationId"].startswith("spark-"))
        self.assertLessEqual(status["lastSubmissionAttemptTime"], status["terminationTime"])
        self.assertRegex(status["submissionID"], r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
        self.assertIn("Pi is roughly", self.cluster.driver_log(app))

        pod = self.cluster.get("pod", "spark-pi-driver")
        self.assertEqual(pod["status"]["phase"], "Succeeded")
        self.assertEqual(pod["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"], status["submissionID"])
        owner = pod["metadata"]["ownerReferences"][0]
        self.assertEqual((owner["kind"], owner["uid"]), ("SparkApplication", app["metadata"]["uid"]))
        self.assertEqual(self.cluster.list("pods", "spark-role=executor"), [])
        self.assertEqual(len(self.drivers.of("spark-pi")), 1)

        table = self.cluster.kubectl("get", "sparkapplications").splitlines()
        self.assertEqual(table[0].split(), ["NAME", "SUSPEND", "STATUS", "ATTEMPTS", "START", "FINISH", "AGE"])
        self.assertRegex(table[1], r"^spark-pi\s.*COMPLETED\s+1\s")
        self.assertIn("COMPLETED", self.cluster.kubectl("describe", "sparkapplication", "spark-pi"))
        self.assertIn("spark-pi-driver", self.cluster.kubectl("describe", "pod", "spark-pi-driver"))

        self.delete("spark-pi")
        self.assert_nothing_of("spark-pi", status["sparkApplicationId"])

    def test_pi_from_a_jar(self):
        self.apply(example("spark-pi-java.yaml"))
        self.addCleanup(self.delete, "spark-pi-java")
        app = self.cluster.wait_for_state("spark-pi-java", "COMPLETED")
        self.assertRegex(self.cluster.driver_log(app), r"Pi is roughly 3\.1\d*")
        pod = self.cluster.get("pod", "spark-pi-java-driver")
        self.assertEqual(pod["metadata"]["labels"]["team"], "numbers")
        self.assertIn({"name": "GREETING", "value": "hello"}, pod["spec"]["containers"][0]["env"])

    def test_a_driver_that_fails_is_tried_again_and_then_stays_failed(self):
        self.apply(example("spark-pi-failing.yaml"))
        self.addCleanup(self.delete, "spark-pi-failing")
        app = self.cluster.wait_for_state("spark-pi-failing", "FAILED")
        status = app["status"]
        self.assertEqual(status["executionAttempts"], 2)
        self.assertRegex(status["applicationState"]["errorMessage"],
                         r"^driver container failed with ExitCode: 1, Reason: Error \[ExitCode\] .*: ValueError: ")
        self.assertEqual({c["type"]: c["status"] for c in status["conditions"]},
                         {"Ready": "False", "Stalled": "True", "Submitted": "True", "Succeeded": "False"})
        self.assertTrue(status["terminationTime"])
        self.assertIn("ValueError", self.cluster.driver_log(app))
        self.assertEqual(len(self.drivers.of("spark-pi-failing")), 2, "one driver an attempt")
        self.assertEqual(self.drivers.overlaps, [])

    def test_an_application_deleted_while_it_runs_leaves_nothing(self):
        self.apply(example("spark-pi.yaml", change={"name: spark-pi": "name: spark-endless", '"10"': '"100000"'}))
        self.addCleanup(self.delete, "spark-endless")
        app = self.cluster.wait_for_state("spark-endless", "RUNNING")
        application_id = self.cluster.wait_for(
            lambda: self.cluster.get("sparkapplication", "spark-endless")["status"].get("sparkApplicationId"), "no application id")
        self.cluster.wait_for(
            lambda: [p for p in self.cluster.list("pods", f"spark-role=executor,spark-app-selector={application_id}")
                     if p["status"].get("phase") == "Running"], "no executor ever ran")
        self.assertTrue(processes_with(application_id), "a running application has processes")

        self.delete("spark-endless")
        self.assertIsNone(self.cluster.get("sparkapplication", "spark-endless"))
        self.assert_nothing_of("spark-endless", application_id)
        self.assertEqual(len(self.drivers.of("spark-endless")), 1, f"of {app['metadata']['uid']}")

    def test_wrong_types_are_refused_with_their_path_and_nothing_is_kept(self):
        text = example("spark-pi.yaml", change={"name: spark-pi": "name: spark-wrong", "cores: 1\n    memory: 512m\n    serviceAccount":
                                                "cores: two\n    memory: 512m\n    serviceAccount"})
        code, out, err = self.cluster.try_kubectl("apply", "--validate=false", "-f", "-", text=text)
        self.assertNotEqual(code, 0, out)
        self.assertIn("spec.driver.cores", err)
        self.assertIn("integer", err)
        self.assertIsNone(self.cluster.get("sparkapplication", "spark-wrong"))

    def test_a_malformed_file_is_named_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: [name\n")
            file.flush()
            with self.assertRaises(AssertionError) as failed:
                self.cluster.sparkctl("local", "run", file.name)
        self.assertIn(os.path.basename(file.name), str(failed.exception))
        self.assertRegex(str(failed.exception), r"yaml:\d+:\d+: ", "with line and column")

    def test_a_kind_that_nobody_serves_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkAplication\nmetadata: {name: typo}\n")
            file.flush()
            with self.assertRaises(AssertionError) as failed:
                self.cluster.sparkctl("local", "run", file.name)
        self.assertIn("SparkAplication", str(failed.exception))

    def test_zz_down_ends_everything_and_up_works_again(self):
        self.apply(example("spark-pi.yaml", change={"name: spark-pi": "name: spark-cut", '"10"': '"100000"'}))
        self.cluster.wait_for_state("spark-cut", "RUNNING")
        application_id = self.cluster.wait_for(
            lambda: self.cluster.get("sparkapplication", "spark-cut")["status"].get("sparkApplicationId"), "no application id")
        self.drivers.__exit__()  # its kubectl also has the folder's name in its environment
        self.cluster.sparkctl("local", "down")

        def alive():
            return processes_with(self.cluster.folder) + processes_with(application_id)
        deadline = time.monotonic() + 60
        while alive() and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(alive(), [], "processes that outlive `local down`")
        self.cluster.up()
        self.assertIn("default", self.cluster.kubectl("get", "namespaces"))


if __name__ == "__main__":
    unittest.main(verbosity=2)

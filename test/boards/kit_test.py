#!/usr/bin/env python3
"""The load kit (bench/kit): published command lines are understood; a run against the embedded API server, an operator and a node that pretends ends by
itself, with a report that counts what happened; failures count and end it; it deletes what it made and nothing else.

    SPARK_OPERATOR=… PRETEND_KUBELET=… EMBEDDED_API_SERVER=… test/boards/kit_test.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import xml.dom.minidom
from argparse import Namespace

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KIT = os.path.join(TOP, "bench", "kit")
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
sys.path.insert(0, KIT)
import options as kit_options  # noqa: E402
import plot  # noqa: E402
import samples  # noqa: E402
from api import Access  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from users import GROUP, Users, application_of  # noqa: E402

LIMIT = 300
PUBLISHED = (
    "--headless --only-summary -u 3 -r 1 --job-limit-per-user 2000 --jobs-per-min 1000 --spark-namespaces spark-team-a,spark-team-b,spark-team-c",
    "-f locustfile.py --headless --only-summary -u 3 -r 1 --job-limit 2000 --jobs-per-min 1000 --spark_job_template spark-app-without-webhook.yaml --no-delete-jobs",
    "--headless --users 1 --spawn-rate 1 -t 1h --spark-name-prefix load-test --spark-name-length 8 --jobs-max-failures 5 --no-spark-cleanup",
)
SVGS = {"submissions", "rate", "states", "queue", "queue-age", "cpu", "memory", "calls", "api"}


class CommandLine(unittest.TestCase):
    def test_published_lines_are_understood(self):
        os.chdir(KIT)
        first, second, third = (kit_options.read(line.split()) for line in PUBLISHED)
        self.assertEqual((first.users, first.spawn_rate, first.job_limit_per_user, first.jobs_per_min, len(first.spark_namespaces)), (3, 1.0, 2000, 1000.0, 3))
        self.assertEqual((second.job_limit_per_user, second.no_spark_cleanup), (2000, True))
        self.assertIn("template", second.template["spec"]["driver"])
        self.assertEqual((third.run_time, third.spark_name_length, third.jobs_max_failures), (3600, 8, 5))

    def test_defaults_and_variables(self):
        plain = kit_options.read([])
        self.assertEqual((plain.spark_name_prefix, plain.spark_name_length, plain.job_limit_per_user, plain.jobs_max_failures, plain.jobs_per_min,
                          plain.spark_namespaces, plain.no_spark_cleanup), ("load-test", 8, 3, 5, 10.0, ["default"], False))
        variables = {"LOAD_TEST_NAME_PREFIX": "x", "LOAD_TEST_NAME_SUFFIX_LENGTH": "4", "LOAD_TEST_JOB_SIZE": "7", "LOAD_TEST_MAX_FAILURES": "0",
                     "LOAD_TEST_SUBMISSION_RATE": "0.5", "LOAD_TEST_NAMESPACES": "aa,bb", "LOAD_TEST_NO_CLEANUP": "true",
                     "LOAD_TEST_TEMPLATE_PATH": os.path.join(KIT, "spark-app-without-webhook.yaml")}
        os.environ.update(variables)
        try:
            given = kit_options.read(["--jobs-per-min", "2"])
        finally:
            for name in variables:
                del os.environ[name]
        self.assertEqual((given.spark_name_prefix, given.spark_name_length, given.job_limit_per_user, given.jobs_max_failures, given.jobs_per_min,
                          given.spark_namespaces, given.no_spark_cleanup), ("x", 4, 7, 0, 2.0, ["aa", "bb"], True))

    def test_wrong_input_is_said_in_one_line(self):
        for line in ("--jobs-per-min 0", "--spark-name-prefix 9x", "--spark-namespaces a", "--spark-template /none", "-t soon", "--job-limit-per-user 0",
                     "--spark-name-length 50"):
            done = subprocess.run([sys.executable, "-B", os.path.join(KIT, "main.py"), *line.split()], capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 2), done.stderr)

    def test_four_things_of_an_application_are_set(self):
        template = kit_options.read([]).template
        made = application_of(template, "load-test-1", "team")
        self.assertEqual(made["metadata"], {"name": "load-test-1", "namespace": "team"})
        expected = json.loads(json.dumps(template["spec"]))
        expected["sparkConf"]["spark.kubernetes.executor.podNamePrefix"] = "load-test-1"
        expected["driver"]["serviceAccount"] = "team"
        self.assertEqual(made["spec"], expected)
        self.assertEqual(template["spec"]["driver"]["serviceAccount"], "spark-team-a", "the template stays")

    def test_users_keep_their_pace(self):
        """6,000 a minute of each, ten each: no burst after a stall, and nobody twice."""
        given = Namespace(users=2, spawn_rate=1000.0, job_limit_per_user=10, jobs_per_min=6000.0, jobs_max_failures=0, run_time=None, spark_namespaces=["aa", "bb"],
                          spark_name_prefix="x", spark_name_length=8, template={"spec": {}})
        made = []

        class Api:
            def call(self, method, path, body):
                made.append((time.monotonic(), path))
                if len(made) == 5:
                    time.sleep(0.3)
                return {"metadata": {"name": body["metadata"]["name"], "uid": str(len(made))}}

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass
        users = Users(Namespace(connect=Api), given)
        users.run()
        self.assertEqual((len(users.created), users.failures), (20, []))
        self.assertEqual({path: sum(p == path for _, p in made) for _, path in made}, {GROUP.format("aa"): 10, GROUP.format("bb"): 10})
        self.assertEqual(len({one.name for one in users.created}), 20)


class Plots(unittest.TestCase):
    def test_charts_are_well_formed(self):
        for lines, bands in (([], False), ([plot.Line("a", [(0.0, 0.0)])], True), ([plot.Line("a <b>", [(0, 1), (9, 4)]), plot.Line("c", [(3, 2)])], True),
                             ([plot.Line("many", [(n / 10, n % 7) for n in range(20000)])], False)):
            svg = plot.chart("Title & more", "s", lines, bands)
            xml.dom.minidom.parseString(svg)
            self.assertLess(len(svg), 60_000)
        self.assertIn("no data", plot.chart("t", "s", []))

    def test_bands_sum_up(self):
        low, high = plot.stacked([plot.Line("a", [(0, 1), (2, 3)]), plot.Line("b", [(1, 10)])])
        self.assertEqual(low.points, [(0, 1.0), (1, 1.0), (2, 3.0)])
        self.assertEqual(high.points, [(0, 1.0), (1, 11.0), (2, 13.0)])

    def test_scales(self):
        self.assertEqual(plot.ticks(7), [0, 2, 4, 6])
        self.assertEqual(plot.ticks(0.04), [0, 0.01, 0.02, 0.03, 0.04])
        self.assertEqual([plot.plain(v) for v in (0, 12500, 0.25, 3e6)], ["0", "12.5k", "0.25", "3M"])

    def test_quantiles_of_buckets(self):
        self.assertAlmostEqual(samples.quantile([(1.0, 5.0), (10.0, 10.0), (float("inf"), 10.0)], 0.9), 8.2)
        self.assertIsNone(samples.quantile([(1.0, 0.0), (float("inf"), 0.0)], 0.5))
        self.assertEqual(samples.quantile([(1.0, 0.0), (float("inf"), 3.0)], 0.5), 1.0)

    def test_metrics_are_read(self):
        text = '# HELP a b\na{x="y, {z}",name="q"} 1.5\nb 2e+06\n'
        self.assertEqual(samples.parse(text), [("a", {"x": "y, {z}", "name": "q"}, 1.5), ("b", {}, 2e6)])


class Runs(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="kit-"))

    def kit(self, *arguments, code=0, environment=None):
        command = [sys.executable, "-B", os.path.join(KIT, "main.py"), "--headless", "--report", os.path.join(self.folder, "report"), *arguments]
        done = subprocess.run(command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                              cwd=self.folder)
        self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr}")
        return done

    def report(self):
        with open(os.path.join(self.folder, "report", "report.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_run_of_its_own_world(self):
        done = self.kit("--local", "embedded", "--only-summary", "-u", "3", "-r", "100", "--job-limit-per-user", "5", "--jobs-per-min", "600", "--spark-namespaces",
                        "spark-team-a,spark-team-b,spark-team-c", "--wait-for", "completed", "--local-run-seconds", "2", "--sample-seconds", "0.2")
        self.assertEqual(done.stderr, "")
        report = self.report()
        self.assertEqual((report["created"], report["failed"], report["reached"], report["deleted"], report["left"]), (15, 0, 15, 15, 0))
        self.assertEqual(report["perNamespace"], {"spark-team-a": 5, "spark-team-b": 5, "spark-team-c": 5})
        self.assertEqual(report["states"], {"COMPLETED": 15})
        for what in ("submitted", "running", "completed"):
            self.assertGreaterEqual(report["seconds"][what]["p99"], report["seconds"][what]["p50"])
        self.assertGreater(report["seconds"]["completed"]["p50"], report["seconds"]["submitted"]["p50"])
        self.assertGreater(report["operator"]["cpuSecondsEach"], 0)
        self.assertGreater(report["operator"]["callsEach"], 5)
        self.assertEqual(report["trouble"], [])
        for name in SVGS:
            svg = os.path.join(self.folder, "report", name + ".svg")
            xml.dom.minidom.parse(svg)
            with open(svg, encoding="utf-8") as file:
                self.assertNotIn("no data", file.read(), name)
        with open(os.path.join(self.folder, "report", "report.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("| created | 15 |", text)
        self.assertEqual(SVGS, {line[2:].split("]")[0] for line in text.splitlines() if line.startswith("![")})

    def test_what_it_leaves_and_what_it_deletes(self):
        """No operator: what is created stays new."""
        with ControlPlane("embedded") as plane:
            subprocess.run([os.environ["SPARK_OPERATOR"], "crds", "apply", "--kubeconfig", plane.kubeconfig], check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
            with Access.find(plane.kubeconfig).connect() as api:
                def names():
                    return sorted(item["metadata"]["name"] for item in api.pages(GROUP.format("default"))[0])
                api.call("POST", GROUP.format("default"), application_of(kit_options.read([]).template, "somebodys", "default"))
                usual = ("--wait-for", "none", "--jobs-per-min", "6000", "--sample-seconds", "1")
                self.kit(*usual, environment=plane.environment)
                self.assertEqual((self.report()["created"], self.report()["deleted"], names()), (3, 3, ["somebodys"]))
                self.assertIn("no pod of the operator", self.report()["operator"]["unknown"])
                self.kit(*usual, "--no-spark-cleanup", "--spark-name-prefix", "stays", environment=plane.environment)
                self.assertEqual([name[:6] for name in names()], ["somebo", "stays-", "stays-", "stays-"])
                self.kit(*usual, "--delete-collection", environment=plane.environment)
                self.assertEqual(names(), [])
                # The run time ends what would never end: nobody submits these.
                self.kit("--jobs-per-min", "6000", "-t", "3s", environment=plane.environment)
                self.assertEqual((self.report()["created"], self.report()["reached"]), (3, 0))
                # Refused ones are counted, and are the end.
                broken = os.path.join(self.folder, "broken.yaml")
                with open(broken, "w", encoding="utf-8") as file:
                    json.dump({"apiVersion": "x", "kind": "y", "spec": {"type": "Cobol", "driver": {}, "executor": {}}}, file)
                self.kit(*usual, "--spark-template", broken, "--jobs-max-failures", "2", "--job-limit-per-user", "100", code=1, environment=plane.environment)
                self.assertEqual((self.report()["created"], self.report()["failed"]), (0, 3))
                self.assertIn("more than 2 creations failed", self.report()["stoppedBecause"])
                done = self.kit(*usual, "--spark-namespaces", "default,nowhere", code=1, environment=plane.environment)
                self.assertIn("namespace nowhere", done.stderr)
                self.assertEqual(names(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

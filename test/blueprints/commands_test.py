#!/usr/bin/env python3
"""Each command that a README of deploy/blueprints shows, run as it stands, on a real API server with the definitions of the other systems. Two cannot end
well here: nothing runs the pod that a port is forwarded to, and the load kit has the published size, so that one's options are read.
`sparkctl why` of Kueue's is in submit_test.py, where there is an operator.

    test/blueprints/commands_test.py          # KUBECTL, HELM, or those that test/lib/fetch_*.sh build
"""

import json
import os
import re
import shlex
import sys
import unittest

from blueprints import FOLDER, TOP, commands, folders
from server import Server

sys.path.insert(0, os.path.join(TOP, "bench", "kit"))
import options as kit_options  # noqa: E402


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Namespaces that a README says are there before; the others are in its own manifests.
        cls.server = cls.enterClassContext(Server(namespaces=("yunikorn", "argocd", "airflow")))
        cls.dags = os.path.join(cls.server.folder, "dags")
        os.mkdir(cls.dags)

    def run_line(self, line):
        if line.startswith("kubectl port-forward "):
            # It finds the service, and that there is no pod; one second instead of a minute.
            done = self.server.run(line + " --pod-running-timeout=1s")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "timed out waiting for the condition|no pods? ")
            self.assertNotIn("NotFound", done.stderr)
        elif line.startswith("bench/run.sh kit "):
            read = kit_options.read(shlex.split(line)[2:])
            self.assertEqual((read.users, read.job_limit_per_user, read.jobs_per_min, len(read.spark_namespaces)), (3, 2000, 1000.0, 3))
        else:
            done = self.server.run(line, AIRFLOW_HOME=self.server.folder)
            self.assertEqual((done.returncode, re.sub(r"^level=(INFO|WARN).*\n", "", done.stderr, flags=re.M)), (0, ""), done.stdout)

    def test_each_runs(self):
        ran = 0
        for folder in folders():
            shown = commands(folder)
            self.assertTrue(shown, folder)
            for line, _ in shown:
                if line.startswith("sparkctl why "):
                    continue
                with self.subTest(f"{folder}: {line}"):
                    self.run_line(line)
                    ran += 1
        self.assertGreaterEqual(ran, len(folders()) + 5)
        self.assertEqual(sorted(os.listdir(self.dags)), ["app.yaml", "spark_pi_dag.py"])
        self.assertGreaterEqual(len(json.loads(self.server.kubectl("get", "sparkapplications", "-o", "json"))["items"]), 19)
        releases = json.loads(self.server.run("helm list --all-namespaces --output json").stdout)
        self.assertEqual(sorted(release["name"] for release in releases), ["spark-operator", "team-a", "team-b"])
        self.assertTrue(all(release["status"] == "deployed" for release in releases), releases)

    def test_paths_in_sentences_are_there(self):
        for folder in folders():
            with open(os.path.join(FOLDER, folder, "README.md"), encoding="utf-8") as file:
                for path in re.findall(r"`\.\./([\w-]+)`", file.read()):
                    self.assertIn(path, folders(), folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)

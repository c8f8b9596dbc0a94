#!/usr/bin/env python3
"""`helm test` as the README has it, with real Spark: the chart on a real API server, controller and webhook with the accounts that it
makes, and this machine as the node that runs the test's pod, its driver and its executor. A second test finds what a test that was
killed has left, and one that cannot run ends with a failure and with its reason.

    test/chart/pi_test.py           # SPARK_OPERATOR, SPARKCTL, KUBECTL, HELM
"""

import os
import re
import signal
import subprocess
import sys
import unittest

import readme
from helm import CHART, RELEASE, TOP
from installation import Installation
from render_test import HELM

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from control_plane import ControlPlane, dies_with_parent  # noqa: E402
from waiting import wait_for  # noqa: E402

# A bound, not an expectation: the command has its own.
LIMIT = 960
NAME = "spark-operator-test"


class HelmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane("real", scheduler=True))
        cls.installed = Installation(cls.plane)
        cls.addClassCleanup(cls.installed.kill_all)
        cls.installed.install({})
        cls.join()
        cls.installed.direct_webhooks_here()
        cls.installed.start("webhook")
        wait_for(cls.installed.authorities_are_written, cls.installed.logs)
        cls.installed.start("controller")

    @classmethod
    def join(cls):
        scratch = os.path.join(cls.plane.folder, "tmp")
        os.mkdir(scratch)
        cls.node_log = open(os.path.join(cls.plane.folder, "node.log"), "w")
        cls.addClassCleanup(cls.node_log.close)
        cls.node = subprocess.Popen([os.environ["SPARKCTL"], "local", "kubelet", "--kubeconfig", cls.plane.kubeconfig, "--node", "this-machine"],
                                    env={**os.environ, "SPARK_OPERATOR_LOCAL_DIR": cls.plane.folder, "TMPDIR": scratch}, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=cls.node_log, text=True, preexec_fn=dies_with_parent(signal.SIGTERM))
        cls.addClassCleanup(cls.leave)
        if "ready" not in cls.node.stdout.readline():
            raise AssertionError(f"this machine does not become a node\n{cls.what_the_node_said()}")

    @classmethod
    def leave(cls):
        cls.node.send_signal(signal.SIGTERM)
        try:
            cls.node.wait(60)
        except subprocess.TimeoutExpired:
            cls.node.kill()
            cls.node.wait()
        cls.node.stdout.close()

    @classmethod
    def what_the_node_said(cls):
        with open(cls.node_log.name, errors="replace") as f:
            return f.read()[-3000:]

    def helm_test(self, release=RELEASE):
        command = readme.commands()[4].replace(f"helm test {RELEASE} ", f"helm test {release} ")
        run = readme.run(command, self.installed.environment, self.plane.folder, LIMIT)
        return run.returncode, run.stdout + run.stderr

    def left(self):
        return self.installed.kubectl("get", "sparkapplications", "-A", "-o", "name").split()

    def test_1_pi(self):
        # As a test that was killed leaves it.
        application = HELM.render()["Pod", NAME]["spec"]["containers"][0]["command"][-2]
        self.installed.kubectl("create", "-f", "-", text=application)
        code, said = self.helm_test()
        self.assertEqual(code, 0, f"{said}\n{self.installed.logs()}\n{self.what_the_node_said()}")
        self.assertRegex(said, r"Phase: +Succeeded")
        self.assertEqual(len(re.findall("^COMPLETED", said, re.M)), 1, said)
        self.assertRegex(said, r"Pi is roughly 3\.1\d*")
        self.assertEqual(self.left(), [])

    def test_2_what_cannot_run_fails_with_its_reason(self):
        """Another release, whose applications the operator runs as well."""
        self.installed.helm("install", "bad", CHART, "--set", "webhook.enable=false", "--set",
                            "test.mainApplicationFile=local:///opt/spark/examples/src/main/python/no-such-program.py")
        code, said = self.helm_test("bad")
        self.assertNotEqual(code, 0, said)
        self.assertRegex(said, re.compile("^FAILED", re.M))
        self.assertIn("can't open file '/opt/spark/examples/src/main/python/no-such-program.py'", said)
        self.assertEqual(self.left(), [])
        self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})


if __name__ == "__main__":
    unittest.main(verbosity=2)

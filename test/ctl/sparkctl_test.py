#!/usr/bin/env python3
"""The released sparkctl: every command that docs/sparkctl.md shows, in its order, then exit codes, Ctrl-C, the plug-in's name
and bash completion; against the embedded API server, an operator, and a node that pretends to run pods.

    SPARKCTL=… SPARK_OPERATOR=… PRETEND_KUBELET=… EMBEDDED_API_SERVER=… test/ctl/sparkctl_test.py
"""

import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import ControlPlane  # noqa: E402

LIMIT = 120  # seconds that no step comes near
NIGHTLY = """
apiVersion: sparkoperator.k8s.io/v1beta2
kind: ScheduledSparkApplication
metadata: {name: nightly}
spec:
  schedule: "@yearly"
  template:
    type: Python
    mode: cluster
    sparkVersion: 3.5.7
    image: spark:3.5.7
    mainApplicationFile: local:///opt/pi.py
    driver: {cores: 1, memory: 512m}
    executor: {instances: 1, cores: 1, memory: 512m}
"""
# A node that pretends has neither logs nor ports; test/kubelet/join_test.py forwards one.
WITHOUT_NODE = {"sparkctl log spark-pi": (0, 1), "sparkctl forward spark-pi": (1,)}


def documented():
    with open(os.path.join(TOP, "docs", "sparkctl.md"), encoding="utf-8") as page:
        blocks = re.findall(r"```console\n(.*?)```", page.read(), re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


class Sparkctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane("embedded"))
        cls.folder = tempfile.mkdtemp(prefix="sparkctl-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.environment = {**os.environ, **cls.plane.environment, "HOME": cls.folder, "TMPDIR": cls.folder}
        cls.bin = os.path.join(cls.folder, "bin")
        os.mkdir(cls.bin)
        for name in ("sparkctl", "kubectl-spark"):
            os.symlink(os.path.abspath(os.environ["SPARKCTL"]), os.path.join(cls.bin, name))
        cls.environment["PATH"] = cls.bin + os.pathsep + os.environ["PATH"]
        subprocess.run([os.environ["SPARK_OPERATOR"], "crds", "apply"], env=cls.environment, check=True, timeout=LIMIT,
                       stdout=subprocess.DEVNULL)

    def start(self, *command):
        log = open(os.path.join(self.folder, os.path.basename(command[0]) + ".log"), "a", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.end, process)

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=LIMIT)

    def run_line(self, line, code=(0,), text=""):
        done = subprocess.run(shlex.split(line), env=self.environment, cwd=TOP, input=text, capture_output=True,
                              text=True, timeout=LIMIT)
        self.assertIn(done.returncode, code, f"{line}\n{done.stdout}{done.stderr}")
        return done

    def account(self, name):
        """A service account, as a chart makes it for drivers."""
        context = ssl.create_default_context(cafile=self.plane.ca_file)
        body = json.dumps({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}).encode()
        request = urllib.request.Request(self.plane.url + "/api/v1/namespaces/default/serviceaccounts", data=body,
                                         headers={"Authorization": "Bearer " + self.plane.token,
                                                  "Content-Type": "application/json"})
        urllib.request.urlopen(request, context=context, timeout=30).close()

    def test_commands_of_the_page(self):
        self.account("spark-operator-spark")
        self.start(os.environ["SPARK_OPERATOR"], "controller", "start", "--submitter=native",
                   "--health-probe-bind-address=0", "--kubeconfig", self.plane.kubeconfig)
        self.start(os.environ["PRETEND_KUBELET"], "--kubeconfig", self.plane.kubeconfig)
        with open(os.path.join(self.folder, "nightly.yaml"), "w", encoding="utf-8") as file:
            file.write(NIGHTLY)
        self.run_line(f"sparkctl create -f {self.folder}/nightly.yaml")
        commands = documented()
        self.assertGreater(len(commands), 20)
        for line in commands:
            with self.subTest(line):
                if line.startswith("sparkctl rerun"):
                    self.wait_for_driver()
                self.run_line(line, code=WITHOUT_NODE.get(line, (0,)))
                if line.startswith("sparkctl create -f") and "--dry-run" not in line:
                    self.wait_for_driver()

    def wait_for_driver(self):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            app = json.loads(self.run_line("sparkctl status spark-pi -o json").stdout)
            if app.get("status", {}).get("applicationState", {}).get("state") in ("SUBMITTED", "RUNNING"):
                return
            time.sleep(0.2)
        self.fail(self.run_line("sparkctl why spark-pi").stdout)

    def test_wrong_input_is_one_line_and_2(self):
        for line in ("sparkctl frobnicate", "sparkctl list --frob", "sparkctl status", "sparkctl create -f /nowhere.yaml",
                     "sparkctl render -f -", "sparkctl convert -- --frob", "sparkctl list --kubeconfig /nowhere",
                     "sparkctl top --sort-by beauty", "sparkctl local", "sparkctl log x --tail many"):
            with self.subTest(line):
                done = self.run_line(line, code=(2,))
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_what_is_not_there_is_1(self):
        for line in ("sparkctl status none", "sparkctl delete none", "sparkctl why none", "sparkctl log none",
                     "sparkctl forward none", "sparkctl run-now none"):
            with self.subTest(line):
                self.run_line(line, code=(1,))

    def test_standard_input_and_help(self):
        with open(os.path.join(TOP, "deploy", "examples", "spark-pi.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("kind: Pod", self.run_line("sparkctl render -f -", text=text).stdout)
        for line in ("sparkctl", "sparkctl --help", "sparkctl help", "sparkctl help why", "sparkctl why -h"):
            self.assertIn("Usage: sparkctl", self.run_line(line).stdout)
        self.assertIn("Usage: kubectl spark list", self.run_line("kubectl-spark list --help").stdout)
        self.assertIn("--node", self.run_line("sparkctl local kubelet --help").stdout)

    def test_a_script_of_render_converts_back(self):
        script = self.run_line("sparkctl render -f deploy/examples/spark-pi.yaml --as spark-submit").stdout
        subprocess.run(["sh", "-n"], input=script, text=True, check=True, timeout=LIMIT)
        made = self.run_line("sparkctl convert -f - -o json", text=script).stdout
        self.assertEqual(json.loads(made)["metadata"]["name"], "spark-pi")

    def test_ctrl_c_ends_what_follows(self):
        self.run_line("sparkctl create -f -", text=NIGHTLY.replace("nightly", "second"))
        self.run_line("sparkctl create waiting --from second")
        process = subprocess.Popen(["sparkctl", "event", "waiting", "--follow"], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        # Its handler is there as soon as it has asked the API server; earlier the signal ends it as well.
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        self.assertIn(process.wait(timeout=LIMIT), (130, -signal.SIGINT))
        self.assertEqual(process.stderr.read(), b"")

    def test_bash_completes(self):
        if shutil.which("bash") is None:
            self.skipTest("no bash")
        script = ('source <(sparkctl completion bash); COMP_WORDS=(sparkctl li); COMP_CWORD=1; _sparkctl; '
                  'echo "${COMPREPLY[@]}"; COMP_WORDS=(sparkctl render --as ""); COMP_CWORD=3; _sparkctl; echo "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script], env=self.environment, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.stdout, "list\nobjects spark-submit\n", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""docs/troubleshooting.md: each of its symptoms is brought about, each command of the page runs, in its order, and prints what the page quotes. Every
kubectl and sparkctl command that the page and the runbooks mention in passing is one that these programs understand.

An operator and the embedded API server; the test plays nodes and kubelet.

    SPARKCTL=… SPARK_OPERATOR=… EMBEDDED_API_SERVER=… test/boards/troubleshooting_test.py       # KUBECTL, or test/lib/fetch_kubectl.sh
"""

import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import ControlPlane, dies_with_parent  # noqa: E402
from waiting import wait_for  # noqa: E402

LIMIT = 120
GROUP = "/apis/sparkoperator.k8s.io/v1beta2/namespaces"
# Exit codes other than 0 that are right: there is nothing of that name in this world.
NOT_THERE = re.compile(r"NotFound|not found|No resources found")


def page(name):
    with open(os.path.join(TOP, "docs", name), encoding="utf-8") as file:
        return file.read()


def shown():
    """[(command, [lines that are quoted])] of the page."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", page("troubleshooting.md"), re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def mentioned():
    """Commands within sentences."""
    text = "".join(re.sub(r"```.*?```", "", page(name), flags=re.S) for name in ("troubleshooting.md", "runbooks.md"))
    found = {" ".join(code.split()) for code in re.findall(r"`((?:kubectl|sparkctl) [^`]+)`", text)}
    return sorted(found - {"kubectl describe", "kubectl describe pod"})


class Troubleshooting(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane("embedded"))
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="troubleshooting-"))
        kubectl = os.environ.get("KUBECTL") or subprocess.run([os.path.join(TOP, "test/lib/fetch_kubectl.sh")], check=True, stdout=subprocess.PIPE,
                                                              text=True).stdout.strip()
        for name, path in (("sparkctl", os.environ["SPARKCTL"]), ("kubectl", kubectl)):
            os.symlink(os.path.abspath(path), os.path.join(cls.folder, name))
        cls.environment = {**os.environ, **cls.plane.environment, "HOME": cls.folder, "PATH": cls.folder + os.pathsep + os.environ["PATH"], "NO_COLOR": "1"}
        cls.context = ssl.create_default_context(cafile=cls.plane.ca_file)
        subprocess.run([os.environ["SPARK_OPERATOR"], "crds", "apply"], env=cls.environment, check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
        for name in ("elsewhere", "spark-operator"):
            cls.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for name in ("default", "elsewhere"):
            cls.call("POST", f"/api/v1/namespaces/{name}/serviceaccounts",
                     {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "spark-operator-spark"}})
        with open(os.path.join(cls.folder, "operator.log"), "wb") as log:
            operator = subprocess.Popen([os.environ["SPARK_OPERATOR"], "controller", "start", "--submitter=native", "--leader-election=false",
                                         "--health-probe-bind-address=0", "--namespaces=default", "--kubeconfig", cls.plane.kubeconfig],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=dies_with_parent(signal.SIGKILL))

        def end():
            operator.terminate()
            operator.wait(60)
        cls.addClassCleanup(end)

    @classmethod
    def call(cls, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(cls.plane.url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Authorization": f"Bearer {cls.plane.token}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, context=cls.context, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404 and method == "GET":
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from None

    def wait(self, fact, what):
        return wait_for(fact, lambda: f"{what()}\n{self.tail()}", limit=LIMIT)

    def tail(self):
        with open(os.path.join(self.folder, "operator.log"), errors="replace", encoding="utf-8") as log:
            return "".join(log.readlines()[-10:])

    # --- what a cluster does

    def create(self, name, namespace="default", driver=None, **more):
        spec = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7", "mainApplicationFile": "local:///opt/pi.py",
                "restartPolicy": {"type": "Never"},
                "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark-operator-spark", **(driver or {})},
                "executor": {"instances": 2, "cores": 1, "memory": "512m"}, **more}
        self.call("POST", f"{GROUP}/{namespace}/sparkapplications",
                  {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": name}, "spec": spec})

    def state(self, name):
        application = self.call("GET", f"{GROUP}/default/sparkapplications/{name}")
        return None if application is None else application.get("status", {}).get("applicationState", {}).get("state", "")

    def wait_for_state(self, name, state):
        self.wait(lambda: self.state(name) == state, lambda: f"{name} does not become {state}: {self.state(name)}")

    def pod_status(self, name, status):
        self.wait(lambda: self.call("GET", f"/api/v1/namespaces/default/pods/{name}"), lambda: f"no pod {name}")
        self.call("PATCH", f"/api/v1/namespaces/default/pods/{name}/status", {"status": status}, "application/merge-patch+json")

    @staticmethod
    def container(state, name="spark-kubernetes-driver"):
        return [{"name": name, "ready": "running" in state, "restartCount": 0, "image": "spark:3.5.7", "imageID": "", "state": state}]

    def runs(self, name):
        self.pod_status(f"{name}-driver", {"phase": "Running", "containerStatuses": self.container({"running": {}})})
        self.wait_for_state(name, "RUNNING")

    def ends(self, name, code, reason, state):
        self.runs(name)
        self.pod_status(f"{name}-driver", {"phase": "Failed" if code else "Succeeded",
                                           "containerStatuses": self.container({"terminated": {"exitCode": code, "reason": reason}})})
        self.wait_for_state(name, state)

    @staticmethod
    def unschedulable(text):
        return {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}]}

    def bring_about(self):
        self.create("forgotten", namespace="elsewhere")
        self.create("no-node", driver={"nodeSelector": {"disk": "none"}})
        self.pod_status("no-node-driver", self.unschedulable("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."))
        self.create("no-image")
        waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "spark:3.5.7"'}
        self.pod_status("no-image-driver", {"phase": "Pending", "containerStatuses": self.container({"waiting": waiting})})
        self.create("no-account", driver={"serviceAccount": "nobody"})
        self.create("bad-sizes", driver={"memory": "much"})
        self.create("crashed")
        self.ends("crashed", 1, "Error", "FAILED")
        self.create("too-small")
        self.ends("too-small", 137, "OOMKilled", "FAILED")
        self.create("alone")
        self.runs("alone")
        driver = self.call("GET", "/api/v1/namespaces/default/pods/alone-driver")["metadata"]
        labels = {**driver["labels"], "spark-role": "executor", "spark-exec-id": "1"}
        owner = {"apiVersion": "v1", "kind": "Pod", "name": driver["name"], "uid": driver["uid"], "controller": True}
        self.call("POST", "/api/v1/namespaces/default/pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone-exec-1", "labels": labels, "ownerReferences": [owner]},
            "spec": {"serviceAccountName": "spark-operator-spark", "restartPolicy": "Never",
                     "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}})
        self.pod_status("alone-exec-1", self.unschedulable("0/3 nodes are available: 3 Insufficient memory."))
        self.create("held", suspend=True)
        self.create("gone", timeToLiveSeconds=1)
        # Times are whole seconds in status, so that it may be gone before it has been seen as completed.
        self.ends("gone", 0, "Completed", None)
        template = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7", "mainApplicationFile": "local:///opt/pi.py",
                    "driver": {"cores": 1, "memory": "512m"}, "executor": {"instances": 1, "cores": 1, "memory": "512m"}}
        self.call("POST", f"{GROUP}/default/scheduledsparkapplications", {
            "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication", "metadata": {"name": "nightly"},
            "spec": {"schedule": "@yearly", "suspend": True, "template": template}})

    # --- the page

    def run_line(self, line):
        return subprocess.run(shlex.split(line), env=self.environment, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)

    def quoted(self, line, quoted):
        """Runs the command until it prints what the page says: what a cluster does takes its time."""
        deadline = time.monotonic() + LIMIT
        while True:
            done = self.run_line(line)
            if done.returncode == 0 and prints(done.stdout, quoted):
                return
            if time.monotonic() > deadline:
                self.assertEqual((done.returncode, done.stdout + done.stderr), (0, "\n".join(quoted)), line)
            time.sleep(1)

    def test_commands_of_the_page(self):
        self.bring_about()
        commands = shown()
        self.assertGreater(len(commands), 15)
        for line, quoted in commands:
            with self.subTest(line):
                self.quoted(line, quoted)

    def test_commands_in_passing_are_understood(self):
        commands = mentioned()
        self.assertGreater(len(commands), 6)
        for line in commands:
            with self.subTest(line):
                done = self.run_line(line.replace("NAME", "spark-pi") + (" --dry-run=client" if " apply " in line else ""))
                if done.returncode:
                    self.assertEqual(done.returncode, 1, line)
                    self.assertRegex(done.stderr + done.stdout, NOT_THERE)

    def test_a_quotation_is_compared(self):
        self.assertTrue(prints("a\nb\nc\n", ["a", "…", "c"]))
        self.assertTrue(prints("a\nb\n", ["a", "b"]))
        self.assertFalse(prints("a\nx\nb\n", ["a", "b"]))
        self.assertFalse(prints("a\nb\n", ["a", "…", "d"]))
        self.assertTrue(prints("anything", []))


def prints(said, quoted):
    """Whether the lines stand there in this order, and next to each other where no `…` is between them. A command without lines may print what it likes."""
    if not quoted:
        return True
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "…" else re.escape(line) + r"\n" for line in quoted)
    return re.fullmatch(pattern, said if said.endswith("\n") else said + "\n") is not None


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Facts about the image `operator`: what is in it, how large it is, that it starts as any user on a read-only root file system.
server_test.py runs controller and webhook in it. With CHART_IMAGE=1 (`test/run.sh chart --image`) the image `operator-spark` is made as
well, and a spark-submit of its own starts a driver from inside of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest

from container import enter
from helm import TOP
from installation import LIMIT, Installation

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from control_plane import ControlPlane, dies_with_parent  # noqa: E402
from waiting import wait_for  # noqa: E402

LARGEST = 40 << 20
BUILD = os.path.join(TOP, "deploy/image/build.sh")


def programs():
    return {**os.environ, "PROGRAMS": os.path.dirname(os.environ["SPARK_OPERATOR"])}


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o711)
        cls.build(cls.folder)
        cls.root = os.path.join(cls.folder, "operator.root")

    @staticmethod
    def build(folder):
        subprocess.run([BUILD, "operator", folder], check=True, timeout=300, capture_output=True, env=programs())

    def files(self):
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    yield path

    def test_it_is_small(self):
        self.assertLess(sum(os.path.getsize(path) for path in self.files()), LARGEST)
        self.assertLess(os.path.getsize(os.path.join(self.folder, "operator.tar")), LARGEST)

    def test_nothing_in_it_can_be_run_but_the_two_programs(self):
        programs = {os.path.relpath(p, self.root) for p in self.files() if os.access(p, os.X_OK) and os.stat(p).st_mode & 0o111}
        libraries = {p for p in programs if ".so" in os.path.basename(p)}
        self.assertEqual(programs - libraries, {"usr/bin/spark-operator", "usr/bin/sparkctl"})

    def test_it_has_what_the_programs_look_for(self):
        for path in ("etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo/Europe/Berlin", "etc/passwd", "tmp"):
            self.assertTrue(os.path.exists(os.path.join(self.root, path)), path)

    def test_equal_programs_give_equal_bytes(self):
        with tempfile.TemporaryDirectory() as again:
            self.build(again)
            with open(os.path.join(self.folder, "operator.tar"), "rb") as one, open(os.path.join(again, "operator.tar"), "rb") as other:
                self.assertTrue(one.read() == other.read())

    def test_the_archive_says_how_it_is_run(self):
        with tarfile.open(os.path.join(self.folder, "operator.tar")) as archive:
            manifest = json.load(archive.extractfile("manifest.json"))[0]
            config = json.load(archive.extractfile(manifest["Config"]))["config"]
        self.assertEqual(manifest["RepoTags"], ["spark-operator:0.1.0"])
        self.assertEqual((config["User"], config["Entrypoint"]), ("185:185", ["/usr/bin/spark-operator"]))

    @unittest.skipUnless(os.geteuid() == 0, "only root may enter another root file system")
    def test_both_programs_start(self):
        for command, word in (("spark-operator", "version"), ("sparkctl", "--help")):
            run = subprocess.run([f"/usr/bin/{command}", word], preexec_fn=enter(self.root), env={}, capture_output=True, text=True, timeout=60)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertTrue(run.stdout)


@unittest.skipUnless(os.environ.get("CHART_IMAGE") == "1", "takes minutes: test/run.sh chart --image")
class WithSpark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o711)
        made = subprocess.run([BUILD, "operator-spark", cls.folder], timeout=1800, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=programs())
        if made.returncode:
            raise AssertionError(made.stdout[-3000:])
        cls.root = os.path.join(cls.folder, "operator-spark.root")

    def config(self):
        with tarfile.open(os.path.join(self.folder, "operator-spark.tar")) as archive:
            manifest = json.load(archive.extractfile("manifest.json"))[0]
            self.assertEqual(manifest["RepoTags"], ["spark-operator:0.1.0-spark"])
            return json.load(archive.extractfile(manifest["Config"]))["config"]

    def environment(self):
        return dict(variable.split("=", 1) for variable in self.config()["Env"])

    def test_1_its_programs_run_as_any_user(self):
        for command in (["/usr/bin/spark-operator", "version"], ["/opt/spark/bin/spark-submit", "--version"]):
            for user in (185, 1000650000):
                run = subprocess.run(command, preexec_fn=enter(self.root, user=user), env=self.environment(), capture_output=True, text=True,
                                     timeout=LIMIT)
                self.assertEqual(run.returncode, 0, f"{command} as {user}: {run.stdout}{run.stderr}")

    def test_2_its_spark_submit_starts_a_driver_on_a_real_control_plane(self):
        with ControlPlane("real", audit="Metadata") as plane:
            installed = Installation(plane, root=self.root, variables=self.environment())
            self.addCleanup(installed.kill_all)
            installed.install({"webhook": {"enable": False}, "controller": {"submitter": "spark-submit"}})
            node = subprocess.Popen([os.environ["PRETEND_KUBELET"], "--kubeconfig", plane.kubeconfig], stdout=subprocess.PIPE, text=True,
                                    preexec_fn=dies_with_parent(signal.SIGKILL))
            self.addCleanup(node.stdout.close)
            self.addCleanup(node.wait)
            self.addCleanup(node.kill)
            self.assertIn("ready", node.stdout.readline())
            installed.start("controller")
            with open(os.path.join(TOP, "deploy/examples/spark-pi.yaml")) as f:
                installed.kubectl("create", "-f", "-", text=f.read())
            wait_for(lambda: "spark-pi-driver" in installed.kubectl("get", "pods", "-n", "default", "-o", "name"), installed.logs)
            driver = installed.get("pod", "spark-pi-driver", "-n", "default")
            self.assertEqual(driver["metadata"]["annotations"]["sparkoperator.k8s.io/submitted-by"], "spark-submit")
            wait_for(lambda: installed.get("sparkapplication", "spark-pi", "-n", "default").get("status", {}).get("applicationState", {})
                     .get("state") == "RUNNING", installed.logs)
            self.assertEqual(installed.stop_all(), {"controller": 0})


if __name__ == "__main__":
    unittest.main()

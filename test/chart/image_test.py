#!/usr/bin/env python3
"""Facts about the images: what is in them, how large `operator` is, that their programs start as any user on a read-only root file
system. server_test.py runs controller and webhook in it.

With CHART_IMAGE=1 (`test/run.sh chart --image`) `operator-spark` is made as well; both are made by the Dockerfile, too, and have to be
the same; `operator` is made for arm64. Out of each of these a controller runs an application on a real control plane."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from container import USERS, Emulator, Native, enter
from helm import TOP
from image import by_dockerfile, build, crossed, differences, dockerfile, shipped, wanted_for_dockerfile
from installation import LIMIT, Installation

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from control_plane import ControlPlane  # noqa: E402
from waiting import wait_for  # noqa: E402

LARGEST = 40 << 20
ROOT = os.geteuid() == 0
NOT_ROOT = "not root, and only root may enter another root file system"
ALL = os.environ.get("CHART_IMAGE") == "1"
NOT_ALL = "takes many minutes: test/run.sh chart --image"
EMULATOR = Emulator("aarch64")

# What another day's Debian, another machine or another order of installing makes of the same packages.
INCIDENTAL = (r"etc/(hosts|hostname|resolv\.conf|mtab)", r"etc/ld\.so\.cache", r"var/(cache|log|lib/apt)(/.*)?", r"tmp(/.*)?", r"run(/.*)?")


class Programs:
    """What every image keeps; `image` is one of them."""
    emulator, commands = Native, (["/usr/bin/spark-operator", "version"], ["/usr/bin/sparkctl", "--help"])
    submitter = "native"

    @unittest.skipUnless(ROOT, NOT_ROOT)
    def test_1_its_programs_start_as_any_user(self):
        for command in self.commands:
            for user in USERS:
                with self.subTest(command=command, user=user):
                    run = subprocess.run([*self.emulator.program, *command], env=self.image.variables, capture_output=True, text=True, timeout=LIMIT,
                                         preexec_fn=enter(self.image.root, self.emulator.folders, *user))
                    self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                    self.assertTrue(run.stdout + run.stderr)

    @unittest.skipUnless(ROOT, NOT_ROOT)
    @unittest.skipUnless(ALL, NOT_ALL)
    def test_2_its_operator_runs_an_application_on_a_real_control_plane(self):
        for user in USERS:
            with self.subTest(user=user), ControlPlane("real") as plane:
                self.run_an_application(plane, user)

    def run_an_application(self, plane, user):
        installed = Installation(plane, root=self.image.root, variables=self.image.variables, user=user, emulator=self.emulator)
        self.addCleanup(installed.kill_all)
        installed.install({"webhook": {"enable": False}, "controller": {"submitter": self.submitter}})
        installed.start_node(self.addCleanup)
        installed.start("controller")
        with open(os.path.join(TOP, "deploy/examples/spark-pi.yaml")) as f:
            installed.kubectl("create", "-f", "-", text=f.read())
        wait_for(lambda: "spark-pi-driver" in installed.kubectl("get", "pods", "-n", "default", "-o", "name"), installed.logs)
        driver = installed.get("pod", "spark-pi-driver", "-n", "default")
        self.assertEqual(driver["metadata"].get("annotations", {}).get("sparkoperator.k8s.io/submitted-by", "native"), self.submitter)
        wait_for(lambda: installed.get("sparkapplication", "spark-pi", "-n", "default").get("status", {}).get("applicationState", {})
                 .get("state") == "RUNNING", installed.logs)
        self.assertEqual(installed.stop_all(), {"controller": 0})


class Operator(Programs):
    def test_it_is_small(self):
        self.assertLess(self.image.size(), LARGEST)

    def test_nothing_in_it_can_be_run_but_the_two_programs(self):
        programs = {os.path.relpath(path, self.image.root) for path in self.image.files() if os.stat(path).st_mode & 0o111}
        libraries = {p for p in programs if ".so" in os.path.basename(p)}
        self.assertEqual(programs - libraries, {"usr/bin/spark-operator", "usr/bin/sparkctl"})

    def test_it_has_what_the_programs_look_for(self):
        for path in ("etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo/Europe/Berlin", "etc/passwd", "tmp"):
            self.assertTrue(os.path.exists(os.path.join(self.image.root, path)), path)

    def test_it_says_how_it_is_run(self):
        self.assertEqual((self.image.config["User"], self.image.config["Entrypoint"]), ("185:185", ["/usr/bin/spark-operator"]))


class Shipped(Operator, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.image = shipped("operator")

    def test_it_has_its_name(self):
        self.assertEqual(self.image.config["tags"], ["spark-operator:0.1.0"])

    def test_equal_programs_give_equal_bytes(self):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            with open(build("operator", one), "rb") as first, open(build("operator", other), "rb") as second:
                self.assertTrue(first.read() == second.read())
            self.assertLess(os.path.getsize(os.path.join(one, "operator.tar")), LARGEST)

    def test_the_readme_says_its_size(self):
        with open(os.path.join(TOP, "README.md")) as f:
            said = int(re.search(r"The image is (\d+) MB", f.read()).group(1))
        self.assertLess(abs(self.image.size() / 1e6 - said), 3, f"{self.image.size()} bytes")

    @unittest.skipUnless(ROOT, "not root, who alone may give files to others")
    def test_only_what_is_written_to_belongs_to_its_user(self):
        owners = {path: entry[1:3] for path, entry in self.image.entries().items() if entry[1:3] != (0, 0)}
        self.assertEqual(owners, {path: (185, 0) for path in ("home/spark", "etc/k8s-webhook-server/serving-certs")})


class Differences(unittest.TestCase):
    def test_a_mode_an_owner_a_link_and_a_file_are_seen(self):
        """What compares the images sees everything that may differ."""
        image = shipped("operator")
        self.assertEqual(differences(image, image), {})
        with tempfile.TemporaryDirectory() as folder:
            copy = type(image)(os.path.join(folder, "root"), image.config)
            subprocess.run(["cp", "-a", image.root, copy.root], check=True, timeout=LIMIT)
            self.assertEqual(differences(image, copy), {})
            os.chmod(os.path.join(copy.root, "tmp"), 0o755)
            os.remove(os.path.join(copy.root, "bin"))
            os.symlink("usr/lib", os.path.join(copy.root, "bin"))
            os.remove(os.path.join(copy.root, "etc/passwd"))
            expected = ["bin", "etc/passwd", "tmp"]
            if ROOT:
                os.chown(os.path.join(copy.root, "etc/group"), 185, 0)
                expected.insert(1, "etc/group")
            self.assertEqual(list(differences(image, copy)), expected)
            self.assertEqual(list(differences(image, copy, ["etc/.*"])), ["bin", "tmp"])


class NameOfAnyUser(unittest.TestCase):
    """deploy/image/spark-env.sh, where no file has the user's name."""

    def test_whoever_starts_beside_others_reads_a_whole_file(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.open(os.path.join(folder, "getent"), os.O_CREAT | os.O_WRONLY, 0o755), "w") as f:
                f.write("#!/bin/sh\nexit 2\n")
            # What it gives to children is set in a subshell: without the library they would only complain.
            script = """for i in $(seq 100); do
              ( . deploy/image/spark-env.sh; unset LD_PRELOAD; read -r line <"$NSS_WRAPPER_PASSWD" && [[ $line == spark:x:*:/usr/sbin/nologin ]] &&
                read -r line <"$NSS_WRAPPER_GROUP" && [[ $line == spark:x:*: ]] ) || { echo "half a file"; exit 1; }
            done"""
            started = [subprocess.Popen(["bash", "-uc", script], cwd=TOP, env={"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": folder},
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(4)]
            self.assertEqual([(process.communicate(timeout=LIMIT)[0], process.returncode) for process in started], [("", 0)] * 4)
            self.assertEqual(len(os.listdir(folder)), 3)


class Spark(Programs):
    commands = (*Programs.commands, ["/opt/spark/bin/spark-submit", "--version"])
    submitter = "spark-submit"

    def test_it_says_how_it_is_run(self):
        self.assertEqual((self.image.config["User"], self.image.config["Entrypoint"]), ("185:185", ["/usr/bin/spark-operator"]))
        self.assertTrue(os.path.exists(self.image.root + self.image.variables["JAVA_HOME"]))


@unittest.skipUnless(ALL, NOT_ALL)
@unittest.skipUnless(ROOT, "not root, and debootstrap wants it")
class ShippedWithSpark(Spark, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("debootstrap"):
            raise unittest.SkipTest("missing: apt-get install debootstrap")
        cls.image = shipped("operator-spark")

    def test_it_has_its_name(self):
        self.assertEqual(self.image.config["tags"], ["spark-operator:0.1.0-spark"])


class FromDockerfile:
    @classmethod
    def setUpClass(cls):
        if missing := wanted_for_dockerfile():
            raise unittest.SkipTest(missing)
        cls.image, cls.shipped = by_dockerfile(cls.target), shipped(cls.target)

    def test_build_sh_makes_the_same(self):
        found = differences(self.shipped, self.image, (*INCIDENTAL, *dockerfile().machines_own))
        self.assertFalse(found, f"{len(found)} of {len(self.image.entries())} paths, build.sh's and the Dockerfile's: "
                                + "\n".join(f"{path}: {each}" for path, each in list(found.items())[:60]))
        for key in ("User", "Entrypoint"):
            self.assertEqual(self.image.config[key], self.shipped.config[key])
        for name in ("SPARK_HOME", "JAVA_HOME"):
            self.assertEqual(self.image.variables.get(name), self.shipped.variables.get(name))


@unittest.skipUnless(ALL, NOT_ALL)
class OperatorFromDockerfile(FromDockerfile, Operator, unittest.TestCase):
    target = "operator"


@unittest.skipUnless(ALL, NOT_ALL)
class SparkFromDockerfile(FromDockerfile, Spark, unittest.TestCase):
    target = "operator-spark"


@unittest.skipUnless(ALL, NOT_ALL)
class Arm64(Operator, unittest.TestCase):
    emulator = EMULATOR

    @classmethod
    def setUpClass(cls):
        if not EMULATOR.path:
            raise unittest.SkipTest(f"no {EMULATOR.name}: apt-get install qemu-user-static")
        cls.image = crossed("arm64")

    def test_it_says_for_which_processor(self):
        self.assertEqual(self.image.config["architecture"], "arm64")


if __name__ == "__main__":
    # Names of tests, so that the reason of each that is left out is seen.
    unittest.main(verbosity=2)

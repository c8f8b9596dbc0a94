#!/usr/bin/env python3
"""What deploy/quickstart.sh promises besides Pi: clear refusals, honest exit codes, and no process left behind.

The script under test is the real one, copied into a small tree whose "project" builds in a moment and whose sparkctl
is a shell script that each test writes. End to end, with real Spark, it runs in test/e2e and test/fresh.sh.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import uuid

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from waiting import wait_for  # noqa: E402

NOBODY = 65534
LIMIT = 60  # seconds that no step of these tests comes near

CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES NONE)
add_custom_target(spark-operator)
add_custom_target(sparkctl COMMAND ${CMAKE_COMMAND} -E make_directory cmd COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/sparkctl.sh cmd/sparkctl)
"""
PRESETS = """{"version": 6, "configurePresets": [
  {"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}]}"""


class Tree(unittest.TestCase):
    """A tree with the real script in it."""

    def setUp(self, spark="none"):
        if os.geteuid() != 0:
            self.fail("these tests make namespaces and want root")
        self.tree = tempfile.mkdtemp(prefix="quickstart-")
        self.addCleanup(shutil.rmtree, self.tree, True)
        shutil.copytree(os.path.join(TOP, "deploy"), os.path.join(self.tree, "deploy"))
        self.mark = "mark-" + uuid.uuid4().hex  # an argument by which a process of this test is known
        self.write("CMakeLists.txt", CMAKE_LISTS)
        self.write("CMakePresets.json", PRESETS)
        if spark == "none":
            self.write("deploy/lib/fetch_spark.sh", "#!/bin/sh\necho tree\n")
            self.write("deploy/lib/class_archive.py", "#!/bin/sh\n")
        self.write("deploy/lib/packages.sh", "BUILD_PACKAGES=(dpkg)\nRUN_PACKAGES=(dpkg)\n" +
                   self.read("deploy/lib/packages.sh").split("missing_packages()", 1)[1].join(["missing_packages()", ""]))

    def read(self, path):
        with open(os.path.join(self.tree, path)) as f:
            return f.read()

    def write(self, path, text):
        with open(os.path.join(self.tree, path), "w") as f:
            f.write(text)
        os.chmod(os.path.join(self.tree, path), 0o755)

    def sparkctl(self, script):
        self.write("sparkctl.sh", "#!/bin/bash\n" + script)

    def start(self, *arguments, **environment):
        return subprocess.Popen(["deploy/quickstart.sh", *arguments], cwd=self.tree, text=True, start_new_session=True,
                                env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run_to_end(self, *arguments, limit=LIMIT, **environment):
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=limit)
        return process.returncode, output


class Quickstart(Tree):
    def processes(self):
        """Live processes that carry this test's mark in their arguments."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if self.mark.encode() in f.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def test_pi_from_the_driver_means_success(self):
        self.sparkctl('echo "args: $*"; echo "Pi is roughly 3.141"\n')
        code, output = self.run_to_end()
        self.assertEqual(code, 0, output)
        self.assertIn("args: local run deploy/examples/spark-pi.yaml", output)
        self.assertIn("Pi is roughly 3.141", output)

    def test_completed_without_pi_is_a_failure(self):
        self.sparkctl("echo COMPLETED\n")
        code, output = self.run_to_end()
        self.assertEqual(code, 1, output)
        self.assertIn("says nothing of Pi", output)

    def test_an_application_that_fails_is_a_failure_even_after_pi(self):
        self.sparkctl('echo "Pi is roughly 3.141"; exit 3\n')
        code, output = self.run_to_end()
        self.assertEqual(code, 1, output)
        self.assertIn("exit code 3", output)

    def test_another_file_needs_no_pi(self):
        self.sparkctl('echo "args: $*"\n')
        code, output = self.run_to_end("deploy/examples/spark-pi-java.yaml")
        self.assertEqual(code, 0, output)
        self.assertIn("args: local run deploy/examples/spark-pi-java.yaml", output)

    def test_a_file_that_is_not_there_is_named(self):
        code, output = self.run_to_end("nowhere.yaml")
        self.assertEqual(code, 1, output)
        self.assertIn("cannot read nowhere.yaml", output)

    def test_a_missing_package_is_named_with_the_command_that_installs_it(self):
        text = self.read("deploy/lib/packages.sh").replace("RUN_PACKAGES=(dpkg)", "RUN_PACKAGES=(no-such-package)")
        self.write("deploy/lib/packages.sh", text)
        code, output = self.run_to_end("--no-install")
        self.assertEqual(code, 1, output)
        self.assertIn("apt-get install -y --no-install-recommends no-such-package", output)

    def test_no_java_is_said_with_the_package_that_has_it(self):
        tools = os.path.join(self.tree, "tools")
        os.mkdir(tools)
        for folder in ("/usr/bin", "/usr/sbin"):
            for name in os.listdir(folder):
                if not name.startswith("java") and not os.path.lexists(os.path.join(tools, name)):
                    os.symlink(os.path.join(folder, name), os.path.join(tools, name))
        code, output = self.run_to_end("--no-install", PATH=tools)
        self.assertEqual(code, 1, output)
        self.assertIn("openjdk-17-jre-headless", output)

    @staticmethod
    def can_listen(listener, port):
        try:
            listener.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False

    def test_a_port_in_use_is_named(self):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port = next(p for p in (4040, 7078, 7079) if self.can_listen(listener, p))  # another test's Spark may have one
            listener.listen()
            code, output = self.run_to_end()
        self.assertEqual(code, 1, output)
        self.assertIn(f"0.0.0.0:{port}", output)
        self.assertIn("in use", output)

    def test_an_ordinary_user_gets_pi_too(self):
        self.sparkctl('echo "user $(id -u)"; echo "Pi is roughly 3.141"\n')
        home = os.path.join(self.tree, "home")
        os.mkdir(home)
        for folder, _, files in os.walk(self.tree):
            for path in [folder, *(os.path.join(folder, f) for f in files)]:
                os.chown(path, NOBODY, NOBODY)
        process = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "deploy/quickstart.sh", "--no-install"],
                                 cwd=self.tree, text=True, capture_output=True, timeout=LIMIT,
                                 env={**os.environ, "HOME": home, "XDG_CACHE_HOME": home, "CCACHE_DISABLE": "1"})
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        self.assertIn("user 0", process.stdout)  # root of a namespace

    def test_without_the_right_to_make_namespaces_it_says_so(self):
        # The bounding set survives exec: in it, even root cannot unshare. A user namespace would give it all rights again,
        # so it is run in one that allows no others.
        script = "echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin deploy/quickstart.sh"
        process = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", script], cwd=self.tree, text=True,
                                 capture_output=True, timeout=LIMIT)
        self.assertEqual(process.returncode, 1, process.stdout + process.stderr)
        self.assertIn("no right to make namespaces", process.stderr)

    def endless(self):
        """sparkctl with a child in a session of its own, as a kubelet's pods are."""
        self.sparkctl(f"setsid bash -c 'sleep 1000; : {self.mark}' &\nbash -c 'trap : TERM INT; while :; do sleep 1; done; : {self.mark}'\n")
        process = self.start()
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(lambda: len(self.processes()) >= 2, "sparkctl never started", LIMIT)
        return process

    def assert_nothing_left_and_next_run_works(self):
        wait_for(lambda: not self.processes(), lambda: f"left behind: {self.processes()}", LIMIT)
        self.test_pi_from_the_driver_means_success()

    def test_kill_9_leaves_no_process_and_the_next_run_works(self):
        process = self.endless()
        process.kill()
        self.assert_nothing_left_and_next_run_works()

    def test_control_c_leaves_no_process_and_the_next_run_works(self):
        process = self.endless()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        self.assertEqual(process.wait(timeout=LIMIT), 130)
        self.assert_nothing_left_and_next_run_works()

    def test_sigterm_leaves_no_process(self):
        process = self.endless()
        process.terminate()
        self.assertEqual(process.wait(timeout=LIMIT), 130)
        self.assert_nothing_left_and_next_run_works()


if __name__ == "__main__":
    unittest.main()

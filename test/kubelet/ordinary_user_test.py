#!/usr/bin/env python3
"""`sparkctl local run` by an ordinary user: real Spark computes Pi without any right of root, from an image that belongs to
somebody else, and leaves neither processes nor files of pods behind.

    SPARKCTL=build/release/cmd/sparkctl test/kubelet/ordinary_user_test.py      # as root, which becomes nobody
"""

import os
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
NOBODY = 65534
LIMIT = 900
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
IMAGES = os.environ.get("SPARK_OPERATOR_IMAGES") or os.path.join(CACHE, "spark-operator", "images")
BECOME = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class OrdinaryUser(unittest.TestCase):
    def test_pi(self):
        if os.geteuid() != 0:
            self.fail("this test becomes another user, which only root can")
        folder = tempfile.mkdtemp(prefix="ordinary-user-")
        self.addCleanup(shutil.rmtree, folder, True)
        os.chmod(folder, 0o755)
        if subprocess.run([*BECOME, "unshare", "--user", "--map-root-user", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("this machine lets no ordinary user make user namespaces")
        shutil.copytree(os.path.join(IMAGES, "spark", "3.5.7"), os.path.join(folder, "images", "spark", "3.5.7"), symlinks=True,
                        copy_function=link_or_copy)
        for name, source in (("sparkctl", os.environ["SPARKCTL"]), ("pi.yaml", os.path.join(TOP, "deploy/examples/spark-pi.yaml"))):
            shutil.copy(source, os.path.join(folder, name))
        home = os.path.join(folder, "home")
        os.mkdir(home, 0o700)
        os.chown(home, NOBODY, NOBODY)
        state = os.path.join(home, "state")
        environment = {**os.environ, "HOME": home, "SPARK_OPERATOR_IMAGES": os.path.join(folder, "images"), "SPARK_OPERATOR_LOCAL_DIR": state}
        run = subprocess.run([*BECOME, os.path.join(folder, "sparkctl"), "local", "run", os.path.join(folder, "pi.yaml")], cwd=home,
                             env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        said = run.stdout + run.stderr
        if os.path.exists(os.path.join(state, "log")):
            with open(os.path.join(state, "log")) as log:
                said += log.read()[-3000:]
        self.assertEqual(run.returncode, 0, said)
        self.assertRegex(run.stdout, r"Pi is roughly 3\.1")
        self.assertEqual(sorted(os.listdir(state)), ["lock", "log"], said)
        self.assertEqual(self.processes_with(state), [])

    @staticmethod
    def processes_with(text):
        """Their ids, by their environment; pods have another one, but end with those that have this."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if text.encode() in f.read():
                        found.append(pid)
            except OSError:
                pass
        return found


if __name__ == "__main__":
    unittest.main()

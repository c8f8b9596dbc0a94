#!/usr/bin/env python3
"""Facts about the image `operator`: what is in it, how large it is, that it starts as any user on a read-only root file system.
server_test.py runs controller and webhook in it."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from container import enter
from helm import TOP

LARGEST = 40 << 20


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
        subprocess.run([os.path.join(TOP, "deploy/image/build.sh"), "operator", folder], check=True, timeout=300, capture_output=True,
                       env={**os.environ, "PROGRAMS": os.path.dirname(os.environ["SPARK_OPERATOR"])})

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


if __name__ == "__main__":
    unittest.main()

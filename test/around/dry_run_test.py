#!/usr/bin/env python3
"""Every golden object of spark/children/testdata is accepted by a real API server (kubectl apply --dry-run=server), with the
definitions of the batch schedulers installed. A server that accepts everything would prove nothing: some objects must be
refused.

    test/around/dry_run_test.py         # KUBECTL, or the one that test/lib/fetch_kubectl.sh builds
"""

import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from control_plane import ControlPlane  # noqa: E402

CASES = os.path.join(TOP, "spark", "children", "testdata")
# Calls of kubectl cost a second of CPU each, so many objects go in one.
AT_ONCE = 40


class DryRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kubectl_path = os.environ.get("KUBECTL") or subprocess.run(
            [os.path.join(TOP, "test/lib/fetch_kubectl.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        cls.plane = cls.enterClassContext(ControlPlane("real", controllers=False))
        cls.kubectl("apply", "-f", os.path.join(HERE, "crds"))
        cls.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", os.path.join(HERE, "crds"))

    @classmethod
    def try_kubectl(cls, *arguments, text=""):
        run = subprocess.run([cls.kubectl_path, *arguments], env={**os.environ, **cls.plane.environment}, input=text, text=True,
                             capture_output=True, timeout=300)
        return run.returncode, run.stdout, run.stderr

    @classmethod
    def kubectl(cls, *arguments, text=""):
        code, out, err = cls.try_kubectl(*arguments, text=text)
        assert code == 0, f"kubectl {' '.join(arguments)}: exit code {code}\n{out}{err}"
        return out

    def test_every_golden_object_is_accepted(self):
        cases = sorted(os.listdir(CASES))
        self.assertGreaterEqual(len(cases), 60)
        files = [os.path.join(CASES, case, "expected", "children.yaml") for case in cases]
        files = [path for path in files if os.path.exists(path)]         # some applications are refused
        accepted = 0
        for at in range(0, len(files), AT_ONCE):
            arguments = [word for path in files[at:at + AT_ONCE] for word in ("-f", path)]
            code, out, err = self.try_kubectl("apply", "--dry-run=server", "-o", "name", *arguments)
            self.assertEqual(code, 0, f"{out}{err}")
            accepted += len(out.split())
        self.assertGreater(accepted, 100)
        print(f"{accepted} objects of {len(files)} applications accepted", flush=True)

    def test_what_is_wrong_is_refused(self):
        def head(api_version, kind):
            return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "wrong", "namespace": "default"}}
        backend = {"service": {"name": "s", "port": {"number": 80}}}

        def ingress(host):
            return {**head("networking.k8s.io/v1", "Ingress"), "spec": {"rules": [
                {"host": host, "http": {"paths": [{"path": "/x", "pathType": "ImplementationSpecific", "backend": backend}]}}]}}
        for why, wrong in [
                ("a host with a port", ingress("ex.com:80")),
                ("a host that is an address", ingress("10.0.0.1")),
                ("a name too long", {**head("v1", "Service"), "metadata": {"name": "a" * 64, "namespace": "default"},
                                     "spec": {"ports": [{"port": 80}]}}),
                ("resources that are no quantities", {**head("scheduling.volcano.sh/v1beta1", "PodGroup"),
                                                      "spec": {"minResources": {"memory": "1g"}}}),
                ("a field that is not there", {**head("scheduling.x-k8s.io/v1alpha1", "PodGroup"), "spec": {"queue": "q"}})]:
            with self.subTest(why):
                code, out, err = self.try_kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=json.dumps(wrong))
                self.assertNotEqual(code, 0, out)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""A test case with a real API server, a node that pretends, and the chart's operator as processes: what suites of this folder share.

    class Suite(OnAServer):
        def test_it(self):
            self.installed.install({})
            self.start_node()
            self.installed.start("controller")
            self.kubectl("create", "-f", "-", text=json.dumps(application("pi")))
            self.wait_for_states({"pi": "COMPLETED"})
"""

import contextlib
import json
import os
import re
import subprocess
import unittest
import urllib.error

from helm import CHART, NAMESPACE, TOP
from installation import Installation

from control_plane import ControlPlane
from waiting import wait_for

TEAMS = ("a", "b", "spark-team-a", "spark-team-b", "spark-team-c", "spark-s3-express")


def application(name, lasts="2s", **more):
    spec = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
            "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "restartPolicy": {"type": "Never"},
            "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark-operator-spark", "annotations": {"pretend.kubelet/lasts": lasts}},
            "executor": {"instances": 1, "memory": "512m"}, **more}
    return {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


class OnAServer(unittest.TestCase):
    maxDiff = None
    has_node = False

    @classmethod
    def setUpClass(cls):
        cls.plane = ControlPlane("real", audit="Metadata")
        cls.plane.__enter__()
        cls.addClassCleanup(cls.plane.__exit__)
        # The programs run in the root file system of the image, if there is the right to enter it.
        cls.root = os.path.join(cls.plane.folder, "root") if os.geteuid() == 0 else None
        if cls.root:
            subprocess.run([os.path.join(TOP, "deploy/image/root.sh"), os.path.dirname(os.environ["SPARK_OPERATOR"]), cls.root], check=True, timeout=120)
        cls.installed = Installation(cls.plane, root=cls.root)
        cls.addClassCleanup(cls.installed.kill_all)
        cls.kubectl("apply", "--server-side", "-f", os.path.join(CHART, "crds"))
        wait_for(cls.kinds_are_served, "the definitions are not served")
        for name in (NAMESPACE, *TEAMS):
            cls.kubectl("create", "namespace", name)

    @classmethod
    def kinds_are_served(cls):
        """A moment after their definitions are there."""
        with contextlib.suppress(urllib.error.HTTPError):
            return all(cls.plane.get(f"/apis/sparkoperator.k8s.io/{kind}") for kind in
                       ("v1beta2/sparkapplications", "v1beta2/scheduledsparkapplications", "v1alpha1/sparkconnects"))
        return False

    @classmethod
    def kubectl(cls, *arguments, text=""):
        return cls.installed.kubectl(*arguments, text=text)

    @classmethod
    def start_node(cls):
        if not cls.has_node:
            cls.installed.start_node(cls.addClassCleanup)
        cls.has_node = True

    def status(self, kind, name):
        return self.installed.get(kind, name, "-n", "default").get("status", {})

    def state(self, name):
        return self.status("sparkapplication", name).get("applicationState", {}).get("state")

    def wait_for_states(self, wanted):
        wait_for(lambda: all(self.state(name) == state for name, state in wanted.items()),
                 lambda: f"{[(n, self.state(n)) for n in wanted]}\n{self.installed.logs()}")

    def uids(self):
        kinds = "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings," \
                "mutatingwebhookconfigurations,validatingwebhookconfigurations"
        found = self.installed.get(kinds, "-A", "-l", "app.kubernetes.io/instance=spark-operator")["items"]
        return {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o["metadata"]["uid"] for o in found}

    def image(self):
        return self.installed.get("deployment", "spark-operator-controller", "-n", NAMESPACE)["spec"]["template"]["spec"]["containers"][0]["image"]

    def drivers_made(self, begin):
        """Their names, from the audit log."""
        return sorted(e["objectRef"]["name"] for _, e in self.events(begin)
                      if e["verb"] == "create" and e["objectRef"]["resource"] == "pods" and e["responseStatus"]["code"] == 201)

    def events(self, begin):
        with open(self.plane.audit_log) as log:
            log.seek(begin)
            for line in log:
                event = json.loads(line)
                account = re.fullmatch(f"system:serviceaccount:{NAMESPACE}:spark-operator-(controller|webhook)", event["user"]["username"])
                if account:
                    yield account.group(1), event

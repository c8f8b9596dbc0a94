"""A control plane with the released operator on it, and what a user and a kubelet do there: for the suites of schedules and
of Connect servers.

    class Suite(Operated):
        def test_…(self):
            self.make(SCHEDULES, "etl", {"schedule": "@every 2s", …})
            run = self.wait_for(lambda: self.list(APPLICATIONS), "no run is made")[0]
    run_suite(Suite)                                      # --server embedded or real

The operator has only the roles of deploy/kustomize. Pods do what the suite says. After all tests: the roles refused nothing,
and nothing is left of what was deleted.
"""

import argparse
import contextlib
import os
import shutil
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for beside in ("failover", "lib"):
    sys.path.insert(0, os.path.join(HERE, "..", beside))
from administrator import Api  # noqa: E402
from control_plane import ControlPlane, free_port  # noqa: E402
from driver_history import DriverHistory  # noqa: E402
from operators import USER, Operators  # noqa: E402
from waiting import wait_for  # noqa: E402

GROUP = "/apis/sparkoperator.k8s.io"
APPLICATIONS = f"{GROUP}/v1beta2/namespaces/default/sparkapplications"
SCHEDULES = f"{GROUP}/v1beta2/namespaces/default/scheduledsparkapplications"
CONNECTS = f"{GROUP}/v1alpha1/namespaces/default/sparkconnects"
CORE = "/api/v1/namespaces/default"
PODS, SERVICES, CONFIG_MAPS, EVENTS = (f"{CORE}/{plural}" for plural in ("pods", "services", "configmaps", "events"))
KINDS = {SCHEDULES: ("sparkoperator.k8s.io/v1beta2", "ScheduledSparkApplication"),
         CONNECTS: ("sparkoperator.k8s.io/v1alpha1", "SparkConnect"), PODS: ("v1", "Pod")}
MERGE = "application/merge-patch+json"
LABEL = "sparkoperator.k8s.io/"


class Operated(unittest.TestCase):
    against = "embedded"

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(cls.against, audit="Request"))
        kubectl = os.environ.get("KUBECTL") or shutil.which("kubectl")
        cls.operators = Operators(cls.plane, kubectl, os.environ["SPARK_OPERATOR"], free_port, lease=None)
        cls.addClassCleanup(cls.operators.kill_all)
        cls.operators.install()
        for path in (APPLICATIONS, SCHEDULES, CONNECTS):
            wait_for(lambda path=path: cls.is_served(path), f"{path} is not served")
        cls.api = cls.enterClassContext(Api(cls.plane))
        # A real server makes no pods before this is there.
        wait_for(lambda: cls.api.call("GET", f"{CORE}/serviceaccounts/default")[0] == 200, "no service account is made")
        cls.operator = cls.operators.start()
        cls.operators.wait_until_ready(cls.operator)

    @classmethod
    def is_served(cls, path):
        with contextlib.suppress(OSError):                # 404
            return cls.plane.get(path)

    @classmethod
    def tearDownClass(cls):
        cls.operators.stop_all()
        refused = DriverHistory.read(cls.plane.audit_log, ordered=False).refused(USER)
        super().tearDownClass()
        if refused:
            raise AssertionError(f"what the roles do not allow: {refused}")

    # --- what anybody may ask

    def call(self, method, path, body=None, content_type="application/json", allowed=()):
        status, answer = self.api.call(method, path, body, content_type)
        if status >= 300 and status not in allowed:
            raise AssertionError(f"{method} {path}: {status} {answer.get('message')}")
        return answer if status < 300 else None

    def get(self, collection, name):
        return self.call("GET", f"{collection}/{name}", allowed=(404,))

    def list(self, collection, owner=None):
        """Those that the owner owns, by UID."""
        items = self.call("GET", collection)["items"]
        if owner is None:
            return items
        return [o for o in items if any(r["uid"] == owner["metadata"]["uid"] for r in o["metadata"].get("ownerReferences", []))]

    def make(self, collection, name, spec, **metadata):
        version, kind = KINDS[collection]
        made = self.call("POST", collection, {"apiVersion": version, "kind": kind, "spec": spec,
                                              "metadata": {"name": name, "namespace": "default"} | metadata})
        self.addCleanup(self.remove, collection, name)
        return made

    def edit(self, collection, name, spec):
        return self.call("PATCH", f"{collection}/{name}", {"spec": spec}, MERGE)

    def remove(self, collection, name):
        """… and wait until it is gone, with all that it owned. Another may have its name by then."""
        gone = self.get(collection, name)
        if gone is None:
            return
        self.call("DELETE", f"{collection}/{name}", {"propagationPolicy": "Background"}, allowed=(404,))
        owned = lambda: [o["metadata"]["name"] for c in (APPLICATIONS, PODS, SERVICES, CONFIG_MAPS) for o in self.list(c, gone)]  # noqa: E731
        uid = gone["metadata"]["uid"]
        there = lambda: any(o["metadata"]["uid"] == uid for o in self.list(collection))  # noqa: E731
        self.wait_for(lambda: not there() and not owned(), lambda: f"left of {name}: {owned()}")

    def set_status(self, pod, status):
        self.call("PATCH", f"{PODS}/{pod['metadata']['name']}/status", {"status": status}, MERGE)

    def status(self, collection, name):
        return (self.get(collection, name) or {}).get("status") or {}

    def reasons(self, name):
        """Of the events about an object."""
        return {e["reason"] for e in self.list(EVENTS) if e["involvedObject"]["name"] == name}

    def wait_for(self, fact, what):
        return wait_for(fact, lambda: f"{what() if callable(what) else what}\n{self.operator.tail(30)}")

    def stays(self, fact, what, seconds=3.0):
        """For so long, as often as one can look."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.assertTrue(fact(), what)
            time.sleep(0.1)


def run_suite(suite):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", choices=("embedded", "real"), default="embedded")
    options, rest = parser.parse_known_args()
    suite.against = options.server
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

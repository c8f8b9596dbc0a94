#!/usr/bin/env python3
"""The applications of deploy/blueprints, submitted: the embedded API server, the operator, and a node that pretends to run pods, takes those of any
scheduler and has the labels that they select. Each ends COMPLETED, its driver is placed as it was rendered; Kueue's waits, runs,
is suspended and runs again; Argo's conditions tell success from failure.

    SPARKCTL=… SPARK_OPERATOR=… PRETEND_KUBELET=… EMBEDDED_API_SERVER=… test/blueprints/submit_test.py
"""

import itertools
import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml
from blueprints import CRDS, FLAGS, NO_NETWORK, TOP, Made, applications, commands, documents, load_all, rendered, workflow_step

sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import ControlPlane, dies_with_parent  # noqa: E402
from waiting import wait_for  # noqa: E402

LIMIT = 180
APPS = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications"
PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DONE = {"pretend.kubelet/lasts": "1s"}
FAILS = {**DONE, "pretend.kubelet/exit-code": "1"}
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Api:
    def __init__(self, plane):
        self.plane, self.context = plane, ssl.create_default_context(cafile=plane.ca_file)

    def call(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(self.plane.url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Authorization": f"Bearer {self.plane.token}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from None

    def merge(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")


class World:
    """Control plane, operator and node, for the time of a `with`."""

    def __init__(self, *flags):
        self.flags, self.processes = flags, []

    def __enter__(self):
        self.plane = ControlPlane("embedded").__enter__()
        try:
            self.api = Api(self.plane)
            self.install()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.wait(60)
        self.plane.__exit__(None, None, None)

    def install(self):
        for folder in CRDS:
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    for definition in load_all(file):
                        self.api.call("POST", CRD, definition)
        for name in ("spark-operator-spark", "spark-event-logs"):
            self.api.call("POST", "/api/v1/namespaces/default/serviceaccounts",
                          {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        self.start("node", os.environ["PRETEND_KUBELET"], "--kubeconfig", self.plane.kubeconfig)
        self.wait(lambda: [n for n in self.api.call("GET", "/api/v1/nodes")["items"]
                           if any(c["type"] == "Ready" and c["status"] == "True" for c in n.get("status", {}).get("conditions", []))], "no node")
        self.start("operator", os.environ["SPARK_OPERATOR"], "controller", "start", "--submitter=native", "--leader-election=false",
                   "--health-probe-bind-address=0", "--kubeconfig", self.plane.kubeconfig, *self.flags)

    def start(self, name, *command):
        with open(os.path.join(self.plane.folder, f"{name}.log"), "wb") as log:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   preexec_fn=dies_with_parent(signal.SIGKILL)))

    def label_node(self, labels):
        self.api.merge("/api/v1/nodes/pretended", {"metadata": {"labels": labels}})

    def create(self, application, notes=None, **metadata):
        application = json.loads(json.dumps(application))
        driver = application["spec"]["driver"]
        driver["annotations"] = {**driver.get("annotations", {}), **(notes or {})}
        application["metadata"].update(metadata)
        return self.api.call("POST", APPS, application)["metadata"]["name"]

    def get(self, name):
        return self.api.call("GET", f"{APPS}/{name}")

    def state(self, name):
        return self.get(name).get("status", {}).get("applicationState", {}).get("state", "")

    def wait_for_state(self, name, *states):
        def ended():
            application = self.get(name)
            return application if application.get("status", {}).get("applicationState", {}).get("state") in states else None
        return self.wait(ended, lambda: f"{name} is not {states}: {json.dumps(self.get(name).get('status'), indent=1)}")

    def drivers(self, name):
        return self.api.call("GET", f"{PODS}?labelSelector=spark-role%3Ddriver,sparkoperator.k8s.io/app-name%3D{name}")["items"]

    def wait(self, fact, what):
        return wait_for(fact, lambda: (what() if callable(what) else what) + "\n" + self.said(), limit=LIMIT)

    def said(self):
        with open(os.path.join(self.plane.folder, "operator.log"), errors="replace", encoding="utf-8") as log:
            return "".join(log.readlines()[-15:])


def placed(pod):
    """What says where a pod may run, as whom, and what is in it."""
    spec = pod["spec"]
    # The API server lets every pod stay on a node that fails for a while.
    tolerations = [t for t in spec.get("tolerations", []) if not t["key"].startswith("node.kubernetes.io/")]
    return {"selector": spec.get("nodeSelector"), "scheduler": spec.get("schedulerName", "default-scheduler"),
            "account": spec.get("serviceAccountName"), "tolerations": tolerations,
            "affinity": spec.get("affinity"), "init": [c["name"] for c in spec.get("initContainers", [])],
            "mounts": sorted(without_ids(m["mountPath"]) for m in spec["containers"][0]["volumeMounts"]
                             if not m["mountPath"].startswith("/var/run/secrets")),
            "resources": spec["containers"][0]["resources"]}


def without_ids(value):
    """What is other in each submission: ids of the application, its attempt and its folders, and names made of them."""
    text = re.sub(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", "ID", json.dumps(value))
    return json.loads(re.sub(r"-[0-9a-f]{16}\b", "-ID", text))


def selected(application):
    """By which labels the driver chooses its node."""
    return application["spec"]["driver"].get("nodeSelector", {})


class Submitted(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(*FLAGS))

    def test_every_application_completes(self):
        chosen = sorted(((folder, file, application) for folder, file, application in applications()
                         if not application["spec"].get("suspend") and folder not in NO_NETWORK), key=lambda row: str(selected(row[2])))
        self.assertEqual(len(chosen), 19)
        # Applications select different nodes; the one that there is becomes each of them in turn.
        for _, rows in itertools.groupby(chosen, key=lambda row: selected(row[2])):
            rows = list(rows)
            self.world.label_node(selected(rows[0][2]))
            names = [self.world.create(application, DONE) for _, _, application in rows]
            for name, (folder, file, application) in zip(names, rows):
                self.world.wait_for_state(name, "COMPLETED")
                with self.subTest(f"{folder}/{file}"):
                    self.compare(name, rendered("-", text=json.dumps(application)))

    def compare(self, name, wanted):
        """What is there is what was rendered: the driver, its executors' template, its settings."""
        driver, = self.world.drivers(name)
        self.assertEqual(placed(driver), placed(wanted.driver))
        self.assertLessEqual(wanted.driver["metadata"].get("annotations", {}).items(), driver["metadata"].get("annotations", {}).items())
        made = Made([{**driver, "kind": "Pod"}] + [
            {**m, "kind": "ConfigMap"} for m in self.world.api.call("GET", MAPS)["items"]
            if driver["metadata"]["uid"] in [owner["uid"] for owner in m["metadata"].get("ownerReferences", [])]])
        self.assertEqual(without_ids(made.executor["spec"]), without_ids(wanted.executor["spec"]))
        # A run has a time and an API server, and this one annotations for the node.
        ours, theirs = ({key: value for key, value in of.properties.items()
                         if "pretend.kubelet" not in key and key not in ("spark.app.submitTime", "spark.master")} for of in (made, wanted))
        self.assertEqual(without_ids(ours), without_ids(theirs))

    def test_kueue_holds_and_lets_go(self):
        application = next(o for _, o in documents("kueue") if o["kind"] == "SparkApplication")
        flavor = next(o for _, o in documents("kueue") if o["kind"] == "ResourceFlavor")["spec"]["nodeLabels"]
        self.world.label_node(flavor)
        name = self.world.create(application)
        self.world.wait_for_state(name, "SUSPENDED")
        self.assertEqual(self.world.drivers(name), [])
        line, said = commands("kueue")[-1]
        shown = subprocess.run([os.environ["SPARKCTL"], *shlex.split(line)[1:]], env={**os.environ, **self.world.plane.environment}, text=True,
                               capture_output=True, timeout=LIMIT)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for part in said.split(": "):
            self.assertIn(part, shown.stdout)
        # What Kueue does when there is room: the flavour's nodes, and go.
        admit = {"spec": {"suspend": False, "driver": {"nodeSelector": flavor}, "executor": {"nodeSelector": flavor}}}
        self.world.api.merge(f"{APPS}/{name}", admit)
        first = self.world.wait_for_state(name, "RUNNING")
        driver, = self.world.drivers(name)
        self.assertEqual(driver["spec"]["nodeSelector"], flavor)
        # Preempted, and admitted again.
        self.world.api.merge(f"{APPS}/{name}", {"spec": {"suspend": True}})
        self.world.wait_for_state(name, "SUSPENDED")
        self.world.wait(lambda: not self.world.drivers(name), "the driver of a suspended application stays")
        self.world.api.merge(f"{APPS}/{name}", {"spec": {"suspend": False}})
        again = self.world.wait_for_state(name, "RUNNING")
        self.assertNotEqual(first["status"]["submissionID"], again["status"]["submissionID"])
        self.assertEqual((first["status"]["executionAttempts"], again["status"]["executionAttempts"]), (1, 2))

    def test_argos_conditions(self):
        step = next(o for _, o in documents("argo-workflows") if o["kind"] == "Workflow")["spec"]["templates"][0]["resource"]

        def holds(condition, application):
            path, wanted = condition.split(" == ")
            for word in path.split("."):
                application = (application or {}).get(word)
            return application == wanted
        for notes, condition, other in ((DONE, "successCondition", "failureCondition"), (FAILS, "failureCondition", "successCondition")):
            name = self.world.create(yaml.safe_load(workflow_step()), notes)
            self.assertRegex(name, r"^spark-pi-\w+$")
            self.world.wait(lambda: holds(step[condition], self.world.get(name)), lambda: f"{name}: {self.world.get(name).get('status')}")
            self.assertFalse(holds(step[other], self.world.get(name)))
            driver, = self.world.drivers(name)
            self.assertEqual(driver["metadata"]["name"], f"{name}-driver")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="blueprints-") as folder:
        tempfile.tempdir = folder
        unittest.main(verbosity=2)

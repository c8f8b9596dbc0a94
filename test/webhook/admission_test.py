#!/usr/bin/env python3
"""The webhook behind a real API server: what each mutation makes of a pod that this server then takes, what each kind is
defaulted with and refused for, in namespaces that are chosen by label.

    SPARK_OPERATOR=… admission_test.py [--server real|embedded]
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import unittest
import urllib.error

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from replicas import Webhook, ask, wait_for  # noqa: E402
from control_plane import ControlPlane  # noqa: E402

PICKED, OTHER, LABEL = "picked", "other", {"spark": "yes"}
MERGE = "application/merge-patch+json"
PATHS = {"SparkApplication": "v1beta2/namespaces/{}/sparkapplications",
         "ScheduledSparkApplication": "v1beta2/namespaces/{}/scheduledsparkapplications",
         "SparkConnect": "v1alpha1/namespaces/{}/sparkconnects"}
GOOD = {"SparkApplication": {"type": "Python", "sparkVersion": "3.5.7", "image": "spark:3.5.7", "mainApplicationFile": "local:///pi.py",
                             "suspend": True, "driver": {}, "executor": {}},
        "SparkConnect": {"sparkVersion": "4.0.0", "image": "spark:4.0.0", "server": {}, "executor": {}}}
GOOD["ScheduledSparkApplication"] = {"schedule": "@daily", "suspend": True, "template": GOOD["SparkApplication"]}

# Numbered as in the contract of pod mutations. What driver and executor say, what the application says, and what a pod then has
# among other things: "container" is the Spark container.
PROMETHEUS = {"exposeDriverMetrics": True, "exposeExecutorMetrics": True, "prometheus": {"jmxExporterJar": "/j.jar", "port": 8099}}
MUTATIONS = [
    ("2 env", {"env": [{"name": "A", "value": "1"}]}, {}, {"container": {"env": [{"name": "A", "value": "1"}]}}),
    ("3 envFrom", {"envFrom": [{"configMapRef": {"name": "m"}}]}, {}, {"container": {"envFrom": [{"configMapRef": {"name": "m"}}]}}),
    ("4 hadoopConfigMap", {}, {"hadoopConfigMap": "h"},
     {"volumes": [{"name": "hadoop-configmap-volume", "configMap": {"name": "h"}}],
      "container": {"volumeMounts": [{"name": "hadoop-configmap-volume", "mountPath": "/etc/hadoop/conf", "readOnly": True}],
                    "env": [{"name": "HADOOP_CONF_DIR", "value": "/etc/hadoop/conf"}]}}),
    ("5 sparkConfigMap", {}, {"sparkConfigMap": "s"},
     {"volumes": [{"name": "spark-configmap-volume", "configMap": {"name": "s"}}],
      "container": {"volumeMounts": [{"name": "spark-configmap-volume", "mountPath": "/etc/spark/conf", "readOnly": True}],
                    "env": [{"name": "SPARK_CONF_DIR", "value": "/etc/spark/conf"}]}}),
    ("6 configMaps", {"configMaps": [{"name": "a", "path": "/a"}, {"name": "with.dots", "path": "/b"}, {"name": "l" * 80, "path": "/c"}]}, {},
     {"volumes": [{"name": "a-vol", "configMap": {"name": "a"}}, {"configMap": {"name": "with.dots"}}, {"configMap": {"name": "l" * 80}}],
      "container": {"volumeMounts": [{"name": "a-vol", "mountPath": "/a", "readOnly": True}, {"mountPath": "/b"}, {"mountPath": "/c"}]}}),
    ("7 volumes", {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, {"volumes": [{"name": "v", "emptyDir": {}}]},
     {"volumes": [{"name": "v", "emptyDir": {}}], "container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}}),
    ("8 ports", {"ports": [{"name": "p", "protocol": "UDP", "containerPort": 9}]}, {},
     {"container": {"ports": [{"name": "p", "protocol": "UDP", "containerPort": 9}]}}),
    ("9 hostNetwork", {"hostNetwork": True}, {}, {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}),
    ("10 hostAliases", {"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["h"]}]}, {}, {"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["h"]}]}),
    ("11 initContainers", {"initContainers": [{"name": "i", "image": "x"}]}, {}, {"initContainers": [{"name": "i", "image": "x"}]}),
    ("12 sidecars", {"sidecars": [{"name": "s", "image": "x"}]}, {}, {"containers": [{"name": "s", "image": "x"}]}),
    ("13 dnsConfig", {"dnsConfig": {"nameservers": ["9.9.9.9"]}}, {}, {"dnsConfig": {"nameservers": ["9.9.9.9"]}}),
    # The server computes the priority before it asks, and again because the webhook has taken it away.
    ("14 priorityClassName", {"priorityClassName": "fast"}, {}, {"priorityClassName": "fast", "priority": 1000, "preemptionPolicy": "Never"}),
    ("15 schedulerName", {"schedulerName": "mine"}, {}, {"schedulerName": "mine"}),
    ("15 batchScheduler", {"schedulerName": "mine"}, {"batchScheduler": "yunikorn"}, {"schedulerName": "yunikorn"}),
    ("16 nodeSelector", {"nodeSelector": {"pool": "p"}}, {}, {"nodeSelector": {"pool": "p"}}),
    ("17 affinity", {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}]}}}, {},
     {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}}),
    ("18 tolerations", {"tolerations": [{"key": "k", "operator": "Exists"}]}, {}, {"tolerations": [{"key": "k", "operator": "Exists"}]}),
    ("19 memoryLimit", {"memoryLimit": "3g"}, {}, {"container": {"resources": {"limits": {"memory": "3Gi"}}}}),
    ("20 gpu", {"gpu": {"name": "nvidia.com/gpu", "quantity": 2}}, {}, {"container": {"resources": {"limits": {"nvidia.com/gpu": "2"}}}}),
    ("21 monitoring", {}, {"monitoring": PROMETHEUS},
     {"volumes": [{"name": "NAME-prom-conf-vol", "configMap": {"name": "NAME-prom-conf"}}],
      "container": {"volumeMounts": [{"name": "NAME-prom-conf-vol", "mountPath": "/etc/metrics/conf", "readOnly": True}],
                    "ports": [{"name": "jmx-exporter", "protocol": "TCP", "containerPort": 8099}]}}),
    ("22 securityContext", {"securityContext": {"runAsUser": 7}}, {}, {"container": {"securityContext": {"runAsUser": 7}}}),
    ("23 podSecurityContext", {"podSecurityContext": {"fsGroup": 8}}, {}, {"securityContext": {"fsGroup": 8}}),
    ("24 terminationGracePeriodSeconds", {"terminationGracePeriodSeconds": 0}, {}, {"terminationGracePeriodSeconds": 0}),
    ("25 lifecycle", {"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}, {},
     {"container": {"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}}),
    ("26 shareProcessNamespace", {"shareProcessNamespace": True}, {}, {"shareProcessNamespace": True}),
]

# What the kind is given instead of what is good, and what the refusal says.
TEMPLATE = {"spec": {"containers": []}}
RULES = [
    ("SparkApplication", "n1.dots", {}, "metadata.name: "),
    ("SparkApplication", "s1", {"sparkVersion": "2.4.8", "driver": {"template": TEMPLATE}}, "spec.driver.template: "),
    ("SparkApplication", "s2", {"nodeSelector": {"a": "b"}, "executor": {"nodeSelector": {"c": "d"}}},
     "spec.nodeSelector: excludes spec.executor.nodeSelector"),
    ("SparkApplication", "s4", {"driverIngressOptions": [{"servicePort": 1, "servicePortName": "a", "ingressURLFormat": "a"},
                                                         {"servicePort": 1, "servicePortName": "b", "ingressURLFormat": "b"}]},
     "spec.driverIngressOptions[1].servicePort: must differ"),
    ("SparkApplication", "s7", {"sparkConf": {"spark.master": "local"}}, "spec.sparkConf[spark.master]: "),
    ("SparkApplication", "later", {"dynamicAllocation": {"enabled": True, "minExecutors": 3, "maxExecutors": 2}}, "minExecutors"),
    ("ScheduledSparkApplication", "dots.too", {}, "metadata.name: "),
    ("ScheduledSparkApplication", "later", {"schedule": "at noon"}, "spec.schedule: "),
    ("ScheduledSparkApplication", "s7", {"template": {"sparkConf": {"spark.master": "local"}}}, "spec.template.sparkConf[spark.master]: "),
    ("SparkConnect", "c2" + "c" * 55, {}, "metadata.name: must have at most 56"),
    ("SparkConnect", "c5", {"image": None}, "spec.image: is required"),
    ("SparkConnect", "c7", {"server": {"memory": "1.5g"}}, "spec.server.memory: "),
    ("SparkConnect", "c8", {"sparkConf": {"spark.master": "local"}}, "spec.sparkConf[spark.master]: "),
]


def merged(value, patch):
    if not isinstance(value, dict) or not isinstance(patch, dict):
        return patch
    out = {**value, **{key: merged(value.get(key), part) for key, part in patch.items()}}
    return {key: part for key, part in out.items() if part is not None}


def lacks(wanted, value, path=""):
    """Where `value` does not have all that is wanted; None when it does. The API server adds defaults and items of its own."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return path or "/"
        return next((found for key, part in wanted.items() if (found := lacks(part, value.get(key), f"{path}/{key}"))), None)
    if isinstance(wanted, list):
        for index, item in enumerate(wanted):
            if not any(lacks(item, each) is None for each in value or []):
                return f"{path}/{index}"
        return None
    return None if wanted == value else path or "/"


def pod(name, role, application):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"spark-role": role, "sparkoperator.k8s.io/app-name": application,
                                                  "sparkoperator.k8s.io/launched-by-spark-operator": "true"}},
            "spec": {"restartPolicy": "Never", "containers": [{
                "name": f"spark-kubernetes-{role}", "image": "spark:3.5.7",
                "resources": {"limits": {"memory": "1408Mi"}, "requests": {"memory": "1408Mi"}}}]}}


class AdmissionTest(unittest.TestCase):
    server = "real"

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(cls.server))
        binary = os.environ["SPARK_OPERATOR"]
        subprocess.run([binary, "crds", "apply", "--kubeconfig", cls.plane.kubeconfig], check=True, capture_output=True, timeout=120)
        for namespace, labels in ((PICKED, LABEL), (OTHER, {})):
            ask(cls.plane, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
            wait_for(lambda namespace=namespace: cls.answers(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"),
                     f"namespace {namespace} gets no account")
        for kind in PATHS:
            wait_for(lambda kind=kind: cls.answers(cls.path(kind, OTHER)), f"{kind}s are not served")
        ask(cls.plane, "POST", "/apis/scheduling.k8s.io/v1/priorityclasses",
            {"metadata": {"name": "fast"}, "value": 1000, "preemptionPolicy": "Never"})
        cls.webhook = Webhook(cls.plane, binary, "admission", flags=["--enable-resource-quota-enforcement"])
        cls.addClassCleanup(cls.webhook.kill_all)
        for number in range(cls.webhook.COUNT):
            cls.webhook.start(number)
        cls.webhook.balance()
        cls.webhook.register("Fail", namespaces=LABEL)
        cls.webhook.wait_until_ready()
        # An API server learns of configurations a little later, and of each of them by itself.
        wait_for(cls.is_asked, lambda: f"the webhook is not asked\n{cls.webhook.tails()}")

    @classmethod
    def answers(cls, path):
        try:
            return ask(cls.plane, "GET", path)
        except OSError:
            return None

    @classmethod
    def is_asked(cls):
        spec = merged(GOOD["SparkApplication"], {"sparkConf": {"spark.master": "local"}})
        body = cls.object("SparkApplication", "asked", spec)
        try:
            ask(cls.plane, "POST", cls.path("SparkApplication", PICKED) + "?dryRun=All", body)
        except urllib.error.HTTPError as error:
            if error.code != 403:
                return False
        else:
            return False
        try:
            ask(cls.plane, "POST", f"/api/v1/namespaces/{PICKED}/pods?dryRun=All", pod("asked", "driver", "nobody"))
        except urllib.error.HTTPError as error:
            return "nobody" in error.read().decode()
        return False

    @staticmethod
    def path(kind, namespace, name=None):
        return "/apis/sparkoperator.k8s.io/" + PATHS[kind].format(namespace) + (f"/{name}" if name else "")

    @staticmethod
    def object(kind, name, spec):
        version = PATHS[kind].split("/", 1)[0]
        return {"apiVersion": f"sparkoperator.k8s.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}

    def create(self, kind, name, spec, namespace=PICKED, query=""):
        return ask(self.plane, "POST", self.path(kind, namespace) + query, self.object(kind, name, spec))

    def refused(self, words, method, path, body, content_type="application/json"):
        with self.assertRaises(urllib.error.HTTPError) as raised:
            ask(self.plane, method, path, body, content_type)
        said = json.loads(raised.exception.read())
        self.assertEqual(said["code"], 403, said)
        self.assertIn(words, said["message"])
        return said["message"]

    def create_pod(self, wanted, namespace=PICKED):
        return ask(self.plane, "POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", wanted)

    def test_each_mutation_makes_a_pod_that_the_server_takes(self):
        for number, (what, of_role, of_application, wanted) in enumerate(MUTATIONS):
            name = f"row-{number}"
            app = self.create("SparkApplication", name, merged(GOOD["SparkApplication"], {"driver": of_role, "executor": of_role, **of_application}))
            wanted = json.loads(json.dumps(wanted).replace("NAME", name))
            container = wanted.pop("container", {})
            for role in ("driver", "executor"):
                with self.subTest(what, role=role):
                    made = self.create_pod(pod(f"{name}-{role}", role, name))
                    spark = next(c for c in made["spec"]["containers"] if c["name"] == f"spark-kubernetes-{role}")
                    self.assertIsNone(lacks(wanted, made["spec"]), made["spec"])
                    self.assertIsNone(lacks(container, spark), spark)
                    owners = [owner["uid"] for owner in made["metadata"].get("ownerReferences", [])]
                    self.assertEqual(owners, [app["metadata"]["uid"]] if role == "driver" else [])
                    # Once is enough.
                    again = {**pod(f"{name}-{role}", role, name), "spec": made["spec"]}
                    again["metadata"].update({key: made["metadata"][key] for key in ("annotations", "ownerReferences") if key in made["metadata"]})
                    self.assertEqual(self.create_pod(again)["spec"], made["spec"])

    def test_whose_pods_are_changed(self):
        name = "owner-of-pods"
        for namespace in (PICKED, OTHER):
            self.create("SparkApplication", name, merged(GOOD["SparkApplication"], {"driver": {"nodeSelector": {"pool": "p"}}}), namespace)
        driver = pod("d", "driver", name)
        self.assertEqual(self.create_pod(driver)["spec"]["nodeSelector"], {"pool": "p"})
        self.assertNotIn("nodeSelector", self.create_pod(driver, OTHER)["spec"])
        foreign = merged(driver, {"metadata": {"labels": {"sparkoperator.k8s.io/launched-by-spark-operator": None}}})
        self.assertNotIn("nodeSelector", self.create_pod(foreign)["spec"])
        connect = merged(driver, {"metadata": {"labels": {"sparkoperator.k8s.io/app-name": None, "sparkoperator.k8s.io/connect-name": "c"}}})
        self.assertNotIn("nodeSelector", self.create_pod(connect)["spec"])
        for wrong, words in ((pod("d", "driver", "nobody"), f"SparkApplication {PICKED}/nobody"), (pod("d", "something", name), "spark-role")):
            self.refused(words, "POST", f"/api/v1/namespaces/{PICKED}/pods?dryRun=All", wrong)

    def test_what_is_defaulted(self):
        made = self.create("SparkApplication", "defaulted", GOOD["SparkApplication"])["spec"]
        self.assertIsNone(lacks({"mode": "cluster", "restartPolicy": {"type": "Never"}, "driver": {"cores": 1, "memory": "1g"},
                                 "executor": {"cores": 1, "memory": "1g", "instances": 1}}, made), made)
        self.assertNotIn("instances", self.create("SparkApplication", "not-defaulted", GOOD["SparkApplication"], OTHER)["spec"]["executor"])

    def test_each_kind_is_held_to_its_rules(self):
        for kind, name, bad, words in RULES:
            with self.subTest(kind, name=name):
                spec = merged(GOOD[kind], bad)
                self.refused(words, "POST", self.path(kind, PICKED), self.object(kind, name, spec))
                if bad and None not in bad.values():
                    self.create(kind, name, GOOD[kind])
                    self.refused(words, "PATCH", self.path(kind, PICKED, name), {"spec": bad}, MERGE)
                    self.assertTrue(ask(self.plane, "PATCH", self.path(kind, PICKED, name), {"metadata": {"labels": {"a": "b"}}}, MERGE))
                    self.assertTrue(ask(self.plane, "DELETE", self.path(kind, PICKED, name)))

    def test_what_was_let_in_before_stays_editable(self):
        """A namespace gets the label when it already has objects."""
        namespace = "late"
        ask(self.plane, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        for kind, name, bad, words in RULES:
            with self.subTest(kind, name=name):
                self.create(kind, name, merged(GOOD[kind], bad), namespace)
        ask(self.plane, "PATCH", f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": LABEL}}, MERGE)
        wait_for(lambda: self.is_held_to_rules(namespace), "the namespace is not seen as chosen")
        for kind, name, bad, words in RULES:
            with self.subTest(kind, name=name):
                path = self.path(kind, namespace, name)
                edit = {"metadata": {"labels": {"team": "data"}}, "spec": {} if kind == "SparkConnect" else {"suspend": False}}
                self.assertTrue(ask(self.plane, "PATCH", path, edit, MERGE))
                self.assertTrue(ask(self.plane, "DELETE", path))

    def is_held_to_rules(self, namespace):
        spec = merged(GOOD["SparkApplication"], {"sparkConf": {"spark.master": "local"}})
        try:
            self.create("SparkApplication", "held", spec, namespace, "?dryRun=All")
        except urllib.error.HTTPError as error:
            return error.code == 403
        return False

    def test_names_that_the_server_makes_up(self):
        body = self.object("SparkApplication", None, merged(GOOD["SparkApplication"], {"sparkConf": {"spark.master": "local"}}))
        body["metadata"] = {"generateName": "made-up-"}
        said = self.refused("spec.sparkConf[spark.master]", "POST", self.path("SparkApplication", PICKED), body)
        self.assertRegex(said, re.escape(f"SparkApplication {PICKED}/made-up-") + "[a-z0-9]{5} is invalid")

    def test_quotas_hold_against_a_burst(self):
        namespace = "counted"
        ask(self.plane, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": LABEL}})
        quota = f"/api/v1/namespaces/{namespace}/resourcequotas"
        ask(self.plane, "POST", quota, {"metadata": {"name": "small"}, "spec": {"hard": {"cpu": "5"}}})
        # No quota controller runs here.
        ask(self.plane, "PATCH", f"{quota}/small/status", {"status": {"hard": {"cpu": "5"}, "used": {"cpu": "1"}}}, MERGE)
        body = self.object("SparkApplication", None, merged(GOOD["SparkApplication"], {"suspend": False}))
        body["metadata"] = {"generateName": "burst-"}
        path = self.path("SparkApplication", namespace)
        wait_for(lambda: self.is_held_to_rules(namespace), "the namespace is not seen as chosen")
        for _ in range(2):                                                        # a driver and an executor of one core each
            ask(self.plane, "POST", path, body)
        # Each replica hears of what the other let in by its watch.
        said = wait_for(lambda: self.quota_refusal(path, body), "a third one is let in")
        self.assertIn("counted/small: cpu: 2 requested, 1 used, 4 of applications admitted before, 5 allowed", said)

    def quota_refusal(self, path, body):
        try:
            made = ask(self.plane, "POST", path + "?dryRun=All", body)
        except urllib.error.HTTPError as error:
            return json.loads(error.read())["message"]
        return None if made else ""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))                       # so that clean-ups run
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--server", choices=("real", "embedded"), default=AdmissionTest.server)
    options, rest = parser.parse_known_args()
    AdmissionTest.server = options.server
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

#!/usr/bin/env python3
"""A real API server accepts every object of deploy/blueprints, strictly, and every object that an application of theirs becomes. Definitions of other
systems are small ones of our own (crds/). What is misspelt must be refused, or acceptance would prove nothing.

    SPARKCTL=… test/blueprints/manifests_test.py          # KUBECTL, HELM, or those that test/lib/fetch_*.sh build
"""

import copy
import json
import os
import subprocess
import unittest

import yaml
from blueprints import FLAGS, FOLDER, INGRESS, LIMIT, NO_NETWORK, TOP, applications, documents, folders, load_all, rendered, values_files, workflow_step
from server import Server, listed, tool

CLUSTERS_KINDS = {"ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
UID = "7d1c3a52-0000-4000-8000-000000000001"


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())
        cls.dry_run = cls.server.dry_run

    def test_every_object_is_accepted(self):
        paths = [word for folder in folders() for word in ("-f", os.path.join(FOLDER, folder))]
        code, out, err = self.dry_run(*paths)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.split()), sum(len(documents(folder)) for folder in folders()))

    def test_the_step_of_the_workflow_is_accepted(self):
        code, out, err = self.dry_run("-f", "-", text=workflow_step(), verb="create")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"sparkapplication.sparkoperator.k8s.io/spark-pi-\w+")

    def test_what_applications_become_is_accepted(self):
        objects = []
        for folder, file, application in applications():
            if folder in NO_NETWORK:
                continue
            application["metadata"].setdefault("name", f"{folder}-generated")
            flags = (*FLAGS, *INGRESS) if folder == "live-ui" else FLAGS
            for made in rendered("-", flags, text=json.dumps(application)).objects:
                for owner in made["metadata"].get("ownerReferences", []):
                    owner["uid"] = UID                     # of an application that nobody has created
                objects.append(made)
        self.assertGreater(len(objects), 100)
        code, out, err = self.dry_run("-f", "-", text=listed(objects))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.split()), len(objects))

    def test_what_is_misspelt_is_refused(self):
        def kind(folder, name):
            return copy.deepcopy(next(o for _, o in documents(folder) if o["kind"] == name))

        def changed(value, path, put):
            at = value
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = put
            return value
        wrong = [
            changed(kind("karpenter-nvme", "NodePool"), ("spec", "disruption", "consolidationPolicy"), "WhenUnderutilized"),
            changed(kind("karpenter-nvme", "NodePool"), ("spec", "template", "spec", "requirement"), []),
            changed(kind("karpenter-nvme", "EC2NodeClass"), ("spec", "instanceStorePolicy"), "RAID1"),
            changed(kind("kueue", "ClusterQueue"), ("spec", "cohorts"), "x"),
            changed(kind("volcano", "Queue"), ("spec", "weight"), "4"),
            changed(kind("argo-workflows", "Workflow"), ("spec", "templates", 0, "resource", "action"), "make"),
            changed(kind("argo-cd", "Application"), ("spec", "syncPolicy", "automatic"), {}),
            changed(self.pod_monitor(), ("spec", "podMetricsEndpoints", 0, "interval"), "30"),
            changed(self.pod_monitor(), ("spec", "podMetricsEndpoints", 0, "relabelings", 0, "action"), "omit"),
            changed(self.pod_monitor(), ("spec", "podMetricsEndpoints", 0, "relabelings", 0, "source_labels"), []),
            changed(kind("yunikorn", "SparkApplication"), ("spec", "batchSchedulerOptions", "queues"), "x"),
            changed(kind("history-server", "Deployment"), ("spec", "template", "spec", "volumes", 0, "name"), "other"),
        ]
        code, out, err = self.dry_run("-f", "-", text=listed(wrong))
        self.assertNotEqual(code, 0)
        self.assertEqual(out, "")

    def template(self, release, namespace, path):
        command = [tool("helm"), "template", release, os.path.join(TOP, "charts/spark-operator-chart"), "--namespace", namespace, "--values", path,
                   "--api-versions", "monitoring.coreos.com/v1/PodMonitor", "--api-versions", "monitoring.coreos.com/v1/PrometheusRule"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT).stdout
        return [o for o in load_all(text) if "helm.sh/hook" not in o["metadata"].get("annotations", {})]

    def pod_monitor(self):
        made = self.template("spark-operator", "spark-operator", os.path.join(FOLDER, "prometheus-servlet", "values", "operator.yaml"))
        return next(o for o in made if o["kind"] == "PodMonitor")

    def test_values_render_to_what_the_server_accepts(self):
        objects, clusters = [], {}
        for folder, name, path in values_files():
            release, namespace = (name, name) if folder == "teams" else ("spark-operator", "spark-operator")
            made = self.template(release, namespace, path)
            objects += made
            if folder == "teams":
                clusters[name] = {(o["kind"], o["metadata"]["name"]) for o in made if o["kind"] in CLUSTERS_KINDS}
            if folder == "scale-test":
                controller = next(o for o in made if o["kind"] == "Deployment" and o["metadata"]["name"].endswith("-controller"))["spec"]["template"]["spec"]
                self.assertEqual(controller["nodeSelector"], {"NodeGroupType": "spark-operator-benchmark"})
                self.assertIn("--controller-threads=20", controller["containers"][0]["args"])
                self.assertEqual([o["metadata"]["name"] for o in made if o["kind"] == "PodMonitor"], ["spark-operator-podmonitor"])
            if folder == "ipv6":
                controller = next(o for o in made if o["kind"] == "Deployment" and o["metadata"]["name"].endswith("-controller"))["spec"]["template"]["spec"]
                self.assertIn("KUBERNETES_DISABLE_HOSTNAME_VERIFICATION", [e["name"] for e in controller["containers"][0]["env"]])
            if folder == "live-ui":
                controller = next(o for o in made if o["kind"] == "Deployment" and o["metadata"]["name"].endswith("-controller"))["spec"]["template"]["spec"]
                for flag in INGRESS:
                    self.assertIn(flag, controller["containers"][0]["args"])
        self.assertEqual(len(clusters), 2)
        self.assertTrue(all(clusters.values()))
        self.assertEqual(set.intersection(*clusters.values()), set())
        # Some are there already, as Argo CD applies them.
        code, _, err = self.dry_run("--server-side", "--force-conflicts", "-f", "-", text=listed(objects))
        self.assertEqual((code, err), (0, ""))

    def test_argo_cd_finds_nothing_to_do_a_second_time(self):
        """Rendered with the values of its Application, and applied as it does; then once more."""
        application = next(o for _, o in documents("argo-cd") if o["metadata"]["name"] == "spark-operator")["spec"]
        helm = application["source"]["helm"]
        self.assertTrue(os.path.isdir(os.path.join(TOP, application["source"]["path"])))
        command = [tool("helm"), "template", helm["releaseName"], os.path.join(TOP, application["source"]["path"]), "--include-crds",
                   "--namespace", application["destination"]["namespace"], "--values", "-",
                   "--api-versions", "monitoring.coreos.com/v1/PodMonitor", "--api-versions", "monitoring.coreos.com/v1/PrometheusRule"]
        texts = [subprocess.run(command, input=yaml.safe_dump(helm["valuesObject"]), capture_output=True, text=True, check=True, timeout=LIMIT).stdout
                 for _ in range(2)]
        self.assertEqual(texts[0], texts[1])
        # Hooks are Argo CD's business, tests nobody's.
        objects = [o for o in load_all(texts[0]) if "helm.sh/hook" not in o["metadata"].get("annotations", {})]
        versions = []
        for _ in range(2):
            out = self.server.kubectl("apply", "--server-side", "--force-conflicts", "-o", "json", "-f", "-", text=listed(objects))
            versions.append({(o["kind"], o["metadata"]["name"], o["metadata"].get("namespace")): o["metadata"]["resourceVersion"]
                             for o in json.loads(out)["items"]})
        self.assertEqual(len(versions[0]), len(objects))
        self.assertEqual(versions[0], versions[1])
        for configuration in (o for o in objects if o["kind"].endswith("WebhookConfiguration")):
            for webhook in configuration["webhooks"]:
                self.assertNotIn("caBundle", webhook["clientConfig"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Facts about deploy/kustomize, and where it must agree with the chart."""

import os
import subprocess
import unittest

from features_test import CLUSTER_KINDS
from flags_test import refused
from helm import TOP, Rendered
from render_test import HELM

FOLDERS = ("", "controller", "webhook", "namespaced", "cert-manager")


def build(folder):
    run = subprocess.run([os.environ["KUBECTL"], "kustomize", os.path.join(TOP, "deploy/kustomize", folder)], check=True, capture_output=True,
                         text=True, timeout=60)
    return Rendered(run.stdout)


def rights(rendered, component):
    """(group, resource, name, verb) of all roles of a component."""
    return {(group, resource, name, verb) for kind in ("Role", "ClusterRole") for role in rendered.of_kind(kind)
            if role["metadata"]["name"] == f"spark-operator-{component}" for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for name in rule.get("resourceNames", [None]) for verb in rule["verbs"]}


class Kustomize(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.built = {folder: build(folder) for folder in FOLDERS}

    def arguments(self, folder, component):
        return self.built[folder].arguments(component)

    def test_arguments_are_known_flags(self):
        for folder, rendered in self.built.items():
            for deployment in rendered.of_kind("Deployment"):
                with self.subTest(folder=folder):
                    self.assertIsNone(refused(deployment["spec"]["template"]["spec"]["containers"][0]["args"]))

    def test_the_chart_grants_all_that_these_roles_grant(self):
        chart = HELM.render({"spark": {"jobNamespaces": [""]}, "webhook": {"resourceQuotaEnforcement": {"enable": True}},
                             "controller": {"driverPodDisruptionBudget": {"enable": True}, "batchScheduler": {"enable": True}}})
        for component in ("controller", "webhook"):
            self.assertEqual(rights(self.built[""], component) - rights(chart, component), set())
            # spark-submit of Spark 3.4; a Go operator that is just being replaced, which has no upgrade in place with kustomize.
            more = {(resource, verb) for _, resource, _, verb in rights(chart, component) - rights(self.built[""], component)}
            self.assertEqual(more - {(resource, "update") for resource in (
                "configmaps", "services", "persistentvolumeclaims", "podgroups", "sparkapplications/status",
                "scheduledsparkapplications/status", "sparkconnects/status")}, set())

    def test_entries_of_the_webhook_configurations_agree(self):
        chart = HELM.render({"spark": {"jobNamespaces": [""]}})
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            ours, theirs = (r[kind, "spark-operator-webhook"]["webhooks"] for r in (self.built[""], chart))
            self.assertEqual([(e["name"], e["rules"], e.get("objectSelector"), e["clientConfig"]["service"]["path"]) for e in ours],
                             [(e["name"], e["rules"], e.get("objectSelector"), e["clientConfig"]["service"]["path"]) for e in theirs])

    def test_namespaced_has_nothing_of_the_cluster_and_the_same_rights(self):
        rendered = self.built["namespaced"]
        self.assertEqual({o["kind"] for o in rendered.objects} & CLUSTER_KINDS, set())
        self.assertEqual(rights(rendered, "controller"), rights(self.built["controller"], "controller"))
        self.assertIn("--namespaces=default", self.arguments("namespaced", "controller"))
        roles = {(o["kind"], o["metadata"]["namespace"]) for o in rendered.objects if "Role" in o["kind"]}
        self.assertEqual(roles, {(k, n) for k in ("Role", "RoleBinding") for n in ("default", "spark-operator")})

    def test_pods_do_not_carry_a_namespaces_services_with_them(self):
        for rendered in self.built.values():
            for deployment in rendered.of_kind("Deployment"):
                self.assertIs(deployment["spec"]["template"]["spec"]["enableServiceLinks"], False)

    def test_without_webhook_nobody_counts_on_one(self):
        self.assertIn("--webhook-enabled=true", self.arguments("", "controller"))
        for folder in ("controller", "namespaced"):
            self.assertNotIn("--webhook-enabled=true", self.arguments(folder, "controller"))

    def test_cert_manager(self):
        rendered = self.built["cert-manager"]
        self.assertIn("--enable-cert-manager=true", self.arguments("cert-manager", "webhook"))
        certificate = rendered["Certificate", "spark-operator-webhook"]
        self.assertIn(f"--webhook-secret-name={certificate['spec']['secretName']}", self.arguments("cert-manager", "webhook"))
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            self.assertEqual(rendered[kind, "spark-operator-webhook"]["metadata"]["annotations"],
                             {"cert-manager.io/inject-ca-from": "spark-operator/spark-operator-webhook"})


if __name__ == "__main__":
    unittest.main()

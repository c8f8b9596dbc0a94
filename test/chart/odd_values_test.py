#!/usr/bin/env python3
"""Facts about values that are legal and unusual: null, an empty value of another kind, a number for a text, a text of digits."""

import copy
import os
import re
import unittest

import values_file
from helm import TOP, Helm
from render_test import HELM, rules
from values_test import put

assert isinstance(HELM, Helm)
CERT_MANAGER = {"certManager": {"enable": True}}


class OddValues(unittest.TestCase):
    def changed(self, changes):
        """The chart's own values with some changed: {dotted: value}."""
        with open(values_file.VALUES) as f:
            values = values_file.yaml.safe_load(f)
        for dotted, value in changes.items():
            put(values, dotted.split("."), copy.deepcopy(value))
        return HELM.render(values)

    def test_no_value_shows_as_what_the_template_language_says_of_it(self):
        texts = [v.dotted for v in values_file.read() if isinstance(v.default, str) and v.dotted not in values_file.CHOICES]
        on = {"controller.batchScheduler.enable": True, "controller.uiIngress.enable": True, "controller.workqueueRateLimiter.maxDelay.enable": True,
              "controller.featureGates": [{"name": "RestSubmitter", "enabled": True}]}
        needed = ("image.repository", "hook.image.repository", "spark.jobNamespaceSelector", "test.mainApplicationFile", "test.image")
        for value in (None, 30, 0):
            with self.subTest(value=value):
                lines = self.changed({**on, **{dotted: value for dotted in texts if dotted not in needed}}).text.splitlines()
                self.assertEqual([line for line in lines if any(wrong in line for wrong in ("%!", "<nil>", "<no value>"))], [])

    def test_an_empty_value_of_another_kind_is_empty(self):
        other = {list: {}, dict: [], int: "", float: ""}
        for value in values_file.read():
            kind = values_file.TYPES.get(value.dotted, type(value.default))
            if value.dotted == "controller.batchScheduler.kubeSchedulerNames":
                continue
            if kind in other and value.dotted not in ("controller.workers", "webhook.port", "prometheus.metrics.port", "controller.pprof.port"):
                with self.subTest(value=value.dotted):
                    self.changed({value.dotted: other[kind]})
        self.assertIn("--kube-scheduler-names=a,b", self.changed({"controller.batchScheduler.enable": True,
                                                                   "controller.batchScheduler.kubeSchedulerNames": "a,b"}).arguments("controller"))

    def test_a_tag_of_digits_stays_what_it_is(self):
        for tag in ("1234e56", "12e4567", "7e10"):
            rendered = HELM.render(more=("--set-string", f"image.tag={tag}"))
            self.assertEqual(rendered.container("webhook")["image"], f"spark-operator:{tag}")

    def test_the_hooks_own_tag(self):
        def image(hook):
            rendered = HELM.render({"image": {"tag": "1"}, "hook": {"upgradeCrd": True, "image": hook}})
            return rendered["Job", "spark-operator-hook"]["spec"]["template"]["spec"]["containers"][0]["image"]
        self.assertEqual([image({"tag": "2"}), image({"tag": "2.4.0"}), image({"registry": "r.io"})],
                         ["spark-operator:2", "spark-operator:1", "r.io/spark-operator:1"])

    def test_names_of_digits(self):
        rendered = HELM.render({"spark": {"jobNamespaces": ["123", 456, None]}}, release="1234", namespace="99", more=("--set", "fullnameOverride=spark-operator"))
        self.assertIn("--namespaces=123,456", rendered.arguments("controller"))
        for o in rendered.objects:
            for name in (o["metadata"].get("namespace", ""), *o["metadata"].get("labels", {}).values()):
                self.assertIsInstance(name, str, o)

    def test_namespaces_as_the_command_line_takes_them(self):
        with open(os.path.join(TOP, "docs/install.md")) as f:
            shown = re.findall(r"`(spark\.jobNamespace[^`]*)`", f.read().split("### Without rights")[0])
        arguments = [HELM.render(more=("--set", text)).arguments("controller") for text in shown if "=" in text]
        self.assertEqual([[a for a in some if a.startswith("--namespace")] for some in arguments],
                         [["--namespaces=a,b"], ['--namespaces=""'], ["--namespaces=default", "--namespace-selector=team in (a,b)"]])

    def test_a_name_that_is_too_long_for_the_webhooks_service(self):
        self.assertIn("set fullnameOverride", HELM.refusal({"fullnameOverride": "x" * 52}))
        HELM.render({"fullnameOverride": "x" * 51})
        HELM.render({"fullnameOverride": "x" * 52, "webhook": {"enable": False}})

    def test_a_label_twice_is_one(self):
        values = {"commonLabels": {"release": "p", "app.kubernetes.io/managed-by": "us"},
                  "prometheus": {"rules": {"create": True, "labels": {"release": "q"}}, "dashboards": {"create": True, "labels": {"release": "r"}}}}
        rendered = HELM.render(values)
        self.assertEqual(rendered["PrometheusRule", "spark-operator-rules"]["metadata"]["labels"]["release"], "q")
        for labels in re.findall(r"\n  labels:\n((?: {4}\S.*\n)+)", rendered.text):
            names = [line.split(":")[0] for line in labels.splitlines()]
            self.assertEqual(len(names), len(set(names)), labels)

    def test_with_cert_manager_the_webhook_only_reads_and_elects_nobody(self):
        own = rules(HELM.render(CERT_MANAGER), "spark-operator-webhook", "spark-operator")
        self.assertEqual({resource: verbs for resource, verbs in own.items() if "leases" in resource or "secrets" in resource},
                         {"secrets:spark-operator-webhook-certs": ["get", "watch"]})

    def test_a_common_name_has_64_characters_at_most(self):
        def certificate(namespace):
            return HELM.render(CERT_MANAGER, namespace=namespace)["Certificate", "spark-operator-certificate"]["spec"]
        self.assertEqual(certificate("n")["commonName"], "spark-operator-webhook-svc.n.svc")
        self.assertNotIn("commonName", certificate("data-platform-production-spark-operators"))

    def test_alerts_want_what_they_are_about(self):
        self.assertIn("needs prometheus.metrics.enable", HELM.refusal({"prometheus": {"metrics": {"enable": False}, "rules": {"create": True}}}))

    def test_where_pi_runs_must_be_said_where_a_selector_alone_says_who_is_managed(self):
        selected = {"jobNamespaces": [], "jobNamespaceSelector": "team=a"}
        pod = HELM.render({"spark": selected})["Pod", "spark-operator-test"]["spec"]
        self.assertIn("test.namespace", pod["containers"][0]["command"][-1])
        pod = HELM.render({"spark": selected, "test": {"namespace": "a"}})["Pod", "spark-operator-test"]["spec"]
        self.assertIn('"namespace":"a"', pod["containers"][0]["command"][-2])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Facts about values.yaml: each value is described, used by a template, of the type that the schema says."""

import copy
import json
import unittest

from helm import Helm
import values_file

HELM = Helm()


def at(values, path):
    for part in path:
        values = values[part]
    return values


def put(values, path, value):
    at(values, path[:-1])[path[-1]] = value


# Values whose sentinel is not simply another text or number.
GATES = [{"name": "RestSubmitter", "enabled": True}, {"name": "DefaultTimeToLive", "enabled": True}]
FIXED = {
    "controller.featureGates": GATES,
    "controller.replicas": 7, "webhook.replicas": 8,                 # more than one, for budgets and spreading
    "controller.hostUsers": True, "webhook.hostUsers": False,
    "spark.jobNamespaceSelector": "sentinel-selector=x",
    "image.pullPolicy": "Never", "webhook.failurePolicy": "Ignore", "controller.submitter": "native",
    "controller.logEncoder": "json", "webhook.logEncoder": "json",
    "controller.scheduledSparkApplicationTimestampPrecision": "micros",
}
SHOWN = {"controller.featureGates": "RestSubmitter=true,DefaultTimeToLive=true", "controller.replicas": "replicas: 7",
         "webhook.replicas": "replicas: 8", "controller.hostUsers": "hostUsers: true", "webhook.hostUsers": "hostUsers: false",
         "spark.jobNamespaceSelector": "--namespace-selector=sentinel-selector=x", "image.pullPolicy": "imagePullPolicy: Never",
         "webhook.failurePolicy": "failurePolicy: Ignore", "controller.submitter": "--submitter=native",
         "controller.logEncoder": "--zap-encoder=json", "webhook.logEncoder": "--zap-encoder=json",
         "controller.scheduledSparkApplicationTimestampPrecision": "timestamp-precision=micros"}

# Lists of texts; others are lists of maps.
TEXTS = ("spark.jobNamespaces", "controller.batchScheduler.kubeSchedulerNames", "prometheus.sparkPodMonitor.podTargetLabels",
         "prometheus.sparkPodMonitor.servlet.paths")


def everything_on():
    """Values of which each differs from its default and can be told from all others; and how each shows in the objects."""
    with open(values_file.VALUES) as f:
        values = values_file.yaml.safe_load(f)
    shown, number = {}, 1000001
    for value in values_file.read():
        name = f"sentinel-{len(shown)}x"
        if value.dotted in FIXED:
            new, seen = FIXED[value.dotted], SHOWN[value.dotted]
        elif isinstance(value.default, bool):
            new, seen = True, None                                      # one by one, below
        elif isinstance(value.default, (int, float)):
            number += 1
            new, seen = number, str(number)
        elif isinstance(value.default, dict):
            new, seen = {"name": name}, name
        elif value.dotted in TEXTS or value.dotted.endswith("extraArgs"):
            new, seen = [name], name
        elif isinstance(value.default, list):
            new, seen = [{"name": name}], name
        else:
            new, seen = name, name
        put(values, value.path, new)
        shown[value.dotted] = seen
    return values, shown


class Values(unittest.TestCase):
    maxDiff = None
    # Switched off alone they contradict what else is on; refusing that is their effect.
    CONTRADICTED = {"clusterResources.create": "clusterResources.create=false", "prometheus.metrics.enable": "needs prometheus.metrics.enable"}

    @classmethod
    def setUpClass(cls):
        cls.on, cls.shown = everything_on()
        cls.rendered = HELM.render(cls.on)

    def test_each_value_is_described(self):
        with open(values_file.VALUES) as f:
            everything = values_file.yaml.safe_load(f)
        described = [value.path for value in values_file.read()]
        undescribed = [path for path in values_file.leaves(everything)
                       if not any(path[:len(known)] == known for known in described)]
        self.assertEqual(undescribed, [])

    def test_each_value_reaches_an_object(self):
        unused = [dotted for dotted, seen in self.shown.items() if seen is not None and seen not in self.rendered.text]
        self.assertEqual(unused, [])

    def test_each_switch_changes_something(self):
        unused = []
        for dotted, seen in self.shown.items():
            if seen is not None:
                continue
            values = copy.deepcopy(self.on)
            put(values, dotted.split("."), False)
            if dotted in self.CONTRADICTED:
                self.assertIn(self.CONTRADICTED[dotted], HELM.refusal(values))
            elif HELM.render(values).text == self.rendered.text:
                unused.append(dotted)
        self.assertEqual(unused, [])

    def test_readme_schema_and_fallbacks_are_made_from_the_file(self):
        hint = "run test/chart/values_file.py --write"
        with open(values_file.README) as f:
            readme = f.read()
        self.assertTrue(readme == values_file.with_table(readme), hint)
        for path, text in ((values_file.SCHEMA, values_file.schema()), (values_file.DEFAULTS, values_file.defaults())):
            with open(path) as f:
                self.assertTrue(f.read() == text, hint)

    def test_the_schema_names_the_value_that_is_wrong(self):
        for values, words in (({"controller": {"workers": "ten"}}, ("workers",)),
                              ({"webhook": {"failurePolicy": "Sometimes"}}, ("failurePolicy",)),
                              ({"spark": {"jobNamespaces": "default"}}, ("jobNamespaces",)),
                              ({"controller": {"submitter": "rest"}}, ("submitter",))):
            refusal = HELM.refusal(values)
            for word in words:
                self.assertIn(word, refusal)

    def test_the_schema_lets_pass_what_templates_can_render(self):
        HELM.render({"unknown": {"key": 1}, "controller": {"unknown": [], "workers": "20", "kubeAPIQPS": 12.5, "env": None,
                                                           "logLevel": 2, "podDisruptionBudget": {"minAvailable": "50%"}},
                     "image": {"tag": 1.5}, "spark": {"jobNamespaces": None}})

    def test_the_schema_is_json_that_describes_each_value(self):
        schema = json.loads(values_file.schema())
        self.assertEqual(at(schema, ("properties", "controller", "properties", "workers", "default")), 10)


if __name__ == "__main__":
    unittest.main()

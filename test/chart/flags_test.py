#!/usr/bin/env python3
"""Each list of arguments that the chart renders is one that the operator's own flag parser takes."""

import os
import subprocess
import unittest

from helm import Helm

HELM = Helm()
BINARY = os.environ["SPARK_OPERATOR"]
GATES = [{"name": gate, "enabled": True} for gate in ("PartialRestart", "LoadSparkDefaults", "RestSubmitter", "DefaultTimeToLive")]
CASES = {
    "defaults": {},
    "everything": {
        "controller": {
            "featureGates": GATES, "defaultTimeToLiveSeconds": 2592000, "maxTrackedExecutorPerApp": 1000000, "kubeAPIQPS": 50, "kubeAPIBurst": 100,
            "uiIngress": {"enable": True, "urlFormat": "{{$appName}}.x", "ingressClassName": "nginx",
                          "tls": [{"hosts": ["*.x"], "secretName": "s"}], "annotations": {"a": "b: c"}},
            "batchScheduler": {"enable": True, "kubeSchedulerNames": ["s1", "s2"], "default": "volcano"},
            "driverPodDisruptionBudget": {"enable": True}, "pprof": {"enable": True}, "submitter": "native",
            "sparkSubmit": {"path": "/opt/spark/bin/spark-submit", "timeout": "5m", "concurrency": 2}, "logLevel": "debug", "logEncoder": "json"},
        "webhook": {"resourceQuotaEnforcement": {"enable": True}, "kubeAPIQPS": 50, "kubeAPIBurst": 100, "threads": 2, "logLevel": 2},
        "spark": {"jobNamespaces": ["a", "b"], "jobNamespaceSelector": "team in (a,b),!x", "enableServiceLinks": True},
        "prometheus": {"metrics": {"labels": "app_type,team", "prefix": "x_"}}, "certManager": {"enable": True}},
    "little": {"controller": {"leaderElection": {"enable": False}, "featureGates": [], "workqueueRateLimiter": {"maxDelay": {"enable": False}}},
               "webhook": {"leaderElection": {"enable": False}}, "prometheus": {"metrics": {"enable": False}}, "spark": {"jobNamespaces": [""]}},
}


def refused(arguments):
    """What the parser said; None if it took them. Parsed arguments fail on the next thing, a kubeconfig that is not there."""
    run = subprocess.run([BINARY, *arguments, "--kubeconfig=/nonexistent/kubeconfig"], capture_output=True, text=True, timeout=60,
                         env={k: v for k, v in os.environ.items() if not k.startswith("KUBE")})
    if run.returncode == 1 and "/nonexistent/kubeconfig" in run.stderr and "Usage" not in run.stderr and not run.stderr.startswith("Error"):
        return None
    return run.stderr.splitlines()[0] if run.stderr else f"exit code {run.returncode}"


class Flags(unittest.TestCase):
    def test_the_check_can_fail(self):
        self.assertIn("--no-such-flag", refused(["controller", "start", "--no-such-flag=1"]))
        self.assertIn("--controller-threads", refused(["webhook", "start", "--controller-threads=x"]))

    def test_rendered_arguments_are_known_flags(self):
        for name, values in CASES.items():
            rendered = HELM.render(values)
            for component in ("controller", "webhook"):
                with self.subTest(values=name, component=component):
                    self.assertIsNone(refused(rendered.arguments(component)))

    def test_the_hook_runs_a_command_that_exists(self):
        arguments = HELM.render({"hook": {"upgradeCrd": True}})["Job", "spark-operator-hook"]["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIsNone(self.refused_command(arguments))

    def refused_command(self, arguments):
        run = subprocess.run([BINARY, *arguments, "--kubeconfig", "/nonexistent/kubeconfig"], capture_output=True, text=True, timeout=60)
        return None if "/nonexistent/kubeconfig" in run.stderr and "spark-operator version" not in run.stderr else run.stderr

    def test_definitions_of_the_chart_are_those_that_the_binary_prints(self):
        printed = subprocess.run([BINARY, "crds", "print"], check=True, capture_output=True, text=True, timeout=60).stdout
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../charts/spark-operator-chart/crds")
        files = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as f:
                files[name] = f.read()
        self.assertTrue(sorted(p for p in printed.split("---\n") if p) == sorted(files.values()), "API_UPDATE_CRDS=1 api_test writes them")


if __name__ == "__main__":
    unittest.main()

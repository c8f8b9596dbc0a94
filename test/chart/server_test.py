#!/usr/bin/env python3
"""Facts about the chart on a real API server: it takes every object, an upgrade from the Go operator's chart and a rollback work
in place, and controller and webhook get along with the roles that are rendered. They run
in the root file system of the image `operator`."""

import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.parse

import go_chart
import go_values
import readme
from helm import CHART, NAMESPACE, RELEASE, TOP, Rendered
from installation import LIMIT
from on_a_server import OnAServer, application
from render_test import BENCHMARK, HELM

from waiting import wait_for

FEATURES = {
    "defaults": {},
    "the published benchmark": BENCHMARK,
    **{f"the values of {release}": go_values.of(release) for release in ("2.1.0", "head")},
    "two namespaces": {"spark": {"jobNamespaces": ["a", "b", "spark-operator"]}},
    "all namespaces": {"spark": {"jobNamespaces": [""]}},
    "a selector": {"spark": {"jobNamespaceSelector": "team in (a,b),!off"}},
    "replicas": {c: {"replicas": 2, "podDisruptionBudget": {"enable": True}, "hostUsers": False,
                     "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}]}
                 for c in ("controller", "webhook")},
    "controller": {"controller": {"pprof": {"enable": True}, "batchScheduler": {"enable": True}, "driverPodDisruptionBudget": {"enable": True},
                                  "rbac": {"secrets": True}, "deploymentAnnotations": {"a": "b"}, "priorityClassName": "system-cluster-critical",
                                  "featureGates": [{"name": "RestSubmitter", "enabled": True}], "sidecars": [{"name": "more", "image": "x"}],
                                  "podSecurityContext": {"runAsUser": 1000650000, "fsGroup": 1000650000}}},
    "no webhook": {"webhook": {"enable": False}},
    "quotas": {"webhook": {"resourceQuotaEnforcement": {"enable": True}}},
    "the hook": {"hook": {"upgradeCrd": True}},
    "network policies": {"networkPolicy": {"create": True, "metricsFrom": [{"namespaceSelector": {}}], "egress": [{"ports": [{"port": 443}]}]}},
    "dashboards": {"prometheus": {"dashboards": {"create": True}}},
    "namespaces only": {"clusterResources": {"create": False}, "webhook": {"enable": False}},
    "labels": {"commonLabels": {"team": "x"}, "image": {"pullSecrets": [{"name": "s"}]}},
}
# What the API server has no definitions for here.
FOREIGN = ("monitoring.coreos.com", "cert-manager.io")

# Rights that nothing here makes the operator use, or not each time, and why it has them. All others must have been used.
KINDS = ("sparkapplications", "scheduledsparkapplications", "sparkconnects")
UNUSED = {
    "controller": {
        "configmaps get": "adoption of a driver whose operator died in between", "configmaps delete": "children of a driver that is gone",
        "configmaps update": "spark-submit of Spark 3.4 and older", "configmaps patch": "a metrics exporter's map; spark-submit",
        "services get": "adoption", "services update": "spark-submit of Spark 3.4 and older", "services patch": "spark-submit",
        "services delete": "children of a driver that is gone",
        "persistentvolumeclaims get": "adoption of a driver with claims on demand",
        "persistentvolumeclaims update": "spark-submit of Spark 3.4 and older", "persistentvolumeclaims patch": "spark-submit",
        "persistentvolumeclaims delete": "children of a driver that is gone",
        **{f"networkpolicies {verb}": "drivers of Spark 4.2 and newer" for verb in ("get", "create", "patch", "delete")},
        "ingresses get": "one that is there already", "ingresses patch": "one that is not as it should be", "ingresses delete": "one that is wanted no more",
        "events patch": "an event that happens again", "sparkconnects get": "the live read before a server is created again",
        **{f"{kind}/finalizers update": "asked for by clusters with the admission plug-in OwnerReferencesPermissionEnforcement; never called"
           for kind in KINDS},
        **{f"{kind}/status update": "a Go operator that is just being replaced" for kind in KINDS},
        "poddisruptionbudgets get": "one that is there already", "poddisruptionbudgets patch": "one that is not as it should be",
        "poddisruptionbudgets delete": "one that is wanted no more",
        "leases create": "the first leader of all", "leases watch": "a standby",
    },
    "webhook": {
        "sparkapplications get": "an application that the informer does not know yet",
        "secrets update": "renewal, half a year before its end", "leases watch": "a standby",
    },
}

ON_DEMAND = "spark.kubernetes.driver.volumes.persistentVolumeClaim.data"
CLAIM = {f"{ON_DEMAND}.mount.path": "/data", f"{ON_DEMAND}.options.claimName": "OnDemand", f"{ON_DEMAND}.options.sizeLimit": "1Gi",
         f"{ON_DEMAND}.options.storageClass": "any"}
SCHEDULE = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication", "metadata": {"name": "often", "namespace": "default"},
            "spec": {"schedule": "@every 2s", "concurrencyPolicy": "Forbid", "template": application("template", lasts="1s")["spec"]}}
CONNECT = {"apiVersion": "sparkoperator.k8s.io/v1alpha1", "kind": "SparkConnect", "metadata": {"name": "sql", "namespace": "default"},
           "spec": {"sparkVersion": "4.1.4", "image": "spark:4.1.4", "server": {}, "executor": {"instances": 1}}}


class Server(OnAServer):
    refusals_count_from = 0                                                # no operator runs before test 5

    # Names of tests give their order: each goes on from what the one before left.

    def test_1_it_takes_every_object(self):
        # A pod is refused, in a dry run too, while its account does not exist.
        self.kubectl("create", "serviceaccount", "spark-operator-controller", "-n", NAMESPACE)
        for name, values in FEATURES.items():
            with self.subTest(name):
                objects = [o for o in HELM.render(values).objects if not o["apiVersion"].startswith(FOREIGN)]
                for o in objects:
                    if o["kind"] in ("Deployment", "Service", "PodDisruptionBudget", "ConfigMap"):
                        o["metadata"].setdefault("namespace", NAMESPACE)
                said = self.kubectl("apply", "--dry-run=server", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
                self.assertEqual(len(said.splitlines()), len(objects), said)

        for folder in ("", "controller", "namespaced"):
            with self.subTest(kustomize=folder):
                self.kubectl("apply", "--dry-run=server", "-k", os.path.join(TOP, "deploy/kustomize", folder))
        self.kubectl("delete", "serviceaccount", "spark-operator-controller", "-n", NAMESPACE)

    def test_1_the_commands_of_the_readme_install_it(self):
        build, push, *others = readme.commands()
        self.assertEqual([c.split()[0] for c in (build, push, *others)], ["docker", "docker", "kubectl", "helm", "helm"])
        with open(os.path.join(TOP, "Dockerfile")) as f:
            self.assertIn(f" AS {re.search('--target ([^ ]+)', build).group(1)}\n", f.read())
        environment = {**self.installed.environment, "REGISTRY": "registry.example.com"}
        for command in others[:2]:                                        # the last one: pi_test.py
            run = readme.run(command, environment, self.plane.folder, LIMIT)
            self.assertEqual(run.returncode, 0, f"{command}\n{run.stderr}")
        # What is installed is what was pushed.
        tag = re.search("--tag ([^ ]+)", build).group(1)
        self.assertEqual((push.split()[-1], self.image()), (tag, tag.replace("$REGISTRY", "registry.example.com")))
        self.installed.helm("uninstall", RELEASE)

    def test_1_whoever_may_only_use_a_namespace_installs_it_there(self):
        """With the rights of such a namespace's administrator, and those on applications that they pass on to the operator."""
        values = {"clusterResources": {"create": False}, "webhook": {"enable": False}, "spark": {"jobNamespaces": ["mine"]}}
        rules = [rule for role in HELM.render(values, namespace="mine").of_kind("Role") for rule in role["rules"]]
        self.kubectl("create", "namespace", "mine")
        for part in ("admin", "edit", "view"):                            # nobody here puts them together as the role "admin"
            self.kubectl("create", "rolebinding", part, f"--clusterrole=system:aggregate-to-{part}", "--user=somebody", "-n", "mine")
        self.kubectl("create", "rolebinding", "applications", "--role=applications", "--user=somebody", "-n", "mine")
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": rules,
                                                           "metadata": {"name": "applications", "namespace": "mine"}}))
        [command] = readme.commands("docs/install.md", "### Without rights on the cluster")
        run = readme.run(f"{command} --kube-as-user somebody", self.installed.environment, self.plane.folder, LIMIT)
        self.assertEqual(run.returncode, 0, run.stderr)
        objects = self.installed.get("deployments,roles,rolebindings,serviceaccounts", "-n", "mine", "-l", "app.kubernetes.io/instance=spark-operator")
        self.assertEqual(len(objects["items"]), 7)
        self.kubectl("delete", "namespace", "mine")

    def test_2_upgrade_and_rollback_keep_objects_in_place(self):
        folder = go_chart.write(os.path.join(self.plane.folder, "go-chart"))
        self.installed.helm("install", RELEASE, folder)
        before = self.uids()
        self.assertEqual(len(before), 3 + 14 + 1 + 2 + 2)
        notes = self.installed.install({"batchScheduler": {"enable": True}})
        self.assertIn("belongs under `controller`", notes)
        self.assertEqual(self.image(), "spark-operator:0.1.0")
        ours = self.uids()
        gone = {("ClusterRole", None, "spark-operator-controller"), ("ClusterRoleBinding", None, "spark-operator-controller")}
        self.assertEqual(set(before) - set(ours), gone)
        self.assertEqual({k: u for k, u in before.items() if k in ours}, {k: ours[k] for k in ours if k in before})
        self.installed.helm("rollback", RELEASE, "1")
        self.assertEqual(self.image(), "ghcr.io/kubeflow/spark-operator/controller:2.5.0")
        back = self.uids()
        self.assertEqual(set(back), set(before))
        self.assertEqual({k: u for k, u in back.items() if k not in gone}, {k: u for k, u in before.items() if k not in gone})
        # With the values that release had, its chart's defaults among them.
        self.installed.helm("upgrade", RELEASE, CHART, "--reuse-values")
        self.assertEqual(self.image(), "spark-operator:0.1.0")
        self.installed.helm("rollback", RELEASE, "1")
        self.assertEqual(self.image(), "ghcr.io/kubeflow/spark-operator/controller:2.5.0")

    def test_4_the_hook_brings_definitions_up_to_date_as_its_account_may(self):
        hook = {o["kind"]: o for o in HELM.render({"hook": {"upgradeCrd": True}}).objects if o["metadata"]["name"] == "spark-operator-hook"}
        job = hook.pop("Job")
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(hook.values())}))
        columns = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
        old, missing = "sparkapplications.sparkoperator.k8s.io", "sparkconnects.sparkoperator.k8s.io"
        self.kubectl("patch", "crd", old, "--type=json", "--patch", json.dumps(columns))
        self.kubectl("delete", "crd", missing)
        run = self.installed.run_job("hook", job["spec"]["template"]["spec"])
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("additionalPrinterColumns", self.installed.get("crd", old)["spec"]["versions"][0])
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{missing}")

    def test_4_notes_warn_of_what_has_no_effect(self):
        self.assertNotIn("WARNING", self.installed.install({}))
        self.assertIn("image of the Go operator", self.installed.install({"image": {"repository": "kubeflow/spark-operator"}}))
        self.assertIn("some 133 applications a\nminute", self.installed.install({"controller": {"kubeAPIQPS": 20}}))
        self.assertIn("no admission webhook", self.installed.install({"webhook": {"enable": False}}))

    def test_4_without_a_lease_the_deployment_is_changed_to_recreate_and_back(self):
        for lease, strategy in ((True, "RollingUpdate"), (False, "Recreate"), (True, "RollingUpdate")):
            self.installed.install({"controller": {"leaderElection": {"enable": lease}}})
            deployment = self.installed.get("deployment", "spark-operator-controller", "-n", NAMESPACE)
            self.assertEqual(deployment["spec"]["strategy"]["type"], strategy)

    def test_5_the_operator_gets_along_with_its_roles(self):
        self.installed.install({"webhook": {"resourceQuotaEnforcement": {"enable": True}},
                                "controller": {"uiIngress": {"enable": True, "urlFormat": "{{$appName}}.example.com"},
                                               "driverPodDisruptionBudget": {"enable": True}}})
        self.start_node()
        self.installed.direct_webhooks_here()
        self.installed.start("webhook")
        wait_for(self.installed.authorities_are_written, self.installed.logs)
        self.installed.start("controller")
        self.kubectl("create", "quota", "some", "--hard=pods=100", "-n", "default")
        retry = {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1, "onSubmissionFailureRetries": 1, "onSubmissionFailureRetryInterval": 1}
        failing = application("failing", restartPolicy=retry)
        failing["spec"]["driver"]["annotations"]["pretend.kubelet/exit-code"] = "1"
        named = application("named")
        named["spec"]["driver"]["podName"] = "named-by-its-user"
        made = [application("plain"), failing, application("deleted", lasts="1h"), application("short-lived", timeToLiveSeconds=1),
                application("suspended", lasts="1h"), application("measured", monitoring={
                    "exposeDriverMetrics": True, "exposeExecutorMetrics": True, "prometheus": {"jmxExporterJar": "/opt/exporter.jar", "port": 8090}}),
                application("guarded", driverPodDisruptionBudget=True), named, application("claiming", sparkConf=CLAIM), SCHEDULE, CONNECT]
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        with self.assertRaisesRegex(AssertionError, "admission webhook"):
            self.kubectl("create", "-f", "-", text=json.dumps(application("wrong", sparkConf={"spark.master": "local"})))
        self.wait_for_states({"deleted": "RUNNING", "suspended": "RUNNING"})
        self.kubectl("delete", "sparkapplication", "deleted", "-n", "default")
        self.kubectl("patch", "sparkapplication", "suspended", "-n", "default", "--type=merge", "--patch", '{"spec":{"suspend":true}}')
        self.wait_for_states({"plain": "COMPLETED", "measured": "COMPLETED", "failing": "FAILED", "suspended": "SUSPENDED"})
        wait_for(lambda: not self.kubectl("get", "sparkapplications", "short-lived", "-n", "default", "--ignore-not-found"), self.installed.logs)
        self.wait_for_states({"guarded": "COMPLETED", "named": "COMPLETED", "claiming": "COMPLETED"})
        wait_for(lambda: self.status("scheduledsparkapplication", "often").get("pastSuccessfulRunNames"), self.installed.logs)
        wait_for(lambda: self.status("sparkconnect", "sql").get("server", {}).get("podIp"), self.installed.logs)
        self.kubectl("delete", "scheduledsparkapplication/often", "sparkconnect/sql", "-n", "default")
        for exit_code, ends in (("0", 0), ("3", 1)):
            code, said = self.run_helms_test(lasts="1s", exit_code=exit_code)
            self.assertEqual(code, ends, f"{said}\n{self.installed.logs()}")
        if self.root:
            for process in self.installed.processes.values():
                self.assertEqual(os.stat(f"/proc/{process.pid}/root").st_ino, os.stat(self.root).st_ino)
        self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})

    def run_helms_test(self, lasts, exit_code="0"):
        """What the pod of `helm test` runs, with its account and its application; the exit code, and what it said."""
        pod = HELM.render(self.installed.values)["Pod", "spark-operator-test"]["spec"]
        account = os.path.join(self.plane.folder, "test-account")
        os.makedirs(account, exist_ok=True)
        with open(os.path.join(account, "token"), "w") as f:
            f.write(self.kubectl("create", "token", pod["serviceAccountName"], "-n", NAMESPACE).strip())
        shutil.copy(self.plane.ca_file, os.path.join(account, "ca.crt"))
        *python, script, wanted, seconds = pod["containers"][0]["command"]
        wanted = json.loads(wanted)
        wanted["spec"]["driver"]["annotations"] = {"pretend.kubelet/lasts": lasts, "pretend.kubelet/exit-code": exit_code}
        script = script.replace("/var/run/secrets/kubernetes.io/serviceaccount", account)
        server = urllib.parse.urlparse(self.plane.url)
        run = subprocess.run([*python, script, json.dumps(wanted), seconds], timeout=int(seconds) + 60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env={**os.environ, "KUBERNETES_SERVICE_HOST": server.hostname, "KUBERNETES_SERVICE_PORT": str(server.port)})
        return run.returncode, run.stdout

    def test_6_nothing_was_refused_and_what_was_not_used_has_a_reason(self):
        used = {"controller": set(), "webhook": set()}
        for component, event in self.events(self.refusals_count_from):
            about = event.get("objectRef") or {}
            resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
            self.assertNotEqual(event.get("responseStatus", {}).get("code"), 403, event)
            used[component].add(f"{resource} {event['verb']}")
        self.assertIn("pods create", used["controller"])
        self.assertIn("mutatingwebhookconfigurations update", used["webhook"])
        rendered = HELM.render(self.installed.values)
        self.assertIsInstance(rendered, Rendered)
        for component, reasons in UNUSED.items():
            granted = {f"{resource} {verb}" for role in rendered.of_kind("Role") + rendered.of_kind("ClusterRole")
                       if role["metadata"]["name"] == f"spark-operator-{component}"
                       for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
            unused = granted - used[component]
            with self.subTest(component):
                self.assertEqual(unused - set(reasons), set(), "granted, not used, and nobody says why")
                self.assertEqual(set(reasons) - granted, set(), "reasons for what is not granted")
                for right in sorted(unused):
                    print(f"  {component}: {right}: not used here; {reasons[right]}")


if __name__ == "__main__":
    unittest.main()

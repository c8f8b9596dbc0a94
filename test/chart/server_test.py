#!/usr/bin/env python3
"""Facts about the chart on a real API server: it takes every object, an upgrade from the Go operator's chart and a rollback work
in place, and controller and webhook get along with the roles that are rendered. They run
in the root file system of the image `operator`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.parse

import go_chart
from helm import CHART, NAMESPACE, RELEASE, TOP, Rendered
from installation import LIMIT, Installation, wait_for
from render_test import BENCHMARK, HELM

from control_plane import ControlPlane, dies_with_parent
from takeover import Left

sys.path.insert(0, os.path.join(TOP, "test/failover"))
from failover_test import Api  # noqa: E402

LEFT = 200                                                                # applications that another operator left
TEAMS = ("a", "b", "spark-team-a", "spark-team-b", "spark-team-c", "spark-s3-express")
FEATURES = {
    "defaults": {},
    "the published benchmark": BENCHMARK,
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

# What no test here makes the operator do, and why it may.
UNUSED = {
    "controller": {
        "pods get": "a driver's absence is believed from a live read only", "pods delete": "what a deleted, renamed or suspended application leaves",
        "configmaps get": "adoption of a driver whose operator died in between", "configmaps list": "Connect servers",
        "configmaps watch": "Connect servers", "configmaps update": "spark-submit of Spark 3.3 and older", "configmaps delete": "children of a driver that is gone",
        "configmaps patch": "a metrics exporter's map; spark-submit",
        "services get": "adoption", "services list": "Connect servers", "services watch": "Connect servers", "services update": "spark-submit of Spark 3.3 and older",
        "services patch": "spark-submit", "services delete": "children of a driver that is gone", "services create": "drivers",
        "persistentvolumeclaims get": "adoption of a driver with claims on demand", "persistentvolumeclaims create": "claims on demand",
        "persistentvolumeclaims update": "spark-submit of Spark 3.3 and older", "persistentvolumeclaims patch": "spark-submit",
        "persistentvolumeclaims delete": "children of a driver that is gone",
        "pods/log get": "the last words of a driver that has failed",
        **{f"networkpolicies {verb}": "drivers of Spark 4.2 and newer" for verb in ("get", "create", "patch", "delete")},
        **{f"ingresses {verb}": "uiIngress" for verb in ("get", "list", "watch", "create", "patch", "delete")},
        "events patch": "an event that happens again",
        "sparkapplications get": "the live read before a driver is created", "sparkapplications create": "runs of a schedule",
        "sparkapplications patch": "a driver that is named by its application", "sparkapplications delete": "time to live",
        **{f"{kind} {verb}": "their controllers" for kind in ("scheduledsparkapplications", "sparkconnects") for verb in ("get", "list", "watch")},
        **{f"{kind}/status patch": "their controllers" for kind in ("scheduledsparkapplications", "sparkconnects")},
        **{f"{kind}/finalizers update": "asked for by clusters with the admission plug-in OwnerReferencesPermissionEnforcement; never called"
           for kind in ("sparkapplications", "scheduledsparkapplications", "sparkconnects")},
        "leases create": "the first leader of all", "leases watch": "a standby", "leases get": "a standby", "leases update": "renewals",
    },
    "webhook": {
        "sparkapplications get": "an application that the informer does not know yet",
        "resourcequotas list": "applications in a namespace with quotas",
        "secrets update": "renewal, half a year before its end", "secrets watch": "another replica's renewal",
        "leases watch": "a standby", "leases get": "a standby", "leases update": "renewals",
        "mutatingwebhookconfigurations watch": "repair", "validatingwebhookconfigurations watch": "repair",
    },
}


def application(name, lasts="2s", **more):
    spec = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
            "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "restartPolicy": {"type": "Never"},
            "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark-operator-spark", "annotations": {"pretend.kubelet/lasts": lasts}},
            "executor": {"instances": 1, "memory": "512m"}, **more}
    return {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


class OnAServer(unittest.TestCase):
    maxDiff = None
    node = None
    refusals_count_from = 0

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
        for name in (NAMESPACE, *TEAMS):
            cls.kubectl("create", "namespace", name)
        # A pod is refused, in a dry run too, while its account does not exist.
        cls.kubectl("create", "serviceaccount", "spark-operator-test", "-n", NAMESPACE)

    @classmethod
    def kubectl(cls, *arguments, text=""):
        return cls.installed.kubectl(*arguments, text=text)

    # Names of tests give their order: each goes on from what the one before left.

    def test_1_it_takes_every_object(self):
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

    def uids(self):
        kinds = "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,mutatingwebhookconfigurations"
        found = self.installed.get(kinds, "-A", "-l", "app.kubernetes.io/instance=spark-operator")["items"]
        return {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o["metadata"]["uid"] for o in found}

    def image(self):
        return self.installed.get("deployment", "spark-operator-controller", "-n", NAMESPACE)["spec"]["template"]["spec"]["containers"][0]["image"]

    def test_1_the_commands_of_the_readme_install_it(self):
        with open(os.path.join(TOP, "README.md")) as f:
            block = re.search(r"\n## On a cluster\n.*?```sh\n(.*?)```", f.read(), re.S).group(1)
        commands = [c.strip() for c in block.replace("\\\n", " ").splitlines() if c.strip() and not c.startswith("#")]
        self.assertEqual([c.split()[0] for c in commands], ["docker", "docker", "kubectl", "helm", "helm"])
        with open(os.path.join(TOP, "Dockerfile")) as f:
            self.assertIn(f" AS {re.search('--target ([^ ]+)', commands[0]).group(1)}\n", f.read())
        tools = os.path.join(self.plane.folder, "tools")
        os.makedirs(tools)
        for name, path in (("kubectl", os.environ["KUBECTL"]), ("helm", HELM.path)):
            os.symlink(path, os.path.join(tools, name))
        environment = {**self.installed.environment, "PATH": f"{tools}:{os.environ['PATH']}", "REGISTRY": "registry.example.com"}
        for command in commands[2:4]:
            run = subprocess.run(["bash", "-euc", command], cwd=TOP, env=environment, capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual(run.returncode, 0, f"{command}\n{run.stderr}")
        self.assertEqual(self.image(), "registry.example.com/spark-operator:0.1.0")
        self.installed.helm("uninstall", RELEASE)

    def test_2_upgrade_and_rollback_keep_objects_in_place(self):
        folder = go_chart.write(os.path.join(self.plane.folder, "go-chart"))
        self.installed.helm("install", RELEASE, folder)
        before = self.uids()
        self.assertEqual(len(before), 3 + 14 + 1 + 1 + 2)
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

    def test_3_swapping_only_the_image_works_with_the_roles_of_the_go_operator(self):
        """The Go operator's chart is what is installed now. Events, logs and leases are had as those roles allow."""
        self.start_node()
        self.installed.start("controller")
        self.kubectl("create", "-f", "-", text=json.dumps(application("swapped")))
        self.wait_for_states({"swapped": "COMPLETED"})
        wait_for(lambda: self.installed.get("events", "-n", "default", "--field-selector", "involvedObject.name=swapped")["items"], self.installed.logs)
        self.assertEqual(self.installed.stop_all(), {"controller": 0})

    def test_3_what_a_go_operator_left_goes_on_and_nothing_starts_twice(self):
        self.start_node()
        with Api(self.plane) as api:
            left = Left(api, LEFT, application)
            left.make()
            begins = os.path.getsize(self.plane.audit_log)
            self.installed.start("controller")
            wait_for(lambda: left.wrong() is None, lambda: f"{left.wrong()}\n{self.installed.logs()}", 600)
            self.assertEqual(left.lost(), [])
            self.assertEqual(self.installed.stop_all(), {"controller": 0})
            started = [e["objectRef"]["name"] for _, e in self.events(begins)
                       if e["verb"] == "create" and e["objectRef"]["resource"] == "pods" and e["responseStatus"]["code"] == 201]
            self.assertEqual(sorted(started), sorted(left.may_get_a_driver()))
        self.kubectl("delete", "sparkapplications", "--all", "-n", "default")
        self.__class__.refusals_count_from = os.path.getsize(self.plane.audit_log)

    def test_4_notes_warn_of_what_has_no_effect(self):
        self.assertNotIn("WARNING", self.installed.install({}))
        self.assertIn("image of the Go operator", self.installed.install({"image": {"repository": "kubeflow/spark-operator"}}))
        self.assertIn("no admission webhook", self.installed.install({"webhook": {"enable": False}}))

    @classmethod
    def start_node(cls):
        if cls.node:
            return
        cls.node = subprocess.Popen([os.environ["PRETEND_KUBELET"], "--kubeconfig", cls.plane.kubeconfig], stdout=subprocess.PIPE, text=True,
                                    preexec_fn=dies_with_parent(signal.SIGKILL))
        cls.addClassCleanup(cls.node.stdout.close)
        cls.addClassCleanup(cls.node.wait)
        cls.addClassCleanup(cls.node.kill)
        if "ready" not in cls.node.stdout.readline():
            raise AssertionError("the node does not get ready")

    def state(self, name):
        return self.installed.get("sparkapplication", name, "-n", "default").get("status", {}).get("applicationState", {}).get("state")

    def wait_for_states(self, wanted):
        wait_for(lambda: all(self.state(name) == state for name, state in wanted.items()),
                 lambda: f"{[(n, self.state(n)) for n in wanted]}\n{self.installed.logs()}")

    def test_5_the_operator_gets_along_with_its_roles(self):
        self.installed.install({"webhook": {"resourceQuotaEnforcement": {"enable": True}}})
        self.start_node()
        self.installed.direct_webhooks_here()
        self.installed.start("webhook")
        wait_for(self.installed.authorities_are_written, self.installed.logs)
        self.installed.start("controller")
        self.kubectl("create", "quota", "some", "--hard=pods=100", "-n", "default")
        retry = {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1, "onSubmissionFailureRetries": 1, "onSubmissionFailureRetryInterval": 1}
        failing = application("failing", restartPolicy=retry)
        failing["spec"]["driver"]["annotations"]["pretend.kubelet/exit-code"] = "1"
        made = [application("plain"), failing, application("deleted", lasts="1h"), application("short-lived", timeToLiveSeconds=1),
                application("suspended", lasts="1h"), application("measured", monitoring={
                    "exposeDriverMetrics": True, "exposeExecutorMetrics": True, "prometheus": {"jmxExporterJar": "/opt/exporter.jar", "port": 8090}})]
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        with self.assertRaisesRegex(AssertionError, "admission webhook"):
            self.kubectl("create", "-f", "-", text=json.dumps(application("wrong", sparkConf={"spark.master": "local"})))
        self.wait_for_states({"deleted": "RUNNING", "suspended": "RUNNING"})
        self.kubectl("delete", "sparkapplication", "deleted", "-n", "default")
        self.kubectl("patch", "sparkapplication", "suspended", "-n", "default", "--type=merge", "--patch", '{"spec":{"suspend":true}}')
        self.wait_for_states({"plain": "COMPLETED", "measured": "COMPLETED", "failing": "FAILED", "suspended": "SUSPENDED"})
        wait_for(lambda: not self.kubectl("get", "sparkapplications", "short-lived", "-n", "default", "--ignore-not-found"), self.installed.logs)
        self.assertEqual(self.run_helms_test(lasts="1s"), 0)
        self.assertEqual(self.run_helms_test(lasts="1s", exit_code="3"), 1)
        if self.root:
            for process in self.installed.processes.values():
                self.assertEqual(os.stat(f"/proc/{process.pid}/root").st_ino, os.stat(self.root).st_ino)
        self.assertEqual(self.installed.stop_all(), {"webhook": 0, "controller": 0})

    def run_helms_test(self, lasts, exit_code="0"):
        """What the pod of `helm test` runs, with its account and its application; the exit code."""
        objects = [o for o in HELM.render(self.installed.values).objects if o["metadata"]["name"] == "spark-operator-test"]
        found = {o["kind"]: o for o in objects}
        made = [o for o in objects if o["kind"] in ("Role", "RoleBinding")]
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        account = os.path.join(self.plane.folder, "test-account")
        os.makedirs(account, exist_ok=True)
        token = self.kubectl("create", "token", "spark-operator-test", "-n", NAMESPACE).strip()
        with open(os.path.join(account, "token"), "w") as f:
            f.write(token)
        shutil.copy(self.plane.ca_file, os.path.join(account, "ca.crt"))
        wanted = json.loads(found["ConfigMap"]["data"]["application.json"])
        wanted["spec"]["driver"]["annotations"] = {"pretend.kubelet/lasts": lasts, "pretend.kubelet/exit-code": exit_code}
        with open(os.path.join(account, "application.json"), "w") as f:
            json.dump(wanted, f)
        with open(os.path.join(account, "run_application.py"), "w") as f:
            f.write(found["ConfigMap"]["data"]["run_application.py"].replace("/var/run/secrets/kubernetes.io/serviceaccount", account))
        command = found["Pod"]["spec"]["containers"][0]["command"]
        server = urllib.parse.urlparse(self.plane.url)
        run = subprocess.run([a.replace("/test/", account + "/") for a in command], timeout=LIMIT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env={**os.environ, "KUBERNETES_SERVICE_HOST": server.hostname, "KUBERNETES_SERVICE_PORT": str(server.port)})
        return run.returncode

    def events(self, begin):
        with open(self.plane.audit_log) as log:
            log.seek(begin)
            for line in log:
                event = json.loads(line)
                account = re.fullmatch(f"system:serviceaccount:{NAMESPACE}:spark-operator-(controller|webhook)", event["user"]["username"])
                if account:
                    yield account.group(1), event

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

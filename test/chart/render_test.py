#!/usr/bin/env python3
"""Facts about the rendered objects: those that an upgrade from the Go operator's chart relies on, and what each value does."""

import os
import shutil
import tempfile
import unittest

import yaml

import go_values
from helm import CHART, Helm

HELM = Helm()
CONTROLLER = [
    "controller", "start", "--zap-log-level=info", "--zap-encoder=console", "--namespaces=default", "--controller-threads=10",
    "--enable-ui-service=true", "--enable-metrics=true", "--metrics-bind-address=:8080", "--metrics-endpoint=/metrics", "--metrics-prefix=",
    "--metrics-labels=app_type", "--metrics-job-submit-latency-buckets=0.5,1,2,4,8,16,32,64,128,256",
    "--metrics-job-start-latency-buckets=30,60,90,120,150,180,210,240,270,300", "--leader-election=true",
    "--leader-election-lock-name=spark-operator-controller-lock", "--leader-election-lock-namespace=spark-operator",
    "--leader-election-lease-duration=15s", "--leader-election-renew-deadline=10s", "--leader-election-retry-period=2s",
    "--workqueue-ratelimiter-bucket-qps=50", "--workqueue-ratelimiter-bucket-size=500", "--workqueue-ratelimiter-max-delay=6h",
    "--driver-pod-creation-grace-period=10s", "--max-tracked-executor-per-app=1000", "--scheduled-spark-application-timestamp-precision=nanos",
    "--feature-gates=PartialRestart=false,LoadSparkDefaults=false,RestSubmitter=false,DefaultTimeToLive=false", "--webhook-enabled=true"]
WEBHOOK = [
    "webhook", "start", "--zap-log-level=info", "--zap-encoder=console", "--namespaces=default",
    "--webhook-secret-name=spark-operator-webhook-certs", "--webhook-secret-namespace=spark-operator",
    "--webhook-svc-name=spark-operator-webhook-svc", "--webhook-svc-namespace=spark-operator", "--webhook-port=9443",
    "--mutating-webhook-name=spark-operator-webhook", "--validating-webhook-name=spark-operator-webhook", "--enable-metrics=true",
    "--metrics-bind-address=:8080", "--metrics-endpoint=/metrics", "--metrics-prefix=", "--metrics-labels=app_type", "--leader-election=true",
    "--leader-election-lock-name=spark-operator-webhook-lock", "--leader-election-lock-namespace=spark-operator"]
# Kind, namespace, name of what the Go operator's chart makes by default, but for a ClusterRole of the controller: ours asks for
# nothing on the cluster unless it manages all of it.
INVENTORY = [
    ("ServiceAccount", "spark-operator", "spark-operator-controller"), ("ServiceAccount", "spark-operator", "spark-operator-webhook"),
    ("ServiceAccount", "default", "spark-operator-spark"),
    ("ClusterRole", "", "spark-operator-webhook"), ("ClusterRoleBinding", "", "spark-operator-webhook"),
    ("Role", "spark-operator", "spark-operator-controller"), ("Role", "default", "spark-operator-controller"),
    ("Role", "spark-operator", "spark-operator-webhook"), ("Role", "default", "spark-operator-webhook"),
    ("Role", "default", "spark-operator-spark"),
    ("RoleBinding", "spark-operator", "spark-operator-controller"), ("RoleBinding", "default", "spark-operator-controller"),
    ("RoleBinding", "spark-operator", "spark-operator-webhook"), ("RoleBinding", "default", "spark-operator-webhook"),
    ("RoleBinding", "default", "spark-operator-spark"),
    ("Service", "", "spark-operator-webhook-svc"), ("Deployment", "", "spark-operator-controller"), ("Deployment", "", "spark-operator-webhook"),
    ("MutatingWebhookConfiguration", "", "spark-operator-webhook"), ("ValidatingWebhookConfiguration", "", "spark-operator-webhook")]
SELECTOR = {"app.kubernetes.io/name": "spark-operator", "app.kubernetes.io/instance": "spark-operator"}
# The published values of the 6,000 application benchmark, `batchScheduler` at the wrong level as there.
BENCHMARK = """
controller:
  replicas: 1
  workers: 20
  nodeSelector:
    NodeGroupType: spark-operator-benchmark
  resources:
    requests: {cpu: 33000m, memory: 50Gi}
  env:
    - {name: _JAVA_OPTIONS, value: "-XX:+UseG1GC"}
    - {name: KUBERNETES_DISABLE_HOSTNAME_VERIFICATION, value: "true"}
batchScheduler:
  enable: true
  default: yunikorn
webhook:
  enable: true
  nodeSelector:
    NodeGroupType: spark-operator-benchmark
  resources:
    requests: {cpu: 1000m, memory: 10Gi}
spark:
  jobNamespaces: [default, spark-team-a, spark-team-b, spark-team-c, spark-s3-express]
  serviceAccount: {create: false}
  rbac: {create: false}
prometheus:
  metrics: {enable: true, port: 8080, portName: metrics, endpoint: /metrics, prefix: ""}
  podMonitor:
    create: true
    labels: {}
    jobLabel: spark-operator-podmonitor
    podMetricsEndpoint: {scheme: http, interval: 5s}
"""


def ids(rendered):
    return sorted((o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in rendered.without_tests())


def rules(rendered, name, namespace=None, kind="Role"):
    """resource → verbs, resources that only go by name as resource/name."""
    found = {}
    for rule in rendered.find(kind, name, namespace)["rules"]:
        for resource in rule["resources"]:
            for one in rule.get("resourceNames", [None]):
                found.setdefault(f"{resource}:{one}" if one else resource, []).extend(rule["verbs"])
    return found


def changed(component, values, **others):
    """Arguments that these values add, and those that they take away."""
    usual = {"controller": CONTROLLER, "webhook": WEBHOOK}[component]
    arguments = HELM.render(values, **others).arguments(component)
    return [a for a in arguments if a not in usual], [a for a in usual if a not in arguments]


class Defaults(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.rendered = HELM.render()

    def test_inventory(self):
        self.assertEqual(ids(self.rendered), sorted(INVENTORY))

    def test_arguments_come_in_order(self):
        self.assertEqual(self.rendered.arguments("controller"), CONTROLLER)
        self.assertEqual(self.rendered.arguments("webhook"), WEBHOOK)

    def test_all_objects_have_the_common_labels(self):
        for o in self.rendered.objects:
            labels = o["metadata"]["labels"]
            with self.subTest(object=f"{o['kind']} {o['metadata']['name']}"):
                self.assertLessEqual(SELECTOR.items(), labels.items())
                self.assertEqual(labels["app.kubernetes.io/managed-by"], "Helm")
                self.assertEqual(labels["helm.sh/chart"], "spark-operator-0.1.0")
                self.assertEqual(labels["app.kubernetes.io/version"], "0.1.0")
                component = labels.get("app.kubernetes.io/component")
                self.assertEqual(component, None if o["metadata"]["name"].endswith("-spark") else o["metadata"]["name"].split("-")[2])

    def test_selectors_never_change(self):
        for component in ("controller", "webhook"):
            own = {**SELECTOR, "app.kubernetes.io/component": component}
            for values in ({}, {"commonLabels": {"team": "x"}, component: {"labels": {"more": "labels"}}}):
                deployment = HELM.render(values)["Deployment", f"spark-operator-{component}"]
                self.assertEqual(deployment["spec"]["selector"], {"matchLabels": own})
                labels = deployment["spec"]["template"]["metadata"]["labels"]
                self.assertEqual(labels, {**own, **values.get(component, {}).get("labels", {})})
        self.assertEqual(self.rendered["Service", "spark-operator-webhook-svc"]["spec"],
                         {"selector": {**SELECTOR, "app.kubernetes.io/component": "webhook"},
                          "ports": [{"port": 9443, "targetPort": "webhook", "name": "webhook"}]})

    def test_pods(self):
        for component in ("controller", "webhook"):
            pod, container = self.rendered.pod(component), self.rendered.container(component)
            self.assertEqual(container["name"], f"spark-operator-{component}")
            self.assertNotIn("command", container)
            self.assertEqual(container["image"], "spark-operator:0.1.0")
            self.assertEqual(container["imagePullPolicy"], "IfNotPresent")
            self.assertEqual(pod["serviceAccountName"], f"spark-operator-{component}")
            self.assertIs(pod["enableServiceLinks"], False)
            self.assertEqual(pod["securityContext"], {"fsGroup": 185})
            self.assertEqual(container["securityContext"],
                             {"readOnlyRootFilesystem": True, "privileged": False, "allowPrivilegeEscalation": False, "runAsNonRoot": True,
                              "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})
            self.assertEqual(container["livenessProbe"], {"httpGet": {"port": 8081, "scheme": "HTTP", "path": "/healthz"}})
            self.assertEqual(container["readinessProbe"], {"httpGet": {"port": 8081, "scheme": "HTTP", "path": "/readyz"}})
            self.assertNotIn("startupProbe", container)
        self.assertEqual(self.rendered.container("controller")["ports"], [{"name": "metrics", "containerPort": 8080}])
        self.assertEqual([p["name"] for p in self.rendered.container("webhook")["ports"]], ["webhook", "metrics"])
        template = self.rendered["Deployment", "spark-operator-controller"]["spec"]["template"]
        self.assertEqual(template["metadata"]["annotations"],
                         {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics"})

    def test_no_authority_is_rendered(self):
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            for entry in self.rendered[kind, "spark-operator-webhook"]["webhooks"]:
                self.assertEqual(sorted(entry), sorted({*entry} - {"caBundle"}))
                self.assertEqual(entry["sideEffects"], "None")
                self.assertEqual((entry["failurePolicy"], entry["timeoutSeconds"]), ("Fail", 10))
                self.assertEqual(entry["clientConfig"]["service"]["port"], 9443)
                self.assertEqual(entry["namespaceSelector"]["matchExpressions"],
                                 [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["default"]}])

    def test_webhook_entries(self):
        kinds = ["v1beta2-sparkapplication", "v1beta2-scheduledsparkapplication", "v1alpha1-sparkconnect"]
        for kind, verb, first in (("MutatingWebhookConfiguration", "mutate", ["mutate--v1-pod"]), ("ValidatingWebhookConfiguration", "validate", [])):
            entries = self.rendered[kind, "spark-operator-webhook"]["webhooks"]
            paths = first + [f"{verb}-sparkoperator-k8s-io-{k}" for k in kinds]
            self.assertEqual([e["name"] for e in entries], [f"{p}.sparkoperator.k8s.io" for p in paths])
            self.assertEqual([e["clientConfig"]["service"]["path"] for e in entries], [f"/{p}" for p in paths])
        pods = self.rendered["MutatingWebhookConfiguration", "spark-operator-webhook"]["webhooks"][0]
        self.assertEqual(pods["objectSelector"], {"matchLabels": {"sparkoperator.k8s.io/launched-by-spark-operator": "true"}})
        self.assertEqual(pods["rules"], [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}])


class Names(unittest.TestCase):
    def names(self, values=None, release="spark-operator"):
        rendered = HELM.render(values, release=release)
        return {o["metadata"]["name"] for o in rendered.of_kind("Deployment")}

    def test_they_derive_from_the_release(self):
        self.assertEqual(self.names(release="spark"), {"spark-spark-operator-controller", "spark-spark-operator-webhook"})
        self.assertEqual(self.names(release="my-spark-operator-2"), {"my-spark-operator-2-controller", "my-spark-operator-2-webhook"})
        self.assertEqual(self.names({"nameOverride": "so"}, release="x"), {"x-so-controller", "x-so-webhook"})
        self.assertEqual(self.names({"fullnameOverride": "so"}), {"so-controller", "so-webhook"})
        long = "x" * 53
        self.assertIn(f"{(long + '-spark-operator')[:63].rstrip('-')}-controller", self.names({"webhook": {"enable": False}}, release=long))

    def test_two_releases_share_no_object(self):
        one, two = (set(ids(HELM.render({"spark": {"jobNamespaces": ["a"]}}, release=r, namespace=r))) for r in ("one", "two"))
        self.assertEqual(one & two, set())

    def test_roles_keep_their_names_whatever_the_accounts_are_called(self):
        rendered = HELM.render({"controller": {"serviceAccount": {"name": "c"}}, "webhook": {"serviceAccount": {"create": False}},
                                "spark": {"serviceAccount": {"name": "s"}}})
        binding = rendered.find("RoleBinding", "spark-operator-controller", "default")
        self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": "c", "namespace": "spark-operator"}])
        self.assertEqual(rendered.find("RoleBinding", "spark-operator-webhook", "default")["subjects"][0]["name"], "default")
        self.assertEqual(rendered.pod("webhook")["serviceAccountName"], "default")
        self.assertIsNotNone(rendered.find("Role", "s", "default"))

    def test_images(self):
        for image, expected in (({"tag": "v0.1.1"}, "spark-operator:v0.1.1"), ({"tag": 20240101}, "spark-operator:20240101"),
                                ({"registry": "r.io", "repository": "a/b"}, "r.io/a/b:0.1.0"), ({"tag": 1.5}, "spark-operator:1.5")):
            self.assertEqual(HELM.render({"image": image}).container("webhook")["image"], expected)

    def test_an_image_of_the_go_operator_becomes_this_operators(self):
        for image, expected in (({"registry": "docker.io", "repository": "kubeflow/spark-operator", "tag": "v2.1.0"}, "spark-operator:0.1.0"),
                                ({"registry": "ghcr.io", "repository": "kubeflow/spark-operator/controller", "tag": "2.4.0"}, "spark-operator:0.1.0"),
                                ({"registry": "r.io", "repository": "kubeflow/spark-operator/controller"}, "r.io/spark-operator:0.1.0"),
                                ({"registry": "r.io", "repository": "mirror/kubeflow/spark-operator/controller", "tag": "2.5.1"}, "r.io/spark-operator:0.1.0"),
                                ({"tag": "2.4.0"}, "spark-operator:0.1.0"), ({"registry": "r.io", "tag": "v2.1.1"}, "r.io/spark-operator:0.1.0"),
                                ({"tag": "v1beta2-1.6.2-3.5.0"}, "spark-operator:0.1.0"),
                                ({"repository": "ours/spark-operator", "tag": "2.4.0"}, "ours/spark-operator:2.4.0"),
                                ({"registry": "ghcr.io", "repository": "ours/spark-operator", "tag": "1"}, "ghcr.io/ours/spark-operator:1")):
            kubectl = {"registry": "ghcr.io", "repository": "kubeflow/spark-operator/kubectl", "tag": "2.4.0"}
            rendered = HELM.render({"image": image, "hook": {"upgradeCrd": True, "image": kubectl}})
            self.assertEqual(rendered.container("controller")["image"], expected)
            self.assertEqual(rendered["Job", "spark-operator-hook"]["spec"]["template"]["spec"]["containers"][0]["image"], expected)


class Namespaces(unittest.TestCase):
    def test_a_list(self):
        rendered = HELM.render({"spark": {"jobNamespaces": ["a", "b", "a"]}})
        self.assertIn("--namespaces=a,b", rendered.arguments("controller"))
        self.assertIn("--namespaces=a,b", rendered.arguments("webhook"))
        self.assertEqual(sorted(n for k, n, name in ids(rendered) if k == "Role" and name.endswith("controller")), ["a", "b", "spark-operator"])
        self.assertEqual(sorted(n for k, n, name in ids(rendered) if name == "spark-operator-spark"), ["a"] * 3 + ["b"] * 3)

    def test_the_release_namespace_on_the_list_has_one_role_with_both(self):
        rendered = HELM.render({"spark": {"jobNamespaces": ["a", "spark-operator"]}})
        own = rules(rendered, "spark-operator-controller", "spark-operator")
        self.assertIn("leases", own)
        self.assertIn("pods", own)
        self.assertIn("sparkapplications", rules(rendered, "spark-operator-webhook", "spark-operator"))

    def test_all_namespaces(self):
        for namespaces, argument in (([""], ['--namespaces=""']), (["a", ""], ['--namespaces=""']), ([], []), (None, [])):
            with self.subTest(namespaces=namespaces):
                rendered = HELM.render({"spark": {"jobNamespaces": namespaces}})
                for component in ("controller", "webhook"):
                    self.assertEqual([a for a in rendered.arguments(component) if a.startswith("--namespaces")], argument)
                self.assertEqual([n for k, n, name in ids(rendered) if k == "Role" and name.endswith("controller")], ["spark-operator"])
                self.assertIn("pods", rules(rendered, "spark-operator-controller", kind="ClusterRole"))
                self.assertIn("sparkapplications", rules(rendered, "spark-operator-webhook", kind="ClusterRole"))
                self.assertEqual(sorted(n for k, n, name in ids(rendered) if name == "spark-operator-spark"),
                                 ["a"] * 3 if namespaces == ["a", ""] else [])
                for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
                    self.assertFalse(any("namespaceSelector" in e for e in rendered[kind, "spark-operator-webhook"]["webhooks"]))

    def test_a_selector_adds_to_the_list(self):
        rendered = HELM.render({"spark": {"jobNamespaceSelector": "team in (a, b),env!=prod,!off,x=1"}})
        arguments = rendered.arguments("controller")
        self.assertEqual(arguments[arguments.index("--namespaces=default") + 1], "--namespace-selector=team in (a, b),env!=prod,!off,x=1")
        cluster = rules(rendered, "spark-operator-controller", kind="ClusterRole")
        self.assertEqual(cluster["namespaces"], ["get", "list", "watch"])
        self.assertIn("pods", cluster)
        self.assertIsNotNone(rendered.find("Role", "spark-operator-controller", "default"))
        # The webhook gets no list, because it knows no selectors: what comes is the configurations' choice.
        self.assertFalse(any(a.startswith("--namespaces") for a in rendered.arguments("webhook")))
        entries = rendered["MutatingWebhookConfiguration", "spark-operator-webhook"]["webhooks"]
        self.assertEqual(len({e["name"] for e in entries}), 8)
        self.assertEqual(entries[0]["namespaceSelector"]["matchExpressions"][0]["values"], ["default"])
        self.assertEqual(entries[4]["namespaceSelector"]["matchExpressions"], [
            {"key": "team", "operator": "In", "values": ["a", "b"]}, {"key": "env", "operator": "NotIn", "values": ["prod"]},
            {"key": "off", "operator": "DoesNotExist"}, {"key": "x", "operator": "In", "values": ["1"]},
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["default"]}])

    def test_a_selector_alone(self):
        rendered = HELM.render({"spark": {"jobNamespaces": [], "jobNamespaceSelector": "team"}})
        entries = rendered["ValidatingWebhookConfiguration", "spark-operator-webhook"]["webhooks"]
        self.assertEqual(len(entries), 3)
        self.assertEqual(entries[0]["namespaceSelector"]["matchExpressions"], [{"key": "team", "operator": "Exists"}])
        self.assertIn("jobNamespaceSelector", HELM.refusal({"spark": {"jobNamespaceSelector": "cores>3"}}))


class Arguments(unittest.TestCase):
    maxDiff = None

    def test_values_change_them(self):
        gates = "--feature-gates=PartialRestart=false,LoadSparkDefaults=false,RestSubmitter=false,DefaultTimeToLive=false"
        lease = [a for a in CONTROLLER if a.startswith("--leader-election")]
        metrics = [a for a in CONTROLLER if "metrics" in a]
        for values, added, removed in (
                ({"maxTrackedExecutorPerApp": 1000000}, ["--max-tracked-executor-per-app=1000000"], ["--max-tracked-executor-per-app=1000"]),
                ({"maxTrackedExecutorPerApp": 0, "driverPodCreationGracePeriod": "", "logLevel": "", "logEncoder": "",
                  "scheduledSparkApplicationTimestampPrecision": ""}, [],
                 [a for a in CONTROLLER if "grace" in a or "tracked" in a or "zap" in a or "precision" in a]),
                ({"workers": 20}, ["--controller-threads=20"], ["--controller-threads=10"]),
                ({"kubeAPIQPS": 50, "kubeAPIBurst": 100}, ["--kube-api-qps=50", "--kube-api-burst=100"], []),
                ({"leaderElection": {"enable": False}}, ["--leader-election=false"], lease),
                ({"featureGates": []}, [], [gates]),
                ({"featureGates": [{"name": "DefaultTimeToLive", "enabled": True}], "defaultTimeToLiveSeconds": 2592000},
                 ["--default-time-to-live-seconds=2592000", "--feature-gates=DefaultTimeToLive=true"], [gates]),
                ({"featureGates": [{"name": "DefaultTimeToLive", "enabled": True}], "defaultTimeToLiveSeconds": 0},
                 ["--default-time-to-live-seconds=0", "--feature-gates=DefaultTimeToLive=true"], [gates]),
                ({"featureGates": [{"name": "DefaultTimeToLive", "enabled": True}], "defaultTimeToLiveSeconds": -5},
                 ["--feature-gates=DefaultTimeToLive=true"], [gates]),
                ({"defaultTimeToLiveSeconds": 60}, [], []),
                ({"featureGates": [{"name": "RestSubmitter", "enabled": True}]},
                 ["--feature-gates=RestSubmitter=true", "--submitter-service-url=http://spark-operator-submitter-svc:8080/api/v1/spark-submit",
                  "--submitter-request-timeout=2m", "--submitter-startup-timeout=5m", "--submitter-max-retries=3", "--submitter-initial-backoff=2s"],
                 [gates]),
                ({"uiService": {"enable": False}}, ["--enable-ui-service=false"], ["--enable-ui-service=true"]),
                ({"uiIngress": {"urlFormat": "x", "tls": [{"hosts": ["*.x"]}]}}, [], []),
                ({"uiIngress": {"enable": True, "urlFormat": "{{$appName}}.x", "ingressClassName": "nginx", "annotations": {"a": "b"},
                                "tls": [{"hosts": ["*.x"], "secretName": "s"}]}},
                 ["--ingress-url-format={{$appName}}.x", "--ingress-class-name=nginx", '--ingress-tls=[{"hosts":["*.x"],"secretName":"s"}]',
                  '--ingress-annotations={"a":"b"}'], []),
                ({"batchScheduler": {"kubeSchedulerNames": ["s1"], "default": "volcano"}}, [], []),
                ({"batchScheduler": {"enable": True, "kubeSchedulerNames": ["s1", "s2"], "default": "volcano"}},
                 ["--enable-batch-scheduler=true", "--kube-scheduler-names=s1,s2", "--default-batch-scheduler=volcano"], []),
                ({"driverPodDisruptionBudget": {"enable": True}}, ["--enable-driver-pdb=true"], []),
                ({"pprof": {"enable": True}}, ["--pprof-bind-address=:6060"], []),
                ({"workqueueRateLimiter": {"maxDelay": {"enable": False}}}, [], ["--workqueue-ratelimiter-max-delay=6h"]),
                ({"submitter": "spark-submit", "sparkSubmit": {"path": "/s", "timeout": "1m", "concurrency": 3}},
                 ["--submitter=spark-submit", "--spark-submit-path=/s", "--spark-submit-timeout=1m", "--spark-submit-concurrency=3"], []),
                ({"extraArgs": ["--cache-sync-timeout=1m"]}, ["--cache-sync-timeout=1m"], [])):
            with self.subTest(controller=values):
                self.assertEqual(changed("controller", {"controller": values}), (added, removed))
        for values, added, removed in (
                ({"prometheus": {"metrics": {"enable": False}}}, [], metrics),
                ({"prometheus": {"metrics": {"labels": "app_type,team", "port": 10254}}},
                 ["--metrics-bind-address=:10254", "--metrics-labels=app_type,team"], ["--metrics-bind-address=:8080", "--metrics-labels=app_type"]),
                ({"webhook": {"enable": False}}, [], ["--webhook-enabled=true"]),
                ({"spark": {"enableServiceLinks": True}}, ["--enable-service-links=true"], []),
                ({"batchScheduler": {"enable": True}, "nobody": {"knows": "this"}}, [], [])):
            with self.subTest(values=values):
                self.assertEqual(changed("controller", values), (added, removed))

    def test_values_change_those_of_the_webhook(self):
        lease = [a for a in WEBHOOK if a.startswith("--leader-election")]
        for values, added, removed in (
                ({"webhook": {"kubeAPIQPS": 50, "kubeAPIBurst": 100, "threads": 4, "logLevel": "", "logEncoder": ""}},
                 ["--kube-api-qps=50", "--kube-api-burst=100", "--webhook-threads=4"], [a for a in WEBHOOK if "zap" in a]),
                ({"webhook": {"resourceQuotaEnforcement": {"enable": True}}}, ["--enable-resource-quota-enforcement=true"], []),
                ({"webhook": {"leaderElection": {"enable": False}}}, ["--leader-election=false"], lease),
                ({"webhook": {"port": 443}}, ["--webhook-port=443"], ["--webhook-port=9443"]),
                ({"certManager": {"enable": True}}, ["--enable-cert-manager=true"], []),
                ({"spark": {"enableServiceLinks": True}}, ["--enable-service-links=true"], []),
                ({"prometheus": {"metrics": {"enable": False}}}, [], [a for a in WEBHOOK if "metrics" in a])):
            with self.subTest(values=values):
                self.assertEqual(changed("webhook", values), (added, removed))

    def test_new_arguments_come_after_those_of_the_go_operator(self):
        arguments = HELM.render({"controller": {"submitter": "native"}}).arguments("controller")
        self.assertEqual(arguments[-2:], ["--webhook-enabled=true", "--submitter=native"])


class GoValues(unittest.TestCase):
    maxDiff = None

    def test_default_values_of_each_release_of_the_go_operator_make_our_default_objects(self):
        usual = HELM.render().objects
        for release in go_values.RELEASES:
            with self.subTest(release=release):
                rendered = HELM.render(go_values.of(release))
                limits = ["--kube-api-qps=20", "--kube-api-burst=30"] if release in ("2.5.1", "2.5.2", "head") else []
                gates = {"--feature-gates=PartialRestart=false,LoadSparkDefaults=false": CONTROLLER[-2]} if release.startswith("2.5") else {}
                for component in ("controller", "webhook"):
                    arguments = rendered.arguments(component)
                    self.assertEqual([a for a in arguments if a.startswith("--kube-api")], limits)
                    arguments[:] = [gates.get(a, a) for a in arguments if a not in limits]
                self.assertEqual(len(rendered.objects), len(usual))
                for ours, theirs in zip(usual, rendered.objects):
                    self.assertEqual(theirs, ours)

    def test_values_that_an_upgrade_reuses_lack_our_defaults(self):
        """`helm upgrade --reuse-values`: the defaults of the chart before take the place of this chart's."""
        usual = HELM.render()
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(CHART, folder, dirs_exist_ok=True)
            for release in go_values.RELEASES:
                with open(os.path.join(folder, "values.yaml"), "w") as f:
                    yaml.safe_dump(go_values.of(release), f)
                rendered = HELM.render(chart=folder)
                with self.subTest(release=release):
                    self.assertEqual(rendered.ids(), usual.ids())
                    self.assertNotRegex(rendered.text, r"<nil>|<no value>")
                    self.assertEqual(rendered.container("controller")["image"], "spark-operator:0.1.0")
                    self.assertEqual([a for a in rendered.arguments("webhook") if "--leader" in a], [a for a in WEBHOOK if "--leader" in a])

    def test_sections_that_are_null_have_their_defaults(self):
        sections = {"hook": None, "networkPolicy": None, "clusterResources": None, "test": None, "controller": {"leaderElection": None},
                    "prometheus": {"rules": None}}
        self.assertEqual(HELM.render(sections).text, HELM.render().text)
        # A value that is null is left out.
        self.assertNotIn("fsGroup", HELM.render({"controller": {"podSecurityContext": {"fsGroup": None}}}).pod("controller").get("securityContext") or {})


class Benchmark(unittest.TestCase):
    maxDiff = None

    def test_the_published_values_install_as_they_are(self):
        rendered = HELM.render(BENCHMARK)
        namespaces = "default,spark-team-a,spark-team-b,spark-team-c,spark-s3-express"
        added, removed = changed("controller", BENCHMARK)
        self.assertEqual(added, [f"--namespaces={namespaces}", "--controller-threads=20"])
        self.assertEqual(removed, ["--namespaces=default", "--controller-threads=10"])
        self.assertEqual(rendered.container("controller")["resources"], {"requests": {"cpu": "33000m", "memory": "50Gi"}})
        self.assertEqual([e["name"] for e in rendered.container("controller")["env"]], ["_JAVA_OPTIONS", "KUBERNETES_DISABLE_HOSTNAME_VERIFICATION"])
        self.assertEqual(rendered.container("webhook")["resources"], {"requests": {"cpu": "1000m", "memory": "10Gi"}})
        for component in ("controller", "webhook"):
            self.assertEqual(rendered.pod(component)["nodeSelector"], {"NodeGroupType": "spark-operator-benchmark"})
        self.assertFalse(any("spark-operator-spark" in i for i in ids(rendered)))
        monitor = rendered["PodMonitor", "spark-operator-podmonitor"]
        self.assertNotIn("labels", monitor["metadata"])
        self.assertEqual(monitor["spec"], {
            "podMetricsEndpoints": [{"interval": "5s", "port": "metrics", "scheme": "http"}], "jobLabel": "spark-operator-podmonitor",
            "namespaceSelector": {"matchNames": ["spark-operator"]}, "selector": {"matchLabels": SELECTOR}})
        entry = rendered["MutatingWebhookConfiguration", "spark-operator-webhook"]["webhooks"][0]
        self.assertEqual(entry["namespaceSelector"]["matchExpressions"][0]["values"], namespaces.split(","))


if __name__ == "__main__":
    unittest.main()

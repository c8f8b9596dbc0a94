#!/usr/bin/env python3
"""Facts about what is made only when asked for."""

import json
import os
import sys
import unittest

from helm import TOP, Helm
from render_test import HELM, SELECTOR, ids, rules

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from pod_monitor import scraped  # noqa: E402

assert isinstance(HELM, Helm)
USUAL = None
SPREAD = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
CLUSTER_KINDS = {"ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "CustomResourceDefinition",
                 "Namespace"}


def usual():
    global USUAL
    USUAL = USUAL or set(ids(HELM.render()))
    return USUAL


def more_and_less(values, **others):
    """Kind and name of the objects that these values add, and those that they take away."""
    now = set(ids(HELM.render(values, **others)))
    return sorted((k, n) for k, _, n in now - usual()), sorted((k, n) for k, _, n in usual() - now)


class Features(unittest.TestCase):
    maxDiff = None

    def test_objects_that_values_add_or_take_away(self):
        hook = [(k, "spark-operator-hook") for k in ("ClusterRole", "ClusterRoleBinding", "Job", "ServiceAccount")]
        trio = [(k, "spark-operator-spark") for k in ("Role", "RoleBinding", "ServiceAccount")]
        for values, added, removed in (
                ({"controller": {"pprof": {"enable": True}}}, [("Service", "spark-operator-controller-svc")], []),
                ({"hook": {"upgradeCrd": True}}, hook, []),
                ({"certManager": {"enable": True}}, [("Certificate", "spark-operator-certificate"), ("Issuer", "spark-operator-self-signed-issuer")],
                 [("ClusterRole", "spark-operator-webhook"), ("ClusterRoleBinding", "spark-operator-webhook")]),
                ({"certManager": {"enable": True, "issuerRef": {"name": "ours"}}}, [("Certificate", "spark-operator-certificate")],
                 [("ClusterRole", "spark-operator-webhook"), ("ClusterRoleBinding", "spark-operator-webhook")]),
                ({"certManager": {"enable": True}, "webhook": {"enable": False}}, [],
                 sorted((k, n) for k, _, n in usual() if "webhook" in n)),
                ({"webhook": {"enable": False}}, [], sorted((k, n) for k, _, n in usual() if "webhook" in n)),
                ({"prometheus": {"podMonitor": {"create": True}}}, [("PodMonitor", "spark-operator-podmonitor")], []),
                ({"prometheus": {"sparkPodMonitor": {"create": True}, "metrics": {"enable": False}}},
                 [("PodMonitor", "spark-operator-spark-podmonitor")], []),
                ({"prometheus": {"serviceMonitor": {"create": True}}},
                 [("Service", "spark-operator-metrics"), ("ServiceMonitor", "spark-operator-servicemonitor")], []),
                ({"prometheus": {"dashboards": {"create": True}}}, [("ConfigMap", "spark-operator-dashboard-operator")], []),
                ({"prometheus": {"rules": {"create": True}}}, [("PrometheusRule", "spark-operator-rules")], []),
                ({"networkPolicy": {"create": True}}, [("NetworkPolicy", "spark-operator-controller"), ("NetworkPolicy", "spark-operator-webhook")], []),
                ({"networkPolicy": {"create": True}, "webhook": {"enable": False}}, [("NetworkPolicy", "spark-operator-controller")],
                 sorted((k, n) for k, _, n in usual() if "webhook" in n)),
                ({"spark": {"serviceAccount": {"create": False}, "rbac": {"create": False}}}, [], trio),
                ({"spark": {"serviceAccount": {"create": False}}}, [("Role", "default"), ("RoleBinding", "default")], trio),
                ({"controller": {"serviceAccount": {"create": False}, "rbac": {"create": False}}}, [],
                 sorted((k, n) for k, _, n in usual() if n.endswith("-controller") and k != "Deployment"))):
            with self.subTest(values=values):
                self.assertEqual(more_and_less(values), (added, removed))

    def test_what_a_cluster_does_not_have_is_said(self):
        for values, words in (({"prometheus": {"podMonitor": {"create": True}}}, "no PodMonitor"),
                              ({"prometheus": {"sparkPodMonitor": {"create": True}}}, "sparkPodMonitor.create: this cluster has no PodMonitor"),
                              ({"prometheus": {"serviceMonitor": {"create": True}}}, "no ServiceMonitor"),
                              ({"prometheus": {"rules": {"create": True}}}, "no PrometheusRule"),
                              ({"certManager": {"enable": True}}, "no Issuer"),
                              ({"certManager": {"enable": True, "issuerRef": {"name": "x"}}}, "no Certificate")):
            self.assertIn(words, HELM.refusal(values, apis=()))
        self.assertIn("needs prometheus.metrics.enable",
                      HELM.refusal({"prometheus": {"metrics": {"enable": False}, "podMonitor": {"create": True}}}))

    def test_more_than_one_replica(self):
        for component in ("controller", "webhook"):
            for value in ({"podDisruptionBudget": {"enable": True}}, {"topologySpreadConstraints": [SPREAD]}):
                self.assertIn(f"{component}.replicas", HELM.refusal({component: value}))
            user = {**SPREAD, "labelSelector": {"matchLabels": {"mine": "x", "app.kubernetes.io/name": "other"}, "matchExpressions": [{"key": "a"}]}}
            rendered = HELM.render({component: {"replicas": 2, "podDisruptionBudget": {"enable": True, "minAvailable": "50%"},
                                                "topologySpreadConstraints": [user, SPREAD]}})
            own = {**SELECTOR, "app.kubernetes.io/component": component}
            budget = rendered["PodDisruptionBudget", f"spark-operator-{component}-pdb"]
            self.assertEqual(budget["spec"], {"selector": {"matchLabels": own}, "minAvailable": "50%"})
            spread = rendered.pod(component)["topologySpreadConstraints"]
            self.assertEqual(spread[0]["labelSelector"], {"matchLabels": {**own, "mine": "x"}, "matchExpressions": [{"key": "a"}]})
            self.assertEqual(spread[1], {**SPREAD, "labelSelector": {"matchLabels": own}})
        self.assertEqual(HELM.render({"controller": {"replicas": 0}})["Deployment", "spark-operator-controller"]["spec"]["replicas"], 0)

    def test_without_a_lease_the_old_pod_ends_before_the_new_one_begins(self):
        def strategy(values):
            return HELM.render({"controller": values})["Deployment", "spark-operator-controller"]["spec"].get("strategy")
        self.assertIsNone(strategy({}))
        self.assertEqual(strategy({"leaderElection": {"enable": False}}), {"type": "Recreate", "rollingUpdate": None})

    def test_host_users(self):
        for value, kubernetes, expected in ((True, "1.30.0", True), (False, "1.34.1-eks-1", False), (False, "1.29.9", None), (None, "1.33.0", None),
                                            ("true", "1.33.0", None)):
            for component in ("controller", "webhook"):
                pod = HELM.render({component: {"hostUsers": value}}, kubernetes=kubernetes).pod(component)
                self.assertIs(pod.get("hostUsers"), expected, (value, kubernetes))

    def test_the_rest_submitter_has_a_startup_probe(self):
        probe = HELM.render({"controller": {"featureGates": [{"name": "RestSubmitter", "enabled": True}]}}).container("controller")["startupProbe"]
        self.assertEqual((probe["periodSeconds"], probe["failureThreshold"], probe["httpGet"]["path"]), (5, 60, "/healthz"))

    def test_a_users_annotation_wins_over_ours(self):
        rendered = HELM.render({"controller": {"annotations": {"prometheus.io/port": "1", "a": "b"}}})
        annotations = rendered["Deployment", "spark-operator-controller"]["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual((annotations["prometheus.io/port"], annotations["prometheus.io/scrape"], annotations["a"]), ("1", "true", "b"))

    def test_cert_manager(self):
        rendered = HELM.render({"certManager": {"enable": True, "duration": "720h"}})
        certificate = rendered["Certificate", "spark-operator-certificate"]["spec"]
        service = "spark-operator-webhook-svc.spark-operator.svc"
        self.assertEqual(certificate["dnsNames"], [service, f"{service}.cluster.local"])
        self.assertEqual((certificate["secretName"], certificate["duration"]), ("spark-operator-webhook-certs", "720h"))
        self.assertEqual(certificate["issuerRef"], {"group": "cert-manager.io", "kind": "Issuer", "name": "spark-operator-self-signed-issuer"})
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            self.assertEqual(rendered[kind, "spark-operator-webhook"]["metadata"]["annotations"],
                             {"cert-manager.io/inject-ca-from": "spark-operator/spark-operator-certificate"})
        # Its injector writes the configurations, it makes the Secret: the webhook need only read that.
        self.assertNotIn("secrets", rules(rendered, "spark-operator-webhook", "spark-operator"))

    def test_the_hook_runs_the_operators_image(self):
        for image, expected in (({}, "spark-operator:0.1.0"), ({"registry": "r.io"}, "r.io/spark-operator:0.1.0"),
                                ({"registry": "r.io", "repository": "kubeflow/spark-operator/kubectl", "tag": "2.3.0"}, "r.io/spark-operator:0.1.0"),
                                ({"repository": "mine", "tag": "x"}, "mine:x")):
            rendered = HELM.render({"hook": {"upgradeCrd": True, "image": image}})
            job = rendered["Job", "spark-operator-hook"]
            container = job["spec"]["template"]["spec"]["containers"][0]
            self.assertEqual((container["image"], container["args"]), (expected, ["crds", "apply"]))
            self.assertEqual(job["metadata"]["annotations"]["helm.sh/hook"], "pre-install,pre-upgrade")
        weights = [rendered[k, "spark-operator-hook"]["metadata"]["annotations"]["helm.sh/hook-weight"]
                   for k in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job")]
        self.assertEqual(weights, ["1", "2", "3", "4"])

    def test_network_policies(self):
        rendered = HELM.render({"networkPolicy": {"create": True, "metricsFrom": [{"namespaceSelector": {}}]}})
        metrics = {"ports": [{"port": 8080}], "from": [{"namespaceSelector": {}}]}
        self.assertEqual(rendered["NetworkPolicy", "spark-operator-controller"]["spec"]["ingress"], [metrics])
        self.assertEqual(rendered["NetworkPolicy", "spark-operator-webhook"]["spec"]["ingress"], [{"ports": [{"port": 9443}]}, metrics])
        self.assertEqual(rendered["NetworkPolicy", "spark-operator-webhook"]["spec"]["policyTypes"], ["Ingress"])
        closed = HELM.render({"networkPolicy": {"create": True, "egress": [{"ports": [{"port": 443}]}]}, "prometheus": {"metrics": {"enable": False}}})
        self.assertEqual(closed["NetworkPolicy", "spark-operator-controller"]["spec"]["egress"], [{"ports": [{"port": 443}]}])
        self.assertIsNone(closed["NetworkPolicy", "spark-operator-controller"]["spec"]["ingress"])


SINK = [(4040, "/metrics/driver/prometheus/"), (4040, "/metrics/executors/prometheus/")]
EXPORTER = {"prometheus.io/scrape": "true", "prometheus.io/port": "8090", "prometheus.io/path": "/metrics"}


def spark_pod(name, role="driver", annotations=None, labels=None, namespace="default", phase="Running", **ports):
    """As the operator makes them: spark-ui at drivers alone, jmx_exporter=8090 where `spec.monitoring` wants the exporter."""
    ports = {"blockmanager": 7079, **({"spark-ui": 4040} if role == "driver" else {}), **{k.replace("_", "-"): v for k, v in ports.items()}}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": annotations or {},
                         "labels": {"spark-role": role, "sparkoperator.k8s.io/app-name": name.split("-")[0],
                                    "sparkoperator.k8s.io/launched-by-spark-operator": "true", **(labels or {})}},
            "spec": {"containers": [{"name": f"spark-kubernetes-{role}", "ports": [{"name": n, "containerPort": p} for n, p in ports.items()]}]},
            "status": {"phase": phase, "podIP": "10.0.0.1"}}


PODS = [
    spark_pod("plain-driver"), spark_pod("plain-exec-1", "executor"),
    spark_pod("noted-driver", annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "4040", "prometheus.io/path": SINK[0][1]}),
    spark_pod("jmx-driver", annotations=EXPORTER, jmx_exporter=8090), spark_pod("jmx-exec-1", "executor", annotations=EXPORTER, jmx_exporter=8090),
    spark_pod("silent-driver", annotations={"prometheus.io/scrape": "false"}),
    spark_pod("ended-driver", phase="Succeeded"), spark_pod("strange-driver", labels={"sparkoperator.k8s.io/launched-by-spark-operator": "no"}),
    spark_pod("far-driver", namespace="far")]


class SparkPods(unittest.TestCase):
    maxDiff = None

    def monitor(self, values=None, **others):
        rendered = HELM.render({**others, "prometheus": {"sparkPodMonitor": {"create": True, **(values or {})}}})
        return rendered["PodMonitor", "spark-operator-spark-podmonitor"]

    def found(self, values=None, **others):
        """Name of the pod → [(port, path)] that are scraped of PODS."""
        found = {}
        for target in scraped(self.monitor(values, **others), PODS):
            found.setdefault(target["pod"], []).append((target["port"], target["path"]))
        return found

    def test_each_driver_is_asked_for_what_it_has(self):
        self.assertEqual(self.found(), {"plain-driver": SINK, "noted-driver": SINK, "jmx-driver": [(8090, "/metrics")]})

    def test_executors_are_asked_if_wanted(self):
        self.assertEqual(self.found({"executors": True}), {**self.found(), "jmx-exec-1": [(8090, "/metrics")]})

    def test_annotations_may_be_what_counts(self):
        self.assertEqual(self.found({"executors": True, "onlyAnnotated": True}),
                         {"noted-driver": SINK, "jmx-driver": [(8090, "/metrics")], "jmx-exec-1": [(8090, "/metrics")]})

    def test_one_of_the_two_alone(self):
        self.assertEqual(self.found({"servlet": {"paths": []}}), {"jmx-driver": [(8090, "/metrics")]})
        self.assertEqual(self.found({"servlet": {"portName": ""}}), {"jmx-driver": [(8090, "/metrics")]})
        self.assertEqual(self.found({"jmxExporter": {"portName": ""}}), {"plain-driver": SINK, "noted-driver": SINK})
        nothing = {"create": True, "servlet": {"paths": []}, "jmxExporter": {"portName": ""}}
        self.assertIn("nothing to scrape", HELM.refusal({"prometheus": {"sparkPodMonitor": nothing}}))

    def test_ports_and_paths_of_ones_own(self):
        monitor = self.monitor({"servlet": {"portName": "ui", "paths": ["/p"]}, "jmxExporter": {"portName": "agent", "path": "/j.m"}})
        pods = [spark_pod("own-driver", ui=4041), spark_pod("agent-driver", annotations={"prometheus.io/path": "/j.m"}, ui=4041, agent=9999)]
        for path, ports in (("/j.m", [4041, 9999]), ("/jom", [4041, 4041, 9999])):       # a path is a text, no pattern
            pods[1]["metadata"]["annotations"]["prometheus.io/path"] = path
            targets = scraped(monitor, pods)
            self.assertEqual([target["port"] for target in targets], ports)
            self.assertEqual([target["path"] for target in targets], [*["/p"] * (len(ports) - 1), "/j.m"])

    def test_namespaces_are_those_of_the_applications(self):
        for values, selector in (({}, {"matchNames": ["default"]}), ({"jobNamespaces": ["a", "b", "a"]}, {"matchNames": ["a", "b"]}),
                                 ({"jobNamespaces": [""]}, {"any": True}), ({"jobNamespaces": ["a", ""]}, {"any": True}),
                                 ({"jobNamespaces": []}, {"any": True}), ({"jobNamespaces": None}, {"any": True}),
                                 ({"jobNamespaceSelector": "team=x"}, {"any": True})):
            with self.subTest(spark=values):
                self.assertEqual(self.monitor(spark=values)["spec"]["namespaceSelector"], selector)
        self.assertEqual(set(self.found(spark={"jobNamespaces": ["far"]})), {"far-driver"})
        self.assertEqual(set(self.found(spark={"jobNamespaces": []})), {*self.found(), "far-driver"})

    def test_series_have_labels_that_tell_them_apart(self):
        targets = scraped(self.monitor({"executors": True}), PODS)
        self.assertEqual(targets[0], {
            "instance": "10.0.0.1:4040", "port": 4040, "path": SINK[0][1], "namespace": "default", "pod": "plain-driver", "endpoint": "spark-ui",
            "container": "spark-kubernetes-driver", "spark_role": "driver", "sparkoperator_k8s_io_app_name": "plain",
            "job": "spark-operator/spark-operator-spark-podmonitor", "metrics_path": SINK[0][1]})
        series = [{name: value for name, value in target.items() if name not in ("port", "path")} for target in targets]
        self.assertEqual(len({tuple(sorted(each.items())) for each in series}), len(targets))
        renamed = scraped(self.monitor({"jobLabel": "sparkoperator.k8s.io/app-name", "podTargetLabels": []}), PODS)[0]
        self.assertEqual((renamed["job"], "spark_role" in renamed), ("plain", False))

    def test_values_reach_it(self):
        monitor = self.monitor({"labels": {"release": "x"}, "interval": "10s", "scheme": "https"}, commonLabels={"team": "blue"})
        self.assertLessEqual({**SELECTOR, "release": "x", "team": "blue"}.items(), monitor["metadata"]["labels"].items())
        self.assertEqual({(e["interval"], e["scheme"]) for e in monitor["spec"]["podMetricsEndpoints"]}, {("10s", "https")})
        self.assertEqual([e["interval"] for e in self.monitor()["spec"]["podMetricsEndpoints"]], ["30s"] * 3)

    def test_sections_that_are_null_have_their_defaults_and_values_are_left_out(self):
        nulls = {"labels": None, "jobLabel": None, "podTargetLabels": None, "scheme": None, "interval": None, "servlet": None, "jmxExporter": None}
        monitor = self.monitor(nulls)
        self.assertEqual([sorted(e) for e in monitor["spec"]["podMetricsEndpoints"]], [["path", "port", "relabelings"]] * 3)
        self.assertEqual([(t["pod"], t["port"], t["path"]) for t in scraped(monitor, PODS)],
                         [(t["pod"], t["port"], t["path"]) for t in scraped(self.monitor(), PODS)])


class NamespacesOnly(unittest.TestCase):
    NO_CLUSTER = {"clusterResources": {"create": False}}

    def test_nothing_belongs_to_the_cluster(self):
        for values in ({"webhook": {"enable": False}}, {"certManager": {"enable": True}}):
            rendered = HELM.render({**self.NO_CLUSTER, **values, "spark": {"jobNamespaces": ["a", "b"]}})
            self.assertEqual({o["kind"] for o in rendered.objects} & CLUSTER_KINDS, set())

    def test_what_contradicts_it_is_said(self):
        for values, words in (({}, "webhook.enable=false"), ({"webhook": {"enable": False}, "spark": {"jobNamespaces": [""]}}, "jobNamespaces"),
                              ({"webhook": {"enable": False}, "hook": {"upgradeCrd": True}}, "hook.upgradeCrd"),
                              ({"webhook": {"enable": False}, "spark": {"jobNamespaceSelector": "x"}}, "jobNamespaceSelector")):
            self.assertIn(words, HELM.refusal({**self.NO_CLUSTER, **values}))


class HelmTest(unittest.TestCase):
    """What `helm test` runs: pi_test.py runs it."""

    def application(self, values):
        pod = HELM.render(values)["Pod", "spark-operator-test"]["spec"]
        return pod, json.loads(pod["containers"][0]["command"][-2])

    def test_where_and_as_whom(self):
        drivers, operators = "spark-operator-spark", "spark-operator-controller"
        for values, expected in (({}, ("default", drivers)), ({"spark": {"jobNamespaces": ["a", "b"]}}, ("a", drivers)),
                                 ({"spark": {"jobNamespaces": [""]}}, ("spark-operator", operators)),
                                 ({"spark": {"jobNamespaces": ["", "a"]}}, ("a", drivers)),
                                 ({"spark": {"jobNamespaces": ["spark-operator"]}}, ("spark-operator", drivers)),
                                 ({"spark": {"jobNamespaces": [""]}, "test": {"namespace": "b", "serviceAccount": "x"}}, ("b", "x")),
                                 ({"spark": {"jobNamespaces": [""]}, "test": {"namespace": 7, "serviceAccount": 8}}, ("7", "8")),
                                 ({"spark": {"serviceAccount": {"create": False, "name": "theirs"}}}, ("default", "theirs"))):
            with self.subTest(values=values):
                pod, application = self.application(values)
                self.assertEqual((application["metadata"]["namespace"], application["spec"]["driver"]["serviceAccount"]), expected)
                self.assertEqual(pod["serviceAccountName"], operators)

    def test_a_namespace_with_the_strictest_standard_lets_its_pods_in(self):
        pod, application = self.application({})
        spec = application["spec"]
        for of_pod, of_container in ((pod["securityContext"], pod["containers"][0]["securityContext"]),
                                     *((spec[role]["podSecurityContext"], spec[role]["securityContext"]) for role in ("driver", "executor"))):
            self.assertTrue(of_pod["runAsNonRoot"] and of_pod["runAsUser"])
            self.assertEqual(of_pod["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertEqual(of_container, {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}})


class Roles(unittest.TestCase):
    def test_rules_that_depend_on_values(self):
        def controller(values):
            return rules(HELM.render(values), "spark-operator-controller", "default")
        usual_rules = controller({})
        for values, resource in (({"batchScheduler": {"enable": True}}, "podgroups"), ({"rbac": {"secrets": True}}, "secrets"),
                                 ({"driverPodDisruptionBudget": {"enable": True}}, "poddisruptionbudgets")):
            self.assertNotIn(resource, usual_rules)
            self.assertIn(resource, controller({"controller": values}))
        quota = HELM.render({"webhook": {"resourceQuotaEnforcement": {"enable": True}}})
        self.assertEqual(rules(quota, "spark-operator-webhook", "default")["resourcequotas"], ["list"])
        self.assertNotIn("resourcequotas", rules(HELM.render(), "spark-operator-webhook", "default"))

    def test_nobody_may_read_a_secret_but_by_name(self):
        for rendered in (HELM.render(), HELM.render({"spark": {"jobNamespaces": [""]}})):
            for role in rendered.of_kind("Role") + rendered.of_kind("ClusterRole"):
                for rule in role["rules"]:
                    if "secrets" in rule["resources"]:
                        self.assertTrue(rule["verbs"] == ["create"] or rule.get("resourceNames") == ["spark-operator-webhook-certs"], rule)
                    self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])

    def test_webhook_configurations_go_by_name(self):
        verbs = rules(HELM.render(), "spark-operator-webhook", kind="ClusterRole")
        for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
            self.assertNotIn(kind, verbs)
            self.assertEqual(verbs[f"{kind}:spark-operator-webhook"], ["get", "watch", "update"])

    def test_leases_go_by_name(self):
        own = rules(HELM.render(), "spark-operator-controller", "spark-operator")
        self.assertEqual(own["leases"], ["create"])
        self.assertEqual(own["leases:spark-operator-controller-lock"], ["get", "watch", "update"])
        self.assertNotIn("leases", rules(HELM.render({"controller": {"leaderElection": {"enable": False}}}), "spark-operator-controller", "spark-operator"))

    def test_the_drivers_role(self):
        verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
        self.assertEqual(rules(HELM.render(), "spark-operator-spark", "default"),
                         {r: verbs for r in ("pods", "configmaps", "persistentvolumeclaims", "services")})


if __name__ == "__main__":
    unittest.main()

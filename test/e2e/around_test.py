#!/usr/bin/env python3
"""What is around a running application: a real driver of Spark 3.5 whose PrometheusServlet a real Prometheus scrapes, found
through the labels and annotations of its pod alone, and through the chart's PodMonitor; the service of its user interface; the
disruption budget that keeps it from being evicted. On a real API server.

    test/e2e/around_test.py             # SPARK_OPERATOR, SPARKCTL, KUBECTL, HELM; prometheus (Debian's package) on the PATH
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

import yaml
from cells import Cell
from cluster import state_of
from joined_cluster import JoinedCluster

TEST = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TEST, "lib"), os.path.join(TEST, "chart")]
from control_plane import dies_with_parent, free_port  # noqa: E402
from helm import Helm  # noqa: E402
from pod_monitor import discovered, scrape_configs  # noqa: E402

NAME = "pi-watched"
# As people configure it: the sink on the port of the user interface, told to scrapers by annotations.
MANIFEST = f"""
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata:
  name: {NAME}
  namespace: default
spec:
  type: Python
  mode: cluster
  sparkVersion: 3.5.7
  image: spark:3.5.7
  imagePullPolicy: IfNotPresent
  mainApplicationFile: local:///opt/spark/examples/src/main/python/pi.py
  arguments: ["100000"]
  restartPolicy: {{type: Never}}
  driverPodDisruptionBudget: true
  sparkConf:
    spark.ui.prometheus.enabled: "true"
    spark.metrics.conf.*.sink.prometheusServlet.class: org.apache.spark.metrics.sink.PrometheusServlet
    spark.metrics.conf.*.source.jvm.class: org.apache.spark.metrics.source.JvmSource
    spark.metrics.conf.*.sink.prometheusServlet.path: /metrics/driver/prometheus/
    spark.kubernetes.driver.annotation.prometheus.io/path: /metrics/driver/prometheus/
    spark.kubernetes.driver.annotation.prometheus.io/port: "4040"
  driver:
    cores: 1
    memory: 512m
    serviceAccount: spark-operator-spark
    annotations: {{prometheus.io/scrape: "true"}}
  executor: {{instances: 1, cores: 1, memory: 512m}}
"""

# The relabelling that every guide to scraping by annotation has. Debian's Prometheus is built without discovery from
# Kubernetes, so pod_monitor.discovered() is its role "pod": the same meta labels, read from the same pods.
SCRAPE = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: pods
    file_sd_configs:
      - files: [pods.json]
        refresh_interval: 1s
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true"}
      - {source_labels: [__meta_kubernetes_pod_label_spark_role], action: keep, regex: driver}
      - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], action: replace, target_label: __metrics_path__, regex: (.+)}
      - source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port]
        action: replace
        regex: (.+);(.+)
        replacement: $1:$2
        target_label: __address__
      - {source_labels: [__meta_kubernetes_pod_name], action: replace, target_label: pod}
      - {source_labels: [__meta_kubernetes_pod_label_sparkoperator_k8s_io_app_name], action: replace, target_label: application}
"""


def config():
    """SCRAPE, and what the chart's PodMonitor means."""
    monitor = Helm().render({"prometheus": {"sparkPodMonitor": {"create": True, "executors": True, "interval": "1s"}}})
    both = yaml.safe_load(SCRAPE)
    both["scrape_configs"] += scrape_configs(monitor["PodMonitor", "spark-operator-spark-podmonitor"], "pods.json")
    return yaml.safe_dump(both)


class Prometheus:
    """Of Debian's package, on loopback, with a folder of its own."""

    def __init__(self, config, targets):
        self.config, self.targets = config, targets

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="prometheus-")
        with open(os.path.join(self.folder, "prometheus.yml"), "w") as f:
            f.write(self.config)
        with open(os.path.join(self.folder, "pods.json"), "w") as f:
            json.dump(self.targets, f)
        self.url = f"http://127.0.0.1:{free_port()}"
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [shutil.which("prometheus"), f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=dies_with_parent(signal.SIGKILL))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path, **query):
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with no_proxy.open(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None                                            # not up yet

    def query(self, text):
        data = self.ask("query", query=text)
        return data["result"] if data else []

    def tail(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return "".join(f.readlines()[-10:]) + f"\ntargets: {self.ask('targets')}"


class Around(unittest.TestCase):
    def test_a_running_application(self):
        self.assertTrue(shutil.which("prometheus"), "no prometheus (Debian's package)")
        spark_home = Cell("3.5", "python", "native", "real", False).spark_home
        with JoinedCluster("real") as cluster, cluster.operator(spark_home, False, "--enable-driver-pdb"):
            self.cluster = cluster
            cluster.kubectl("apply", "-f", "-", text=MANIFEST)
            try:
                cluster.wait_for_state(NAME, "RUNNING")
                self.its_interface_has_a_service()
                self.prometheus_scrapes_it()
                self.it_cannot_be_evicted_until_it_may()
            finally:
                cluster.kubectl("delete", "sparkapplication", NAME, "--ignore-not-found")
            cluster.wait_for(lambda: not self.left(), f"left: {self.left()}", limit=120)
            self.assertEqual(cluster.refusals(), [])

    def left(self):
        return [f"{kind}/{o['metadata']['name']}" for kind in ("services", "poddisruptionbudgets", "pods")
                for o in self.cluster.list(kind, f"sparkoperator.k8s.io/app-name={NAME}")]

    def its_interface_has_a_service(self):
        app = self.cluster.get("sparkapplication", NAME)
        service = self.cluster.get("service", f"{NAME}-ui-svc")
        info = app["status"]["driverInfo"]
        self.assertEqual((info["webUIServiceName"], info["webUIPort"], info["webUIAddress"]),
                         (f"{NAME}-ui-svc", 4040, f"{service['spec']['clusterIP']}:4040"))
        driver = self.cluster.get("pod", f"{NAME}-driver")
        for key, value in service["spec"]["selector"].items():
            self.assertEqual(driver["metadata"]["labels"][key], value)

    def prometheus_scrapes_it(self):
        job = "spark-operator/spark-operator-spark-podmonitor"
        with Prometheus(config(), discovered(self.cluster.list("pods", ""))) as prometheus:
            try:
                self.cluster.wait_for(lambda: prometheus.query(f'up{{application="{NAME}"}} == 1'), "the driver is no target that is up", limit=120)
                for labels in (f'application="{NAME}"', f'job="{job}",sparkoperator_k8s_io_app_name="{NAME}"'):
                    found = self.cluster.wait_for(
                        lambda: prometheus.query(f'{{{labels},__name__=~"metrics_.*_driver_jvm_heap_used_.*"}}'),
                        f"no metric of the driver's heap with {labels}", limit=90)
                    self.assertEqual({series["metric"]["pod"] for series in found}, {f"{NAME}-driver"})
                    self.assertGreater(float(found[0]["value"][1]), 1e6)
                # What the driver tells of its executors has a path of its own, and so has its `up`.
                self.cluster.wait_for(lambda: prometheus.query(f'metrics_executor_totalCores{{job="{job}"}} > 0'), "no metric of executors", limit=90)
                up = {(path, "1") for path in ("/metrics/driver/prometheus/", "/metrics/executors/prometheus/")}
                self.cluster.wait_for(
                    lambda: {(s["metric"]["metrics_path"], s["value"][1]) for s in prometheus.query(f'up{{job="{job}"}}')} == up,
                    "not both paths are up, each in a series of its own", limit=90)
            except AssertionError:
                print(prometheus.tail())
                raise
            targets = prometheus.ask("targets")["activeTargets"]
            self.assertEqual(sorted(t["scrapeUrl"].split(":", 2)[2] for t in targets),
                             ["4040/metrics/driver/prometheus/"] * 2 + ["4040/metrics/executors/prometheus/"])

    def evict(self):
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": f"{NAME}-driver", "namespace": "default"}}
        return self.cluster.try_kubectl("create", "--raw", f"/api/v1/namespaces/default/pods/{NAME}-driver/eviction", "-f", "-",
                                        text=json.dumps(body))

    def it_cannot_be_evicted_until_it_may(self):
        budget = self.cluster.get("poddisruptionbudget", f"{NAME}-driver")
        self.assertEqual(budget["spec"]["minAvailable"], 1)

        # Nobody counts healthy pods here (that is the controller manager's), so the API server says no for want of a count.
        code, _, said = self.evict()
        self.assertNotEqual(code, 0, "the driver was evicted in spite of its budget")
        self.assertIn("disruption budget", said)
        before = self.cluster.get("sparkapplication", NAME)["status"]["submissionID"]
        self.cluster.kubectl("patch", "sparkapplication", NAME, "--type=merge", "-p", '{"spec": {"driverPodDisruptionBudget": false}}')
        self.cluster.wait_for(lambda: self.cluster.get("poddisruptionbudget", f"{NAME}-driver") is None, "the budget stays")
        app = self.cluster.get("sparkapplication", NAME)
        self.assertEqual((state_of(app), app["status"]["submissionID"]), ("RUNNING", before), "the run goes on")
        self.cluster.wait_for(lambda: self.evict()[0] == 0, "the driver cannot be evicted without a budget")
        self.cluster.wait_for_state(NAME, "FAILED")


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""A real Prometheus scrapes the operator, its webhook and a real API server while applications succeed and fail, executors come and go, reviews are
answered and the API server stalls; then every expression of both dashboards finds data, and every alert's expression can be evaluated, reads
series that are there, and does not fire.

    test/boards/live_test.py               # SPARK_OPERATOR, PRETEND_KUBELET; KUBECTL; prometheus (Debian's package) on the PATH
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from boards import FILES, TOP, panels, published, rules, selectors

for folder in ("lib", "failover", "e2e"):
    sys.path.insert(0, os.path.join(TOP, "test", folder))
from control_plane import ControlPlane, dies_with_parent, free_port  # noqa: E402
from operators import Operators, wait_for  # noqa: E402
from webhook_server import WebhookServer  # noqa: E402

LIMIT = 240
TEAMS = ("team-a", "team-b")
JOB = "spark-operator/spark-operator-podmonitor"                        # what the chart's PodMonitor makes of it
# Expressions of the dashboards whose exporters are not ours, and not here: cAdvisor, kube-state-metrics.
FOREIGN = "cadvisor"
# Alerts on what no run here has: Spark's own metrics.
OTHERS = {"SparkJobFailed"}
APPLICATION = {
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
    "spec": {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7", "mainApplicationFile": "local:///opt/pi.py",
             "restartPolicy": {"type": "Never"}, "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark"},
             "executor": {"instances": 1, "cores": 1, "memory": "512m"}}}
SCRAPE = """
global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: {job}
    static_configs:
      - targets: ["{controller}"]
        labels: {{namespace: spark-operator, pod: spark-operator-controller-x, container: spark-operator-controller, endpoint: metrics}}
      - targets: ["{webhook}"]
        labels: {{namespace: spark-operator, pod: spark-operator-webhook-x, container: spark-operator-webhook, endpoint: metrics}}
  - job_name: apiserver
    scrape_interval: 5s
    scrape_timeout: 5s
    scheme: https
    tls_config: {{ca_file: {ca}}}
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["{apiserver}"]}}]
"""


class Prometheus:
    """Of Debian's package, on loopback, at a port that the kernel chooses, with a folder of its own."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="prometheus-")
        self.path = os.path.join(self.folder, "prometheus.yml")
        with open(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(self.config)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.path}", f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=dies_with_parent(signal.SIGKILL))
        try:
            self.url = "http://" + wait_for(self.address, lambda: f"Prometheus does not listen\n{self.tail()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def address(self):
        found = re.search(r'msg="Listening on" address=(\S+)', self.tail(100))
        return found and found.group(1)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path, **query):
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with no_proxy.open(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None                                              # it still reads its folder
            raise AssertionError(f"{query}: {error.read().decode()}") from None
        except OSError:
            return None                                                  # not up yet

    def series(self, expression):
        return (self.ask("query", query=expression) or {"result": []})["result"]

    def points(self, expression, start):
        """Over the run, as a panel shows it: finite values of all series."""
        found = self.ask("query_range", query=expression, start=start, end=time.time(), step="2")["result"]
        return [float(value) for series in found for _, value in series["values"] if value not in ("NaN", "+Inf", "-Inf")]

    def tail(self, count=10):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return "".join(file.readlines()[-count:])


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert shutil.which("prometheus"), "no prometheus (Debian's package)"
        kubectl = os.environ.get("KUBECTL") or subprocess.run([os.path.join(TOP, "test/lib/fetch_kubectl.sh")], check=True, stdout=subprocess.PIPE,
                                                              text=True).stdout.strip()
        cls.plane = cls.enterClassContext(ControlPlane("real"))
        # The lease outlives the stalls below on a machine that is slow, too.
        cls.operators = operators = Operators(cls.plane, kubectl, os.environ["SPARK_OPERATOR"], free_port, lease=("90s", "60s", "2s"))
        operators.install()
        cls.addClassCleanup(operators.kill_all)
        # Two workers, so that a burst waits.
        cls.operator = operators.start("--enable-metrics", "--controller-threads=2", "--submitter=native", "--metrics-labels=app_type,namespace",
                                       "--webhook-enabled")
        operators.wait_for_leader()
        cls.start_node()
        cls.webhook = WebhookServer(operators)
        cls.webhook.install()
        cls.addClassCleanup(cls.webhook.kill)
        cls.webhook.start()
        cls.prometheus = cls.enterClassContext(Prometheus(SCRAPE.format(
            job=JOB, rules=", ".join(f'"{FILES}/alerts/{name}"' for name in sorted(os.listdir(os.path.join(FILES, "alerts")))),
            controller=urllib.parse.urlparse(cls.operator.metrics_url).netloc, webhook=cls.webhook.metrics, ca=cls.plane.ca_file, token=cls.plane.token,
            apiserver=urllib.parse.urlparse(cls.plane.url).netloc)))
        cls.start = time.time()
        wait_for(lambda: len(cls.prometheus.series("up == 1")) == 3, lambda: f"not all targets are up: {cls.prometheus.ask('targets')}\n{cls.prometheus.tail()}")
        cls.load()

    @classmethod
    def start_node(cls):
        with open(os.path.join(cls.plane.folder, "node.log"), "wb") as log:
            node = subprocess.Popen([os.environ["PRETEND_KUBELET"], "--kubeconfig", cls.plane.kubeconfig], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    preexec_fn=dies_with_parent(signal.SIGKILL))

        def end():
            node.terminate()
            node.wait(60)
        cls.addClassCleanup(end)

    @classmethod
    def apply(cls, objects):
        cls.operators.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    @classmethod
    def applications(cls, kind, batch, count, notes, **more):
        """`kind` is a label of their metrics; of two teams in turn."""
        made = []
        for number in range(count):
            application = json.loads(json.dumps(APPLICATION))
            application["metadata"] = {"name": f"{kind}-{batch}-{number}", "namespace": TEAMS[number % 2], "labels": {"app_type": kind}}
            application["spec"]["driver"]["annotations"] = notes
            application["spec"].update(more)
            made.append(application)
        cls.apply(made)

    @classmethod
    def executors(cls, batch):
        """Of a running application, as its driver would make them: one that ends well and one that does not."""
        driver = wait_for(lambda: next((p for p in json.loads(cls.operators.kubectl("get", "pods", "-n", TEAMS[0], "-l", "spark-role=driver", "-o", "json"))["items"]
                                        if p["metadata"]["name"].startswith("stays") and p.get("status", {}).get("phase") == "Running"), None), "no driver runs")
        meta = driver["metadata"]
        made = []
        for number, code in ((2 * batch + 1, "0"), (2 * batch + 2, "1")):
            made.append({"apiVersion": "v1", "kind": "Pod",
                         "metadata": {"name": f"{meta['name']}-exec-{number}", "namespace": TEAMS[0],
                                      "annotations": {"pretend.kubelet/lasts": "1s", "pretend.kubelet/exit-code": code},
                                      "labels": {**meta["labels"], "spark-role": "executor", "spark-exec-id": str(number)},
                                      "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"], "controller": True}]},
                         "spec": {"serviceAccountName": "spark", "restartPolicy": "Never",
                                  "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}})
        cls.apply(made)

    @classmethod
    def counted(cls, name, least):
        def enough():
            found = cls.prometheus.series(f"sum({name})")
            return bool(found) and float(found[0]["value"][1]) >= least
        wait_for(enough, lambda: f"{name} does not come to {least}: {cls.prometheus.series(name)}\n{cls.operators.tails()}", limit=LIMIT)

    @classmethod
    def load(cls):
        cls.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team}} for team in TEAMS] +
                  [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "spark", "namespace": team}} for team in TEAMS])
        cls.applications("stays", 0, 4, {})
        cls.counted("spark_application_running_count", 4)
        # A series is first seen with what it has counted by then, and a rate wants an event after that: everything happens twice, the second time when
        # Prometheus has seen the first.
        for batch in range(2):
            cls.burst(batch)
            for name, least in (("spark_application_success_count", 24), ("spark_application_failure_count", 6), ("spark_executor_success_count", 1),
                                ("spark_executor_failure_count", 1), ("spark_application_failed_submission_count", 2)):
                cls.counted(name, (batch + 1) * least)

    @classmethod
    def burst(cls, batch):
        cls.executors(batch)
        # The API server stalls while a burst is worked on: work in progress grows old, keys wait.
        cls.applications("good", batch, 20, {"pretend.kubelet/lasts": "2s"})
        server = cls.plane.processes["kube-apiserver"]
        server.send_signal(signal.SIGSTOP)
        time.sleep(4)                                                    # two scrapes of the operator
        server.send_signal(signal.SIGCONT)
        cls.applications("more", batch, 4, {"pretend.kubelet/lasts": "1s"})
        cls.applications("bad", batch, 4, {"pretend.kubelet/lasts": "1s", "pretend.kubelet/exit-code": "1"})
        # A retry is work with a delay.
        cls.applications("again", batch, 2, {"pretend.kubelet/lasts": "1s", "pretend.kubelet/exit-code": "1"},
                         restartPolicy={"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1,
                                        "onSubmissionFailureRetries": 1, "onSubmissionFailureRetryInterval": 1})
        # Submissions that are refused: no such account.
        cls.applications("refused", batch, 2, {}, driver={"cores": 1, "memory": "512m", "serviceAccount": "nobody"})

    def has_data(self, expression):
        """Soon: a rate wants two samples, and those after the last event; an API server counts its
        objects once a minute."""
        return wait_for(lambda: self.prometheus.points(expression, self.start) or None,
                        lambda: f"no data: {expression}\n{[(s, self.prometheus.series(s)[:2]) for s in selectors(expression)]}", limit=90)

    def test_the_published_dashboard_fills(self):
        for query in published():
            with self.subTest(panel=query.panel, title=query.title, query=query.ref):
                if query.whose == FOREIGN:
                    self.prometheus.points(query.expression, self.start)  # it is understood
                else:
                    self.has_data(query.expression)

    def test_our_dashboard_fills(self):
        for title, expression in panels():
            with self.subTest(panel=title, expression=expression):
                self.has_data(expression)

    def test_what_panels_say_is_true(self):
        def value(expression):
            return sum(float(series["value"][1]) for series in self.prometheus.series(expression))
        # Those that are tried again may still be at it.
        wait_for(lambda: value("sum(spark_application_running_count)") == 4, lambda: self.prometheus.series("spark_application_running_count"))
        self.assertEqual(value("sum(spark_application_success_count)"), 48)
        self.assertEqual(value('sum(leader_election_master_status{name=~".*-controller-lock"})'), 1)
        heaps = self.prometheus.series('go_memstats_alloc_bytes and on (job, instance) go_info{version="none"}')
        self.assertTrue(heaps)
        for heap in heaps:
            self.assertGreater(float(heap["value"][1]), 1e6, heap)
        namespaces = {series["metric"]["exported_namespace"] for series in self.prometheus.series("sum by (exported_namespace) (spark_application_submit_count) > 0")}
        self.assertEqual(namespaces, set(TEAMS))
        lanes = {series["metric"]["priority"] for series in self.prometheus.series('count by (priority) (workqueue_depth{priority!=""})')}
        self.assertLessEqual({"0", "-100"}, lanes)
        self.assertGreater(max(self.prometheus.points("max(workqueue_longest_running_processor_seconds)", self.start)), 1, "the stalled API server was not seen")

    def test_alerts_read_what_is_there(self):
        for name, rule in rules().items():
            with self.subTest(name):
                self.prometheus.series(rule["expr"])                     # an error fails
                for selector in [] if name in OTHERS else selectors(rule["expr"]):
                    # Where all goes well there are no answers of those codes.
                    bare = re.sub(r',?code(=~|!=)"[^"]*"', "", selector)
                    self.assertTrue(self.prometheus.series(f"last_over_time({bare}[10m])"), f"{bare} reads nothing")

    def test_no_alert_fires_that_must_not(self):
        groups = self.prometheus.ask("rules", type="alert")["groups"]
        found = {rule["name"]: rule for group in groups for rule in group["rules"]}
        self.assertEqual(set(found), set(rules()))
        self.assertEqual({name: (rule["health"], rule.get("lastError")) for name, rule in found.items() if rule["health"] != "ok"}, {})
        self.assertEqual([name for name, rule in found.items() if rule["state"] == "firing"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

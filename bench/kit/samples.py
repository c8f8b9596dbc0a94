"""The operator's own metrics while the load runs: processor, memory, its queue.

    with Samples(access, options, clock) as samples: …
    samples.rows          # [{"at": seconds, "cpu": seconds, "rss": bytes, "waiting": {lane: keys}, "waits": {le: count}, "calls": n}]
    samples.trouble       # why there are none

Asked at --operator-metrics, else through the API server of each pod of the operator in its namespace. Thread: one of its own."""

import http.client
import re
import threading
import urllib.request

from api import Refused

PODS = "/api/v1/namespaces/{}/pods?labelSelector=app.kubernetes.io/name%3Dspark-operator"
LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
QUEUE = "sparkapplication"
LANES = {"0": "known", "-100": "new"}


def parse(text):
    """[(name, labels, value)] of Prometheus' text."""
    out = []
    for line in text.splitlines():
        found = None if line.startswith("#") else LINE.match(line)
        if found:
            out.append((found.group(1), dict(LABEL.findall(found.group(2) or "")), float(found.group(3))))
    return out


class Samples:
    def __init__(self, access, options, clock):
        self.access, self.options, self.clock = access, options, clock
        self.rows, self.trouble, self.stopped = [], "", threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(30)

    def _run(self):
        while True:
            try:
                self.rows.append(self._row([parse(text) for text in self._texts()]))
            except (OSError, Refused, ValueError, http.client.HTTPException) as error:
                self.trouble = str(error)
            if self.stopped.wait(self.options.sample_seconds):
                return

    def _texts(self):
        if self.options.operator_metrics:
            no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for url in self.options.operator_metrics.split(","):
                with no_proxy.open(url, timeout=10) as answer:
                    yield answer.read().decode()
            return
        namespace = self.options.operator_namespace
        with self.access.connect() as api:
            pods = [p["metadata"]["name"] for p in api.call("GET", PODS.format(namespace))["items"] if p.get("status", {}).get("phase") == "Running"]
            if not pods:
                raise Refused(0, f"no pod of the operator runs in namespace {namespace}")
            for pod in pods:
                yield api.text("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/metrics").decode()

    def _row(self, pages):
        row = {"at": self.clock(), "cpu": 0.0, "rss": 0.0, "waiting": {"known": 0.0, "new": 0.0}, "waits": {}, "calls": 0.0}
        for name, labels, value in (sample for page in pages for sample in page):
            if name == "process_cpu_seconds_total":
                row["cpu"] += value
            elif name == "process_resident_memory_bytes":
                row["rss"] += value
            elif name == "rest_client_requests_total":
                row["calls"] += value
            elif name == "workqueue_depth" and labels.get("name") == QUEUE:
                lane = LANES.get(labels.get("priority", "0"), "known")
                row["waiting"][lane] += value
            elif name == "workqueue_queue_duration_seconds_bucket" and labels.get("name") == QUEUE:
                row["waits"][labels["le"]] = row["waits"].get(labels["le"], 0.0) + value
        return row

    def rates(self, key):
        """[(at, how much a second)] between samples; a restart, where the counter falls, counts as nothing."""
        return [(after["at"], max(0.0, after[key] - before[key]) / max(1e-6, after["at"] - before["at"])) for before, after in zip(self.rows, self.rows[1:])]

    def queue_age(self, share):
        """[(at, seconds)]: how long keys had waited that were taken between two samples; `share` of them less."""
        out = []
        for before, after in zip(self.rows, self.rows[1:]):
            counts = sorted((float(le), count - before["waits"].get(le, 0.0)) for le, count in after["waits"].items())
            age = quantile(counts, share)
            if age is not None:
                out.append((after["at"], age))
        return out


def quantile(counts, share):
    """Of cumulative counts by upper bound, within a bound by straight line; None if there are none."""
    if not counts or counts[-1][1] <= 0:
        return None
    rank, low, below = share * counts[-1][1], 0.0, 0.0
    for bound, count in counts:
        if count >= rank:
            return low if bound == float("inf") else low + (bound - low) * (rank - below) / max(1e-9, count - below)
        low, below = bound, count
    return low

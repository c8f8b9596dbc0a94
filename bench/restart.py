#!/usr/bin/env python3
"""bench/run.sh restart: an operator that starts beside many applications that another one has brought where they are.

Applications are submitted by an operator of this build, their pods run by a node that pretends, until each has reached the
state it is meant for. Then the operator ends, and is started again and again: how long until it is ready and has looked at
everything, what memory that took, and how many writes. There is nothing to be written."""

import argparse
import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections import Counter

from measure import (APPLICATION, Failed, Program, counters, dies_with_parent, describe_run, end_orderly, http_get, install_kinds,
                     run_json, spread, table)
from control_plane import ControlPlane, free_port

ROOT = "/apis/sparkoperator.k8s.io/v1beta2"
WRITES = ("create", "update", "patch", "delete", "deletecollection")
AGENT = "spark-operator"
# What becomes of the applications, in turn: (state, what the pretended driver does, more of the spec).
FATES = [("RUNNING", {}, {}),
         ("COMPLETED", {"pretend.kubelet/lasts": "1s"}, {}),
         ("RUNNING", {}, {}),
         ("COMPLETED", {"pretend.kubelet/lasts": "1s"}, {}),
         ("FAILED", {"pretend.kubelet/lasts": "1s", "pretend.kubelet/exit-code": "1"}, {}),
         ("RUNNING", {}, {"restartPolicy": {"type": "OnFailure", "onFailureRetries": 3, "onFailureRetryInterval": 10,
                                           "onSubmissionFailureRetries": 3, "onSubmissionFailureRetryInterval": 10}}),
         ("COMPLETED", {"pretend.kubelet/lasts": "1s"}, {"timeToLiveSeconds": 1_000_000}),
         ("RUNNING", {}, {}),
         ("COMPLETED", {"pretend.kubelet/lasts": "1s"}, {}),
         ("SUSPENDED", {}, {"suspend": True})]


class Api:
    """An administrator's calls over one connection."""

    def __init__(self, plane):
        place = urllib.parse.urlparse(plane.url)
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=120,
                                                      context=ssl.create_default_context(cafile=plane.ca_file))
        self.token = plane.token

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {text[:300].decode(errors='replace')}")
        return json.loads(text)

    def all(self, path):
        """Every object of a list, page by page."""
        after = ""
        while True:
            page = self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=500{after}")
            yield from page["items"]
            if not page["metadata"].get("continue"):
                return
            after = "&continue=" + urllib.parse.quote(page["metadata"]["continue"])


class Bench:
    def __init__(self, options, plane, folder):
        self.options, self.plane, self.folder = options, plane, folder
        self.operator = os.path.join(options.build, "cmd", "spark-operator")
        self.namespaces = [f"bench-{i}" for i in range(options.namespaces)]
        self.api, self.starts = Api(plane), 0

    def prepare(self):
        install_kinds(self.operator, self.plane)
        run_json([os.path.join(self.options.build, "bench", "bench_load"), "prepare", "--kubeconfig", self.plane.kubeconfig,
                  "--namespaces", ",".join(self.namespaces)], 120)

    def template(self):
        """The application of the benchmarks, as stored, without what the pretended node lacks: a label and a config map."""
        load, namespace = os.path.join(self.options.build, "bench", "bench_load"), self.namespaces[0]
        run_json([load, "create", "--kubeconfig", self.plane.kubeconfig, "--namespaces", namespace, "--application", APPLICATION,
                  "--prefix", "template", "--count", "1", "--patience", "0"], 60)
        path = f"{ROOT}/namespaces/{namespace}/sparkapplications/template-000000"
        stored = self.api.call("GET", path)
        self.api.call("DELETE", path)
        for part in (stored["spec"], stored["spec"]["driver"], stored["spec"]["executor"]):
            for name in ("nodeSelector", "volumes", "volumeMounts"):
                part.pop(name, None)
        return {key: stored[key] for key in ("apiVersion", "kind", "spec")}

    @contextlib.contextmanager
    def node(self):
        command = [os.path.join(self.options.build, "test", "failover", "pretend_kubelet"), "--kubeconfig", self.plane.kubeconfig]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              preexec_fn=dies_with_parent(signal.SIGKILL)) as node:
            try:
                if node.stdout.readline() != "ready\n":
                    raise Failed("the pretended node does not get ready")
                yield
            finally:
                node.terminate()

    def fate(self, number):
        return FATES[number % len(FATES)]

    def key(self, number):
        return self.namespaces[number % len(self.namespaces)], f"app-{number:06}"

    def create_applications(self, template):
        for number in range(self.options.apps):
            namespace, name = self.key(number)
            _, notes, more = self.fate(number)
            spec = {**template["spec"], **more}
            spec["driver"] = {**spec["driver"], "serviceAccount": "spark", "annotations": notes}
            self.api.call("POST", f"{ROOT}/namespaces/{namespace}/sparkapplications",
                          {**template, "metadata": {"name": name, "namespace": namespace}, "spec": spec})

    def create_executors(self):
        """Of the applications that run, as their drivers would; the pretended node runs them for ever."""
        for namespace in self.namespaces:
            for driver in list(self.api.all(f"/api/v1/namespaces/{namespace}/pods?labelSelector=spark-role%3Ddriver")):
                if driver.get("status", {}).get("phase") != "Running":
                    continue
                meta = driver["metadata"]
                for number in range(1, self.options.executors + 1):
                    labels = {**meta["labels"], "spark-role": "executor", "spark-exec-id": str(number)}
                    self.api.call("POST", f"/api/v1/namespaces/{namespace}/pods", {
                        "apiVersion": "v1", "kind": "Pod",
                        "metadata": {"name": f"{meta['name']}-exec-{number}", "labels": labels,
                                     "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"],
                                                          "controller": True}]},
                        "spec": {"serviceAccountName": "spark", "restartPolicy": "Never",
                                 "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}})

    def settle(self, executors):
        """Waits until every application is where it is meant to be, and shows as many running executors."""
        deadline = time.monotonic() + self.options.patience
        while True:
            wrong = []
            for app in self.api.all(f"{ROOT}/sparkapplications"):
                status = app.get("status") or {}
                state = (status.get("applicationState") or {}).get("state", "")
                wanted = self.fate(int(app["metadata"]["name"][4:]))[0]
                seen = sum(s == "RUNNING" for s in (status.get("executorState") or {}).values())
                if state != wanted or (state == "RUNNING" and seen != executors):
                    wrong.append(f"{app['metadata']['name']} {state or 'new'} with {seen} executors, not {wanted}: "
                                 f"{(status.get('applicationState') or {}).get('errorMessage', '')}")
            if not wrong:
                return
            if time.monotonic() > deadline:
                raise Failed(f"{len(wrong)} applications are not where they should be, such as {wrong[0]}")
            time.sleep(1)

    @contextlib.contextmanager
    def started(self):
        """An operator, and the addresses of its health and its metrics."""
        self.starts += 1
        health, metrics = free_port(), free_port()
        command = [self.operator, "controller", "start", "--kubeconfig", self.plane.kubeconfig, "--namespaces", ",".join(self.namespaces),
                   "--controller-threads", str(self.options.workers), "--leader-election=false", "--enable-metrics",
                   "--health-probe-bind-address", f"127.0.0.1:{health}", "--metrics-bind-address", f"127.0.0.1:{metrics}",
                   "--zap-log-level", "error"]
        with Program(command, os.path.join(self.folder, f"operator-{self.starts}.log")) as operator:
            yield operator, f"http://127.0.0.1:{health}/readyz", f"http://127.0.0.1:{metrics}/metrics"

    def build_up(self, template):
        with self.node():
            with self.started() as (operator, health, _):
                operator.wait_until(lambda: http_get(health), 60, "the operator is ready")
                self.create_applications(template)
                self.settle(0)
                if self.options.executors:
                    self.create_executors()
                    self.settle(self.options.executors)
        return (Counter(self.fate(n)[0] for n in range(self.options.apps)),
                sum(1 for _ in self.api.all("/api/v1/pods?labelSelector=spark-role")))

    def restart(self):
        audit_from = os.path.getsize(self.plane.audit_log)
        began = time.monotonic()
        with self.started() as (operator, health, page):
            operator.wait_until(lambda: http_get(health), 120, "the operator is ready")
            ready = time.monotonic() - began
            operator.wait_until(lambda: drained(page, self.options.apps), 120, "the operator has looked at every application")
            quiet, spent = time.monotonic() - began, operator.cost()
            time.sleep(self.options.watch)
            requests = counters(page, "rest_client_requests_total")
            report = {"ready": ready, "drained": quiet, "cpu": spent, "rss": operator.peak_rss() / 2**20,
                      "later_cpu": operator.cost() - spent,
                      "counted": sum(v for k, v in requests.items() if 'method="GET"' not in k), "reads": sum(requests.values())}
        with open(self.plane.audit_log) as log:
            log.seek(audit_from)
            events = [json.loads(line) for line in log]
        ours = [e for e in events if e.get("userAgent") == AGENT]
        report["writes"] = [f"{e['verb']} {e['requestURI']}" for e in ours if e["verb"] in WRITES]
        if not any(e["verb"] == "list" for e in ours):
            raise Failed("the audit log does not show the operator's lists: its writes would not show either")
        return report


def drained(page, applications):
    """Every application has been looked at, and nothing waits or is being worked on."""
    busy = list(counters(page, "workqueue_depth").values()) + list(counters(page, "controller_runtime_active_workers").values())
    done = sum(v for k, v in counters(page, "controller_runtime_reconcile_total").items() if 'controller="sparkapplication"' in k)
    return done >= applications and not any(busy)


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh restart", description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--apps", type=int, default=2000)
    parser.add_argument("--executors", type=int, default=2, help="pods beside each running driver")
    parser.add_argument("--server", choices=("real", "embedded"), default="real")
    parser.add_argument("--repeat", type=int, default=3, help="how often it is restarted")
    parser.add_argument("--watch", type=int, default=70, help="seconds to wait for writes after each start; the audit walks once a minute")
    parser.add_argument("--workers", type=int, default=20, help="--controller-threads of the operator")
    parser.add_argument("--namespaces", type=int, default=3)
    parser.add_argument("--patience", type=int, default=900, help="seconds for the applications to get where they are meant to be")
    options = parser.parse_args()
    print(describe_run(["restart", *[a for a in sys.argv[1:] if a not in ("--build", options.build)]]), flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            ControlPlane(options.server, audit="Metadata", controllers=False, inflight=2000) as plane:
        bench = Bench(options, plane, folder)
        bench.prepare()
        states, pods = bench.build_up(bench.template())
        reports = [bench.restart() for _ in range(options.repeat)]
    rows = [["start → ready (caches in sync)", spread([r["ready"] for r in reports], "{:.2f}") + " s"],
            ["start → every application looked at, queue empty", spread([r["drained"] for r in reports], "{:.2f}") + " s"],
            ["operator's CPU until then", spread([r["cpu"] for r in reports], "{:.2f}") + " s"],
            [f"… in the next {options.watch} s", spread([r["later_cpu"] for r in reports], "{:.2f}") + " s"],
            ["operator's peak RSS", spread([r["rss"] for r in reports]) + " MiB"],
            ["requests of the operator that are no reads, by its own counter", spread([r["counted"] for r in reports])],
            ["writes of the operator in the API server's audit log", spread([len(r["writes"]) for r in reports])]]
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(table([f"{options.server} API server, {options.apps} applications ({words}), {pods} pods", "restarted"], rows))
    for write in [w for r in reports for w in r["writes"]][:10]:
        print(f"a write: {write}")


if __name__ == "__main__":
    end_orderly()
    try:
        main()
    except Failed as failed:
        sys.exit(f"bench: {failed}")

#!/usr/bin/env python3
"""bench/run.sh submit: how fast applications become drivers, held against bare writes on the same API server.

In each repetition, one after the other, on fresh namespaces: the raw ceiling (the same writes from
a client of 20 connections, no operator), then the operator with its native submitter. At the end the operator at a
fixed rate, for latencies, and the operator with spark-submit, for a few applications. README.md says what each number
means and what is left out."""

import argparse
import contextlib
import functools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measure import (APPLICATION, TOP, Failed, Program, counters, cpu_seconds, describe_run, end_orderly, http_get, install_kinds,
                     run_json, spread, table)
from control_plane import ControlPlane, free_port



class Bench:
    def __init__(self, options, plane, folder):
        self.options, self.plane, self.folder = options, plane, folder
        self.operator = os.path.join(options.build, "cmd", "spark-operator")
        self.load = os.path.join(options.build, "bench", "bench_load")
        self.turn = 0

    def fresh_namespaces(self):
        self.turn += 1
        names = ",".join(f"bench-{self.turn}-{i}" for i in range(self.options.namespaces))
        run_json([self.load, "prepare", "--kubeconfig", self.plane.kubeconfig, "--namespaces", names], 120)
        return names

    def load_run(self, command, namespaces, count, per_minute=0, patience=300):
        report = run_json([self.load, command, "--kubeconfig", self.kubeconfig, "--namespaces", namespaces,
                           "--application", APPLICATION, "--prefix", f"run{self.turn}", "--count", str(count),
                           "--connections", str(self.options.connections), "--per-minute", str(per_minute),
                           "--patience", str(patience)], patience + 60 + (count * 60 / per_minute if per_minute else 600))
        if report["failures"]:
            raise Failed(f"{report['failures']} requests failed, the first: {report['first_failure']}")
        if report["submitted_seen"] < count or report["pods_seen"] < count:
            raise Failed(f"only {report['pods_seen']} driver pods and {report['submitted_seen']} applications with a status of {count}"
                         f"{self.refusal(namespaces)}")
        return report

    def refusal(self, namespaces):
        """What the first application that was refused says of itself."""
        for namespace in namespaces.split(","):
            listed = self.plane.get(f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications?limit=500")
            for app in json.loads(listed)["items"]:
                said = app.get("status", {}).get("applicationState", {}).get("errorMessage")
                if said:
                    return f"; {namespace}/{app['metadata']['name']}: {said}"
        return ""

    def server_cost(self):
        return sum(cpu_seconds(process.pid) for process in self.plane.processes.values())

    def raw(self):
        namespaces = self.fresh_namespaces()
        server = self.server_cost()
        report = self.load_run("write", namespaces, self.options.apps)
        report["server_cpu_ms"] = (self.server_cost() - server) / self.options.apps * 1e3
        report["calls"] = report["writes"] / self.options.apps
        return report

    def operated(self, submitter, count, per_minute=0):
        namespaces = self.fresh_namespaces()
        health, metrics = free_port(), free_port()
        command = [self.operator, "controller", "start", "--kubeconfig", self.kubeconfig, "--namespaces", namespaces,
                   "--controller-threads", str(self.options.workers), "--leader-election=false", "--enable-metrics",
                   "--health-probe-bind-address", f"127.0.0.1:{health}", "--metrics-bind-address", f"127.0.0.1:{metrics}",
                   "--zap-log-level", "error", *self.submitter_arguments(submitter)]
        page = f"http://127.0.0.1:{metrics}/metrics"
        with Program(command, os.path.join(self.folder, f"operator-{self.turn}.log"), self.submitter_environment(submitter)) as operator:
            operator.wait_until(lambda: http_get(f"http://127.0.0.1:{health}/readyz"), 60, "the operator is ready")
            calls, cost, server = counters(page, "rest_client_requests_total"), operator.cost(), self.server_cost()
            with self.profiled(operator):
                try:
                    report = self.load_run("create", namespaces, count, per_minute, self.options.patience)
                except Failed as failed:
                    raise Failed(f"{failed}\n{operator.log_end()}") from failed
                made = self.quiet_calls(page)
            report["cpu_ms"] = (operator.cost() - cost) / count * 1e3
            report["server_cpu_ms"] = (self.server_cost() - server) / count * 1e3
            report["rss_mib"] = operator.peak_rss() / 2**20
        report["by_call"] = {kind_of(key): (value - calls.get(key, 0)) / count for key, value in made.items()}
        report["calls"] = sum(report["by_call"].values())
        return report

    @contextlib.contextmanager
    def profiled(self, operator):
        if not self.options.profile:
            yield
            return
        command = ["perf", "record", "-q", "-F", "999", "-g", "-p", str(operator.pid), "-o", self.options.profile]
        with Program(command, os.path.join(self.folder, "perf.log")) as perf:
            yield
            perf.process.send_signal(signal.SIGINT)
            perf.process.wait(60)

    def submitter_arguments(self, submitter):
        return ["--submitter", submitter] if self.options.submitter_flag else []

    def submitter_environment(self, submitter):
        if submitter != "spark-submit":
            return {}
        home = subprocess.run([os.path.join(TOP, "deploy/lib/fetch_spark.sh")], check=True, stdout=subprocess.PIPE, text=True)
        return {"SPARK_HOME": os.path.join(home.stdout.strip().splitlines()[-1], "opt", "spark")}

    @functools.cached_property
    def kubeconfig(self):
        """An administrator's by token, as the operator has one in a cluster; Spark's Kubernetes client cannot read every kind of
        private key, so that spark-submit could not use the control plane's own."""
        path = os.path.join(self.folder, "operator.kubeconfig")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "bench",
                       "clusters": [{"name": "bench", "cluster": {"server": self.plane.url, "certificate-authority": self.plane.ca_file}}],
                       "users": [{"name": "bench", "user": {"token": self.plane.token}}],
                       "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]}, f)
        return path

    @staticmethod
    def quiet_calls(page):
        """The counters once nothing is sent any more: events follow their cause."""
        last, since = None, time.monotonic()
        deadline = since + 30
        while time.monotonic() < deadline:
            now = counters(page, "rest_client_requests_total")
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > 1:
                break
            time.sleep(0.2)
        return last


def kind_of(labels):
    found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    return f"{found.get('method')} {found.get('code')}"


def per_minute(report):
    return report["wanted"] / (report["all_submitted_ms"] / 60e3)


def latencies(report, name):
    return f"{report[name]['p50_ms']:.0f} / {report[name]['p99_ms']:.0f} ms"


def column(reports, operated=True):
    def values(name, show="{:.1f}"):
        return spread([report[name] for report in reports], show) if name in reports[0] else "–"
    return [
        str(reports[0]["wanted"]),
        spread([per_minute(report) for report in reports]),
        spread([report["pod"]["p50_ms"] for report in reports]) + " ms",
        spread([report["pod"]["p99_ms"] for report in reports]) + " ms",
        values("cpu_ms") + " ms" if operated else "–",
        values("rss_mib", "{:.0f}") + " MiB" if operated else "–",
        values("calls"),
        values("server_cpu_ms") + " ms",
    ]


ROWS = ["applications", "applications a minute", "create → driver pod exists, p50", "… p99", "operator's CPU an application",
        "operator's peak RSS", "API calls an application", "API server's and etcd's CPU an application"]


def show(raw, native, paced, java, options):
    columns, head = [], [f"{options.server} API server"]
    for name, reports in (("raw writes", raw), ("native", native), ("spark-submit", java)):
        if reports:
            head.append(name)
            columns.append(column(reports, operated=name != "raw writes"))
    print(table(head, [[row, *(c[i] for c in columns)] for i, row in enumerate(ROWS)]))
    print()
    if raw and native:
        ratios = [per_minute(n) / per_minute(r) for n, r in zip(native, raw)]
        print(f"native / raw writes, pair by pair: {spread(ratios, '{:.2f}')}")
    if native and java:
        print(f"native / spark-submit: {statistics.median(map(per_minute, native)) / statistics.median(map(per_minute, java)):.0f} "
              f"in applications a minute, {statistics.median(r['cpu_ms'] for r in java) / statistics.median(r['cpu_ms'] for r in native):.0f} "
              "in CPU an application")
    if native:
        calls = native[-1]["by_call"]
        print("API calls of the operator, native, by kind: " +
              ", ".join(f"{value:.2f} × {kind}" for kind, value in sorted(calls.items()) if value >= 0.005))
    for name, report in (("native", paced),):
        if report:
            print(f"{name}, {report['wanted']} applications at {options.rate:.0f} a minute: create → driver pod p50 / p99 "
                  f"{latencies(report, 'pod')}, → SUBMITTED {latencies(report, 'submitted')}, creation itself {latencies(report, 'create')}, "
                  f"{report['cpu_ms']:.1f} ms of the operator's CPU each")


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh submit", description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--apps", type=int, default=500)
    parser.add_argument("--submitter", choices=("all", "native", "spark-submit"), default="all")
    parser.add_argument("--spark-submit-apps", type=int, default=10)
    parser.add_argument("--server", choices=("real", "embedded"), default="real")
    parser.add_argument("--rate", type=float, default=1000, help="applications a minute of the paced run; 0: no such run")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=20, help="--controller-threads of the operator")
    parser.add_argument("--connections", type=int, default=20, help="of the load client")
    parser.add_argument("--namespaces", type=int, default=3)
    parser.add_argument("--patience", type=int, default=600, help="seconds for one run's applications to be submitted")
    parser.add_argument("--profile", metavar="FILE", help="perf record of the operator, of the last native run")
    options = parser.parse_args()
    print(describe_run(["submit", *[a for a in sys.argv[1:] if a not in ("--build", options.build)]]), flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            ControlPlane(options.server, controllers=False, inflight=2000) as plane:
        bench = Bench(options, plane, folder)
        helped = subprocess.run([bench.operator, "controller", "start", "--help"], capture_output=True, text=True, check=False)
        options.submitter_flag = "--submitter " in helped.stdout
        install_kinds(bench.operator, plane)
        raw, native, paced, java = [], [], None, []
        if options.submitter != "spark-submit":
            for turn in range(options.repeat):
                # Whoever is second finds a fuller etcd, so they take turns.
                for step in sorted(("raw", "native"), reverse=turn % 2 == 0):
                    if step == "raw":
                        raw.append(bench.raw())
                    else:
                        native.append(bench.operated("native", options.apps))
            if options.rate > 0:
                paced = bench.operated("native", min(options.apps, max(1, int(options.rate / 2))), options.rate)
        if options.submitter != "native" and options.submitter_flag:
            java.append(bench.operated("spark-submit", options.spark_submit_apps))
        show(raw, native, paced, java, options)


if __name__ == "__main__":
    end_orderly()
    try:
        main()
    except Failed as failed:
        sys.exit(f"bench: {failed}")

#!/usr/bin/env python3
"""bench/run.sh webhook: how many admission reviews the webhook answers, and how long each takes at fixed rates.

The load client has the first core to itself and the webhook the last, so that the throughput is that of one core. The
reviews are creations of a driver pod as spark-submit makes it, for an application that the webhook has in its cache:
each is decoded, mutated and patched, and travels over TLS."""

import argparse
import base64
import json
import os
import sys
import tempfile
import time
import urllib.request
import ssl

from measure import APPLICATION, Failed, Program, describe_run, end_orderly, http_get, run_json, spread, table
from control_plane import ControlPlane, free_port

NAMESPACE, SERVICE, SECRET, CONFIGURATION = "bench-webhook", "webhook", "webhook-certs", "bench-webhook"
PATH = "/mutate--v1-pod"


def ask(plane, method, path, body=None):
    request = urllib.request.Request(plane.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {plane.token}", "Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=plane.ca_file)))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())


def prepare(plane, build):
    """What the chart installs for a webhook, and one application. Answers the application as stored."""
    operator = os.path.join(build, "cmd", "spark-operator")
    run_quietly([operator, "crds", "apply", "--kubeconfig", plane.kubeconfig])
    ask(plane, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    ask(plane, "POST", f"/api/v1/namespaces/{NAMESPACE}/secrets",
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": NAMESPACE}})
    for kind in ("Mutating", "Validating"):
        ask(plane, "POST", f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}webhookconfigurations",
            {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration",
             "metadata": {"name": CONFIGURATION}, "webhooks": []})
    deadline = time.monotonic() + 60
    while True:                                                           # until the new kind is served
        try:
            load = os.path.join(build, "bench", "bench_load")
            run_json([load, "prepare", "--kubeconfig", plane.kubeconfig, "--namespaces", NAMESPACE], 60)
            run_json([load, "create", "--kubeconfig", plane.kubeconfig, "--namespaces", NAMESPACE, "--application",
                      APPLICATION, "--prefix", "bench", "--count", "1", "--patience", "0"], 60)
            return ask(plane, "GET", f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{NAMESPACE}/sparkapplications/bench-000000")
        except (Failed, OSError) as error:
            if time.monotonic() > deadline:
                raise Failed(f"no application could be made: {error}") from error
        time.sleep(0.2)


def run_quietly(command):
    with tempfile.NamedTemporaryFile() as log, Program(command, log.name) as program:
        if program.process.wait(120) != 0:
            raise Failed(program.log_end())


def own_core(first):
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(cores[0] if first else cores[-1])]


class Bench:
    def __init__(self, options, folder, address):
        self.options, self.folder, self.address = options, folder, address
        self.load = os.path.join(options.build, "bench", "bench_load")

    def reviews(self, seconds, per_second=0, connections=None):
        report = run_json([*own_core(True), self.load, "reviews", "--server", self.address, "--path", PATH,
                           "--server-name", f"{SERVICE}.{NAMESPACE}.svc", "--ca", os.path.join(self.folder, "ca.pem"),
                           "--application", os.path.join(self.folder, "application.json"), "--seconds", str(seconds),
                           "--per-second", str(per_second), "--connections", str(connections or self.options.connections)],
                          seconds + 120)
        if report["failures"]:
            raise Failed(f"{report['failures']} of {report['sent']} reviews failed, the first: {report['first_failure']}")
        if report["patched"] < report["allowed"]:
            raise Failed("a review was answered without a patch")
        return report


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh webhook", description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server", choices=("real", "embedded"), default="real", help="where the webhook gets applications from")
    parser.add_argument("--rates", default="500,1000,2000", help="reviews a second, open load")
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--connections", type=int, default=20)
    options = parser.parse_args()
    print(describe_run(["webhook", *[a for a in sys.argv[1:] if a not in ("--build", options.build)]]), flush=True)
    operator = os.path.join(options.build, "cmd", "spark-operator")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ControlPlane(options.server, controllers=False) as plane:
        with open(os.path.join(folder, "application.json"), "w") as f:
            json.dump(prepare(plane, options.build), f)
        port, health = free_port(), free_port()
        command = [*own_core(False), operator, "webhook", "start", "--kubeconfig", plane.kubeconfig, "--namespaces", NAMESPACE,
                   "--webhook-port", str(port), "--webhook-secret-name", SECRET, "--webhook-secret-namespace", NAMESPACE,
                   "--webhook-svc-name", SERVICE, "--webhook-svc-namespace", NAMESPACE, "--mutating-webhook-name", CONFIGURATION,
                   "--validating-webhook-name", CONFIGURATION, "--leader-election=false", "--metrics-bind-address", "0",
                   "--health-probe-bind-address", f"127.0.0.1:{health}", "--zap-log-level", "error"]
        with Program(command, os.path.join(folder, "webhook.log")) as webhook:
            webhook.wait_until(lambda: http_get(f"http://127.0.0.1:{health}/readyz"), 120, "the webhook is ready")
            data = ask(plane, "GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}")["data"]
            with open(os.path.join(folder, "ca.pem"), "wb") as f:
                f.write(base64.b64decode(data["ca-cert.pem"]))
            measure(Bench(options, folder, f"127.0.0.1:{port}"), webhook, options)


def measure(bench, webhook, options):
    throughput, per_core = [], []
    for _ in range(options.repeat):
        before = webhook.cost()
        report = bench.reviews(options.seconds)
        throughput.append(report["allowed"] / (report["took_ms"] / 1e3))
        per_core.append(report["allowed"] / (webhook.cost() - before))
    rows = [["reviews a second, flat out, webhook on one core", spread(throughput)],
            ["reviews a second of the webhook's CPU", spread(per_core)],
            ["CPU a review", spread([1e6 / rate for rate in per_core]) + " µs"]]
    for rate in [int(text) for text in options.rates.split(",") if text]:
        reports = [bench.reviews(options.seconds, rate) for _ in range(options.repeat)]
        for name in ("p50", "p99", "max"):
            rows.append([f"{rate} a second: {name}", spread([r["latency"][f"{name}_ms"] for r in reports], "{:.2f}") + " ms"])
    rows.append(["peak RSS of the webhook", f"{webhook.peak_rss() / 2**20:.0f} MiB"])
    print(table(["admission reviews of a driver pod", "median (least–most)"], rows))


if __name__ == "__main__":
    end_orderly()
    try:
        main()
    except Failed as failed:
        sys.exit(f"bench: {failed}")

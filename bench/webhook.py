#!/usr/bin/env python3
"""bench/run.sh webhook: how many admission reviews the webhook answers, and how long each takes at fixed rates.

The load client has the first core to itself and the webhook the last, so that the throughput is that of one core. The
reviews are what the API server asks when spark-submit creates the driver and the driver its executors, of an application
that the webhook has in its cache: each is decoded, mutated and patched, and travels over TLS."""

import argparse
import base64
import contextlib
import json
import os
import sys
import tempfile
import time
import urllib.request
import uuid
import ssl

from measure import APPLICATION, Failed, Program, describe_run, end_orderly, http_get, run_json, spread, table
from control_plane import ControlPlane, free_port

NAMESPACE, SERVICE, SECRET, CONFIGURATION = "bench-webhook", "webhook", "webhook-certs", "bench-webhook"
PATH = "/mutate--v1-pod?timeout=10s"


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


def executor_pod(app, driver, number):
    """As the driver's scheduler makes it."""
    spec, metadata, container = app["spec"]["executor"], driver["metadata"], driver["spec"]["containers"][0]
    name = f"{app['metadata']['name']}-exec-{number}"
    labels = {**metadata["labels"], "spark-role": "executor", "spark-exec-id": str(number), "spark-exec-resourceprofile-id": "0"}
    labels.update(spec.get("labels", {}))
    environment = {"SPARK_USER": "root", "SPARK_DRIVER_URL": f"spark://CoarseGrainedScheduler@{metadata['name']}-svc.{NAMESPACE}.svc:7078",
                   "SPARK_EXECUTOR_CORES": str(spec["cores"]), "SPARK_EXECUTOR_MEMORY": spec["memory"],
                   "SPARK_APPLICATION_ID": labels["spark-app-selector"], "SPARK_CONF_DIR": "/opt/spark/conf",
                   "SPARK_EXECUTOR_ID": str(number), "SPARK_RESOURCE_PROFILE_ID": "0"}
    local = next(v for v in driver["spec"]["volumes"] if v["name"].startswith("spark-local-dir-"))
    memory = container["resources"]["limits"]["memory"]
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels,
                         "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "controller": True, "name": metadata["name"],
                                              "uid": "5b3f6a40-6f0d-4f3e-9d52-30a4a7a5d0c1"}]},
            "spec": {"containers": [{
                "name": "spark-kubernetes-executor", "image": container["image"], "imagePullPolicy": "IfNotPresent", "args": ["executor"],
                "ports": [{"containerPort": 7079, "name": "blockmanager", "protocol": "TCP"}],
                "env": [{"name": key, "value": value} for key, value in environment.items()]
                + [{"name": "SPARK_EXECUTOR_POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
                   {"name": "SPARK_EXECUTOR_POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                   {"name": "SPARK_LOCAL_DIRS", "value": "/var/data/spark-local"}],
                "resources": {"limits": {"memory": memory}, "requests": {"cpu": spec["coreRequest"], "memory": memory}},
                "volumeMounts": [{"mountPath": "/opt/spark/conf", "name": "spark-conf-volume-exec"},
                                 {"mountPath": "/var/data/spark-local", "name": local["name"]}]}],
                "hostname": name, "restartPolicy": "Never", "serviceAccountName": driver["spec"]["serviceAccountName"],
                "volumes": [local, {"name": "spark-conf-volume-exec",
                                    "configMap": {"defaultMode": 420, "name": "spark-exec-conf-map",
                                                  "items": [{"key": "log4j2.properties", "mode": 420, "path": "log4j2.properties"}]}}]}}


def review_of(plane, pod):
    """What the API server asks about it: the pod with what that server fills in before it asks."""
    stored = ask(plane, "POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", pod)
    # What is filled in only afterwards.
    stored["metadata"].pop("uid", None)
    stored["metadata"]["creationTimestamp"] = None
    stored["status"] = {}
    account = f"system:serviceaccount:{NAMESPACE}:{pod['spec']['serviceAccountName']}"
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": str(uuid.uuid4()), "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "requestResource": {"group": "", "version": "v1", "resource": "pods"},
        "name": pod["metadata"]["name"], "namespace": NAMESPACE, "operation": "CREATE",
        "userInfo": {"username": account, "uid": str(uuid.uuid4()),
                     "groups": ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"],
                     "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={uuid.uuid4()}"]}},
        "object": stored, "oldObject": None, "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}


def make_reviews(plane, build, app, folder):
    """A file of the reviews of one application's pods, one a line; and how long these are."""
    with open(os.path.join(folder, "application.json"), "w") as f:
        json.dump(app, f)
    driver = run_json([os.path.join(build, "bench", "bench_load"), "driver-pod", "--application", f.name], 60)
    pods = [driver] + [executor_pod(app, driver, 1 + i) for i in range(app["spec"]["executor"]["instances"])]
    lines = [json.dumps(review_of(plane, pod), separators=(",", ":")) for pod in pods]
    path = os.path.join(folder, "reviews")
    with open(path, "w") as f:
        f.write("\n".join(lines))
    return path, [len(line) for line in lines]


def run_quietly(command):
    with tempfile.NamedTemporaryFile() as log, Program(command, log.name) as program:
        if program.process.wait(120) != 0:
            raise Failed(program.log_end())


def own_core(first):
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(cores[0] if first else cores[-1])]


class Bench:
    """One webhook, of this build or of another, and the load on it."""
    def __init__(self, options, folder, reviews, operator, kubeconfig):
        self.options, self.folder, self.reviews = options, folder, reviews
        self.port, self.health = free_port(), free_port()
        self.load = os.path.join(options.build, "bench", "bench_load")
        command = [*own_core(False), operator, "webhook", "start", "--kubeconfig", kubeconfig, "--namespaces", NAMESPACE,
                   "--webhook-port", str(self.port), "--webhook-secret-name", SECRET, "--webhook-secret-namespace", NAMESPACE,
                   "--webhook-svc-name", SERVICE, "--webhook-svc-namespace", NAMESPACE, "--mutating-webhook-name", CONFIGURATION,
                   "--validating-webhook-name", CONFIGURATION, "--leader-election=false", "--metrics-bind-address", "0",
                   "--health-probe-bind-address", f"127.0.0.1:{self.health}", "--zap-log-level", "error"]
        self.webhook = Program(command, os.path.join(folder, f"webhook-{self.port}.log"))

    def wait_until_ready(self, plane):
        self.webhook.wait_until(lambda: http_get(f"http://127.0.0.1:{self.health}/readyz"), 120, "the webhook is ready")
        data = ask(plane, "GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}")["data"]
        with open(os.path.join(self.folder, "ca.pem"), "wb") as f:
            f.write(base64.b64decode(data["ca-cert.pem"]))

    def send(self, seconds, per_second=0):
        before = self.webhook.cost()
        report = run_json([*own_core(True), self.load, "reviews", "--server", f"127.0.0.1:{self.port}", "--path", PATH,
                           "--server-name", f"{SERVICE}.{NAMESPACE}.svc", "--ca", os.path.join(self.folder, "ca.pem"),
                           "--reviews", self.reviews, "--seconds", str(seconds),
                           "--per-second", str(per_second), "--connections", str(self.options.connections)],
                          seconds + 120)
        if report["failures"]:
            raise Failed(f"{report['failures']} of {report['sent']} reviews failed, the first: {report['first_failure']}")
        if report["patched"] < report["allowed"]:
            raise Failed("a review was answered without a patch")
        report["cpu"] = self.webhook.cost() - before
        report["per_second"] = report["allowed"] / (report["took_ms"] / 1e3)
        report["per_core"] = report["allowed"] / report["cpu"]
        return report


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh webhook", description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server", choices=("real", "embedded"), default="real", help="where the webhook gets applications from")
    parser.add_argument("--rates", default="500,1000,2000", help="reviews a second, open load")
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--against", metavar="PROGRAM", help="another spark-operator, measured in turn with this build's")
    options = parser.parse_args()
    print(describe_run(["webhook", *[a for a in sys.argv[1:] if a not in ("--build", options.build)]]), flush=True)
    operator = os.path.join(options.build, "cmd", "spark-operator")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ControlPlane(options.server, controllers=False) as plane, \
            contextlib.ExitStack() as programs:
        reviews, sizes = make_reviews(plane, options.build, prepare(plane, options.build), folder)
        benches = []
        for program in [operator] + ([options.against] if options.against else []):
            benches.append(Bench(options, folder, reviews, program, plane.kubeconfig))
            programs.enter_context(benches[-1].webhook)
            benches[-1].wait_until_ready(plane)
        measure(benches[0], benches[1] if options.against else None, options, sizes)


def measure(bench, other, options, sizes):
    flat_out, before = [], []
    for _ in range(options.repeat):
        flat_out.append(bench.send(options.seconds))
        if other:
            before.append(other.send(options.seconds))
    rows = [["reviews a second, flat out, webhook on one core", spread([r["per_second"] for r in flat_out])],
            ["reviews a second of the webhook's CPU", spread([r["per_core"] for r in flat_out])],
            ["CPU a review", spread([1e6 / r["per_core"] for r in flat_out]) + " µs"]]
    if other:
        rows.append(["reviews a second of the other's CPU", spread([r["per_core"] for r in before])])
        rows.append(["this build's / the other's, of the same repetition",
                     spread([a["per_core"] / b["per_core"] for a, b in zip(flat_out, before)], "{:.2f}")])
    for rate in [int(text) for text in options.rates.split(",") if text]:
        reports = [bench.send(options.seconds, rate) for _ in range(options.repeat)]
        for name in ("p50", "p99", "max"):
            rows.append([f"{rate} a second: {name}", spread([r["latency"][f"{name}_ms"] for r in reports], "{:.2f}") + " ms"])
    rows.append(["peak RSS of the webhook", f"{bench.webhook.peak_rss() / 2**20:.0f} MiB"])
    print(table([f"admission reviews of a driver pod ({sizes[0]} B) and its {len(sizes) - 1} executors ({sizes[-1]} B)",
                 "median (least–most)"], rows))


if __name__ == "__main__":
    end_orderly()
    try:
        main()
    except Failed as failed:
        sys.exit(f"bench: {failed}")

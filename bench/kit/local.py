"""A cluster for --local: a control plane on this machine, this repository's operator from a release build, a node that pretends to run pods.

    with local_world(options) as access: …          # sets options.operator_metrics, and how long drivers run

Namespaces, accounts and the config map that the templates name are made; the node has the labels that the template selects. It all ends with the `with`."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile

from api import Access, Refused

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, BENCH)
from measure import Failed, Program, dies_with_parent, http_get, install_kinds  # noqa: E402
from control_plane import ControlPlane, free_port  # noqa: E402


@contextlib.contextmanager
def local_world(options):
    build = options.build or os.path.join(os.path.dirname(BENCH), "build", "release")
    os.environ.setdefault("EMBEDDED_API_SERVER", os.path.join(build, "test", "control_plane", "embedded_api_server"))
    operator = os.environ.get("SPARK_OPERATOR") or os.path.join(build, "cmd", "spark-operator")
    kubelet = os.environ.get("PRETEND_KUBELET") or os.path.join(build, "test", "failover", "pretend_kubelet")
    with tempfile.TemporaryDirectory(prefix="load-kit-") as folder, ControlPlane(options.local, inflight=2000) as plane:
        install_kinds(operator, plane)
        access = Access.find(plane.kubeconfig)
        with access.connect() as api:
            prepare(api, options)
        with node(kubelet, plane):
            with access.connect() as api:
                label_node(api, options.template["spec"])
            health, metrics = free_port(), free_port()
            command = [operator, "controller", "start", "--kubeconfig", plane.kubeconfig, "--namespaces", ",".join(options.spark_namespaces),
                       "--submitter", "native", "--leader-election=false", "--enable-metrics", "--zap-log-level", "error",
                       "--health-probe-bind-address", f"127.0.0.1:{health}", "--metrics-bind-address", f"127.0.0.1:{metrics}"]
            with Program(command, os.path.join(folder, "operator.log")) as running:
                running.wait_until(lambda: http_get(f"http://127.0.0.1:{health}/readyz"), 60, "the operator is ready")
                options.operator_metrics = f"http://127.0.0.1:{metrics}/metrics"
                driver = options.template["spec"].setdefault("driver", {})
                driver["annotations"] = {**(driver.get("annotations") or {}), "pretend.kubelet/lasts": f"{options.local_run_seconds}s"}
                yield access


def prepare(api, options):
    for namespace in options.spark_namespaces:
        for path, kind, name in (("/api/v1/namespaces", "Namespace", namespace), (f"/api/v1/namespaces/{namespace}/serviceaccounts", "ServiceAccount", namespace)):
            with contextlib.suppress(Refused):                           # `default` is there
                api.call("POST", path, {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
        for volume in options.template["spec"].get("volumes") or []:
            if "configMap" in volume:
                api.call("POST", f"/api/v1/namespaces/{namespace}/configmaps",
                         {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": volume["configMap"]["name"]}, "data": {"log4j2.properties": ""}})


@contextlib.contextmanager
def node(kubelet, plane):
    with subprocess.Popen([kubelet, "--kubeconfig", plane.kubeconfig], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          preexec_fn=dies_with_parent(signal.SIGKILL)) as process:
        try:
            if process.stdout.readline() != "ready\n":
                raise Failed("the pretended node does not get ready")
            yield
        finally:
            process.terminate()


def label_node(api, spec):
    """The labels that drivers select, wherever the template says so."""
    driver = spec.get("driver") or {}
    inner = ((driver.get("template") or {}).get("spec") or {}).get("nodeSelector") or {}
    wanted = {**(spec.get("nodeSelector") or {}), **(driver.get("nodeSelector") or {}), **inner}
    for found in api.call("GET", "/api/v1/nodes")["items"] if wanted else []:
        found["metadata"]["labels"] = {**found["metadata"].get("labels", {}), **wanted}
        for _ in range(10):                                              # the kubelet writes it, too
            try:
                api.call("PUT", f"/api/v1/nodes/{found['metadata']['name']}", found)
                break
            except Refused as refused:
                if refused.status != 409:
                    raise
                found = api.call("GET", f"/api/v1/nodes/{found['metadata']['name']}")
                found["metadata"]["labels"] = {**found["metadata"].get("labels", {}), **wanted}

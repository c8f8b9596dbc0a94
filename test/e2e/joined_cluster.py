"""A control plane, real or embedded, that this machine has joined as a node (`sparkctl local kubelet`), with the operator as
a process that has a service account's token and the roles of deploy/kustomize.

    with JoinedCluster("real", spark_home=".../spark/3.5.7/opt/spark") as cluster:      # whose spark-submit it may run
        cluster.kubectl("apply", "-f", "app.yaml")       # and what else cluster.py has
        cluster.maker_of("default", "spark-pi-driver")   # the user agent that created the pod, from the audit log
        cluster.refusals()                               # what the roles did not allow

Binaries come from the environment: SPARK_OPERATOR, SPARKCTL, KUBECTL, and EMBEDDED_API_SERVER for the embedded server. Needs
the right to make namespaces, as the node does.
"""

import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
for beside in ("lib", "failover"):
    sys.path.insert(0, os.path.join(HERE, "..", beside))
from control_plane import ControlPlane, dies_with_parent, free_port  # noqa: E402
from driver_history import DriverHistory  # noqa: E402
from operators import USER, Operators  # noqa: E402

from cluster import Cluster, find_kubectl  # noqa: E402


class JoinedCluster(Cluster):
    def __init__(self, server, spark_home):
        self.server, self.spark_home = server, spark_home
        self.kubectl_path = find_kubectl()
        self.plane = ControlPlane(server, audit="Request", scheduler=server == "real")
        self.node = self.operators = None

    def __enter__(self):
        self.plane.__enter__()
        try:
            self.environment = {**os.environ, **self.plane.environment, "SPARK_OPERATOR_LOCAL_DIR": self.plane.folder}
            self.folder = self.plane.folder
            self.operators = Operators(self.plane, self.kubectl_path, os.environ["SPARK_OPERATOR"], free_port)
            self.operators.more_environment = {"SPARK_HOME": self.spark_home}
            self.operators.install()
            self.kubectl("apply", "-k", os.path.join(TOP, "deploy/kustomize/spark"))
            self.join()
            self.operators.start()
            self.operators.wait_for_leader()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.operators:
            self.operators.kill_all()
        if self.node:
            self.node.send_signal(signal.SIGTERM)
            try:
                self.node.wait(60)
            except subprocess.TimeoutExpired:
                self.node.kill()
                self.node.wait()
            self.node.stdout.close()
        self.plane.__exit__()

    def join(self):
        command = [os.environ["SPARKCTL"], "local", "kubelet", "--kubeconfig", self.plane.kubeconfig, "--node", "this-machine"]
        if self.server == "embedded":                              # it has no scheduler of its own
            command += ["--scheduler", "default-scheduler"]
        self.node_log = tempfile.NamedTemporaryFile("w+", dir=self.plane.folder, prefix="node-", suffix=".log", delete=False)
        self.node = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=self.node_log, text=True, preexec_fn=dies_with_parent(signal.SIGTERM))
        said = self.node.stdout.readline()
        if "ready" not in said:
            with open(self.node_log.name, errors="replace") as f:
                raise AssertionError(f"this machine does not become a node: {said}\n{f.read()[-3000:]}")

    def history(self):
        return DriverHistory.read(self.plane.audit_log, ordered=self.server == "embedded")

    def maker_of(self, namespace, pod):
        made = [e["userAgent"] for e in self.history().events
                if e["verb"] == "create" and e.get("responseStatus", {}).get("code") == 201
                and (e.get("objectRef") or {}).get("resource") == "pods" and not e["objectRef"].get("subresource")
                and e["objectRef"].get("namespace") == namespace
                and (e["objectRef"].get("name") or (e.get("requestObject") or {}).get("metadata", {}).get("name")) == pod]
        return made[-1] if made else None

    def refusals(self):
        return self.history().refused(USER)

    def what_is_there(self):
        said = super().what_is_there()
        with open(self.node_log.name, errors="replace") as f:
            return "\n".join([said, "the node:", f.read()[-3000:], self.operators.tails()])

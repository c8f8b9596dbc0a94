"""A control plane, real or embedded, that this machine has joined as a node (`sparkctl local kubelet`), and the operator on
it: the controller as a process, and the webhook as another where it is asked for, each with a service account's token and only
the roles of deploy/kustomize.

    with JoinedCluster("real") as cluster:
        with cluster.operator(spark_home=".../spark/3.5.7/opt/spark", webhook=True):     # whose spark-submit it may run
            cluster.kubectl("apply", "-f", "app.yaml")       # and what else cluster.py has
            cluster.maker_of("default", "spark-pi-driver")   # the user agent that created the pod, from the audit log
        cluster.refusals()                                   # what the roles did not allow, from the audit log and the logs

Binaries come from the environment: SPARK_OPERATOR, SPARKCTL, KUBECTL, and EMBEDDED_API_SERVER for the embedded server. Needs
the right to make namespaces, as the node does.
"""

import contextlib
import os
import re
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
from operators import Operators  # noqa: E402

from cluster import Cluster, find_kubectl  # noqa: E402
from webhook_server import WebhookServer  # noqa: E402

ACCOUNTS = "system:serviceaccount:"
# That of the operator's image, which spark-submit writes down in what it makes.
USER = "spark"


class JoinedCluster(Cluster):
    def __init__(self, server):
        self.server = server
        self.kubectl_path = find_kubectl()
        self.plane = ControlPlane(server, audit="Request", scheduler=server == "real")
        self.node = self.operators = self.webhook = None

    def __enter__(self):
        self.plane.__enter__()
        try:
            self.folder = self.plane.folder
            # What our processes leave in the temporary folder is seen there, and goes with it.
            self.scratch = os.path.join(self.folder, "tmp")
            os.mkdir(self.scratch)
            self.environment = {**os.environ, **self.plane.environment, "SPARK_OPERATOR_LOCAL_DIR": self.folder, "TMPDIR": self.scratch}
            self.operators = Operators(self.plane, self.kubectl_path, os.environ["SPARK_OPERATOR"], free_port)
            self.operators.install()
            self.webhook = WebhookServer(self.operators)
            self.webhook.install()
            self.kubectl("apply", "-k", os.path.join(TOP, "deploy/kustomize/spark"))
            self.join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.operators:
            self.operators.kill_all()
        if self.webhook:
            self.webhook.kill()
        if self.node:
            self.node.send_signal(signal.SIGTERM)
            try:
                self.node.wait(60)
            except subprocess.TimeoutExpired:
                self.node.kill()
                self.node.wait()
            self.node.stdout.close()
        self.plane.__exit__()

    @contextlib.contextmanager
    def operator(self, spark_home, webhook, *flags):
        """For the time of a `with`; both end by SIGTERM, and well."""
        self.operators.more_environment = {"SPARK_HOME": spark_home, "TMPDIR": self.scratch, "SPARK_USER": USER}
        if webhook:
            self.webhook.start()
        # A bound, not an expectation: a JVM among many on two cores.
        self.operators.start("--spark-submit-timeout=10m", *(["--webhook-enabled=true"] if webhook else []), *flags)
        self.operators.wait_for_leader()
        yield
        ended = [*self.operators.stop_all().values(), self.webhook.stop()]
        if any(ended):
            raise AssertionError(f"exit codes of controller and webhook: {ended}\n{self.operators.tails()}\n{self.webhook.tail()}")

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
        """Of any service account: controller, webhook, drivers; and lines of the two logs that tell of one."""
        history = self.history()
        users = {e["user"]["username"] for e in history.events if e["user"]["username"].startswith(ACCOUNTS)}
        found = [f"{user}: {request}" for user in sorted(users) for request in history.refused(user)]
        logs = [operator.log_path for operator in self.operators.all] + [self.webhook.log_path]
        for log in filter(os.path.exists, logs):
            with open(log, errors="replace") as f:
                found += [line for line in f if re.search(r"[Ff]orbidden|not permitted|code=403|\b403 ", line)]
        return found

    def what_is_there(self):
        said = super().what_is_there()
        with open(self.node_log.name, errors="replace") as f:
            return "\n".join([said, "the node:", f.read()[-3000:], self.operators.tails(), self.webhook.tail()])

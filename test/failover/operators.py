"""Operators as processes, each with a service account's token and only the roles of deploy/kustomize/controller.

    operators = Operators(plane, kubectl, binary)
    operators.install()                 # definitions, namespace, account, roles
    one = operators.start()
    leader = operators.wait_for_leader()
    leader.send_signal(signal.SIGKILL)
    operators.stop_all()                # SIGTERM; their exit codes
"""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control_plane import dies_with_parent  # noqa: E402
from waiting import wait_for  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMESPACE, ACCOUNT, LEASE = "spark-operator", "spark-operator-controller", "spark-operator-controller-lock"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
# Bounds, not expectations: two cores that also compile take many times what an idle machine takes.
LIMIT = 180


class Operator:
    def __init__(self, number, command, environment, log_path, metrics_url):
        self.number, self.log_path, self.metrics_url = number, log_path, metrics_url
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=dies_with_parent(signal.SIGKILL))

    def __str__(self):
        return f"operator {self.number}"

    def send_signal(self, number):
        self.process.send_signal(number)

    def lines(self):
        with open(self.log_path, errors="replace") as f:
            for line in f:
                try:
                    yield json.loads(line)
                except ValueError:
                    pass

    def identities(self):
        """Under which it has ever held the lease."""
        return [line["identity"] for line in self.lines() if line.get("msg") == "lease acquired"]

    def is_ready(self):
        return any(line.get("msg") == "caches are in sync" for line in self.lines())

    def tail(self, count=15):
        with open(self.log_path, errors="replace") as f:
            return f"{self}:\n" + "".join(f.readlines()[-count:])


class Operators:
    """`lease`: its duration, renew deadline and retry period; None: whoever runs works."""

    def __init__(self, plane, kubectl, binary, free_port, lease=("15s", "10s", "2s")):
        self.plane, self.kubectl_path, self.binary, self.free_port, self.lease = plane, kubectl, binary, free_port, lease
        self.all = []
        self.more_environment = {}

    def kubectl(self, *arguments, text=None):
        run = subprocess.run([self.kubectl_path, *arguments], env={**os.environ, **self.plane.environment}, input=text or "",
                             text=True, capture_output=True, timeout=LIMIT)
        if run.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit code {run.returncode}\n{run.stdout}{run.stderr}")
        return run.stdout

    def install(self):
        self.kubectl("apply", "--server-side", "-f", os.path.join(TOP, "charts/spark-operator-chart/crds"))
        self.kubectl("apply", "-k", os.path.join(TOP, "deploy/kustomize/controller"))
        self.kubeconfig = self.kubeconfig_of(ACCOUNT)

    def kubeconfig_of(self, account):
        """A file with a token of the service account, and nothing else."""
        token = self.kubectl("create", "token", account, "-n", NAMESPACE, "--duration=2h").strip()
        path = os.path.join(self.plane.folder, f"{account}.kubeconfig")
        config = {"apiVersion": "v1", "kind": "Config", "current-context": account,
                  "clusters": [{"name": "test", "cluster": {"server": self.plane.url, "certificate-authority": self.plane.ca_file}}],
                  "users": [{"name": account, "user": {"token": token}}],
                  "contexts": [{"name": account, "context": {"cluster": "test", "user": account}}]}
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
            json.dump(config, f)
        return path

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("KUBERNETES_", "CONTROL_PLANE_", "KUBECONFIG"))}
        environment.update(self.more_environment, KUBECONFIG=self.kubeconfig)   # what it starts finds the server, too
        return environment

    def start(self, *flags):
        port = self.free_port()
        command = [self.binary, "controller", "start", f"--kubeconfig={self.kubeconfig}", "--namespaces=",
                   f"--metrics-bind-address=127.0.0.1:{port}", "--health-probe-bind-address=0", *flags]
        if self.lease:
            duration, deadline, retry = self.lease
            command += ["--leader-election=true",
                        f"--leader-election-lock-name={LEASE}", f"--leader-election-lock-namespace={NAMESPACE}",
                        f"--leader-election-lease-duration={duration}", f"--leader-election-renew-deadline={deadline}",
                        f"--leader-election-retry-period={retry}"]
        number = len(self.all) + 1
        operator = Operator(number, command, self.environment(), os.path.join(self.plane.folder, f"operator-{number}.log"),
                            f"http://127.0.0.1:{port}/metrics")
        self.all.append(operator)
        return operator

    def running(self):
        return [o for o in self.all if o.process.poll() is None]

    def tails(self):
        return "\n".join(o.tail() for o in self.all)

    def holder(self):
        lease = json.loads(self.plane.get(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"))
        return lease["spec"].get("holderIdentity", "")

    def leader(self, but=None):
        try:
            holder = self.holder()
        except OSError:
            return None
        return next((o for o in self.running() if o is not but and holder in o.identities()), None)

    def wait_for_leader(self, but=None):
        return wait_for(lambda: self.leader(but), lambda: f"no operator leads\n{self.tails()}")

    def wait_until_ready(self, operator):
        wait_for(operator.is_ready, lambda: f"{operator} does not get ready\n{operator.tail()}")

    def stop_all(self):
        """By SIGTERM; the exit codes by number."""
        running = self.running()
        for operator in running:
            operator.send_signal(signal.SIGCONT)
            operator.send_signal(signal.SIGTERM)
        for operator in running:
            operator.process.wait(LIMIT)
        return {o.number: o.process.returncode for o in running}

    def kill_all(self):
        for operator in self.running():
            operator.process.kill()
            operator.process.wait()

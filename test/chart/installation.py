"""The chart installed by helm on a control plane, and the operator as processes that run with the arguments of its Deployments
and the tokens of its service accounts, as a kubelet would start them.

    installed = Installation(plane, values)
    installed.helm("upgrade", "--install", …)
    controller = installed.start("controller")           # after install()
    installed.direct_webhooks_here()                     # the API server calls the process instead of the Service
    installed.stop_all()

With `root`, the root file system of an image, they run in there with what a cluster's container finds: the image's own `variables`,
the token in its folder, the server's address in the environment; as `user`, by `emulator` where the image is for another processor.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

import yaml

from container import USERS, Native, enter
from helm import CHART, NAMESPACE, RELEASE, TOP, Helm

sys.path.insert(0, os.path.join(TOP, "test/lib"))
from control_plane import dies_with_parent, free_port  # noqa: E402

LIMIT = 300


class Installation:
    def __init__(self, plane, values=None, root=None, variables=None, user=USERS[0], emulator=Native):
        self.root, self.variables, self.user, self.emulator = root, variables or {}, user, emulator
        self.plane, self.values, self.processes, self.webhook_port = plane, values or {}, {}, free_port()
        self.services = {}                                                # of webhook entries that are directed here
        self.helm_program = Helm()
        self.environment = {**os.environ, **plane.environment}

    def kubectl(self, *arguments, text=""):
        run = subprocess.run([os.environ["KUBECTL"], *arguments], env=self.environment, input=text, text=True, capture_output=True, timeout=LIMIT)
        if run.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit code {run.returncode}\n{run.stdout}{run.stderr}")
        return run.stdout

    def get(self, *what):
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def helm(self, *arguments):
        run = self.helm_program.run(*arguments, "--namespace", NAMESPACE, environment=self.environment)
        if run.returncode:
            raise AssertionError(f"helm {' '.join(arguments)}: {run.stderr}")
        return run.stdout

    def install(self, values=None):
        """Install, or upgrade to these values; what helm said."""
        self.values = values if values is not None else self.values
        path = os.path.join(self.plane.folder, "values.yaml")
        with open(path, "w") as f:
            yaml.safe_dump(self.values, f)
        return self.helm("upgrade", "--install", RELEASE, CHART, "--create-namespace", "--values", path)

    def start(self, component):
        """The container of this component as a process; its arguments but for addresses, of which one machine has only one."""
        deployment = self.get("deployment", f"{RELEASE}-{component}", "-n", NAMESPACE)
        program, flags, environment, inside = self.as_account(component, deployment["spec"]["template"]["spec"]["serviceAccountName"])
        arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        metrics, health = free_port(), free_port()
        flags += [f"--health-probe-bind-address=127.0.0.1:{health}", f"--metrics-bind-address=127.0.0.1:{metrics}", "--zap-encoder=json"]
        if component == "webhook":
            flags.append(f"--webhook-port={self.webhook_port}")
        log_path = os.path.join(self.plane.folder, f"{component}.log")
        with open(log_path, "wb") as log:
            process = subprocess.Popen([*program, *arguments, *flags], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       preexec_fn=inside)
        process.metrics_url, process.ready_url = f"http://127.0.0.1:{metrics}/metrics", f"http://127.0.0.1:{health}/readyz"
        self.processes[component] = process
        return process

    def run_job(self, component, pod):
        """The container of a job's pod, to its end."""
        program, flags, environment, inside = self.as_account(component, pod["serviceAccountName"])
        flags = [word for flag in flags for word in flag.split("=", 1)]
        return subprocess.run([*program, *pod["containers"][0]["args"], *flags], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, preexec_fn=inside, timeout=LIMIT)

    def as_account(self, component, account):
        """The program with what runs it, flags, environment and what is done in the new process."""
        token = self.kubectl("create", "token", account, "-n", NAMESPACE, "--duration=2h").strip()
        if self.root:
            return [*self.emulator.program, "/usr/bin/spark-operator"], [], *self.as_in_a_cluster(component, token)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("KUBERNETES_", "CONTROL_PLANE_", "KUBECONFIG"))}
        return [os.environ["SPARK_OPERATOR"]], [self.kubeconfig(component, token)], environment, dies_with_parent(signal.SIGKILL)

    def as_in_a_cluster(self, component, token):
        """The environment, and what enters the root file system."""
        account = os.path.join(self.plane.folder, f"{component}-account")
        os.makedirs(account, exist_ok=True)
        with open(self.plane.ca_file) as f:
            authority = f.read()
        for name, content in (("token", token), ("ca.crt", authority), ("namespace", NAMESPACE)):
            with open(os.path.join(account, name), "w") as f:
                f.write(content)
        os.chmod(self.plane.folder, 0o711)                                # it is a temporary folder, for its owner only
        server = urllib.parse.urlparse(self.plane.url)
        return ({**self.variables, "KUBERNETES_SERVICE_HOST": server.hostname, "KUBERNETES_SERVICE_PORT": str(server.port), "HOSTNAME": component},
                enter(self.root, {"/var/run/secrets/kubernetes.io/serviceaccount": account, **self.emulator.folders}, *self.user))

    def kubeconfig(self, component, token):
        kubeconfig = os.path.join(self.plane.folder, f"{component}.kubeconfig")
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "operator",
                  "clusters": [{"name": "test", "cluster": {"server": self.plane.url, "certificate-authority": self.plane.ca_file}}],
                  "users": [{"name": "operator", "user": {"token": token}}],
                  "contexts": [{"name": "operator", "context": {"cluster": "test", "user": "operator"}}]}
        with open(os.open(kubeconfig, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
            json.dump(config, f)
        return f"--kubeconfig={kubeconfig}"

    def start_node(self, add_cleanup):
        """A node that pretends to run pods, until `add_cleanup` ends it."""
        node = subprocess.Popen([os.environ["PRETEND_KUBELET"], "--kubeconfig", self.plane.kubeconfig], stdout=subprocess.PIPE, text=True,
                                preexec_fn=dies_with_parent(signal.SIGKILL))
        add_cleanup(node.stdout.close)
        add_cleanup(node.wait)
        add_cleanup(node.kill)
        if "ready" not in node.stdout.readline():
            raise AssertionError("the node does not get ready")

    def log(self, component, lines=20):
        with open(os.path.join(self.plane.folder, f"{component}.log"), errors="replace") as f:
            return f"{component}:\n" + "".join(f.readlines()[-lines:])

    def logs(self):
        return "\n".join(self.log(component) for component in self.processes)

    def webhook_entries(self):
        """Kind of configuration, number, entry."""
        for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
            for number, entry in enumerate(self.get(kind, f"{RELEASE}-webhook")["webhooks"]):
                yield kind, number, entry

    def direct_webhooks_here(self):
        """No service address is routed on this machine. The webhook's certificate is good for localhost, too."""
        for kind, number, entry in self.webhook_entries():
            if "service" in entry["clientConfig"]:
                service = entry["clientConfig"].pop("service")
                self.services[kind, entry["name"]] = service
                self.direct(kind, number, {**entry["clientConfig"], "url": f"https://localhost:{self.webhook_port}{service['path']}"})

    def direct_webhooks_back(self):
        """To their Services: helm cannot change an entry from the one to the other."""
        for kind, number, entry in self.webhook_entries():
            if entry["clientConfig"].pop("url", None):
                self.direct(kind, number, {**entry["clientConfig"], "service": self.services[kind, entry["name"]]})

    def direct(self, kind, number, to):
        patch = [{"op": "replace", "path": f"/webhooks/{number}/clientConfig", "value": to}]
        self.kubectl("patch", kind, f"{RELEASE}-webhook", "--type=json", "--patch", json.dumps(patch))

    def authorities(self):
        """Every caBundle that there is."""
        return {entry["clientConfig"].get("caBundle") for _, _, entry in self.webhook_entries()}

    def authorities_are_written(self):
        return None not in self.authorities()

    def is_ready(self, component):
        try:
            with urllib.request.urlopen(self.processes[component].ready_url, timeout=LIMIT) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop_all(self):
        """By SIGTERM; the exit codes by component."""
        codes = {}
        for component, process in self.processes.items():
            process.send_signal(signal.SIGTERM)
            codes[component] = process.wait(LIMIT)
        self.processes = {}
        return codes

    def kill_all(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes = {}

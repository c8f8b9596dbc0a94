"""Replicas of the webhook as processes behind one address, and the API server that asks there.

    webhook = Webhook(plane, binary, "webhook-a", flags=["--enable-cert-manager"])
    webhook.start(0); webhook.start(1)
    webhook.balance()                                  # after both ports are known
    webhook.register("Fail")                           # its two configurations, by URL
    webhook.served(0)                                  # the certificate that a replica shows, as PEM
"""

import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from control_plane import dies_with_parent, free_port  # noqa: E402
from waiting import wait_for  # noqa: E402

# Bounds, not expectations: two cores that also compile take many times what an idle machine takes.
LIMIT = 120
NAMESPACE = "default"
GROUP = "/apis/admissionregistration.k8s.io/v1"


def ask(plane, method, path, body=None, content_type="application/json"):
    """An administrator's call; the decoded answer. urllib.error.HTTPError otherwise."""
    request = urllib.request.Request(plane.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {plane.token}", "Content-Type": content_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=plane.ca_file)))
    with opener.open(request, timeout=60) as answer:
        return json.loads(answer.read())


class Replica:
    def __init__(self, port, health, log_path):
        self.port, self.health, self.log_path, self.process = port, health, log_path, None

    def ready(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=10) as answer:
                return answer.status == 200
        return False

    def tail(self, count=15):
        with contextlib.suppress(OSError), open(self.log_path, errors="replace") as f:
            return f"{self.log_path}:\n" + "".join(f.readlines()[-count:])
        return ""


class Webhook:
    COUNT = 2

    def __init__(self, plane, binary, name, flags=(), flags_of=lambda number: []):
        """`flags_of`: those of one replica."""
        self.plane, self.binary, self.name, self.flags, self.flags_of = plane, binary, name, list(flags), flags_of
        self.secret, self.service = f"{name}-certs", f"{name}-svc"
        self.replicas = [Replica(free_port(), free_port(), os.path.join(plane.folder, f"{name}-{n}.log")) for n in range(self.COUNT)]
        self.balancer = None

    def start(self, number):
        replica = self.replicas[number]
        command = [self.binary, "webhook", "start", f"--kubeconfig={self.plane.kubeconfig}", "--webhook-host=127.0.0.1",
                   f"--webhook-port={replica.port}", f"--health-probe-bind-address=127.0.0.1:{replica.health}",
                   "--metrics-bind-address=0", f"--webhook-secret-name={self.secret}", f"--webhook-secret-namespace={NAMESPACE}",
                   f"--webhook-svc-name={self.service}", f"--webhook-svc-namespace={NAMESPACE}",
                   f"--mutating-webhook-name={self.name}", f"--validating-webhook-name={self.name}",
                   "--leader-election=true", f"--leader-election-lock-name={self.name}-lock",
                   f"--leader-election-lock-namespace={NAMESPACE}", "--webhook-certificate-adoption-delay=3s",
                   "--webhook-threads=1", *self.flags, *self.flags_of(number)]
        with open(replica.log_path, "ab") as log:
            replica.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               preexec_fn=dies_with_parent(signal.SIGKILL))

    def wait_until_ready(self):
        for replica in self.replicas:
            wait_for(replica.ready, lambda replica=replica: f"a replica does not get ready\n{replica.tail()}")

    def balance(self):
        command = [sys.executable, "-B", os.path.join(HERE, "balancer.py")]
        for replica in self.replicas:
            command += ["--backend", f"127.0.0.1:{replica.port},http://127.0.0.1:{replica.health}/readyz"]
        self.balancer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                         preexec_fn=dies_with_parent(signal.SIGKILL))
        self.port = int(self.balancer.stdout.readline().split()[1])

    def register(self, policy, bundle=None, namespaces=None):
        """Asked about executor and driver pods, and about the three kinds; of namespaces with these labels."""
        def entry(path, group, version, resource, operations):
            config = {"url": f"https://localhost:{self.port}{path}"}
            if bundle:
                config["caBundle"] = base64.b64encode(bundle).decode()
            return {"name": f"{path[1:]}.sparkoperator.k8s.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                    "clientConfig": config, "failurePolicy": policy, "timeoutSeconds": 10,
                    "namespaceSelector": {"matchLabels": namespaces} if namespaces else {},
                    "rules": [{"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": operations}]}
        pods = entry("/mutate--v1-pod", "", "v1", "pods", ["CREATE"])
        pods["objectSelector"] = {"matchLabels": {"sparkoperator.k8s.io/launched-by-spark-operator": "true"}}
        kinds = (("v1beta2", "sparkapplication"), ("v1beta2", "scheduledsparkapplication"), ("v1alpha1", "sparkconnect"))
        for which, verb, more in (("Mutating", "mutate", [pods]), ("Validating", "validate", [])):
            entries = more + [entry(f"/{verb}-sparkoperator-k8s-io-{version}-{kind}", "sparkoperator.k8s.io", version, kind + "s",
                                    ["CREATE", "UPDATE"]) for version, kind in kinds]
            ask(self.plane, "POST", f"{GROUP}/{which.lower()}webhookconfigurations",
                {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{which}WebhookConfiguration",
                 "metadata": {"name": self.name}, "webhooks": entries})

    def set_policy(self, policy):
        path = f"{GROUP}/mutatingwebhookconfigurations/{self.name}"
        count = len(ask(self.plane, "GET", path)["webhooks"])
        ask(self.plane, "PATCH", path, [{"op": "replace", "path": f"/webhooks/{n}/failurePolicy", "value": policy} for n in range(count)],
            "application/json-patch+json")

    def unregister(self):
        for kind in ("mutating", "validating"):
            ask(self.plane, "DELETE", f"{GROUP}/{kind}webhookconfigurations/{self.name}")

    def served(self, number):
        """The leaf, as PEM; "" while nobody answers."""
        with contextlib.suppress(OSError):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", self.replicas[number].port), timeout=10) as plain:
                with context.wrap_socket(plain) as secure:
                    return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))
        return ""

    def secret_data(self):
        data = ask(self.plane, "GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{self.secret}")["data"]
        return {key: base64.b64decode(text) for key, text in data.items()}

    def write_secret(self, data):
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        encoded = {key: base64.b64encode(text).decode() for key, text in data.items()}
        try:
            ask(self.plane, "PATCH", f"{path}/{self.secret}", {"data": encoded}, "application/merge-patch+json")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            ask(self.plane, "POST", path, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.secret}, "data": encoded})

    def stop_all(self):
        """By SIGTERM; the exit codes."""
        running = [r.process for r in self.replicas if r.process and r.process.poll() is None]
        for process in running:
            process.terminate()
        return [process.wait(LIMIT) for process in running]

    def kill_all(self):
        for process in [r.process for r in self.replicas] + [self.balancer]:
            if process and process.poll() is None:
                process.kill()
            if process:
                process.wait()
        if self.balancer:
            self.balancer.stdout.close()

    def tails(self):
        return "\n".join(replica.tail() for replica in self.replicas)

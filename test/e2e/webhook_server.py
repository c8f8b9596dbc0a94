"""The webhook as a process, with a service account's token and only the roles of deploy/kustomize/webhook.

    webhook = WebhookServer(operators)           # test/failover/operators.py: where, and how to speak to it
    webhook.install()                            # account and roles
    webhook.start()                              # returns when the API server asks it and believes its certificate
    webhook.reviews("/mutate--v1-pod")           # how many it has answered
    webhook.stop()                               # SIGTERM; its exit code. The API server does not ask it any more

Flags are those of its Deployment, but for addresses, which are of this machine, and so are those in the two configurations.
"""

import json
import os
import re
import signal
import subprocess
import urllib.request

from control_plane import dies_with_parent, free_port
from operators import NAMESPACE, TOP
from waiting import wait_for

ACCOUNT = "spark-operator-webhook"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# Of this machine, here; of a pod, in the Deployment.
ADDRESSES = ("--webhook-port", "--metrics-bind-address")


def objects_in(text):
    """What kubectl prints as JSON, one object after the other."""
    decoder, found = json.JSONDecoder(), []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        found += value["items"] if value["kind"] == "List" else [value]
    return found


class WebhookServer:
    def __init__(self, operators):
        self.operators, self.plane = operators, operators.plane
        self.process = None
        self.log_path = os.path.join(self.plane.folder, "webhook.log")

    def install(self):
        rendered = subprocess.run([self.operators.kubectl_path, "kustomize", os.path.join(TOP, "deploy/kustomize/webhook")],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
        objects = objects_in(self.operators.kubectl("create", "--dry-run=client", "-o", "json", "-f", "-", text=rendered))
        self.configurations = [o for o in objects if o["kind"] in CONFIGURATIONS]
        self.flags = next(o for o in objects if o["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
        self.apply([o for o in objects if o["kind"] not in CONFIGURATIONS])
        self.kubeconfig = self.operators.kubeconfig_of(ACCOUNT)

    def apply(self, objects):
        self.operators.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def start(self):
        self.health, self.metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
        command = [self.operators.binary, *[f for f in self.flags if not f.startswith(ADDRESSES)], f"--kubeconfig={self.kubeconfig}",
                   "--webhook-host=127.0.0.1", "--webhook-port=0", f"--metrics-bind-address={self.metrics}",
                   f"--health-probe-bind-address={self.health}"]
        environment = {**self.operators.environment(), "KUBECONFIG": self.kubeconfig}
        self.begin = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=dies_with_parent(signal.SIGKILL))
        wait_for(self.is_ready, lambda: f"the webhook is not ready\n{self.tail()}")
        port = re.findall(r'"msg":"serving reviews".*?"address":"[^"]*:(\d+)"', self.said())[-1]
        for configuration in self.configurations:
            for entry in configuration["webhooks"]:
                service = entry["clientConfig"].pop("service", None)
                path = service["path"] if service else "/" + entry["clientConfig"]["url"].rsplit("/", 1)[1]
                entry["clientConfig"]["url"] = f"https://localhost:{port}{path}"
        self.apply(self.configurations)
        wait_for(self.is_asked, lambda: f"the API server does not ask the webhook: {self.answer}\n{self.tail()}")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the webhook has ended with {self.process.returncode}\n{self.tail()}")
        return self.ask(self.health, "/readyz") is not None

    def is_asked(self):
        """Both kinds of questions: defaults are filled in, and what no application may say is refused. Until somebody has
        written the authority of its certificate, the API server refuses everything for want of an answer."""
        code, said = self.try_to_create({})
        if code or json.loads(said)["spec"]["executor"].get("cores") != 1:
            self.answer = said
            return False
        code, self.answer = self.try_to_create({"spark.master": "k8s://elsewhere"})
        return code != 0 and "denied the request" in self.answer and "spark.master" in self.answer

    def try_to_create(self, conf):
        """Without creating it."""
        app = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
               "metadata": {"name": "only-asked", "namespace": "default"},
               "spec": {"type": "Scala", "sparkVersion": "3.5.7", "image": "none", "mainApplicationFile": "local:///none.jar",
                        "driver": {}, "executor": {}, "sparkConf": conf}}
        run = subprocess.run([self.operators.kubectl_path, "create", "--dry-run=server", "-o", "json", "-f", "-"],
                             env={**os.environ, **self.plane.environment}, input=json.dumps(app), text=True, capture_output=True, timeout=60)
        return run.returncode, run.stdout or run.stderr

    def reviews(self, path):
        text = self.ask(self.metrics, "/metrics") or ""
        counted = re.findall(r"^controller_runtime_webhook_requests_total\{([^}]*)\} (\d+)", text, re.M)
        return sum(int(count) for labels, count in counted if f'webhook="{path}"' in labels)

    @staticmethod
    def ask(address, path):
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with no_proxy.open(f"http://{address}{path}", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def stop(self):
        if not self.process:
            return 0
        for kind in CONFIGURATIONS:
            self.operators.kubectl("delete", kind, "spark-operator-webhook", "--ignore-not-found")
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        code, self.process = self.process.returncode, None
        return code

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def said(self):
        """Since it was last started."""
        with open(self.log_path, errors="replace") as f:
            f.seek(self.begin)
            return f.read()

    def tail(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as f:
            return "the webhook:\n" + "".join(f.readlines()[-15:])

"""kubectl as users run it: its protobuf bodies, its tables, its waits and its checks of schemas."""

import json
import os
import subprocess

from suite import Case, established, plane, widget, widget_crd

CALL_LIMIT = 120


class Kubectl(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        established(cls.api, widget_crd())

    def run_kubectl(self, *words, text=""):
        return subprocess.run([os.environ["KUBECTL"], "-n", self.ns, *words], input=text, capture_output=True, text=True, timeout=CALL_LIMIT,
                              env={**os.environ, "KUBECONFIG": plane.kubeconfig, "HOME": plane.folder})

    def says(self, pattern, *words, text=""):
        run = self.run_kubectl(*words, text=text)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stdout, pattern, words)
        return run.stdout

    def refuses(self, pattern, *words, text=""):
        run = self.run_kubectl(*words, text=text)
        self.assertNotEqual(run.returncode, 0, run.stdout)
        self.assertRegex(run.stderr, pattern, words)

    def test_the_life_of_an_object(self):
        self.says("^configmap/a created$", "create", "configmap", "a", "--from-literal=k=v")
        self.refuses('configmaps "a" already exists', "create", "configmap", "a")
        self.says(r"^NAME +DATA +AGE\n(.*\n)*a +1 +\d+s", "get", "configmaps")
        self.says("^v$", "get", "configmap", "a", "-o", "jsonpath={.data.k}")
        self.says("^configmap/a labeled$", "label", "configmap", "a", "l=1")
        self.says("^configmap/a annotated$", "annotate", "configmap", "a", "x=y")
        self.says("^configmap/a patched$", "patch", "configmap", "a", "--type=merge", "-p", '{"data":{"k":"w"}}')
        self.says(r"^NAME +DATA +AGE +L\n.*1\n", "get", "configmaps", "-l", "l=1", "-L", "l")
        self.says("k:\n----\nw\n", "describe", "configmap", "a")
        self.says('^configmap "a" deleted', "delete", "configmap", "a")
        self.refuses(r'^Error from server \(NotFound\): configmaps "a" not found', "get", "configmap", "a")

    def test_the_three_ways_of_apply(self):
        text = json.dumps(widget("applied", {"size": 2}))
        changed = json.dumps(widget("applied", {"size": 3, "mode": "Slow"}))
        name = "^widget.conformance.example.com/applied"
        self.says(f"{name} created$", "apply", "-f", "-", text=text)
        self.says(f"{name} unchanged$", "apply", "-f", "-", text=text)
        self.says(f"{name} configured$", "apply", "-f", "-", text=changed)
        self.says(f"{name} unchanged \\(server dry run\\)$", "apply", "--dry-run=server", "-f", "-", text=changed)
        self.says(f"{name} serverside-applied$", "apply", "--server-side", "--force-conflicts", "-f", "-", text=text)
        self.says("^2$", "get", "widget", "applied", "-o", "jsonpath={.spec.size}")
        self.says(f"{name} replaced$", "replace", "-f", "-", text=changed)
        self.refuses('spec.size: Invalid value: 0', "apply", "-f", "-", text=json.dumps(widget("applied", {"size": 0})))
        self.refuses('unknown field "spec.colour"', "apply", "-f", "-", text=json.dumps(widget("applied", {"size": 1, "colour": "red"})))

    def test_what_it_knows_of_kinds(self):
        self.says(r"widgets +wit +conformance.example.com/v1 +true +Widget", "api-resources", "--api-group=conformance.example.com")
        self.says(r"(?s)KIND: +Widget.*size\t<integer> -required-", "explain", "widget.spec")
        self.says(r"restartPolicy\t<string>", "explain", "pod.spec")
        self.says(r"Server Version: v1.35.4", "version")

    def test_pods_and_waiting(self):
        self.says("^pod/p created$", "run", "p", "--image=busybox", "--restart=Never", "--", "true")
        self.says(r"^NAME +READY +STATUS +RESTARTS +AGE\np +0/1 +Pending +0 +\d+s", "get", "pod", "p")
        self.refuses("timed out waiting for the condition", "wait", "pod/p", "--for=condition=Ready", "--timeout=1s")
        self.api.patch(self.path("pods/p/status"), {"status": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "True"}]}})
        self.says("^pod/p condition met$", "wait", "pod/p", "--for=condition=Ready", "--timeout=30s")
        self.says("Name: +p\n(.*\n)*Status: +Succeeded", "describe", "pod", "p")
        self.says('^pod "p" deleted', "delete", "pod", "p")
        self.says("^$", "wait", "pod/p", "--for=delete", "--timeout=30s")

    def test_tokens_and_identity(self):
        self.says(r"^[\w-]+\.[\w-]+\.[\w-]+\s*$", "create", "token", "default")
        self.says("kubernetes-admin", "auth", "whoami")
        self.says("^yes$", "auth", "can-i", "create", "pods")

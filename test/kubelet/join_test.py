#!/usr/bin/env python3
"""`sparkctl local kubelet` against a real API server: a node that its validation accepts, pods whose logs kubectl shows
and whose ports `sparkctl forward` reaches, tokens, deletion with grace, and nothing left when it is stopped.

    SPARKCTL=build/release/cmd/sparkctl KUBECTL=$(test/lib/fetch_kubectl.sh) test/kubelet/join_test.py
"""

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import ControlPlane  # noqa: E402
from waiting import wait_for  # noqa: E402

LIMIT = 180  # seconds that no step comes near
TAINT = "processes"


class JoinedNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane("real"))
        cls.folder = tempfile.mkdtemp(prefix="join-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.environment = {**os.environ, **cls.plane.environment, "SPARK_OPERATOR_IMAGES": cls.folder + "/images"}
        os.makedirs(cls.folder + "/images/tool/1/opt")

    def setUp(self):
        self.log = open(os.path.join(self.folder, self.id() + ".log"), "w+")
        self.addCleanup(self.log.close)
        self.node = self.start()

    def start(self):
        node = subprocess.Popen(
            [os.environ["SPARKCTL"], "local", "kubelet", "--node", "laptop", "--label", "place=desk", "--taint", f"{TAINT}=yes:NoSchedule",
             "--scheduler", "desk", "--data", os.path.join(self.folder, "data")],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.addCleanup(node.stdout.close)
        self.addCleanup(self.end, node)
        said = node.stdout.readline()
        self.assertIn("node laptop is ready", said, self.what_it_said())
        return node

    def end(self, node, number=signal.SIGTERM):
        if node.poll() is None:
            node.send_signal(number)
        return node.wait(timeout=LIMIT)

    def what_it_said(self):
        self.log.seek(0)
        return self.log.read()[-4000:]

    def kubectl(self, *arguments, text=None, check=True):
        run = subprocess.run([os.environ["KUBECTL"], *arguments], env=self.environment, input=text or "", text=True, capture_output=True,
                             timeout=LIMIT)
        if check:
            self.assertEqual(run.returncode, 0, f"kubectl {' '.join(arguments)}: {run.stdout}{run.stderr}\n{self.what_it_said()}")
        return run.stdout + (run.stderr if not check else "")

    def get(self, *what):
        said = self.kubectl("get", *what, "-o", "json", "--ignore-not-found")
        return json.loads(said) if said.strip() else None

    def create(self, name, script, **spec):
        container = {"name": "main", "image": "tool:1", "command": ["sh", "-c", script]}
        container.update(spec.pop("container", {}))
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
               "spec": {"restartPolicy": "Never", "schedulerName": "desk", "containers": [container], **spec}}
        self.kubectl("create", "-f", "-", text=json.dumps(pod))

    def wait_for(self, fact, what):
        return wait_for(fact, lambda: f"{what}\n{self.kubectl('get', 'pods', '-o', 'yaml', check=False)[-3000:]}\n{self.what_it_said()}",
                        LIMIT, pause=0.2)

    def wait_phase(self, name, phase):
        return self.wait_for(lambda: (pod := self.get("pod", name)) and pod["status"]["phase"] == phase and pod, f"{name} never became {phase}")

    def test_pods_run_and_the_node_goes_when_it_is_stopped(self):
        node = self.get("node", "laptop")
        self.assertEqual(node["metadata"]["labels"]["place"], "desk")
        self.assertEqual([c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"], ["True"])
        self.wait_for(lambda: [t["key"] for t in self.get("node", "laptop")["spec"]["taints"]] == [TAINT], "the node stays not ready")
        lease = self.wait_for(lambda: self.get("lease", "laptop", "-n", "kube-node-lease"), "no lease")
        self.assertEqual(lease["spec"]["holderIdentity"], "laptop")

        # Config maps may come after the pod; the token is good for the server whose name and authority the pod is given.
        self.create("one", "cat /settings/key; echo; T=/var/run/secrets/kubernetes.io/serviceaccount; "
                    "curl -s --cacert $T/ca.crt -H \"Authorization: Bearer $(cat $T/token)\" "
                    "https://kubernetes.default.svc:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default/pods | grep -o 'system:serviceaccount:default:default' | head -n 1; "
                    "echo why >/dev/termination-log; exit 3",
                    volumes=[{"name": "s", "configMap": {"name": "late"}}],
                    container={"volumeMounts": [{"name": "s", "mountPath": "/settings"}]})
        self.kubectl("create", "configmap", "late", "--from-literal=key=value")
        one = self.wait_phase("one", "Failed")
        self.assertEqual(one["spec"]["nodeName"], "laptop")
        ended = one["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual((ended["exitCode"], ended["reason"], ended["message"]), (3, "Error", "why\n"))
        self.assertEqual(self.kubectl("logs", "one"), "value\nsystem:serviceaccount:default:default\n")

        # A stranger's pod stays away: it names another scheduler.
        self.create("stranger", "true", schedulerName="elsewhere")

        # Told to go, it goes within its grace; one that does not listen is killed after it.
        self.create("polite", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
        self.create("stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done", terminationGracePeriodSeconds=1)
        for name in ("polite", "stubborn"):
            pod = self.wait_phase(name, "Running")
            self.assertTrue(pod["status"]["containerStatuses"][0]["ready"])
            self.wait_for(lambda: self.kubectl("logs", name, check=False) == "up\n", f"{name} says nothing")
        self.kubectl("delete", "pod", "polite", "stubborn", "one")
        self.assertIsNone(self.get("pod", "polite"))
        self.assertIsNone(self.get("pod", "stubborn"))
        self.assertNotIn("nodeName", self.get("pod", "stranger")["spec"])

        # The stop is orderly: pods are reported, the node and its lease are deleted.
        self.create("left", "echo up; while :; do sleep 0.05; done")
        self.wait_phase("left", "Running")
        self.assertEqual(self.end(self.node), 0, self.what_it_said())
        left = self.get("pod", "left")
        self.assertEqual((left["status"]["phase"], left["status"]["reason"]), ("Failed", "NodeShutdown"))
        self.assertIsNone(self.get("node", "laptop"))
        self.assertIsNone(self.get("lease", "laptop", "-n", "kube-node-lease"))
        self.assertNotIn("refused", self.what_it_said())

    def user(self, name, verbs):
        """A kubeconfig of a service account that sees applications and pods, and has these verbs on pods/portforward."""
        rules = [{"apiGroups": ["sparkoperator.k8s.io"], "resources": ["sparkapplications"], "verbs": ["get"]},
                 {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
                 {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": verbs}]
        rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        for thing in ({**rbac, "kind": "Role", "rules": rules},
                      {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
                      {**rbac, "kind": "RoleBinding", "roleRef": role, "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]}):
            self.kubectl("create", "-f", "-", text=json.dumps(thing))
        path = os.path.join(self.folder, name + ".kubeconfig")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                       "clusters": [{"name": "c", "cluster": {"server": self.plane.url, "certificate-authority": self.plane.ca_file}}],
                       "users": [{"name": "u", "user": {"token": self.kubectl("create", "token", name).strip()}}],
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}]}, file)
        # Grants reach an API server's own caches a little later.
        self.wait_for(lambda: self.kubectl("auth", "can-i", "get", "pods", "--kubeconfig", path, check=False).strip() == "yes",
                      f"{name} may not see pods")
        return path

    def forward(self, kubeconfig):
        process = subprocess.Popen([os.environ["SPARKCTL"], "forward", "pi", "--local-port", "0", "--remote-port", "8080", "--kubeconfig", kubeconfig],
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process

    def test_sparkctl_forwards_a_port_of_the_driver(self):
        self.kubectl("create", "-f", os.path.join(TOP, "charts/spark-operator-chart/crds/sparkoperator.k8s.io_sparkapplications.yaml"))
        app = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": "pi"},
               "spec": {"type": "Python", "sparkVersion": "3.5.7", "mainApplicationFile": "local:///pi.py", "driver": {}, "executor": {}}}
        self.wait_for(lambda: "created" in self.kubectl("create", "-f", "-", text=json.dumps(app), check=False), "no application")
        big = bytes(range(256)) * 20000
        with open(self.folder + "/images/tool/1/opt/big", "wb") as file:
            file.write(big)
        self.create("pi-driver", "exec python3 -m http.server 8080 --bind $ADDRESS --directory /opt",
                    container={"env": [{"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]})
        self.wait_phase("pi-driver", "Running")

        # Since Kubernetes 1.35 a websocket takes `create`, as well as the `get` that its method is.
        poor = self.forward(self.user("poor", ["get"]))
        said = poor.communicate(timeout=LIMIT)
        self.assertEqual((poor.returncode, said[0]), (1, ""), said)
        self.assertIn("pods/portforward", said[1])

        rich = self.user("rich", ["get", "create"])
        process = self.forward(rich)
        self.assertRegex(process.stdout.readline(), r"^forwarding from \d+ -> 8080\n$")
        url = process.stdout.readline().strip()
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def page(_=None):
            with contextlib.suppress(OSError), direct.open(url + "/big", timeout=LIMIT) as answer:
                return answer.read()
            return None
        self.wait_for(page, "no page")                          # it listens some time after it runs
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertTrue(all(seen == big for seen in pool.map(page, range(8))))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=LIMIT), 130)

        process = self.forward(rich)
        self.assertIn("forwarding", process.stdout.readline())
        self.kubectl("delete", "pod", "pi-driver")
        said = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0, said)
        self.assertRegex(said[1], "driver pod pi-driver (is gone|has ended)")

    def test_after_kill_9_the_next_kubelet_reports_what_ended(self):
        self.create("orphan", "echo up; while :; do sleep 0.05; done")
        self.wait_phase("orphan", "Running")
        self.end(self.node, signal.SIGKILL)
        self.start()
        orphan = self.wait_phase("orphan", "Failed")
        self.assertEqual(orphan["status"]["reason"], "KubeletRestarted")
        self.kubectl("delete", "pod", "orphan")

    def test_a_second_one_for_the_same_folder_says_who_has_it(self):
        second = subprocess.run([os.environ["SPARKCTL"], "local", "kubelet", "--data", os.path.join(self.folder, "data")], env=self.environment,
                                capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(self.node.pid), second.stderr)

    def test_wrong_flags_are_named(self):
        for arguments, says in ((["--taint", "x"], "key=value:Effect"), (["--label", "x"], "KEY=VALUE"), (["--nod", "x"], "--nod"),
                                (["--max-pods", "many"], "many"), (["--node"], "--node")):
            run = subprocess.run([os.environ["SPARKCTL"], "local", "kubelet", *arguments], capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual(run.returncode, 2, arguments)
            self.assertIn(says, run.stderr)


if __name__ == "__main__":
    unittest.main()

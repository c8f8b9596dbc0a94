#!/usr/bin/env python3
"""Two replicas of the webhook behind a real API server, while pods are created all the time.

    SPARK_OPERATOR=… rotation_test.py [--server real|embedded] [--rate 200] [--rotations 10]

Certificates change, self-signed ones and those of an issuer: not one pod is refused. A replica is replaced, killed and
frozen out, the API server restarted: what is refused is what the failure policy says, nothing is admitted unchanged under
Fail, and everything is well again afterwards. Rates and times are printed, never judged."""

import argparse
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from replicas import NAMESPACE, Webhook, ask  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from waiting import wait_for  # noqa: E402

APPLICATION = {
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": "pi", "namespace": NAMESPACE},
    "spec": {"type": "Python", "sparkVersion": "3.5.7", "image": "spark:3.5.7", "mainApplicationFile": "local:///pi.py", "suspend": True,
             "driver": {"serviceAccount": "default"}, "executor": {"nodeSelector": {"pool": "executors"}}}}
APPLICATIONS = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{NAMESPACE}/sparkapplications"


def executor(name):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"spark-role": "executor", "sparkoperator.k8s.io/app-name": "pi",
                                                  "sparkoperator.k8s.io/launched-by-spark-operator": "true"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}}


class Load:
    """Creates pods at a steady rate, by some connections; what is late is made up for as fast as the server allows. Pods are created
    as a dry run: they pass admission and validation, and nothing is stored."""
    CONNECTIONS = 6

    def __init__(self, plane, rate):
        self.plane, self.rate = plane, rate
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.number, self.start = 0, time.monotonic()
        self.admitted, self.unchanged, self.refused, self.cut = [], [], [], []      # times; refused: with the reason
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(self.CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def next(self):
        with self.lock:
            number = self.number
            self.number += 1
            late = self.start + number / self.rate - time.monotonic()
            if late < -1:                                                         # what was missed is not made up for
                self.start -= late
        if late > 0:
            self.stopping.wait(late)
        return number

    def run(self):
        place = urllib.parse.urlparse(self.plane.url)
        trust = ssl.create_default_context(cafile=self.plane.ca_file)
        connection = None
        while not self.stopping.is_set():
            number = self.next()
            try:
                if connection is None:
                    connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=60, context=trust)
                connection.request("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", json.dumps(executor(f"load-{number}")),
                                   {"Authorization": f"Bearer {self.plane.token}", "Content-Type": "application/json"})
                answer = connection.getresponse()
                status, body = answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.cut.append((time.monotonic(), repr(error)))
                if connection is not None:
                    connection.close()
                connection = None
                self.stopping.wait(0.05)
                continue
            now = time.monotonic()
            if status == 201:
                mutated = body["spec"].get("nodeSelector") == {"pool": "executors"}
                (self.admitted if mutated else self.unchanged).append(now)
            else:
                self.refused.append((now, f"{status} {body.get('message')}"))
        if connection is not None:
            connection.close()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(120)

    def marks(self):
        return len(self.admitted), len(self.unchanged), len(self.refused), len(self.cut)

    def since(self, marks):
        """(admitted, unchanged, refused, cut) after that moment."""
        return tuple(list[mark:] for list, mark in zip((self.admitted, self.unchanged, self.refused, self.cut), marks))

    def wait_for_more(self, count, what):
        have = len(self.admitted)
        wait_for(lambda: len(self.admitted) >= have + count,
                 lambda: f"{what}: {len(self.admitted) - have} of {count} pods were admitted; the last refusals: {self.refused[-3:]} {self.cut[-3:]}")


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Issuer:
    """Signs as cert-manager does: one authority that stays, each leaf behind an intermediate of its own."""

    def __init__(self, folder, name):
        self.folder, self.name, self.serial = folder, name, 0
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.crt", "-days", "365",
                "-subj", "/CN=root")

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as f:
            return f.read()

    def sign(self, name, subject, authority, extensions):
        self.serial += 1
        with open(os.path.join(self.folder, "extensions"), "w") as f:
            f.write(extensions)
        openssl(self.folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-set_serial",
                str(self.serial), "-days", "90", "-extfile", "extensions", "-out", f"{name}.crt")

    def issue(self):
        """What cert-manager writes into its Secret."""
        self.sign("between", f"/CN=between-{self.serial}", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
        self.sign("leaf", f"/CN={self.name}", "between", f"subjectAltName=DNS:{self.name},DNS:localhost\nextendedKeyUsage=serverAuth\n")
        return {"ca.crt": self.read("root.crt"), "tls.crt": self.read("leaf.crt") + self.read("between.crt"), "tls.key": self.read("leaf.key")}


def first_certificate(pem):
    text = pem.decode()
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN"):text.index(end) + len(end)])


class RotationTest(unittest.TestCase):
    server, rate, rotations = "real", 200, 10

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(cls.server))
        cls.binary = os.environ["SPARK_OPERATOR"]
        subprocess.run([cls.binary, "crds", "apply", "--kubeconfig", cls.plane.kubeconfig], check=True, capture_output=True, timeout=120)
        wait_for(lambda: cls.kind_is_served(), "SparkApplications are not served")

    @classmethod
    def kind_is_served(cls):
        try:
            return ask(cls.plane, "GET", APPLICATIONS)
        except OSError:
            return False

    def set_up(self, webhook, policy="Fail", bundle=None):
        self.addCleanup(webhook.kill_all)
        for number in range(webhook.COUNT):
            webhook.start(number)
        webhook.balance()
        webhook.register(policy, bundle)
        self.addCleanup(webhook.unregister)
        webhook.wait_until_ready()
        made = wait_for(lambda: self.create_application(), lambda: f"no application can be created\n{webhook.tails()}")
        self.assertEqual(made["spec"]["executor"]["instances"], 1)                # the webhook was asked
        self.addCleanup(ask, self.plane, "DELETE", f"{APPLICATIONS}/pi")
        load = Load(self.plane, self.rate)
        self.addCleanup(load.stop)
        load.wait_for_more(50, "the load does not start")
        return load

    def create_application(self):
        try:
            return ask(self.plane, "POST", APPLICATIONS, APPLICATION)
        except OSError:                                                           # an API server learns of a configuration a little later
            return None

    def report(self, what, load, marks, start):
        admitted, unchanged, refused, cut = load.since(marks)
        took = time.monotonic() - start
        print(f"{what}: {len(admitted)} pods in {took:.1f} s ({len(admitted) / took:.0f}/s), {len(unchanged)} unchanged, "
              f"{len(refused)} refused, {len(cut)} connections cut", flush=True)
        return admitted, unchanged, refused, cut

    def assert_not_one_refused(self, what, load, marks, start):
        _, unchanged, refused, cut = self.report(what, load, marks, start)
        self.assertEqual((unchanged, refused, cut), ([], [], []), what)

    def recovery(self, bad, since):
        return f"{max((when for when, _ in bad), default=since) - since:.2f} s"

    def test_self_signed_certificates_change_and_replicas_come_and_go(self):
        webhook = Webhook(self.plane, self.binary, "own")
        load = self.set_up(webhook)

        marks, start = load.marks(), time.monotonic()
        for _ in range(self.rotations):
            self.rotate_own(webhook)
            load.wait_for_more(20, "after a rotation")
        self.assert_not_one_refused(f"{self.rotations} self-signed rotations", load, marks, start)

        marks, start = load.marks(), time.monotonic()
        for number in range(webhook.COUNT):                                       # a rolling update
            webhook.replicas[number].process.terminate()
            self.assertEqual(webhook.replicas[number].process.wait(120), 0, webhook.tails())
            load.wait_for_more(20, "beside a replica that is replaced")
            webhook.start(number)
            webhook.wait_until_ready()
        self.assert_not_one_refused("replicas replaced one after the other", load, marks, start)

        marks, start = load.marks(), time.monotonic()
        webhook.replicas[0].process.kill()
        webhook.replicas[0].process.wait()
        load.wait_for_more(100, "beside a replica that was killed")
        webhook.start(0)
        webhook.wait_until_ready()
        load.wait_for_more(50, "after a replica was killed")
        _, unchanged, refused, cut = self.report("a replica killed and started again", load, marks, start)
        print("  recovered after " + self.recovery(refused, start), flush=True)
        # The reviews that it was working on; the policy is Fail.
        self.assertEqual((unchanged, cut), ([], []))
        for _, reason in refused:
            self.assertIn("failed calling webhook", reason)

        if self.server == "real":
            marks, start = load.marks(), time.monotonic()
            self.plane.restart("kube-apiserver")
            load.wait_for_more(100, "after the API server was restarted")
            _, unchanged, refused, cut = self.report("the API server restarted", load, marks, start)
            print("  recovered after " + self.recovery(cut + refused, start), flush=True)
            self.assertEqual(unchanged, [])
            # What is refused is refused by a server that has only just begun.
            for _, reason in refused:
                self.assertNotIn("webhook", reason)
            marks, start = load.marks(), time.monotonic()
            self.rotate_own(webhook)
            load.wait_for_more(20, "after a rotation")
            self.assert_not_one_refused("a rotation after that", load, marks, start)

        self.assert_policy_is_respected(webhook, load)
        load.stop()
        self.assertEqual(webhook.stop_all(), [], "they were killed before")

    def rotate_own(self, webhook):
        """Someone finds the certificate too old: one of the same authority that ends in 100 days lies in the Secret, and is to be
        replaced, authority and all. Returns when both replicas serve the new one."""
        before = webhook.secret_data()
        with tempfile.TemporaryDirectory(dir=self.plane.folder) as folder:
            for name in ("ca-key.pem", "ca-cert.pem"):
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(before[name])
            name = f"{webhook.service}.{NAMESPACE}.svc"
            with open(os.path.join(folder, "extensions"), "w") as f:
                f.write(f"subjectAltName=DNS:localhost,DNS:{name}\n")
            openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr", "-subj", f"/CN={name}")
            openssl(folder, "x509", "-req", "-in", "csr", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-set_serial", "7", "-days", "100",
                    "-extfile", "extensions", "-out", "cert.pem")
            with open(os.path.join(folder, "key.pem"), "rb") as key, open(os.path.join(folder, "cert.pem"), "rb") as certificate:
                webhook.write_secret({"server-key.pem": key.read(), "server-cert.pem": certificate.read()})
        after = wait_for(lambda: self.renewed(webhook, before), lambda: f"nobody has renewed the certificate\n{webhook.tails()}")
        self.assertIn(before["ca-cert.pem"].strip().split(b"-----END")[0], after["ca-cert.pem"])  # both authorities are trusted
        self.wait_until_served(webhook, after["server-cert.pem"])

    def renewed(self, webhook, before):
        now = webhook.secret_data()
        return now if now["ca-key.pem"] != before["ca-key.pem"] else None

    def wait_until_served(self, webhook, certificate):
        wanted = ssl.DER_cert_to_PEM_cert(first_certificate(certificate))
        for number in range(webhook.COUNT):
            wait_for(lambda number=number: webhook.served(number) == wanted,
                     lambda: f"a replica does not serve the new certificate\n{webhook.tails()}")

    def assert_policy_is_respected(self, webhook, load):
        """No replica at all."""
        for replica in webhook.replicas:
            replica.process.kill()
            replica.process.wait()
        marks = load.marks()
        wait_for(lambda: len(load.since(marks)[2]) >= 20, "nothing is refused without a webhook")
        self.assertEqual(load.since(marks)[1], [])
        webhook.set_policy("Ignore")
        marks, start = load.marks(), time.monotonic()
        wait_for(lambda: len(load.since(marks)[1]) >= 50, "the policy Ignore lets nothing in")
        admitted, unchanged, _, _ = self.report("policy Ignore without a replica", load, marks, start)
        self.assertEqual(admitted, [])
        self.assertGreaterEqual(len(unchanged), 50)

    def test_an_issuers_certificates_change_in_the_secret_and_in_files(self):
        folder = tempfile.mkdtemp(dir=self.plane.folder)
        mounted = os.path.join(folder, "mounted")
        os.mkdir(mounted)
        webhook = Webhook(self.plane, self.binary, "issued", flags=["--enable-cert-manager"],
                          flags_of=lambda number: [f"--webhook-cert-dir={mounted if number == 1 else folder + '/none'}"])
        issuer = Issuer(folder, f"{webhook.service}.{NAMESPACE}.svc")
        data = issuer.issue()
        webhook.write_secret(data)
        self.mount(mounted, data)
        load = self.set_up(webhook, bundle=issuer.read("root.crt"))
        marks, start = load.marks(), time.monotonic()
        for _ in range(self.rotations):
            data = issuer.issue()
            webhook.write_secret(data)
            self.mount(mounted, data)
            self.wait_until_served(webhook, data["tls.crt"])
            load.wait_for_more(20, "after a renewal")
        self.assert_not_one_refused(f"{self.rotations} renewals by an issuer", load, marks, start)
        load.stop()
        self.assertEqual(webhook.stop_all(), [0, 0], webhook.tails())

    @staticmethod
    def mount(folder, data):
        """As a kubelet does: a new folder, and one rename makes it the current one."""
        fresh = tempfile.mkdtemp(dir=folder)
        for name, content in data.items():
            with open(os.path.join(fresh, name), "wb") as f:
                f.write(content)
        link, current = os.path.join(folder, "..data_tmp"), os.path.join(folder, "..data")
        old = os.path.realpath(current) if os.path.islink(current) else None
        os.symlink(os.path.basename(fresh), link)
        os.rename(link, current)
        for name in data:
            if not os.path.islink(os.path.join(folder, name)):
                os.symlink(os.path.join("..data", name), os.path.join(folder, name))
        if old:
            shutil.rmtree(old)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))                       # so that clean-ups run
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--server", choices=("real", "embedded"), default=RotationTest.server)
    parser.add_argument("--rate", type=int, default=RotationTest.rate)
    parser.add_argument("--rotations", type=int, default=RotationTest.rotations)
    options, rest = parser.parse_known_args()
    RotationTest.server, RotationTest.rate, RotationTest.rotations = options.server, options.rate, options.rotations
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

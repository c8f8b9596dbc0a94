#!/usr/bin/env python3
"""Two operators, a control plane, a node that pretends, and many applications being submitted; the leader is killed, frozen
for longer than its lease, and rolled. What happened is read from the API server's audit log.

    test/failover/failover_test.py --server real --applications 200
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.request
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from administrator import Api  # noqa: E402
from control_plane import ControlPlane, dies_with_parent, free_port  # noqa: E402
from driver_history import DriverHistory  # noqa: E402
from operators import LEASE, NAMESPACE, USER, Operators  # noqa: E402
from waiting import wait_for  # noqa: E402

FREEZE = 30                            # seconds; twice the lease
END_LIMIT = 600
KINDS = ("plain", "plain", "renamed", "failing", "plain", "short-lived", "plain", "measured", "plain", "named")


def kind_of(number):
    return KINDS[number % len(KINDS)]


def application(number):
    """Most just run. Some are renamed while they wait or run, fail and are tried again, live on for seconds only, bring a
    metrics exporter's map, or name their driver."""
    kind = kind_of(number)
    notes = {"pretend.kubelet/lasts": "5s"}
    spec = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
            "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "restartPolicy": {"type": "Never"},
            "driver": {"cores": 1, "memory": "512m", "serviceAccount": "default", "annotations": notes},
            "executor": {"instances": 1, "memory": "512m"}}
    if kind == "failing":
        notes["pretend.kubelet/exit-code"] = "1"
        # A submission that is refused spends the second budget, and so does each that is not: with one retry a single
        # refusal by a busy server (whose admission cannot look something up just then) would be the end after one driver.
        spec["restartPolicy"] = {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1,
                                 "onSubmissionFailureRetries": 10, "onSubmissionFailureRetryInterval": 1}
    if kind == "short-lived":
        spec["timeToLiveSeconds"] = 5
    if kind == "measured":
        spec["monitoring"] = {"exposeDriverMetrics": True, "exposeExecutorMetrics": True,
                              "prometheus": {"jmxExporterJar": "/opt/exporter.jar", "port": 8090}}
    if kind == "named":
        spec["driver"]["podName"] = f"app-{number}-of-its-own"
    return {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
            "metadata": {"name": f"app-{number}", "namespace": "default"}, "spec": spec}


class Submissions(threading.Thread):
    """Creates applications in bursts, as many as allowed so far, and renames some a moment after their burst."""
    BURST, PAUSE = 10, 1.0

    def __init__(self, plane, count):
        super().__init__(daemon=True)
        self.api, self.count, self.allowed = Api(plane), count, 0
        self.made, self.wrong = 0, []
        self.go_on = threading.Condition()

    def run(self):
        with self.api:
            self.submit()

    def submit(self):
        while self.made < self.count:
            with self.go_on:
                self.go_on.wait_for(lambda: self.made < self.allowed)
            burst = range(self.made, min(self.made + self.BURST, self.allowed))
            for number in burst:
                status, answer = self.api.call("POST", Api.PATH, application(number))
                if status != 201:
                    self.wrong.append(f"app-{number}: {status} {answer.get('message')}")
                self.made = number + 1
            time.sleep(self.PAUSE)
            for number in burst:
                if kind_of(number) == "renamed":
                    self.api.call("PATCH", f"{Api.PATH}/app-{number}", {"spec": {"driver": {"podName": f"app-{number}-renamed"}}},
                                  "application/merge-patch+json")

    def allow(self, count):
        with self.go_on:
            self.allowed = min(count, self.count)
            self.go_on.notify()

    def wait_for(self, count):
        wait_for(lambda: self.made >= count, "submitting takes too long", END_LIMIT)


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def applied_writes(history):
    """Writes of the operators that are no renewals of the lease, with their time."""
    for event in history.events:
        about = event.get("objectRef") or {}
        if event["user"]["username"] == USER and event["verb"] in ("create", "patch", "update", "delete") and \
                about.get("resource") not in ("leases", "events") and event.get("responseStatus", {}).get("code", 0) < 300:
            yield seconds(event["stageTimestamp"])


def recovery(history, since, gone):
    """Seconds until another held the lease, and until something was done after that. None: never."""
    for event in history.events:
        about = event.get("objectRef") or {}
        if about.get("resource") != "leases" or about.get("name") != LEASE or event.get("responseStatus", {}).get("code", 0) >= 300:
            continue
        holder = ((event.get("requestObject") or {}).get("spec") or {}).get("holderIdentity", "")
        at = seconds(event["stageTimestamp"])
        if at > since and holder and holder not in gone:
            return at - since, next((t - since for t in applied_writes(history) if t >= at), None)
    return None, None


class FailOver(unittest.TestCase):
    server, applications, keep = "embedded", 60, ""

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(cls.server, audit="RequestResponse"))
        kubectl = os.environ.get("KUBECTL") or shutil.which("kubectl")
        cls.operators = Operators(cls.plane, kubectl, os.environ["SPARK_OPERATOR"], free_port)
        cls.addClassCleanup(cls.operators.kill_all)
        cls.operators.install()
        cls.node = subprocess.Popen([os.environ["PRETEND_KUBELET"], "--kubeconfig", cls.plane.kubeconfig], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_parent(signal.SIGKILL))
        cls.addClassCleanup(cls.node.wait)
        cls.addClassCleanup(cls.node.terminate)
        cls.addClassCleanup(cls.node.stdout.close)
        if cls.node.stdout.readline() != "ready\n":
            raise AssertionError("the pretended node does not get ready")

    def test_one_driver_an_attempt_whatever_happens_to_the_leader(self):
        operators, said = self.operators, []
        first, second = operators.start(), operators.start()
        for operator in (first, second):
            operators.wait_until_ready(operator)
        operators.wait_for_leader()
        submissions = Submissions(self.plane, self.applications)
        submissions.start()
        taken, ways = [], (("killed", self.kill), ("frozen", self.freeze), ("rolled", self.roll))
        for number, (name, take_away) in enumerate(ways):
            leader = operators.wait_for_leader()
            for standby in operators.running():
                operators.wait_until_ready(standby)
            gone = leader.identities()
            # In the middle of a burst, with more to come while nobody leads.
            share = self.applications / len(ways)
            submissions.allow(round(share * (number + 1)))
            submissions.wait_for(int(share * (number + 0.4)))
            began = take_away(leader, at_once=True)
            taken.append((name, began, gone))
            operators.wait_for_leader(but=leader)
            take_away(leader, at_once=False)
            operators.start()                                     # as a Deployment would
        submissions.join(END_LIMIT)
        self.assertEqual(submissions.wrong, [])
        self.assertEqual(submissions.made, self.applications)
        self.wait_until_all_have_ended()
        refusals = self.counted_refusals()
        codes = operators.stop_all()
        self.assertEqual(set(codes.values()), {0}, f"exit codes {codes}\n{operators.tails()}")

        if self.keep:
            shutil.copy(self.plane.audit_log, self.keep)
        history = DriverHistory.read(self.plane.audit_log, ordered=self.server == "embedded")
        for name, began, gone in taken:
            lease, write = recovery(history, began, gone)
            self.assertIsNotNone(lease, f"after the leader was {name} nobody took the lease")
            said.append(f"leader {name}: the next held the lease after {lease:.2f} s" +
                        (f", and wrote first after {write:.2f} s" if write is not None else ""))
        self.check(history, refusals)
        unused = self.unused_verbs(history)
        print(f"\n{self.server}: {self.applications} applications, {len(history.drivers)} drivers, one an attempt at every moment")
        print("\n".join(said))
        print("granted and not used in this run: " + ("; ".join(unused) or "nothing"), flush=True)

    # --- what happens to a leader: at once, and what follows when another leads

    def kill(self, leader, at_once):
        if at_once:
            leader.send_signal(signal.SIGKILL)
            leader.process.wait()
        return time.time()

    def freeze(self, leader, at_once):
        if at_once:
            leader.send_signal(signal.SIGSTOP)
            self.frozen_at = time.time()
            return self.frozen_at
        time.sleep(max(0.0, self.frozen_at + FREEZE - time.time()))
        leader.send_signal(signal.SIGCONT)
        leader.process.wait(END_LIMIT)
        self.assertEqual(leader.process.returncode, 1, f"who lost the lease ends\n{leader.tail()}")

    def roll(self, leader, at_once):
        if at_once:
            leader.send_signal(signal.SIGTERM)
            return time.time()
        leader.process.wait(END_LIMIT)
        self.assertEqual(leader.process.returncode, 0, leader.tail())

    # --- what must hold

    def wait_until_all_have_ended(self):
        api = self.enterContext(Api(self.plane))
        ends = {"failing": "FAILED", "short-lived": None}

        def open_ones():
            self.statuses = {a["metadata"]["name"]: a.get("status") or {} for a in api.call("GET", Api.PATH)[1]["items"]}
            states = {name: status.get("applicationState", {}).get("state", "") for name, status in self.statuses.items()}
            wanted = {f"app-{n}": ends.get(kind_of(n), "COMPLETED") for n in range(self.applications)}
            return {name: states.get(name) for name, end in wanted.items() if states.get(name) != end}
        wait_for(lambda: not open_ones(), lambda: f"not as they should be: {open_ones()}\n{self.operators.tails()}", END_LIMIT)

    def counted_refusals(self):
        """Lines of the running operators' metrics that count an answer 403."""
        found = []
        for operator in self.operators.running():
            with urllib.request.urlopen(operator.metrics_url, timeout=10) as answer:
                text = answer.read().decode()
            self.assertIn("rest_client_requests_total{", text)
            found += [f"{operator}: {line}" for line in text.splitlines()
                      if line.startswith("rest_client_requests_total{") and 'code="403"' in line]
        return found

    def check(self, history, refusals):
        words = lambda pairs: "\n".join(f"{a}\n  beside {b}" for a, b in pairs)  # noqa: E731
        self.assertEqual(history.overlaps(), [], f"two drivers at once:\n{words(history.overlaps())}")
        self.assertEqual(history.made_twice(), [], f"two drivers of one attempt:\n{words(history.made_twice())}")
        self.assertTrue(all(d.by == USER and d.owner and d.attempt for d in history.drivers))
        by_app = {}
        for driver in history.drivers:
            by_app.setdefault(driver.app, []).append(driver)
        for number in range(self.applications):
            count, kind = len(by_app.get(f"app-{number}", [])), kind_of(number)
            expected = (2,) if kind == "failing" else (1, 2) if kind == "renamed" else (1,)
            status = self.statuses.get(f"app-{number}") or {}
            about = f"app-{number} ({kind}): {status}\n" + "\n".join(
                [*map(str, by_app.get(f"app-{number}", [])), *history.about(f"app-{number}")])
            self.assertIn(count, expected, about)
            if kind == "failing":                                 # an edit starts the counter over, and who is gone has none
                self.assertEqual(count, status.get("executionAttempts"), f"what status counts, of {about}")

        self.assertEqual(history.refused(USER), [], "what the roles do not allow")
        self.assertEqual(refusals, [])
        for operator in self.operators.all:
            with open(operator.log_path, errors="replace") as f:
                wrong = [line for line in f if "forbidden" in line.lower()]
            self.assertEqual(wrong, [], f"log of {operator}")

    def unused_verbs(self, history):
        """Printed only: who reads it sees a verb that nothing needs any more."""
        used, unused = history.verbs(USER), []
        for kind, path in (("clusterroles", ""), ("roles", f"namespaces/{NAMESPACE}/")):
            role = json.loads(self.plane.get(f"/apis/rbac.authorization.k8s.io/v1/{path}{kind}/spark-operator-controller"))
            for rule in role["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        verbs = [v for v in rule["verbs"] if v not in used.get((group, resource), set())]
                        if verbs:
                            unused.append(f"{resource} {' '.join(verbs)}")
        return unused


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--applications", type=int, default=60)
    parser.add_argument("--keep", default="", help="where to leave a copy of the audit log")
    options, rest = parser.parse_known_args()
    FailOver.server, FailOver.applications, FailOver.keep = options.server, options.applications, options.keep
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

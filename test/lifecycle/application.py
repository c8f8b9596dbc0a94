"""One application of the life-cycle suite, seen from outside: its user, its driver's kubelet, and the changes of state that
an API server's watch tells of.

    watcher = Watcher(plane)
    app = Application(plane, watcher, gate, "app-1")
    app.create(restartPolicy={"type": "Never"})
    app.row("NEW", "submitted", "SUBMITTED")              # the next change of state must be this one
    app.driver_is("Running")
    app.row("SUBMITTED", "driver running", "RUNNING")
"""

import http.client
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "failover"))
from administrator import Api  # noqa: E402
from operators import LIMIT  # noqa: E402
from waiting import wait_for  # noqa: E402

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"
ROLE, APP, ID = "spark-role", "sparkoperator.k8s.io/app-name", "sparkoperator.k8s.io/submission-id"


def state_of(status):
    return (status.get("applicationState") or {}).get("state") or "NEW"


class Watcher(threading.Thread):
    """Keeps every status that any application has had, in order. The definition must be served already."""

    def __init__(self, plane):
        super().__init__(daemon=True)
        self.api, self.seen, self.changed = Api(plane), {}, threading.Condition()
        self.api.connection.timeout = 3600                # nothing may happen for a while
        self.closed = self.ended = False
        self.start()

    def close(self):
        """Before the server is stopped, which ends the watch."""
        self.closed = True

    def run(self):
        try:
            with self.api:
                self.watch()
        except (OSError, http.client.HTTPException):
            if not self.closed:
                raise
        finally:
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def watch(self):
        version = self.api.call("GET", Api.PATH)[1]["metadata"]["resourceVersion"]
        while not self.closed:
            headers = {"Authorization": f"Bearer {self.api.token}"}
            self.api.connection.request("GET", f"{Api.PATH}?watch=1&resourceVersion={version}&allowWatchBookmarks=true", headers=headers)
            for line in self.api.connection.getresponse():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise RuntimeError(f"the watch of applications broke: {event}")
                meta = event["object"]["metadata"]
                version = meta["resourceVersion"]
                if event["type"] == "BOOKMARK":
                    continue
                with self.changed:
                    gone = {"gone": True} if event["type"] == "DELETED" else {}
                    self.seen.setdefault(meta["name"], []).append((event["object"].get("status") or {}) | gone)
                    self.changed.notify_all()

    def next(self, name, position, fact, what):
        """Index of the first status from `position` on of which the fact is true."""
        deadline = time.monotonic() + LIMIT
        with self.changed:
            while True:
                statuses = self.seen.get(name, [])
                for index in range(position, len(statuses)):
                    if fact(statuses[index]):
                        return index, statuses[index]
                if self.ended:
                    raise AssertionError("the watch of applications has ended")
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"{name}: waited {LIMIT} s for {what}; it is {statuses[position:] or statuses[-1:]}")


class Application:
    def __init__(self, plane, watcher, gate, name):
        self.api, self.watcher, self.gate, self.name = Api(plane), watcher, gate, name
        self.path, self.at, self.rows = f"{Api.PATH}/{name}", 0, []

    def close(self):
        self.api.close()

    # --- its user

    def call(self, method, path, body=None, content_type="application/json", allowed=()):
        status, answer = self.api.call(method, path, body, content_type)
        if status >= 300 and status not in allowed:
            raise AssertionError(f"{self.name}: {method} {path}: {status} {answer.get('message')}")
        return answer

    def create(self, **spec):
        whole = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
                 "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "arguments": ["10"],
                 "restartPolicy": {"type": "Never"}, "driver": {"cores": 1, "memory": "512m", "serviceAccount": "default"},
                 "executor": {"instances": 1, "memory": "512m"}} | spec
        self.call("POST", Api.PATH, {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
                                     "metadata": {"name": self.name, "namespace": "default"}, "spec": whole})

    def change(self, **spec):
        self.call("PATCH", self.path, {"spec": spec}, MERGE)

    def edit(self):
        self.change(arguments=[str(time.monotonic_ns())])

    def suspend(self, suspended=True):
        self.change(suspend=suspended)

    def found_as(self, status):
        """As somebody else has left it."""
        self.call("PATCH", f"{self.path}/status", {"status": status}, MERGE)
        wanted = status["applicationState"]["state"]
        self.at, _ = self.watcher.next(self.name, self.at, lambda seen: state_of(seen) == wanted, wanted)

    def read(self):
        return self.call("GET", self.path)

    # --- its pods: who runs them is this suite

    def pods(self, role="driver"):
        return [p for p in self.call("GET", PODS)["items"] if p["metadata"].get("labels", {}).get(ROLE) == role and
                p["metadata"]["labels"].get(APP) == self.name]

    def driver(self):
        """Of the attempt that status speaks of."""
        wanted = (self.read().get("status") or {}).get("submissionID")
        return wait_for(lambda: next((p for p in self.pods() if p["metadata"]["labels"].get(ID) == wanted), None),
                        f"{self.name} has no driver of its attempt")

    def set_status(self, pod, status):
        self.call("PATCH", f"{PODS}/{pod['metadata']['name']}/status", {"status": status}, MERGE)

    def driver_is(self, phase, code=None):
        """In the phase, and with an exit code its container has ended."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        pod, container = self.driver(), {"running": {"startedAt": now}}
        if code is not None:
            container = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}}
        status = {"phase": phase, "startTime": now}
        if phase != "Unknown":
            status["containerStatuses"] = [{"name": "spark-kubernetes-driver", "image": "spark:3.5.7", "imageID": "", "ready": False,
                                            "restartCount": 0, "state": container}]
        self.set_status(pod, status)

    def driver_ends(self, code):
        self.driver_is("Failed" if code else "Succeeded", code)

    def bind_driver(self):
        """To a node without a kubelet: when it is deleted, it terminates until somebody removes it."""
        name = self.driver()["metadata"]["name"]
        self.call("POST", f"{PODS}/{name}/binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                                                     "target": {"apiVersion": "v1", "kind": "Node", "name": "nowhere"}})

    def remove_drivers(self):
        for pod in self.pods():
            self.call("DELETE", f"{PODS}/{pod['metadata']['name']}", {"gracePeriodSeconds": 0}, allowed=(404,))

    def add_executor(self):
        driver, number = self.driver(), len(self.pods("executor")) + 1
        meta = driver["metadata"]
        labels = {key: meta["labels"][key] for key in meta["labels"] if key.startswith(("sparkoperator", "spark-app"))}
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": f"{self.name}-exec-{number}", "labels": labels | {ROLE: "executor", "spark-exec-id": str(number)},
                            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"],
                                                 "controller": True}]},
               "spec": {"restartPolicy": "Never", "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}}
        self.call("POST", PODS, pod)

    # --- what the API server lets the operator do

    def refuse_drivers(self):
        return self.gate.refuse(lambda request: request.creates("pods") and request.concerns(self.name))

    def hold_driver(self):
        return self.gate.hold(lambda request: request.creates("pods") and request.concerns(self.name))

    def hold_state(self, state):
        return self.gate.hold(lambda request: request.writes_state(state) and request.concerns(self.name))

    # --- what the watch says

    def row(self, from_, fact, to, check=lambda status: True):
        """The next change of state is this row of the table; of one that stays, the next change of status."""
        if from_ == to:
            before = self.watcher.seen[self.name][self.at] if from_ != "NEW" else {}
            arrives = lambda status: status != before  # noqa: E731
        else:
            arrives = lambda status: state_of(status) != from_ or status.get("gone")  # noqa: E731
        self.at, status = self.watcher.next(self.name, self.at, arrives, f"{from_} -- {fact} --> {to}")
        if state_of(status) != to or not check(status):
            raise AssertionError(f"{self.name}: expected {from_} -- {fact} --> {to}, it is {json.dumps(status)}")
        self.rows.append((from_, fact, to))

    def submitted(self, from_="NEW"):
        self.row(from_, "submitted", "SUBMITTED")

    def runs(self, from_="NEW"):
        self.submitted(from_)
        self.driver_is("Running")
        self.row("SUBMITTED", "driver running", "RUNNING")

    def refused(self, from_="NEW"):
        attempts = lambda status: status.get("submissionAttempts", 0)  # noqa: E731
        before = attempts(self.watcher.seen[self.name][self.at]) if from_ == "SUBMISSION_FAILED" else 0
        self.row(from_, "submission refused", "SUBMISSION_FAILED", lambda status: attempts(status) > before)

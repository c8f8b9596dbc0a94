"""Applications in every state that a Go operator leaves them in, with its status fields and its driver pods; what becomes of
them under an operator that takes over, and what a Go operator finds that takes them back.

    left = Left(api, count=200, application)      # api: call(method, path, body) → (code, object)
    left.make()
    left.wrong()                     # what is not (yet) as it must be; None: all of it is
    left.lost(), left.may_get_a_driver(), left.too_early(events)
    left.hand_back()                 # status as a Go operator writes it; returns what it would stumble over

A run of a schedule (takeover_schedules.py) is such an application, too.
"""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime

import go_status

GROUP = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default"
APPLICATIONS = f"{GROUP}/sparkapplications"
PODS = "/api/v1/namespaces/default/pods"
BEFORE = "2026-01-01T00:00:00Z"
MERGE = "application/merge-patch+json"
WAIT = 20                                                                # seconds of a retry, a time to live, that is still to come


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def unix(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def checked(answer, what):
    code, body = answer
    if code >= 300:
        raise AssertionError(f"{what}: {code} {body.get('message')}")
    return body


def retries(wait):
    """A submission is tried more often: a busy server may refuse one."""
    return {"restartPolicy": {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": wait,
                              "onSubmissionFailureRetries": 10, "onSubmissionFailureRetryInterval": wait}}


@dataclass(frozen=True)
class Kind:
    state: str                       # that the Go operator wrote; "": it has not seen the application yet
    ends: str | None                 # state that it comes to; None: it goes away
    executions: int = 1              # counted in the end
    driver: str = ""                 # "stays": it runs, and is followed; "goes": its end is the user's will; "": there is none
    starts: bool = False             # a driver is started
    lasts: str = "2s"                # drivers
    spec: dict = field(default_factory=dict)
    status: dict = field(default_factory=dict)   # what its status says otherwise than most of that state
    waits: str = ""                  # for what: "retry" or "end"


# What the Go operator empties before another run.
EMPTIED = {"sparkApplicationId": None, "terminationTime": None, "driverInfo": {}, "executorState": None}
NEVER_SUBMITTED = {"sparkApplicationId": None, "executorState": None, "terminationTime": None, "executionAttempts": None}
KINDS = {
    "new": Kind("", "COMPLETED", starts=True),
    "new-long": Kind("", "RUNNING", starts=True, lasts="1h"),
    "submitted": Kind("SUBMITTED", "COMPLETED", driver="stays", lasts="4s"),
    "running": Kind("RUNNING", "COMPLETED", driver="stays", lasts="4s"),
    "running-long": Kind("RUNNING", "RUNNING", driver="stays", lasts="1h"),
    "unknown": Kind("UNKNOWN", "COMPLETED", driver="stays", lasts="4s"),
    "succeeding": Kind("SUCCEEDING", "COMPLETED"),
    "completed": Kind("COMPLETED", "COMPLETED"),
    "failing": Kind("FAILING", "FAILED"),
    "failed": Kind("FAILED", "FAILED"),
    "to-retry": Kind("FAILING", "COMPLETED", executions=2, starts=True, spec=retries(1)),
    "to-retry-later": Kind("FAILING", "COMPLETED", executions=2, starts=True, spec=retries(WAIT), waits="retry"),
    "submission-failed": Kind("SUBMISSION_FAILED", "FAILED", executions=0, status=NEVER_SUBMITTED),
    "to-submit-again": Kind("SUBMISSION_FAILED", "COMPLETED", starts=True, spec=retries(1), status=NEVER_SUBMITTED),
    "to-run-again": Kind("PENDING_RERUN", "COMPLETED", executions=2, starts=True, spec=retries(1), status=EMPTIED),
    "edited": Kind("INVALIDATING", "COMPLETED", driver="goes", starts=True),
    "to-suspend": Kind("SUSPENDING", "SUSPENDED", driver="goes", lasts="1h", spec={"suspend": True}),
    "suspended": Kind("SUSPENDED", "SUSPENDED", spec={"suspend": True}, status=EMPTIED),
    "resuming": Kind("RESUMING", "COMPLETED", executions=2, starts=True, status=EMPTIED),
    "expired": Kind("COMPLETED", None, spec={"timeToLiveSeconds": 60}),
    "expiring": Kind("COMPLETED", None, spec={"timeToLiveSeconds": WAIT}, waits="end"),
}


def status_of(kind, name, attempt):
    ended = kind.state in ("COMPLETED", "FAILED", "FAILING", "SUCCEEDING")
    then = ago(0) if kind.waits else BEFORE if ended or kind.state in ("SUBMISSION_FAILED", "PENDING_RERUN", "RESUMING") else ago(5)
    failed = {"errorMessage": "driver container failed with ExitCode: 1, Reason: Error"}
    submission_failed = {"errorMessage": "failed to submit SparkApplication: failed to run spark-submit"}
    message = {"FAILED": failed, "FAILING": failed, "SUBMISSION_FAILED": submission_failed}.get(kind.state, {})
    info = {"podName": f"{name}-driver"}
    if kind.state != "SUBMISSION_FAILED":
        info.update({"webUIServiceName": f"{name}-ui-svc", "webUIPort": 4040, "webUIAddress": "10.0.0.9:4040"})
    return {"applicationState": {"state": kind.state, **message}, "submissionID": attempt,
            "sparkApplicationId": f"spark-{attempt.replace('-', '')}", "submissionAttempts": 1, "executionAttempts": 1,
            "lastSubmissionAttemptTime": then, "terminationTime": then if ended else None, "driverInfo": info,
            "executorState": {f"{name}-exec-1": "COMPLETED" if ended else "RUNNING"}, **kind.status}


def driver_of(application, attempt, lasts):
    """As spark-submit made it and the Go webhook changed it; kept to what tells whose it is."""
    metadata = application["metadata"]
    owner = {"apiVersion": application["apiVersion"], "kind": application["kind"], "name": metadata["name"], "uid": metadata["uid"],
             "controller": True, "blockOwnerDeletion": True}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"{metadata['name']}-driver", "ownerReferences": [owner], "annotations": {"pretend.kubelet/lasts": lasts},
                         "labels": {"spark-role": "driver", "spark-app-selector": f"spark-{attempt.replace('-', '')}", "spark-version": "3.5.7",
                                    "sparkoperator.k8s.io/app-name": metadata["name"], "sparkoperator.k8s.io/submission-id": attempt,
                                    "sparkoperator.k8s.io/launched-by-spark-operator": "true"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "spark-kubernetes-driver", "image": "spark:3.5.7"}]}}


class Left:
    def __init__(self, api, count, application):
        self.api, self.application, self.drivers, self.since = api, application, {}, {}
        kinds = list(KINDS)
        self.names = {f"left-{kinds[n % len(kinds)]}-{n}": kinds[n % len(kinds)] for n in range(count)}

    def call(self, method, path, body=None, content_type="application/json"):
        return checked(self.api.call(method, path, body, content_type), f"{method} {path}")

    def make(self):
        for name, kind in self.names.items():
            self.make_one(self.application(name, KINDS[kind].lasts if KINDS[kind].starts else "2s", **KINDS[kind].spec), KINDS[kind])

    def make_one(self, manifest, kind):
        made, attempt = self.call("POST", APPLICATIONS, manifest), str(uuid.uuid4())
        name = made["metadata"]["name"]
        if kind.driver:
            pod = self.call("POST", PODS, driver_of(made, attempt, "1h" if kind.driver == "goes" else kind.lasts))
            if kind.driver == "stays":
                self.drivers[name] = pod["metadata"]["uid"]
        if kind.state:
            status = status_of(kind, name, attempt)
            self.since[name] = status["lastSubmissionAttemptTime"]
            self.call("PATCH", f"{APPLICATIONS}/{name}/status", {"status": status}, MERGE)
        return made

    def all(self):
        return {a["metadata"]["name"]: a for a in self.call("GET", APPLICATIONS)["items"]}

    def wrong(self):
        seen = self.all()
        for name, kind in ((name, KINDS[kind]) for name, kind in self.names.items()):
            status = seen.get(name, {}).get("status", {})
            state = status.get("applicationState", {}).get("state")
            if (name in seen) != (kind.ends is not None) or (kind.ends and state != kind.ends):
                return f"{name}: {state}, not {kind.ends}: {status}"
            if kind.ends and status.get("executionAttempts", 0) != kind.executions:
                return f"{name}: {status.get('executionAttempts')} executions, not {kind.executions}"
        return None

    def lost(self):
        """Drivers of the operator before that are no longer the same pods."""
        pods = {p["metadata"]["name"]: p["metadata"]["uid"] for p in self.call("GET", PODS)["items"]}
        return [name for name, uid in self.drivers.items() if pods.get(f"{name}-driver") != uid]

    def may_get_a_driver(self):
        return {f"{name}-driver" for name, kind in self.names.items() if KINDS[kind].starts}

    def too_early(self, events):
        """Retries and ends, from an audit log, that came before their time."""
        for event in events:
            about, code = event.get("objectRef") or {}, event.get("responseStatus", {}).get("code", 0)
            what = {("pods", "create"): "retry", ("sparkapplications", "delete"): "end"}.get((about.get("resource"), event["verb"]))
            name = (about.get("name") or "").removesuffix("-driver")
            if code < 300 and name in self.names and what and KINDS[self.names[name]].waits == what:
                if unix(event["stageTimestamp"]) < unix(self.since[name]) + WAIT:
                    yield f"{name}: {what} at {event['stageTimestamp']}, {WAIT} s after {self.since[name]} at the earliest"

    def hand_back(self):
        """What has no field of the Go operator's goes, as it goes with the first status that it writes."""
        wrong = []
        pods = {p["metadata"]["name"]: p["metadata"]["labels"] for p in self.call("GET", PODS)["items"]}
        for name, application in self.all().items():
            application.update(apiVersion="sparkoperator.k8s.io/v1beta2", kind="SparkApplication")
            wrong += filter(None, [go_status.strange(application)])
            status = application.get("status", {})
            if status.get("applicationState", {}).get("state") == "RUNNING":
                # It takes the pod of that name for the driver, and pods with this label for its executors.
                labels = pods.get(status["driverInfo"].get("podName"), {})
                if labels.get("sparkoperator.k8s.io/submission-id") != status.get("submissionID"):
                    wrong.append(f"{name}: RUNNING as {status.get('submissionID')}, and its driver has the labels {labels}")
            application["status"] = go_status.rewritten(status, "SparkApplication")
            self.call("PUT", f"{APPLICATIONS}/{name}/status", application)
        return wrong

"""The states that a Go operator leaves applications in, with the status that it writes and what it has made around them; and what
becomes of each under an operator that takes over.

Times that are to go on lie far back: whoever counts a wait from the take-over instead is an hour late.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime

BEFORE = "2026-01-01T00:00:00Z"
HOUR = 3600                                                              # of a retry, a time to live
SOON = 60                                                                # seconds that are left of it where it is still to come


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def unix(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


RETRIES = {"restartPolicy": {"type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": HOUR,
                             "onSubmissionFailureRetries": 10, "onSubmissionFailureRetryInterval": HOUR}}
MONITORED = {"monitoring": {"exposeDriverMetrics": True, "exposeExecutorMetrics": True, "prometheus": {"jmxExporterJar": "/opt/exporter.jar", "port": 8090}}}


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
    other_id: bool = False           # the driver is of an attempt that status does not name
    around: bool = False             # executors, user interface, ingress, an exporter's map: all of it stays


# What the Go operator empties before another run.
EMPTIED = {"sparkApplicationId": None, "terminationTime": None, "driverInfo": {}, "executorState": None}
NEVER_SUBMITTED = {"sparkApplicationId": None, "executorState": None, "terminationTime": None, "executionAttempts": None}
KINDS = {
    "new": Kind("", "COMPLETED", starts=True),
    "new-long": Kind("", "RUNNING", starts=True, lasts="1h"),
    "submitted": Kind("SUBMITTED", "COMPLETED", driver="stays", lasts="4s"),
    "running": Kind("RUNNING", "COMPLETED", driver="stays", lasts="4s"),
    "new-with-driver": Kind("", "COMPLETED", driver="stays", lasts="4s"),
    "submitted-without-driver": Kind("SUBMITTED", "FAILED"),
    "running-with-all": Kind("RUNNING", "RUNNING", driver="stays", lasts="1h", spec=MONITORED, around=True),
    "running-long": Kind("RUNNING", "RUNNING", driver="stays", lasts="1h"),
    "unknown": Kind("UNKNOWN", "COMPLETED", driver="stays", lasts="4s"),
    "succeeding": Kind("SUCCEEDING", "COMPLETED"),
    "completed": Kind("COMPLETED", "COMPLETED"),
    "failing": Kind("FAILING", "FAILED"),
    "failed": Kind("FAILED", "FAILED"),
    "to-retry": Kind("FAILING", "COMPLETED", executions=2, starts=True, spec=RETRIES),
    "to-retry-later": Kind("FAILING", "COMPLETED", executions=2, starts=True, spec=RETRIES, waits="retry"),
    "submission-failed": Kind("SUBMISSION_FAILED", "FAILED", executions=0, status=NEVER_SUBMITTED),
    "to-submit-again": Kind("SUBMISSION_FAILED", "COMPLETED", starts=True, spec=RETRIES, status=NEVER_SUBMITTED),
    # Its driver was made, the status that was to say so was not written, the second try met the first one's pod.
    "to-submit-again-with-driver": Kind("SUBMISSION_FAILED", "COMPLETED", driver="goes", other_id=True, starts=True, spec=RETRIES, status=NEVER_SUBMITTED),
    "to-run-again": Kind("PENDING_RERUN", "COMPLETED", executions=2, starts=True, spec=RETRIES, status=EMPTIED),
    "edited": Kind("INVALIDATING", "COMPLETED", driver="goes", starts=True),
    "to-suspend": Kind("SUSPENDING", "SUSPENDED", driver="goes", lasts="1h", spec={"suspend": True}),
    "suspended": Kind("SUSPENDED", "SUSPENDED", spec={"suspend": True}, status=EMPTIED),
    "resuming": Kind("RESUMING", "COMPLETED", executions=2, starts=True, status=EMPTIED),
    "expired": Kind("COMPLETED", None, spec={"timeToLiveSeconds": HOUR}),
    "expiring": Kind("COMPLETED", None, spec={"timeToLiveSeconds": HOUR}, waits="end"),
}


def status_of(kind, name, attempt):
    ended = kind.state in ("COMPLETED", "FAILED", "FAILING", "SUCCEEDING")
    then = ago(HOUR - SOON) if kind.waits else BEFORE if ended or kind.state in ("SUBMISSION_FAILED", "PENDING_RERUN", "RESUMING") else ago(5)
    failed = {"errorMessage": "driver container failed with ExitCode: 1, Reason: Error"}
    submission_failed = {"errorMessage": "failed to submit SparkApplication: failed to run spark-submit"}
    message = {"FAILED": failed, "FAILING": failed, "SUBMISSION_FAILED": submission_failed}.get(kind.state, {})
    info = {"podName": f"{name}-driver"}
    if kind.state != "SUBMISSION_FAILED":
        info.update({"webUIServiceName": f"{name}-ui-svc", "webUIPort": 4040, "webUIAddress": "10.0.0.9:4040"})
    if kind.around:
        info.update({"webUIIngressName": f"{name}-ui-ingress", "webUIIngressAddress": f"http://{name}.example.com"})
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

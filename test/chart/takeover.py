"""Applications in the states that a Go operator left them in, with its status fields and its driver pods; and what becomes of
them under an operator that takes over.

    left = Left(api, count=200)      # api: call(method, path, body) → (code, object)
    left.make()
    left.wrong()                     # what is not (yet) as it must be; None: all of it is
    left.lost(), left.may_get_a_driver()
"""

import time
import uuid

APPLICATIONS = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications"
PODS = "/api/v1/namespaces/default/pods"
BEFORE = "2026-01-01T00:00:00Z"


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


# kind → state that the Go operator wrote, whether it has a driver, state that it comes to, application's own settings
KINDS = {
    "new": (None, False, "COMPLETED", {}),
    "submitted": ("SUBMITTED", True, "COMPLETED", {}),
    "running": ("RUNNING", True, "COMPLETED", {}),
    "completed": ("COMPLETED", False, "COMPLETED", {}),
    "failed": ("FAILED", False, "FAILED", {}),
    "suspended": ("SUSPENDED", False, "SUSPENDED", {"suspend": True}),
    # Its retry is due: the operator before had waited for the interval.
    "to-retry": ("FAILING", False, "COMPLETED", {"restartPolicy": {
        "type": "OnFailure", "onFailureRetries": 1, "onFailureRetryInterval": 1, "onSubmissionFailureRetries": 1, "onSubmissionFailureRetryInterval": 1}}),
    "expired": ("COMPLETED", False, None, {"timeToLiveSeconds": 60}),
}


class Left:
    def __init__(self, api, count, application):
        self.api, self.application, self.made = api, application, {}
        kinds = list(KINDS)
        self.names = {f"left-{kinds[n % len(kinds)]}-{n}": kinds[n % len(kinds)] for n in range(count)}

    def call(self, method, path, body=None, content_type="application/json"):
        code, answer = self.api.call(method, path, body, content_type)
        if code >= 300:
            raise AssertionError(f"{method} {path}: {code} {answer.get('message')}")
        return answer

    def make(self):
        for name, kind in self.names.items():
            state, driver, _, settings = KINDS[kind]
            made = self.call("POST", APPLICATIONS, self.application(name, **settings))
            attempt = str(uuid.uuid4())
            if driver:
                self.made[name] = self.call("POST", PODS, self.pod(made, attempt))["metadata"]["uid"]
            if state:
                self.call("PATCH", f"{APPLICATIONS}/{name}/status", {"status": self.status(name, state, attempt)}, "application/merge-patch+json")

    @staticmethod
    def status(name, state, attempt):
        ended = state in ("COMPLETED", "FAILED", "FAILING")
        return {"applicationState": {"state": state, **({"errorMessage": "driver container failed with ExitCode: 1"} if state.startswith("FAIL") else {})},
                "submissionID": attempt, "sparkApplicationId": f"spark-{attempt.replace('-', '')}", "submissionAttempts": 1, "executionAttempts": 1,
                "lastSubmissionAttemptTime": BEFORE if ended else ago(5), "terminationTime": BEFORE if ended else None,
                "driverInfo": {"podName": f"{name}-driver", "webUIServiceName": f"{name}-ui-svc", "webUIPort": 4040, "webUIAddress": "10.0.0.9:4040"},
                "executorState": {f"{name}-exec-1": "COMPLETED" if ended else "RUNNING"}}

    @staticmethod
    def pod(application, attempt):
        """As spark-submit made it and the Go webhook changed it; kept to what tells whose it is."""
        metadata = application["metadata"]
        owner = {"apiVersion": application["apiVersion"], "kind": application["kind"], "name": metadata["name"], "uid": metadata["uid"],
                 "controller": True, "blockOwnerDeletion": True}
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": f"{metadata['name']}-driver", "ownerReferences": [owner], "annotations": {"pretend.kubelet/lasts": "4s"},
                             "labels": {"spark-role": "driver", "spark-app-selector": f"spark-{attempt.replace('-', '')}", "spark-version": "3.5.7",
                                        "sparkoperator.k8s.io/app-name": metadata["name"], "sparkoperator.k8s.io/submission-id": attempt,
                                        "sparkoperator.k8s.io/launched-by-spark-operator": "true"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "spark-kubernetes-driver", "image": "spark:3.5.7"}]}}

    def wrong(self):
        seen = {a["metadata"]["name"]: a for a in self.call("GET", APPLICATIONS)["items"]}
        for name, kind in self.names.items():
            wanted = KINDS[kind][2]
            status = seen.get(name, {}).get("status", {})
            state = status.get("applicationState", {}).get("state")
            if (name in seen) != (wanted is not None) or (wanted and state != wanted):
                return f"{name}: {state}, not {wanted}: {status}"
            if wanted and kind != "new" and status.get("executionAttempts") != (2 if kind == "to-retry" else 1):
                return f"{name}: {status.get('executionAttempts')} executions"
        return None

    def lost(self):
        """Drivers of the operator before that are no longer the same pods."""
        pods = {p["metadata"]["name"]: p["metadata"]["uid"] for p in self.call("GET", PODS)["items"]}
        return [name for name, uid in self.made.items() if pods.get(f"{name}-driver") != uid]

    def may_get_a_driver(self):
        return {f"{name}-driver" for name, kind in self.names.items() if kind in ("new", "to-retry")}

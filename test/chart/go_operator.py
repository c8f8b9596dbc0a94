"""The Go operator as it finds things: what it would stumble over in applications that are handed to it, and its own writing over them.

    call = go_operator.caller(api)                   # api: failover_test.Api
    go_operator.takes_over(call)                     # what it would do wrong, or never; [] is good

It keeps no field of ours, finds a driver by the name in status alone, and hears of a pod's end only if the pod has the id that
status has.
"""

import go_status

DEFAULT = "namespaces/default"
APPLICATIONS = f"/apis/sparkoperator.k8s.io/v1beta2/{DEFAULT}/sparkapplications"
SCHEDULES = f"/apis/sparkoperator.k8s.io/v1beta2/{DEFAULT}/scheduledsparkapplications"
CONNECTS = f"/apis/sparkoperator.k8s.io/v1alpha1/{DEFAULT}/sparkconnects"
PODS, SERVICES, CONFIG_MAPS = (f"/api/v1/{DEFAULT}/{kind}" for kind in ("pods", "services", "configmaps"))
INGRESSES = f"/apis/networking.k8s.io/v1/{DEFAULT}/ingresses"
MERGE = "application/merge-patch+json"
ID = "sparkoperator.k8s.io/submission-id"


def caller(api):
    def call(method, path, body=None, content_type="application/json"):
        code, answer = api.call(method, path, body, content_type)
        if code >= 300:
            raise AssertionError(f"{method} {path}: {code} {answer.get('message')}")
        return answer
    return call


def is_new(application):
    return not application.get("status", {}).get("applicationState", {}).get("state")


def stuck(application, pods):
    """Why it would lose a driver, or wait for ever. `pods` by name."""
    status, name = application.get("status", {}), application["metadata"]["name"]
    state, id_ = status.get("applicationState", {}).get("state"), status.get("submissionID")
    recorded = status.get("driverInfo", {}).get("podName")
    driver = pods.get(recorded or application["spec"].get("driver", {}).get("podName") or f"{name}-driver")
    if driver and driver["metadata"].get("ownerReferences", [{}])[0].get("uid") != application["metadata"]["uid"]:
        driver = None
    if state in ("SUBMITTED", "RUNNING", "UNKNOWN", "PENDING_RERUN", "SUSPENDED") and driver and driver["metadata"]["labels"].get(ID) != id_:
        return f"{name}: {state} as {id_}, and its driver has the labels {driver['metadata']['labels']}"
    if state in ("SUBMITTED", "RUNNING") and not driver:
        return f"{name}: {state}, and there is no driver {recorded}"
    retries = application["spec"].get("restartPolicy", {}).get("type", "Never") != "Never"
    if state in ("FAILING", "SUBMISSION_FAILED") and retries and not (status.get("lastSubmissionAttemptTime") and status.get("submissionAttempts")):
        return f"{name}: {state}, and nothing tells when the next try is due: {status}"
    return None


def takes_over(call):
    wrong, pods = [], {p["metadata"]["name"]: p for p in call("GET", PODS)["items"]}
    for application in call("GET", APPLICATIONS)["items"]:
        application.update(apiVersion="sparkoperator.k8s.io/v1beta2", kind="SparkApplication")
        wrong += filter(None, [go_status.strange(application), stuck(application, pods)])
        # It writes its first status when it has submitted; one that is new stays so until then.
        if not is_new(application):
            application["status"] = go_status.rewritten(application["status"], "SparkApplication")
            call("PUT", f"{APPLICATIONS}/{application['metadata']['name']}/status", application)
    return wrong

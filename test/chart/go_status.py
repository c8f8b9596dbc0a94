"""Status as the Go operator reads and writes it: its fields, whole objects, nothing that it has no field for.

    go_status.rewritten(status, kind)       # as it writes one back that it has read
    go_status.strange(object)               # None, or what it would stumble over
"""

import re

STATES = ("", "SUBMITTED", "RUNNING", "COMPLETED", "FAILED", "SUBMISSION_FAILED", "PENDING_RERUN", "INVALIDATING", "SUCCEEDING", "FAILING",
          "SUSPENDING", "SUSPENDED", "RESUMING", "UNKNOWN")
POD_STATES = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "UNKNOWN")
# Of a schedule. In any other it does nothing, for ever.
SCHEDULE_STATES = ("", "Scheduled", "FailedValidation")
WHOLE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TIME = "time"
FIELDS = {
    "SparkApplication": {
        "sparkApplicationId": str, "submissionID": str, "lastSubmissionAttemptTime": TIME, "terminationTime": TIME, "executorState": dict,
        "submissionAttempts": int, "executionAttempts": int, "applicationState": {"state": str, "errorMessage": str},
        "driverInfo": {"podName": str, "webUIServiceName": str, "webUIPort": int, "webUIAddress": str, "webUIIngressName": str,
                       "webUIIngressAddress": str}},
    "ScheduledSparkApplication": {
        "lastRun": TIME, "nextRun": TIME, "lastRunName": str, "pastSuccessfulRunNames": list, "pastFailedRunNames": list, "scheduleState": str,
        "reason": str}}


def _known(value, fields):
    return {name: _known(value[name], kind) if isinstance(kind, dict) else value[name] for name, kind in fields.items() if name in value}


def rewritten(status, kind):
    """Empty values are left out, but for those that it always writes."""
    known = {name: value for name, value in _known(status, FIELDS[kind]).items() if value or name in ("driverInfo", "applicationState")}
    if kind == "SparkApplication":
        always = {"lastSubmissionAttemptTime": None, "terminationTime": None, "driverInfo": {}, "applicationState": {"state": ""}}
    else:
        always = {"lastRun": None, "nextRun": None}
    return {**always, **known}


def _wrong(value, fields, path):
    for name, kind in fields.items():
        here = f"{path}.{name}"
        if name not in value:
            continue
        if isinstance(kind, dict):
            yield from _wrong(value[name], kind, here) if isinstance(value[name], dict) else [here]
        elif kind is TIME:
            if value[name] is not None and not WHOLE_SECONDS.fullmatch(value[name]):
                yield here
        elif not isinstance(value[name], kind):
            yield here


def strange(o):
    status = o.get("status", {})
    wrong = list(_wrong(status, FIELDS[o["kind"]], "status"))
    if o["kind"] == "SparkApplication" and status:
        state = status.get("applicationState", {}).get("state")
        wrong += [f"state {state}"] if state not in STATES else []
        wrong += [f"executor {name}: {s}" for name, s in status.get("executorState", {}).items() if s not in POD_STATES]
        wrong += ["no status.driverInfo"] if "driverInfo" not in status else []
        # In these states it looks for the driver, by this name alone.
        if state in ("SUBMITTED", "RUNNING", "UNKNOWN") and not status.get("driverInfo", {}).get("podName"):
            wrong.append(f"{state} without status.driverInfo.podName")
    if o["kind"] == "ScheduledSparkApplication" and status.get("scheduleState", "") not in SCHEDULE_STATES:
        wrong.append(f"scheduleState {status['scheduleState']}")
    return f"{o['metadata']['name']}: {', '.join(wrong)}" if wrong else None

"""Schedules as a Go operator leaves them, with their runs; what becomes of them under an operator that takes over, and what a Go
operator finds that takes them back.

    schedules = LeftSchedules(left)          # takeover.Left, whose runs are applications like others
    schedules.make()
    schedules.wrong()                        # what is not (yet) as it must be; None: all of it is
    schedules.may_get_a_driver()
    schedules.hand_back()                    # as go_operator.takes_over()

All of them have a time at New Year only, so that nothing here depends on when it runs. The Go operator names a run after the moment
at which it started it, which is a little later than the time that was due.
"""

import time
from dataclasses import dataclass, field

import go_status
from go_operator import MERGE, SCHEDULES
from takeover_kinds import Kind, unix

LABEL = "sparkoperator.k8s.io/scheduled-app-name"
LATE = 1.25                                                              # seconds from the time that is due to the start
THIS_YEAR = time.gmtime().tm_year


def new_year(year):
    return f"{year}-01-01T00:00:00Z"


def run_name(schedule, moment):
    return f"{schedule}-{round(moment * 1000) * 1000000}"


@dataclass(frozen=True)
class Schedule:
    next: str | None                  # status.nextRun that the Go operator wrote; None: it has not seen the schedule yet
    ends_next: str | None             # to which it comes
    run: Kind | None = Kind("COMPLETED", "COMPLETED")   # of the last run, if there was one
    run_stays: bool = True
    starts: bool = False              # the run that is due at `next`
    state: str = "Scheduled"          # in the end
    spec: dict = field(default_factory=dict)
    status: dict = field(default_factory=dict)


DUE, COMING = new_year(THIS_YEAR), new_year(THIS_YEAR + 1)
RUNS_ON = Kind("RUNNING", "COMPLETED", driver="stays", lasts="4s")
IS_REPLACED = Kind("RUNNING", "", driver="goes")
KINDS = {
    "new": Schedule(None, COMING, run=None),
    "coming": Schedule(COMING, COMING, spec={"concurrencyPolicy": "Allow"}),
    "coming-after-a-failure": Schedule(COMING, COMING, run=Kind("FAILED", "FAILED")),
    "due": Schedule(DUE, COMING, run_stays=False, starts=True, spec={"concurrencyPolicy": "Allow"}),
    # The Go operator starts one run of these, and none after it.
    "due-without-a-policy": Schedule(DUE, COMING, run_stays=False, starts=True),
    "due-in-parallel": Schedule(DUE, COMING, run=RUNS_ON, starts=True, spec={"concurrencyPolicy": "Allow", "successfulRunHistoryLimit": 2}),
    "due-while-it-runs": Schedule(DUE, COMING, run=RUNS_ON, spec={"concurrencyPolicy": "Forbid"}),
    "due-to-replace": Schedule(DUE, COMING, run=IS_REPLACED, run_stays=False, starts=True, spec={"concurrencyPolicy": "Replace"}),
    "suspended": Schedule(DUE, DUE, spec={"suspend": True}),
    "invalid": Schedule(None, None, run=None, state="FailedValidation", spec={"schedule": "once a year"},
                        status={"scheduleState": "FailedValidation", "reason": "expected exactly 5 fields, found 3: [once a year]"}),
}


class LeftSchedules:
    def __init__(self, left):
        self.left, self.call, self.runs = left, left.call, {}
        self.names = {f"left-{kind}": kind for kind in KINDS}

    def make(self):
        for name, kind in ((name, KINDS[kind]) for name, kind in self.names.items()):
            template = self.left.application(name)["spec"]
            made = self.call("POST", SCHEDULES, {
                "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "ScheduledSparkApplication", "metadata": {"name": name, "namespace": "default"},
                "spec": {"schedule": "0 0 1 1 *", "timeZone": "UTC", "template": template, **kind.spec}})
            status = {"scheduleState": "Scheduled", "lastRun": None, "nextRun": kind.next}
            if kind.run:
                before = THIS_YEAR - 1 if kind.next == DUE else THIS_YEAR
                status.update(self.made_run(made, kind.run, unix(new_year(before)) + LATE))
                status["lastRun"] = new_year(before).replace("00Z", "01Z")
            if kind.next or kind.status:
                self.call("PATCH", f"{SCHEDULES}/{name}/status", {"status": {**status, **kind.status}}, MERGE)

    def made_run(self, schedule, kind, moment):
        name = schedule["metadata"]["name"]
        manifest = self.left.application(run_name(name, moment))
        manifest["metadata"].update(labels={LABEL: name}, ownerReferences=[{
            "apiVersion": schedule["apiVersion"], "kind": schedule["kind"], "name": name, "uid": schedule["metadata"]["uid"],
            "blockOwnerDeletion": True}])
        self.left.make_one(manifest, kind)
        self.runs[name] = manifest["metadata"]["name"]
        kept = {"COMPLETED": "pastSuccessfulRunNames", "FAILED": "pastFailedRunNames"}.get(kind.state)
        return {"lastRunName": self.runs[name], **({kept: [self.runs[name]]} if kept else {})}

    def due_run(self, name):
        return run_name(name, unix(DUE))

    def may_get_a_driver(self):
        return {f"{self.due_run(name)}-driver" for name, kind in self.names.items() if KINDS[kind].starts}

    def all(self):
        return {s["metadata"]["name"]: s for s in self.call("GET", SCHEDULES)["items"]}

    def wrong(self):
        seen, applications = self.all(), self.left.all()
        for name, kind in ((name, KINDS[kind]) for name, kind in self.names.items()):
            status = seen[name].get("status", {})
            wanted = {}
            if kind.run and kind.run_stays:
                wanted[self.runs[name]] = kind.run.ends
            if kind.starts:
                wanted[self.due_run(name)] = "COMPLETED"
            found = {a["metadata"]["name"]: a.get("status", {}).get("applicationState", {}).get("state")
                     for a in applications.values() if a["metadata"].get("labels", {}).get(LABEL) == name}
            if found != wanted:
                return f"{name}: runs {found}, not {wanted}; {status}"
            kept = sorted(run for run, state in wanted.items() if state == "COMPLETED")
            last = self.due_run(name) if kind.starts else self.runs.get(name)
            for field_name, value in (("scheduleState", kind.state), ("nextRun", kind.ends_next), ("lastRunName", last),
                                      ("pastSuccessfulRunNames", kept or None)):
                is_now = status.get(field_name) or None
                if (sorted(is_now) if isinstance(is_now, list) else is_now) != value:
                    return f"{name}: {field_name} is {is_now}, not {value}"
        return None

    def hand_back(self):
        wrong = []
        for name, schedule in self.all().items():
            schedule.update(apiVersion="sparkoperator.k8s.io/v1beta2", kind="ScheduledSparkApplication")
            wrong += filter(None, [go_status.strange(schedule)])
            status = schedule.get("status", {})
            if status.get("scheduleState") == "Scheduled" and not schedule["spec"].get("suspend") and status.get("nextRun") in (None, DUE):
                wrong.append(f"{name}: nextRun {status.get('nextRun')}: a run that was made or skipped would be made once more")
            schedule["status"] = go_status.rewritten(status, "ScheduledSparkApplication")
            self.call("PUT", f"{SCHEDULES}/{name}/status", schedule)
        return wrong

#!/usr/bin/env python3
"""ScheduledSparkApplications on the embedded or a real API server: runs are made when they are due, overlap as the policy says,
are pruned when they end; status tells of it. Drivers end when this suite says so.

    test/lifecycle/schedule_test.py --server real         # SPARK_OPERATOR and KUBECTL set
"""

import re
import time
from datetime import datetime, timedelta

from operated import APPLICATIONS, LABEL, PODS, SCHEDULES, Operated, run_suite

TEMPLATE = {"type": "Python", "mode": "cluster", "sparkVersion": "3.5.7", "image": "spark:3.5.7",
            "mainApplicationFile": "local:///opt/spark/examples/src/main/python/pi.py", "restartPolicy": {"type": "Never"},
            "driver": {"cores": 1, "memory": "512m", "serviceAccount": "default"}, "executor": {"instances": 1, "memory": "512m"}}


def state_of(app):
    return ((app.get("status") or {}).get("applicationState") or {}).get("state", "")


def time_of(run):
    """The time in the name of a run."""
    return int(run.rpartition("-")[2])


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Schedules(Operated):
    def schedule(self, name, schedule, labels=None, **spec):
        return self.make(SCHEDULES, name, {"schedule": schedule, "template": TEMPLATE} | spec, labels=labels or {})

    def tell(self, name):
        return self.status(SCHEDULES, name)

    def runs(self, owner):
        return sorted(self.list(APPLICATIONS, owner), key=lambda app: app["metadata"]["name"])

    def next_run_after(self, owner, count):
        """All runs, once there are more than so many."""
        return self.wait_for(lambda: (lambda runs: runs if len(runs) > count else None)(self.runs(owner)),
                             lambda: f"no run is made: {self.tell(owner['metadata']['name'])}")

    def driver_of(self, run):
        def look():
            return next((p for p in self.list(PODS) if p["metadata"].get("labels", {}).get(f"{LABEL}app-name") == run
                         and p["metadata"]["labels"].get("spark-role") == "driver"), None)
        return self.wait_for(look, f"{run} has no driver")

    def end(self, run, code=0):
        name = run["metadata"]["name"]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}
        self.set_status(self.driver_of(name), {
            "phase": "Failed" if code else "Succeeded", "startTime": now,
            "containerStatuses": [{"name": "spark-kubernetes-driver", "image": "spark:3.5.7", "imageID": "", "ready": False,
                                   "restartCount": 0, "state": {"terminated": ended}}]})

        def has_ended():
            app = self.get(APPLICATIONS, name)
            return app is None or state_of(app) in ("COMPLETED", "FAILED")
        self.wait_for(has_ended, f"{name} does not end")

    def test_a_run_is_made_when_it_is_due_and_status_tells_of_it(self):
        owner = self.schedule("etl", "@every 2s", labels={"team": "data"})
        self.wait_for(lambda: self.tell("etl").get("scheduleState") == "Scheduled", "it is not scheduled")
        run = self.next_run_after(owner, 0)[0]
        name = run["metadata"]["name"]
        self.assertRegex(name, r"^etl-\d{19}$")
        self.assertEqual(run["metadata"]["labels"], {f"{LABEL}scheduled-app-name": "etl", "team": "data"})
        reference = run["metadata"]["ownerReferences"][0]
        self.assertEqual((reference["uid"], reference.get("controller"), reference["blockOwnerDeletion"]),
                         (owner["metadata"]["uid"], None, True))
        self.assertEqual(run["spec"]["mainApplicationFile"], TEMPLATE["mainApplicationFile"])
        status = self.wait_for(lambda: (lambda s: s if s.get("lastRunName", "") >= name else None)(self.tell("etl")),
                               "status does not tell of the run")
        self.assertGreater(when(status["nextRun"]).timestamp() * 1e9, time_of(status["lastRunName"]))
        self.assertGreaterEqual(when(status["lastRun"]).timestamp() * 1e9, time_of(name) - 1e9)
        # Two seconds apart, each once.
        times = [time_of(r["metadata"]["name"]) for r in self.next_run_after(owner, 2)]
        self.assertEqual(len(times), len(set(times)))
        self.assertTrue(all(b - a >= 2e9 for a, b in zip(times, times[1:], strict=False)), times)
        self.wait_for(lambda: "ScheduledRunStarted" in self.reasons("etl"), "no event tells of a run")

    def test_a_suspended_schedule_makes_no_runs_and_one_makes_up_for_them(self):
        owner = self.schedule("paused", "@every 2s", suspend=True)
        self.wait_for(lambda: self.tell("paused").get("nextRun"), "it has no next run")
        due = self.tell("paused")["nextRun"]
        self.stays(lambda: not self.runs(owner), "a run is made of a suspended schedule", seconds=5)
        self.assertEqual(self.tell("paused")["nextRun"], due)
        self.edit(SCHEDULES, "paused", {"suspend": False})
        first = self.next_run_after(owner, 0)[0]
        self.assertEqual(time_of(first["metadata"]["name"]) // 10**9, int(when(due).timestamp()))
        status = self.wait_for(lambda: (lambda s: s if s.get("lastRunName") else None)(self.tell("paused")), "no last run")
        self.assertGreater(when(status["nextRun"]), when(due) + timedelta(seconds=4))

    def test_forbid_skips_what_is_due_while_a_run_runs(self):
        owner = self.schedule("alone", "@every 2s", concurrencyPolicy="Forbid")
        first = self.next_run_after(owner, 0)[0]
        self.wait_for(lambda: self.tell("alone").get("lastRunName") == first["metadata"]["name"], "status does not tell of it")
        due = self.tell("alone")["nextRun"]
        self.wait_for(lambda: when(self.tell("alone")["nextRun"]) >= when(due) + timedelta(seconds=4), "nothing is skipped")
        self.assertEqual([r["metadata"]["uid"] for r in self.runs(owner)], [first["metadata"]["uid"]])
        self.wait_for(lambda: "ScheduledRunSkipped" in self.reasons("alone"), "no event tells of a run that was skipped")
        self.end(first)
        second = self.next_run_after(owner, 1)[1]
        self.assertGreater(time_of(second["metadata"]["name"]), time_of(first["metadata"]["name"]) + 4e9)

    def test_replace_deletes_the_run_that_runs(self):
        owner = self.schedule("newest", "@every 3s", concurrencyPolicy="Replace")
        first = self.next_run_after(owner, 0)[0]

        def is_replaced():
            runs = self.runs(owner)
            return len(runs) == 1 and runs[0]["metadata"]["uid"] != first["metadata"]["uid"]
        self.wait_for(is_replaced, "the first run is not replaced")
        self.assertEqual(self.tell("newest").get("scheduleState"), "Scheduled")
        self.stays(lambda: len(self.runs(owner)) <= 1, "two runs at once", seconds=4)

    def test_history_keeps_as_many_as_its_limits_say_as_soon_as_runs_end(self):
        owner = self.schedule("kept", "@every 2s", successfulRunHistoryLimit=2, failedRunHistoryLimit=1, concurrencyPolicy="Forbid")
        ended = set()
        for code in (0, 1, 0, 1, 0):
            def fresh():
                return next((r for r in self.runs(owner) if r["metadata"]["uid"] not in ended), None)
            run = self.wait_for(fresh, "no run is made")
            ended.add(run["metadata"]["uid"])
            self.end(run, code)
        self.edit(SCHEDULES, "kept", {"suspend": True})

        def is_pruned():
            apps = [a for a in self.runs(owner) if a["metadata"]["uid"] in ended]
            by_state = {s: [a["metadata"]["name"] for a in apps if state_of(a) == s] for s in ("COMPLETED", "FAILED")}
            told = self.tell("kept")
            return (len(by_state["COMPLETED"]), len(by_state["FAILED"])) == (2, 1) and \
                sorted(told.get("pastSuccessfulRunNames", [])) == by_state["COMPLETED"] and \
                told.get("pastFailedRunNames") == by_state["FAILED"]
        self.wait_for(is_pruned, lambda: f"history is not pruned: {self.tell('kept')}")
        names = self.tell("kept")["pastSuccessfulRunNames"]
        self.assertGreater(names[0], names[1], "the newest first")

    def test_a_schedule_that_cannot_be_read_says_why_and_recovers(self):
        self.schedule("broken", "61 * * * *")
        told = self.wait_for(lambda: (lambda s: s if s.get("reason") else None)(self.tell("broken")), "no reason is told")
        self.assertEqual((told["scheduleState"], told["reason"]), ("FailedValidation", "end of range (61) above maximum (59): 61"))
        self.assertIsNone(told["nextRun"])
        self.edit(SCHEDULES, "broken", {"schedule": "30 3 * * *", "timeZone": "Asia/Kolkata"})
        told = self.wait_for(lambda: (lambda s: s if s.get("nextRun") else None)(self.tell("broken")), "it does not recover")
        self.assertEqual((told["scheduleState"], told.get("reason", "")), ("Scheduled", ""))
        self.assertRegex(told["nextRun"], r"T22:00:00Z$")
        self.edit(SCHEDULES, "broken", {"timeZone": "UTC"})
        self.wait_for(lambda: re.search("T03:30:00Z$", self.tell("broken")["nextRun"]), "an edit of the zone changes nothing")
        self.edit(SCHEDULES, "broken", {"timeZone": "Mars/Olympus"})
        self.wait_for(lambda: self.tell("broken").get("reason") == "Invalid timezone: unknown time zone Mars/Olympus",
                      lambda: f"the zone is not refused: {self.tell('broken')}")

    def test_what_a_schedule_has_made_goes_with_it(self):
        owner = self.schedule("short", "@every 2s")
        self.driver_of(self.next_run_after(owner, 0)[0]["metadata"]["name"])
        self.remove(SCHEDULES, "short")
        left = lambda: [p["metadata"]["name"] for p in self.list(PODS) if p["metadata"]["name"].startswith("short-")]  # noqa: E731
        self.wait_for(lambda: not left(), lambda: f"left: {left()}")
        self.stays(lambda: not self.runs(owner), "runs are made of a schedule that is gone")


if __name__ == "__main__":
    run_suite(Schedules)

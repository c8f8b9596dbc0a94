"""Applications in every state that a Go operator leaves them in (takeover_kinds.py), with its drivers and what it has made around
them; what becomes of them under an operator that takes over.

    left = Left(call, count=200, application)      # call(method, path, body): an administrator's; go_operator.caller()
    left.make()
    left.wrong()                     # what is not (yet) as it must be; None: all of it is
    left.lost(), left.may_get_a_driver(), left.untimely(events, started)

A run of a schedule (takeover_schedules.py) is such an application, too.
"""

import uuid

from go_operator import APPLICATIONS, MERGE, PODS
from takeover_around import executors_of, rest_around
from takeover_kinds import HOUR, KINDS, driver_of, status_of, unix

LATEST = 400                         # seconds from its time to what is due: a bound, not an expectation


class Left:
    def __init__(self, call, count, application):
        self.call, self.application, self.kept, self.since = call, application, {}, {}
        kinds = list(KINDS)
        self.names = {f"left-{kinds[n % len(kinds)]}-{n}": kinds[n % len(kinds)] for n in range(count)}

    def make(self):
        """Those that wait come last, so that most of their time is still to come."""
        for name, kind in sorted(self.names.items(), key=lambda item: bool(KINDS[item[1]].waits)):
            self.make_one(self.application(name, KINDS[kind].lasts if KINDS[kind].starts else "2s", **KINDS[kind].spec), KINDS[kind])

    def make_one(self, manifest, kind):
        made, attempt = self.call("POST", APPLICATIONS, manifest), str(uuid.uuid4())
        name = made["metadata"]["name"]
        if kind.driver:
            lasts = "1h" if kind.driver == "goes" else kind.lasts
            driver = self.call("POST", PODS, driver_of(made, str(uuid.uuid4()) if kind.other_id else attempt, lasts))
            if kind.driver == "stays":
                self.keep(PODS, driver)
            if kind.around:
                for collection, o in (*executors_of(driver), *rest_around(made, attempt)):
                    self.keep(collection, self.call("POST", collection, o))
        if kind.state:
            status = status_of(kind, name, attempt)
            self.since[name] = status["lastSubmissionAttemptTime"]
            self.call("PATCH", f"{APPLICATIONS}/{name}/status", {"status": status}, MERGE)
        return made

    def keep(self, collection, o):
        self.kept[collection, o["metadata"]["name"]] = o["metadata"]["uid"]

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
            if kind.around and status.get("executorState") != {f"{name}-exec-{n}": "RUNNING" for n in (1, 2)}:
                return f"{name}: executors {status.get('executorState')}"
        return None

    def lost(self):
        """Drivers of the operator before, and what was around them, that are no longer the same objects."""
        is_there = {}
        for collection in {collection for collection, _ in self.kept}:
            for o in self.call("GET", collection)["items"]:
                is_there[collection, o["metadata"]["name"]] = o["metadata"]["uid"]
        return [f"{collection}/{name}" for (collection, name), uid in self.kept.items() if is_there.get((collection, name)) != uid]

    def may_get_a_driver(self):
        return {f"{name}-driver" for name, kind in self.names.items() if KINDS[kind].starts}

    def untimely(self, events, started):
        """Retries and ends, from an audit log, that came before their time, or long after it and after the operator's start. Who
        counts from its own start is an hour late."""
        waiting = {name for name, kind in self.names.items() if KINDS[kind].waits}
        for event in events:
            about, code = event.get("objectRef") or {}, event.get("responseStatus", {}).get("code", 0)
            what = {("pods", "create"): "retry", ("sparkapplications", "delete"): "end"}.get((about.get("resource"), event["verb"]))
            name = (about.get("name") or "").removesuffix("-driver")
            if code < 300 and name in waiting and KINDS[self.names[name]].waits == what:
                waiting.remove(name)
                due, at = unix(self.since[name]) + HOUR, unix(event["stageTimestamp"])
                if not due <= at <= max(due, started) + LATEST:
                    yield f"{name}: {what} at {event['stageTimestamp']}, not an hour after {self.since[name]}"
        yield from (f"{name}: never came" for name in waiting)

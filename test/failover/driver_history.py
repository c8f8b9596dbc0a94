"""What an API server's audit log says of drivers: who made them, when each lived, and whether two of one application
ever did so at once.

    history = DriverHistory.read("audit.log", ordered=True)       # ordered: the log's order is the server's (embedded)
    history.drivers            # every driver pod that was ever made
    history.overlaps()         # pairs of one application's drivers that lived at the same time
    history.made_twice()       # attempts with more than one driver
    history.refused("system:serviceaccount:ns:name")              # requests of a user that were answered 403

A driver lives from its creation until its pod has ended (phase Succeeded or Failed) or is removed. A terminating pod
lives. A creation whose maker was cut off in mid-request is logged as failed although it may have been done: it counts once
anybody else does something to that pod. Where the log has answers, a pod is known by its UID, so that one whose creation was
answered with whatever refusal counts too, once any answer shows it. Which of two events was first is told by their
resourceVersions where the log has them; else by the times of request and answer, and then only if one was answered before the
other was asked.
"""

import json
from dataclasses import dataclass, field
from typing import Optional

APP_NAME = "sparkoperator.k8s.io/app-name"
SUBMISSION = "sparkoperator.k8s.io/submission-id"
ENDED = ("Succeeded", "Failed")


@dataclass
class Moment:
    """When the server did something."""
    line: int
    received: str
    answered: str
    version: Optional[int] = None
    ordered: bool = False

    def surely_before(self, other):
        if self.version is not None and other.version is not None:
            return self.version < other.version
        if self.ordered:
            return self.line < other.line
        return self.answered < other.received


@dataclass
class Driver:
    pod: str                       # namespace/name
    app: str
    owner: str                     # the application's UID
    attempt: str
    by: str
    made: Moment
    uid: str = ""                  # "": the log has no answers
    bound: bool = False
    gone: Optional[Moment] = None  # ended or removed

    def __str__(self):
        until = self.gone.answered if self.gone else "the end"
        return f"{self.pod} attempt {self.attempt[:8]} made by {self.by}, {self.made.answered} to {until}"


@dataclass
class DriverHistory:
    drivers: list = field(default_factory=list)
    events: list = field(default_factory=list)

    @classmethod
    def read(cls, path, ordered):
        history = cls()
        with open(path) as f:
            for line in f:
                history.add(json.loads(line), ordered)
        return history

    def __post_init__(self):
        self._by_pod = {}
        self._perhaps = {}             # by pod: creations that were not confirmed, as (event, line)
        self._uids = set()

    def add(self, event, ordered=False):
        self.events.append(event)
        about, code = event.get("objectRef") or {}, event.get("responseStatus", {}).get("code", 0)
        if about.get("resource") != "pods":
            return
        answer = event.get("responseObject") or {}
        if code and code < 300:
            self._done(event, about, answer, ordered)
        elif event["verb"] == "create" and not about.get("subresource"):
            self._perhaps[f"{about.get('namespace', '')}/{about.get('name')}"] = (event, len(self.events))

    def _done(self, event, about, answer, ordered):
        moment = Moment(len(self.events), event.get("requestReceivedTimestamp", event["stageTimestamp"]), event["stageTimestamp"],
                        version_of(answer), ordered)
        pod = f"{about.get('namespace', '')}/{about.get('name') or answer.get('metadata', {}).get('name', '')}"
        uid = uid_of(answer)
        tried = self._perhaps.pop(pod, None)
        if not tried or tried[0].get("responseStatus", {}).get("code") == 409:
            self._learn(pod, uid)
        asks_again = event["verb"] == "create" and not about.get("subresource")
        if tried and not asks_again and self._was_made(pod, uid, tried[0].get("responseStatus", {}).get("code", 0)):
            began = tried[0].get("requestReceivedTimestamp", tried[0]["stageTimestamp"])
            self._made(pod, asked_of(tried[0]), tried[0], Moment(tried[1], began, moment.answered, None, ordered), uid)
        asked, part, verb = asked_of(event), about.get("subresource", ""), event["verb"]
        if verb == "create" and not part:
            self._made(pod, asked, event, moment, uid)
        elif pod not in self._by_pod:
            return
        elif verb == "create" and part == "binding":
            self._by_pod[pod].bound = True
        elif part == "status" and (asked.get("status") or {}).get("phase") in ENDED:
            self._gone(pod, moment)
        elif verb == "delete" and removes(asked, answer, self._by_pod[pod].bound):
            # The answer shows the pod as it last was: its version is no moment of this.
            self._gone(pod, Moment(moment.line, moment.received, moment.answered, None, ordered))
            del self._by_pod[pod]

    def _learn(self, pod, uid):
        """The UID of a driver that was known by its name only, from the first answer that shows it."""
        driver = self._by_pod.get(pod)
        if driver and not driver.uid and uid:
            driver.uid = uid
            self._uids.add(uid)

    def _was_made(self, pod, uid, code):
        """Whether a creation that was answered so, or not at all, has been done: now that something was done to that pod."""
        if uid:
            return uid not in self._uids
        return (code == 0 or code >= 499) and (pod not in self._by_pod or self._by_pod[pod].gone is not None)

    def _made(self, pod, asked, event, moment, uid=""):
        meta = asked.get("metadata", {})
        labels = meta.get("labels", {})
        if labels.get("spark-role") != "driver":
            return
        owner = next((o["uid"] for o in meta.get("ownerReferences", []) if o["kind"] == "SparkApplication"), "")
        before = self._by_pod.get(pod)
        if before and not before.gone:
            before.gone = moment       # the name was free, so it had been removed, whoever did that
        driver = Driver(pod, labels.get(APP_NAME, "?"), owner, labels.get(SUBMISSION, ""), event["user"]["username"], moment, uid)
        self._uids.add(uid)
        self._by_pod[pod] = driver
        self.drivers.append(driver)

    def _gone(self, pod, moment):
        driver = self._by_pod[pod]
        driver.gone = driver.gone or moment

    def about(self, app):
        """What was asked about an application and its pods, a line each: for the message of a failure."""
        return [f"{e['stageTimestamp']} {e['user']['username'].split(':')[-1]} {e['verb']} {e['requestURI']} "
                f"{e.get('responseStatus', {}).get('code')} {e.get('responseStatus', {}).get('message', '')}"
                for e in self.events if app in ((e.get("objectRef") or {}).get("name", ""), asked_of(e).get("metadata", {}).get("name"))
                or f"{app}-driver" in e["requestURI"] or label_of(asked_of(e), APP_NAME) == app]

    def overlaps(self):
        found = []
        for i, first in enumerate(self.drivers):
            for second in self.drivers[i + 1:]:
                if first.owner == second.owner and not (first.gone and not second.made.surely_before(first.gone)):
                    found.append((first, second))
        return found

    def made_twice(self):
        seen, twice = {}, []
        for driver in self.drivers:
            key = (driver.owner, driver.attempt)
            if key in seen:
                twice.append((seen[key], driver))
            seen[key] = driver
        return twice

    def refused(self, user):
        return [f"{e['verb']} {e['requestURI']}" for e in self.events
                if e["user"]["username"] == user and e.get("responseStatus", {}).get("code") == 403]

    def verbs(self, user):
        """What a user did, as roles speak of it: {(group, resource[/subresource]): {verbs}}."""
        used = {}
        for event in self.events:
            about = event.get("objectRef")
            if about and event["user"]["username"] == user:
                what = about["resource"] + ("/" + about["subresource"] if about.get("subresource") else "")
                used.setdefault((about.get("apiGroup", ""), what), set()).add(event["verb"])
        return used


def asked_of(event):
    """The body of a request; a JSON patch, which is a list, says nothing that we ask."""
    asked = event.get("requestObject")
    return asked if isinstance(asked, dict) else {}


def label_of(thing, name):
    return ((thing.get("metadata") or {}).get("labels") or {}).get(name)


def version_of(answer):
    version = (answer.get("metadata") or {}).get("resourceVersion", "")
    return int(version) if version.isdigit() else None


def uid_of(answer):
    return (answer.get("metadata") or {}).get("uid", "") if answer.get("kind") == "Pod" else ""


def removes(asked, answer, bound):
    """Whether a DELETE took the pod away, or only asked its kubelet to."""
    meta = answer.get("metadata") or {}
    if answer.get("kind") == "Pod":
        return not meta.get("deletionTimestamp") or meta.get("deletionGracePeriodSeconds") == 0
    return not bound or asked.get("gracePeriodSeconds") == 0

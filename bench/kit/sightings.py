"""What becomes of applications, seen through one watch a namespace.

    with Sightings(access, namespaces, clock) as seen:
        …
        seen.wait(created, "submitted", 600)            # how many got there
        seen.first[uid]                                 # {state: seconds since the start}

An application that is gone (its time to live, somebody's delete) counts as having ended. Threads: one a namespace; `first` is written behind the lock."""

import http.client
import threading
import time

from api import Refused
from users import GROUP

STARTED = ("RUNNING", "SUCCEEDING", "COMPLETED", "FAILING", "FAILED")
REACHED = {"submitted": ("SUBMITTED", *STARTED, "GONE"), "running": (*STARTED, "GONE"), "completed": ("COMPLETED", "FAILED", "GONE")}
# Seconds until a namespace is listed anew whose watch has failed.
AGAIN = 1.0


class Sightings:
    def __init__(self, access, namespaces, clock):
        self.access, self.namespaces, self.clock = access, namespaces, clock
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.first, self.state, self.changes, self.trouble = {}, {}, [], []

    def __enter__(self):
        self.threads = [threading.Thread(target=self._follow, args=(namespace,), daemon=True) for namespace in self.namespaces]
        self.ready = threading.Semaphore(0)
        for thread in self.threads:
            thread.start()
        for _ in self.threads:
            self.ready.acquire(timeout=60)
        return self

    def __exit__(self, *_):
        # Watches end by themselves, and with the process: they write nothing.
        self.stopped.set()

    def _follow(self, namespace):
        path, ready = GROUP.format(namespace), self.ready
        while not self.stopped.is_set():
            try:
                with self.access.connect() as api:
                    items, version = api.pages(path)
                    self._listed(namespace, items)
                    if ready is not None:
                        ready.release()
                        ready = None
                    self._watch(api, path, version)
            except (Refused, OSError, ValueError, KeyError, http.client.HTTPException) as error:
                with self.lock:
                    self.trouble.append(f"{namespace}: {error}")
                self.stopped.wait(AGAIN)

    def _watch(self, api, path, version):
        while not self.stopped.is_set():
            for event in api.watch(path, version):
                if event["type"] == "ERROR":
                    return                                               # the version is too old: listed anew
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self._see(event["object"], "GONE")
                elif event["type"] != "BOOKMARK":
                    self._see(event["object"])

    def _listed(self, namespace, items):
        for item in items:
            self._see(item)
        present = {item["metadata"]["uid"] for item in items}
        with self.lock:
            missing = [uid for uid, (where, state) in self.state.items() if where == namespace and uid not in present and state != "GONE"]
        for uid in missing:
            self._put(uid, namespace, "GONE")

    def _see(self, item, state=None):
        meta = item["metadata"]
        state = state or (item.get("status") or {}).get("applicationState", {}).get("state") or "NEW"
        self._put(meta["uid"], meta["namespace"], state)

    def _put(self, uid, namespace, state):
        now = self.clock()
        with self.lock:
            if self.stopped.is_set():
                return                                                   # what the clean-up does is no news
            self.first.setdefault(uid, {}).setdefault(state, now)
            before = self.state.get(uid, (namespace, None))[1]
            if before != state:
                self.state[uid] = (namespace, state)
                self.changes.append((now, uid, before, state))

    def reached(self, created, what):
        if what == "none":
            return len(created)
        wanted = REACHED[what]
        with self.lock:
            return sum(1 for one in created if any(state in self.first.get(one.uid, {}) for state in wanted))

    def wait(self, created, what, patience, stopped):
        """Until all have got there, patience is over, or `stopped` is set."""
        deadline = time.monotonic() + patience
        while self.reached(created, what) < len(created) and time.monotonic() < deadline and not stopped.is_set():
            time.sleep(0.1)
        return self.reached(created, what)

    def times(self, created, what):
        """Seconds from an application's creation to the first sight of a state that tells it got there."""
        out = []
        with self.lock:
            for one in created:
                seen = [at for state, at in self.first.get(one.uid, {}).items() if state in REACHED[what] and state != "GONE"]
                if seen:
                    out.append(max(0.0, min(seen) - one.at))
        return out

"""Users that create applications: each at its own pace, namespace after namespace, until it has made its share.

    users = Users(access, options)
    users.run()                            # returns when all are done, or told to stop
    users.created                          # [Created]; users.failures: [(seconds, words)]

A user's next creation is due 60 / jobs-per-min seconds after the one before was due. One that comes late is not made up for by a burst.
Threads: one a user; what they share is behind one lock."""

import copy
import random
import string
import threading
import time
from collections import Counter, namedtuple

from api import Refused

GROUP = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/{}/sparkapplications"
LETTERS = string.ascii_lowercase + string.digits
# `at` is seconds since the start, `took` seconds of the API server.
Created = namedtuple("Created", "namespace name uid at took")


class Users:
    def __init__(self, access, options, say=lambda text: None):
        self.access, self.options, self.say = access, options, say
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.created, self.failures, self.why = [], [], ""
        self.random = random.SystemRandom()
        self.start = time.monotonic()

    def clock(self):
        return time.monotonic() - self.start

    def stop(self, why):
        self.why = self.why or why
        self.stopped.set()

    def check_namespaces(self):
        with self.access.connect() as api:
            for namespace in self.options.spark_namespaces:
                try:
                    api.call("GET", f"/api/v1/namespaces/{namespace}")
                except Refused as refused:
                    raise Refused(refused.status, f"namespace {namespace}: {refused}") from None

    def run(self):
        self.start = time.monotonic()
        users = []
        for number in range(self.options.users):
            # Each user starts once, however soon the first are done.
            if self.stopped.wait(max(0.0, number / self.options.spawn_rate - self.clock())):
                break
            user = threading.Thread(target=self._user, args=(number,), name=f"user-{number}", daemon=True)
            user.start()
            users.append(user)
        deadline = self.options.run_time
        for user in users:
            while user.is_alive():
                user.join(0.2)
                if deadline is not None and self.clock() > deadline:
                    self.stop("the run time is over")

    def _user(self, number):
        pause = 60.0 / self.options.jobs_per_min
        due, made, turn = self.clock(), 0, number
        with self.access.connect() as api:
            while made < self.options.job_limit_per_user and not self.stopped.wait(max(0.0, due - self.clock())):
                namespace = self.options.spark_namespaces[turn % len(self.options.spark_namespaces)]
                turn += 1
                made += self._create(api, namespace)
                due = max(due + pause, self.clock())

    def _create(self, api, namespace):
        application = application_of(self.options.template, self._name(), namespace)
        at, began = self.clock(), time.monotonic()
        try:
            stored = api.call("POST", GROUP.format(namespace), application)
        except Refused as refused:
            with self.lock:
                self.failures.append((at, str(refused)))
                if len(self.failures) > self.options.jobs_max_failures:
                    self.stop(f"more than {self.options.jobs_max_failures} creations failed, the last: {refused}")
            return 0
        with self.lock:
            self.created.append(Created(namespace, stored["metadata"]["name"], stored["metadata"]["uid"], at, time.monotonic() - began))
            if len(self.created) % 100 == 0:
                self.say(f"{len(self.created)} created, {len(self.failures)} failed, {self.clock():.0f} s")
        return 1

    def _name(self):
        with self.lock:
            return self.options.spark_name_prefix + "-" + "".join(self.random.choice(LETTERS) for _ in range(self.options.spark_name_length))


def application_of(template, name, namespace):
    """Name and namespace, the executors' prefix, the driver's account: four things are set, the template's other metadata is left out."""
    spec = copy.deepcopy(template["spec"])
    spec["sparkConf"] = {**(spec.get("sparkConf") or {}), "spark.kubernetes.executor.podNamePrefix": name}
    spec["driver"] = {**(spec.get("driver") or {}), "serviceAccount": namespace}
    return {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def clean_up(access, options, created, say=lambda text: None):
    """Deletes what was created, and nothing that has taken its name since; with --delete-collection all that the namespaces hold. (gone, left)"""
    if options.no_spark_cleanup:
        return 0, len(created)
    if options.delete_collection:
        with access.connect() as api:
            for namespace in options.spark_namespaces:
                api.call("DELETE", GROUP.format(namespace))
        return len(created), 0
    todo, lock, count = list(created), threading.Lock(), Counter()

    def work():
        with access.connect() as api:
            while True:
                with lock:
                    if not todo:
                        return
                    one = todo.pop()
                try:
                    api.call("DELETE", f"{GROUP.format(one.namespace)}/{one.name}",
                             {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": one.uid}})
                    deleted = True
                except Refused as refused:
                    deleted = refused.status in (404, 409)               # gone by itself, or another's by now
                    if not deleted:
                        say(f"{one.namespace}/{one.name} is not deleted: {refused}")
                with lock:
                    count[deleted] += 1
    workers = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return count[True], count[False]

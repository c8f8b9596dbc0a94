#!/usr/bin/env python3
"""The released operator walks every row of the controller's table of transitions (stories.py), and one application lives on
although the operator is killed (SIGKILL) at a write of its, again and again. Pods do what this suite says.

    test/lifecycle/lifecycle_test.py --server real --kills 10
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "failover"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from administrator import Api  # noqa: E402
from application import Application, Watcher, state_of  # noqa: E402
from control_plane import ControlPlane, free_port  # noqa: E402
from driver_history import DriverHistory  # noqa: E402
from gate import Gate  # noqa: E402
from operators import USER, Operators  # noqa: E402
from stories import STORIES, retries  # noqa: E402
from waiting import wait_for  # noqa: E402

AT_A_TIME = 6            # stories
QUIET = 5                # seconds without a write, once all has settled
OWNED = ("pods", "services", "configmaps", "persistentvolumeclaims", "secrets")


class LifeCycle(unittest.TestCase):
    server, kills, seed = "embedded", 10, 5

    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(cls.server, audit="RequestResponse"))
        cls.gate = Gate(cls.plane)
        cls.addClassCleanup(cls.gate.close)
        kubectl = os.environ.get("KUBECTL") or shutil.which("kubectl")
        cls.operators = Operators(cls.plane, kubectl, os.environ["SPARK_OPERATOR"], free_port, lease=None)
        cls.addClassCleanup(cls.operators.kill_all)
        cls.operators.install()
        with open(cls.operators.kubeconfig) as f:
            config = json.load(f)
        config["clusters"][0]["cluster"] = {"server": cls.gate.url}
        with open(cls.operators.kubeconfig, "w") as f:
            json.dump(config, f)
        wait_for(cls.is_served, "the definition of applications is not served")
        cls.watcher = Watcher(cls.plane)
        cls.addClassCleanup(cls.watcher.close)

    @classmethod
    def is_served(cls):
        with contextlib.suppress(OSError):                # 404
            return cls.plane.get(Api.PATH)

    def tearDown(self):
        self.operators.kill_all()

    def application(self, name):
        app = Application(self.plane, self.watcher, self.gate, name)
        self.addCleanup(app.close)
        return app

    def start(self):
        operator = self.operators.start()
        self.operators.wait_until_ready(operator)
        return operator

    # --- every row

    def test_every_row_of_the_table_is_reached(self):
        operator = self.start()
        table = [tuple(line.split("\t")) for line in
                 subprocess.run([os.environ["LIFECYCLE_ROWS"]], check=True, capture_output=True, text=True).stdout.splitlines()]
        self.assertGreater(len(table), 40)
        facts = {fact for _, fact, _ in table}
        stories = [story for story in STORIES if getattr(story, "fact", None) in (None, *facts)]
        apps = [self.application(f"story-{n:02}") for n in range(len(stories))]
        failures = []
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            futures = {pool.submit(story, app): (story, app) for story, app in zip(stories, apps, strict=True)}
            for future in concurrent.futures.as_completed(futures):
                story, app = futures[future]
                if future.exception():
                    failures.append(f"{story.__name__} ({app.name}): {future.exception()}")
        reached = {row for app in apps for row in app.rows}
        print(f"\n{self.server}: {len(reached & set(table))} of {len(table)} rows of the table reached by {len(stories)} stories", flush=True)
        self.assertEqual(failures, [], "\n".join(failures) + "\n" + operator.tail(40))
        self.assertEqual([row for row in table if row not in reached], [], "rows that no story reaches")
        self.assertEqual(reached - set(table), set(), "stories of rows that are not in the table")
        self.check_that_it_is_quiet()
        self.check_drivers()

    # --- kills

    def live(self, name, keep_running):
        """One application's long life. It waits for what comes, however long the operator is away."""
        app, given_up = self.application(name), [None]

        def reaches(what, fact):
            def look():
                keep_running()
                status = app.read().get("status") or {}
                return fact(status) and status
            return wait_for(look, lambda: f"{name} does not get {what}: {app.read().get('status')}\n{self.operators.tails()}")

        def runs():
            reaches("a driver", lambda status: status.get("submissionID") != given_up[0] and state_of(status) == "SUBMITTED")
            app.driver_is("Running")
            given_up[0] = reaches("RUNNING", lambda status: state_of(status) == "RUNNING")["submissionID"]
        app.create(restartPolicy=retries(failures=1, refusals=1), driver={"podName": f"{name}-its-own", "cores": 1, "memory": "512m",
                                                                       "serviceAccount": "default"})
        runs()
        app.driver_ends(1)
        runs()
        app.edit()
        runs()
        app.suspend()
        reaches("SUSPENDED", lambda status: state_of(status) == "SUSPENDED")
        app.suspend(False)
        runs()
        app.driver_ends(0)
        reaches("COMPLETED", lambda status: state_of(status) == "COMPLETED")
        self.settle(keep_running)
        return self.end_of(app)

    def settle(self, keep_running, seconds=1.0):
        """Until there was no write for a while."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            keep_running()
            if len(self.gate.writes) != count:
                count, since = len(self.gate.writes), time.monotonic()
            time.sleep(0.05)

    def end_of(self, app):
        """What has come of it, without what differs from run to run."""
        status = json.dumps(app.read()["status"], sort_keys=True).replace(app.name, "<name>")
        status = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", status)
        status = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", status)
        status = re.sub(r"10(\.\d+){3}", "<address of a service>", status)
        status = re.sub(r"spark-[0-9a-f]{32}", "<spark id>", status)
        owned = []
        for plural in OWNED:
            items = app.call("GET", f"/api/v1/namespaces/default/{plural}")["items"]
            owned += [plural for item in items for owner in item["metadata"].get("ownerReferences", [])
                      if owner["name"].startswith(app.name)]
        return status, owned

    def test_an_operator_that_is_killed_at_any_write_leaves_no_trace(self):
        self.start()
        self.gate.writes.clear()
        calm = self.live("calm", lambda: None)
        writes = list(self.gate.writes)
        drawn = random.Random(self.seed)
        numbers = drawn.sample(range(1, len(writes) - 2), self.kills)   # events may be one more or less
        said = []
        for life, number in enumerate(numbers):
            after, name = life % 2 == 0, f"life-{life:02}"
            killed = threading.Event()

            def kill(victims=tuple(self.operators.running())):
                for operator in victims:
                    operator.process.kill()
                    operator.process.wait()
                killed.set()

            def keep_running():
                # Started from this thread: a process ends with the thread that has started it.
                if not self.operators.running():
                    self.start()
            self.gate.kill_at(number, after, kill)
            case = f"killed {'after' if after else 'before'} write {number} of {len(writes)} ({writes[number - 1]})"
            try:
                self.assertEqual(self.live(name, keep_running), calm, case)
            except AssertionError as error:
                raise AssertionError(f"{case}: {error}") from error
            self.assertTrue(killed.is_set(), case)
            said.append(case)
        print(f"\n{self.server}: {len(said)} kills, each life ends as the calm one:\n  " + "\n  ".join(said), flush=True)
        self.check_that_it_is_quiet()
        self.check_drivers()

    # --- what must hold

    def check_that_it_is_quiet(self):
        self.settle(lambda: None)
        before = len(self.gate.writes)
        time.sleep(QUIET)
        self.assertEqual(self.gate.writes[before:], [], "it has settled, and writes")

    def check_drivers(self):
        """One for each attempt at every moment, by the audit log; nothing without an owner; nothing that the roles refuse."""
        history = DriverHistory.read(self.plane.audit_log, ordered=self.server == "embedded")
        words = lambda pairs: "\n".join(f"{a}\n  beside {b}" for a, b in pairs)  # noqa: E731
        self.assertEqual(history.overlaps(), [], f"two drivers at once:\n{words(history.overlaps())}")
        self.assertEqual(history.made_twice(), [], f"two drivers of one attempt:\n{words(history.made_twice())}")
        self.assertEqual(history.refused(USER), [], "what the roles do not allow")
        with Api(self.plane) as api:
            def left():
                objects = {plural: api.call("GET", f"/api/v1/namespaces/default/{plural}")[1]["items"] for plural in OWNED}
                uids = {o["metadata"]["uid"] for items in objects.values() for o in items}
                uids |= {o["metadata"]["uid"] for o in api.call("GET", Api.PATH)[1]["items"]}
                return [f"{plural} {o['metadata']['name']}" for plural, items in objects.items() for o in items
                        if o["metadata"].get("labels", {}).get("sparkoperator.k8s.io/app-name") or o["metadata"].get("ownerReferences")
                        if not any(owner["uid"] in uids for owner in o["metadata"].get("ownerReferences", []))]
            wait_for(lambda: not left(), lambda: f"left without an owner: {left()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=5, help="draws the writes to be killed at")
    options, rest = parser.parse_known_args()
    LifeCycle.server, LifeCycle.kills, LifeCycle.seed = options.server, options.kills, options.seed
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

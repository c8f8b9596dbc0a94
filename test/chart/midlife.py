"""Applications of ours in the middle of their lives, in which they stay for as long as the test wants: what a Go operator is handed
that does not wait for them to settle, and what becomes of them when they come back.

    middle = MidLife(call, application)
    middle.make(); middle.wrong()        # None: each is where it waits
    middle.edit()                        # two of them are on their way to another run, or to a pause; not waited for
    middle.burst()                       # more that are submitted at this moment
    middle.lose_status()                 # of one: as after an operator's death between its driver and its status
    middle.hold(); middle.release("node")     # drivers that are told to end do not go, and do
    middle.too_many(made)                # drivers, by an audit log, that nobody may have made
"""

import collections
import itertools

from go_operator import APPLICATIONS, MERGE, PODS, is_new
from takeover_kinds import RETRIES

HOLD = "midlife.test/hold"                                               # a finalizer: a driver that ends, but does not go
ELSEWHERE = {"spark.kubernetes.driver.node.selector.midlife": "yes"}     # no node has it: a driver that stays Pending
BURST = 20


class MidLife:
    # Where each waits, and drivers of its life.
    WAITS = {"pending": ("SUBMITTED", 1), "unwritten": ("SUBMITTED", 1), "fails": ("FAILING", 1), "refused": ("SUBMISSION_FAILED", 0),
             "edited": ("RUNNING", 2), "paused": ("RUNNING", 2), "runs": ("RUNNING", 1)}
    EDITED = {"edited": "PENDING_RERUN", "paused": "SUSPENDED"}
    ENDS = {"pending": "COMPLETED", "unwritten": "COMPLETED", "edited": "COMPLETED", "paused": "RUNNING"}

    def __init__(self, call, application):
        self.call, self.application, self.waits, self.bursts, self.numbers = call, application, {}, [], itertools.count()
        self.drivers = {}

    def make(self):
        # Somebody else's pod has the name of its driver.
        self.call("POST", PODS, {"metadata": {"name": "mid-refused-driver"}, "spec": {"containers": [{"name": "main", "image": "x"}]}})
        made = {name: self.application(f"mid-{name}", "1h") for name in self.WAITS}
        for name in ("pending", "unwritten"):
            made[name]["spec"]["sparkConf"] = ELSEWHERE
            made[name]["spec"]["driver"]["annotations"]["pretend.kubelet/lasts"] = "2s"
        for name in ("fails", "refused"):
            made[name]["spec"].update(RETRIES)
        made["fails"]["spec"]["driver"]["annotations"].update({"pretend.kubelet/lasts": "1s", "pretend.kubelet/exit-code": "1"})
        for manifest in made.values():
            self.call("POST", APPLICATIONS, manifest)
        self.waits = {f"mid-{name}": state for name, (state, _) in self.WAITS.items()}

    def states(self):
        return {a["metadata"]["name"]: a.get("status", {}).get("applicationState", {}).get("state") for a in self.call("GET", APPLICATIONS)["items"]}

    def wrong(self):
        states = self.states()
        other = {name: states.get(name) for name, state in self.waits.items() if states.get(name) != state}
        other.update({name: states.get(name) for name in self.bursts if states.get(name) != "COMPLETED"})
        return other or None

    def hold(self):
        """Drivers that are to end do not go."""
        for name in self.EDITED:
            self.call("PATCH", f"{PODS}/mid-{name}-driver", {"metadata": {"finalizers": [HOLD]}}, MERGE)
        self.drivers = self.uids()

    def edit(self):
        self.call("PATCH", f"{APPLICATIONS}/mid-edited", {"spec": {"driver": {"annotations": {"pretend.kubelet/lasts": "2s"}}}}, MERGE)
        self.call("PATCH", f"{APPLICATIONS}/mid-paused", {"spec": {"suspend": True}}, MERGE)
        self.waits.update({f"mid-{name}": state for name, state in self.EDITED.items()})

    def burst(self):
        made = [f"mid-burst-{next(self.numbers)}" for _ in range(BURST)]
        for name in made:
            self.call("POST", APPLICATIONS, self.application(name, "1s"))
        self.bursts += made

    def lose_status(self):
        path = f"{APPLICATIONS}/mid-unwritten"
        application = self.call("GET", path)
        application.pop("status")
        self.call("PUT", f"{path}/status", application)

    def without_status(self):
        """New for who reads status, although there is a driver."""
        return sorted(a["metadata"]["name"] for a in self.call("GET", APPLICATIONS)["items"]
                      if is_new(a) and f"{a['metadata']['name']}-driver" in self.uids())

    def uids(self):
        return {p["metadata"]["name"]: p["metadata"]["uid"] for p in self.call("GET", PODS)["items"]}

    def replaced(self):
        """Drivers that are not the pods that they were."""
        now = self.uids()
        return sorted(name for name, uid in self.drivers.items() if now.get(name) != uid)

    def release(self, node):
        self.call("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": {"midlife": "yes"}}}, MERGE)
        self.call("PATCH", f"{APPLICATIONS}/mid-paused", {"spec": {"suspend": False}}, MERGE)
        for name in self.EDITED:
            self.call("PATCH", f"{PODS}/mid-{name}-driver", {"metadata": {"finalizers": None}}, MERGE)
        self.waits.update({f"mid-{name}": state for name, state in self.ENDS.items()})

    def too_many(self, made):
        """Names and how often, where that is more than its attempts. Those that wait an hour, or are refused, are not tried again."""
        may = {f"mid-{name}-driver": drivers for name, (_, drivers) in self.WAITS.items()}
        may.update({f"{name}-driver": 1 for name in self.bursts})
        return {name: count for name, count in collections.Counter(made).items() if count > may.get(name, 0)}

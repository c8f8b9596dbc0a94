#!/usr/bin/env python3
"""The reader of audit logs sees what it is there to see: two drivers at once, an attempt with two, a refusal."""

import unittest

from driver_history import DriverHistory


class Log:
    """Makes the lines of an audit log, one second each."""

    def __init__(self, versions=False):
        self.history, self.clock, self.versions = DriverHistory(), 0, versions

    def add(self, verb, name, part="", asked=None, answer=None, code=200, user="operator", took=0.5):
        self.clock += 1
        event = {"verb": verb, "requestURI": f"/pods/{name}", "user": {"username": user}, "responseStatus": {"code": code},
                 "requestReceivedTimestamp": f"{self.clock:06.1f}", "stageTimestamp": f"{self.clock + took:06.1f}",
                 "objectRef": {"resource": "pods", "namespace": "ns", "name": name, **({"subresource": part} if part else {})}}
        event.update({k: v for k, v in (("requestObject", asked), ("responseObject", answer)) if v})
        self.history.add(event, ordered=not self.versions)
        return self

    def make(self, name, attempt="1", app="app-uid", version=None, code=201, uid=None):
        meta = {"name": name, "labels": {"spark-role": "driver", "sparkoperator.k8s.io/submission-id": attempt},
                "ownerReferences": [{"kind": "SparkApplication", "uid": app}]}
        answer = {"kind": "Pod", "metadata": {"resourceVersion": str(version), "uid": uid or ""}} if version else None
        return self.add("create", name, asked={"metadata": meta}, answer=answer, code=code)

    def see(self, name, uid):
        return self.add("patch", name, "status", asked={"status": {"phase": "Running"}}, answer={"kind": "Pod", "metadata": {"uid": uid}})

    def end(self, name, phase="Succeeded", version=None):
        answer = {"kind": "Pod", "metadata": {"resourceVersion": str(version)}} if version else None
        return self.add("patch", name, "status", asked={"status": {"phase": phase}}, answer=answer, user="kubelet")

    def overlaps(self):
        return [(a.pod, b.pod) for a, b in self.history.overlaps()]


class History(unittest.TestCase):
    def test_a_driver_beside_a_live_one_is_an_overlap(self):
        log = Log().make("a").make("b", "2")
        self.assertEqual(log.overlaps(), [("ns/a", "ns/b")])
        self.assertEqual(log.end("a").overlaps(), [("ns/a", "ns/b")], "what was is not undone")

    def test_a_driver_after_the_end_of_the_one_before_is_none(self):
        self.assertEqual(Log().make("a").end("a").make("b", "2").overlaps(), [])
        self.assertEqual(Log().make("a").end("a", "Running").make("b", "2").overlaps(), [("ns/a", "ns/b")])
        self.assertEqual(Log().make("a", app="one").make("b", app="other").overlaps(), [])

    def test_a_pod_that_terminates_still_lives(self):
        log = Log().make("a").add("create", "a", "binding").add("delete", "a")
        self.assertEqual(log.make("b", "2").overlaps(), [("ns/a", "ns/b")])
        log = Log().make("a").add("create", "a", "binding").add("delete", "a").add("delete", "a", asked={"gracePeriodSeconds": 0})
        self.assertEqual(log.make("b", "2").overlaps(), [])
        self.assertEqual(Log().make("a").add("delete", "a").make("b", "2").overlaps(), [], "never bound: gone at once")

    def test_a_name_that_is_made_again_had_become_free(self):
        self.assertEqual(Log().make("a").add("create", "a", "binding").make("a", "2").overlaps(), [])

    def test_versions_tell_the_order_that_times_do_not(self):
        log = Log(versions=True)
        log.make("a", version=5).make("b", "2", version=8).end("a", version=9)
        self.assertEqual(log.overlaps(), [("ns/a", "ns/b")])
        log = Log(versions=True)
        log.make("a", version=5).make("b", "2", version=10).end("a", version=9)
        self.assertEqual(log.overlaps(), [])

    def test_a_refused_creation_makes_nothing(self):
        self.assertEqual(Log().make("a").make("b", code=409).overlaps(), [])

    def test_a_creation_without_an_answer_counts_once_the_pod_is_seen(self):
        log = Log().make("a").make("b", "2", code=504)
        self.assertEqual(log.overlaps(), [])
        self.assertEqual(log.add("create", "b", "binding").overlaps(), [("ns/a", "ns/b")])
        log = Log().make("a", code=504).make("a", "1").end("a")
        self.assertEqual(len(log.history.drivers), 1, "asked again, and only then done")

    def test_a_pod_that_answers_show_was_made_whatever_its_creation_was_answered(self):
        log = Log().make("a", version=5, uid="one").end("a").make("a", "2", code=409).see("a", "one")
        self.assertEqual(len(log.history.drivers), 1, "refused, and the first one is still there")
        log = Log().make("a", version=5, uid="one").end("a").make("a", "2", code=409).see("a", "two").see("a", "two")
        self.assertEqual([d.attempt for d in log.history.drivers], ["1", "2"])
        log = Log().make("a", version=5, uid="one").make("a", "2", code=504).see("a", "two")
        self.assertEqual([d.attempt for d in log.history.drivers], ["1", "2"], "nothing tells that the first has gone")

    def test_the_first_answer_tells_the_uid_of_a_driver_whose_creation_had_none(self):
        log = Log().make("a", code=504).add("create", "a", "binding").see("a", "one").end("a")
        log.make("a", code=409).see("a", "one")
        self.assertEqual(len(log.history.drivers), 1, "the next leader asked for it again, and was shown that it is there")
        log = Log().make("a", code=504).add("create", "a", "binding").end("a").make("a", code=409).see("a", "one")
        self.assertEqual(len(log.history.drivers), 1, "it was there, so this is the one")
        log = Log().make("a", code=504).add("create", "a", "binding").see("a", "one").end("a").make("a", code=504).see("a", "two")
        self.assertEqual(len(log.history.drivers), 2)

    def test_an_attempt_has_one_driver(self):
        log = Log().make("a").end("a").make("a", "2")
        self.assertEqual(log.history.made_twice(), [])
        log.end("a").make("a", "2")
        self.assertEqual([(a.pod, b.pod) for a, b in log.history.made_twice()], [("ns/a", "ns/a")])

    def test_refusals_and_verbs_are_told_by_user(self):
        log = Log().add("watch", "a", code=403).add("get", "a").add("get", "a", code=403, user="somebody")
        self.assertEqual(log.history.refused("operator"), ["watch /pods/a"])
        self.assertEqual(log.history.verbs("operator"), {("", "pods"): {"watch", "get"}})


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The comparison itself: what must show shows, what may differ does not."""

import copy
import os
import tempfile
import unittest

import goldens
import parity
from normalise import Submission, differences, normalised, normalised_executors


def submission(uid="0123456789abcdef", app_id="0" * 32, env=("A", "B"), paths=("/s/1", "/s/2"), lines=("spark.a=1", "spark.b=2")):
    prefix = f"pi-{uid}"
    pod = {
        "kind": "Pod",
        "metadata": {"name": "pi-driver", "labels": {"spark-app-selector": f"spark-{app_id}"}},
        "spec": {"containers": [{
            "name": "spark-kubernetes-driver",
            "env": [{"name": "SPARK_USER", "value": "spark"}, *({"name": n, "value": n} for n in env),
                    {"name": "SPARK_LOCAL_DIRS", "value": ",".join(paths)}],
            "volumeMounts": [{"name": f"spark-local-dir-{i + 1}", "mountPath": p} for i, p in enumerate(paths)],
        }]},
    }
    properties = f"#for spark-drv-{uid}-conf-map\n#Sat Nov 21 01:30:10 UTC 2026\n" + "".join(line + "\n" for line in lines)
    return Submission(
        [pod, {"kind": "Service", "metadata": {"name": f"{prefix}-driver-svc"}},
         {"kind": "ConfigMap", "metadata": {"name": f"spark-drv-{uid}-conf-map"}, "data": {"spark.properties": properties}}],
        ["--conf", "spark.kubernetes.driverEnv.A=A", "--conf", "spark.kubernetes.driverEnv.B=B"])


def shown(left, right):
    return [path for path, _, _ in differences(normalised(left), normalised(right))]


class WhatMayDiffer(unittest.TestCase):
    def test_drawn_names_are_equal(self):
        self.assertEqual(shown(submission(), submission(uid="f" * 16, app_id="1" * 32)), [])

    def test_orders_of_hash_tables_are_equal(self):
        self.assertEqual(shown(submission(), submission(env=("B", "A"), lines=("spark.b=2", "spark.a=1"))), [])

    def test_scratch_directories_are_shuffled(self):
        self.assertEqual(shown(submission(), submission(paths=("/s/2", "/s/1"))), [])


class WhatMustShow(unittest.TestCase):
    def test_a_variable_out_of_its_group(self):
        other = submission()
        env = other.objects[0]["spec"]["containers"][0]["env"]
        env.insert(0, env.pop(1))
        self.assertNotEqual(shown(submission(), other), [])

    def test_another_value_of_a_property(self):
        self.assertEqual(shown(submission(), submission(lines=("spark.a=1", "spark.b=3"))), ["$[2].data.spark.properties[3]"])

    def test_a_property_too_many(self):
        self.assertEqual(shown(submission(), submission(lines=("spark.a=1",))), ["$[2].data.spark.properties"])

    def test_another_label(self):
        other = submission()
        other.objects[0]["metadata"]["labels"]["x"] = "y"
        self.assertEqual(shown(submission(), other), ["$[0].metadata.labels.x"])

    def test_a_name_of_another_form(self):
        self.assertNotEqual(shown(submission(), submission(uid="0123456789abcde")), [])


class Executors(unittest.TestCase):
    def executor(self, run, options=("-Da=1", "-Db=2"), env=()):
        uid, app_id = run * 16, run * 32
        return {"metadata": {"name": f"pi-{uid}-exec-1", "ownerReferences": [{"uid": f"uid-{run}"}],
                             "labels": {"spark-exec-id": "1", "spark-app-selector": f"spark-{app_id}", "submission-id": f"id-{run}"}},
                "spec": {"containers": [{"env": [{"name": "SPARK_DRIVER_URL", "value": f"spark://x@pi-{uid}-driver-svc.ns.svc:7078"}, *env,
                                                 *({"name": f"SPARK_JAVA_OPT_{i}", "value": o} for i, o in enumerate(options))]}],
                         "volumes": [{"configMap": {"name": f"spark-exec-{uid}-conf-map"}}]}}

    def shown(self, left, right):
        return [path for path, _, _ in differences(*(
            normalised_executors([pod], {f"uid-{run}": "UID", f"id-{run}": "ID"}) for pod, run in ((left, "a"), (right, "b"))))]

    def test_two_runs_differ_in_what_is_drawn_and_in_the_order_of_properties(self):
        self.assertEqual(self.shown(self.executor("a"), self.executor("b", options=("-Db=2", "-Da=1"))), [])

    def test_another_property_and_another_order_of_variables_show(self):
        self.assertTrue(self.shown(self.executor("a"), self.executor("b", options=("-Da=1", "-Db=3"))))
        two = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
        self.assertTrue(self.shown(self.executor("a", env=two), self.executor("b", env=two[::-1])))


class Verdicts(unittest.TestCase):
    def setUp(self):
        self.case = parity.Case("x", "", {})
        self.made = {"objects": [{"kind": "Pod"}], "serverSideApply": True, "arguments": []}

    def test_both_refusing_is_agreement(self):
        self.assertEqual(parity.verdict(self.case, {"arguments": [], "refused": "a"}, {"refused": "b"}), [])

    def test_one_refusing_is_none(self):
        self.assertTrue(parity.verdict(self.case, {"arguments": [], "refused": "a"}, self.made))
        self.assertTrue(parity.verdict(self.case, self.made, {"refused": "b"}))

    def test_an_application_that_nobody_can_read_is_no_agreement(self):
        self.assertTrue(parity.verdict(self.case, {"refused": "a"}, {"refused": "b"}))

    def test_another_verb_shows(self):
        self.assertTrue(parity.verdict(self.case, self.made, {**self.made, "serverSideApply": False}))

    def test_an_object_too_many_shows(self):
        self.assertTrue(parity.verdict(self.case, self.made, {**self.made, "objects": self.made["objects"] * 2}))

    def test_handing_over_is_agreed_on_beforehand(self):
        self.assertTrue(parity.verdict(self.case, {"arguments": [], "fallback": ["globs: …"]}, self.made))
        self.assertEqual(parity.verdict(parity.Case("x", "", {"fallback": "globs"}), {"arguments": [], "fallback": ["globs: …"]}, self.made), [])
        self.assertTrue(parity.verdict(parity.Case("x", "", {"fallback": "globs"}), self.made, self.made))


class Goldens(unittest.TestCase):
    def test_lines_come_back_as_they_were_stored(self):
        old = {"spark": "3.5.7", "serverSideApply": True,
               "objects": [{"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "1", "b": "2"}}}]}
        new = copy.deepcopy(old)
        new["spark"] = "4.1.4"
        new["objects"][0]["metadata"]["labels"] = {"a": "1"}
        new["objects"].insert(0, {"kind": "Service", "metadata": {"name": "s"}})
        answers = {"3.5": old, "4.1": new, "4.2": {"spark": "4.2.1", "refused": "no"}, "4.3": old}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "expected.json")
            goldens.store(path, answers)
            self.assertEqual(goldens.load(path), answers)


if __name__ == "__main__":
    unittest.main()

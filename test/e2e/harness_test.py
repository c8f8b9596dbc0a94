#!/usr/bin/env python3
"""The end-to-end harness can see what it is there to see: two drivers at once, and processes that stay."""

import os
import subprocess
import unittest

from cells import COLUMNS, MATRIX, unmet_pairs
from cluster import DriverWatch, processes_with, state_of


def pod(uid, app="pi", phase="Running", role="driver"):
    return {"metadata": {"uid": uid, "labels": {"sparkoperator.k8s.io/app-name": app, "spark-role": role}}, "status": {"phase": phase}}


class Harness(unittest.TestCase):
    def test_a_second_driver_beside_a_live_one_is_an_overlap(self):
        watch = DriverWatch(cluster=None)
        watch._take("ADDED", pod("a", phase="Pending"))
        watch._take("ADDED", pod("b", phase="Pending"))
        self.assertEqual(watch.of("pi"), ["a", "b"])
        self.assertEqual(watch.overlaps, [("pi", ["a", "b"])])

    def test_a_driver_after_the_end_of_the_one_before_is_none(self):
        for ending in (("MODIFIED", "Failed"), ("MODIFIED", "Succeeded"), ("DELETED", "Running")):
            with self.subTest(ending):
                watch = DriverWatch(cluster=None)
                watch._take("ADDED", pod("a"))
                watch._take(ending[0], pod("a", phase=ending[1]))
                watch._take("ADDED", pod("b"))
                watch._take("ADDED", pod("c", app="other"))
                self.assertEqual(watch.overlaps, [])

    def test_an_executor_is_no_driver_and_is_kept_as_it_was_seen_first(self):
        watch = DriverWatch(cluster=None)
        watch._take("ADDED", pod("a"))
        watch._take("ADDED", pod("b", role="executor", phase="Pending"))
        watch._take("MODIFIED", pod("b", role="executor"))
        watch._take("DELETED", pod("b", role="executor"))
        self.assertEqual((watch.of("pi"), watch.overlaps), (["a"], []))
        self.assertEqual([p["status"]["phase"] for p in watch.executors_of("pi")], ["Pending"])

    def test_a_process_is_found_by_its_environment(self):
        process = subprocess.Popen(["sleep", "60"], env={"SPARK_APPLICATION_ID": "spark-of-this-test"})
        try:
            self.assertEqual(processes_with("spark-of-this-test"), [process.pid])
        finally:
            process.kill()
            process.wait()
        self.assertNotIn(os.getpid(), processes_with("spark-of-this-test"))

    def test_the_cells_that_ci_runs_meet_all_pairs_of_columns(self):
        of_ci = [cell for cell in MATRIX if cell.in_ci]
        self.assertEqual((len(of_ci), unmet_pairs(of_ci)), (6, []))
        for cell in of_ci:
            self.assertNotEqual(unmet_pairs([c for c in of_ci if c != cell]), [], f"{cell} is idle")
        self.assertEqual(len({tuple(getattr(c, column) for column in COLUMNS[:4]) for c in MATRIX}), 16)

    def test_a_cell_is_its_example_under_its_own_name_and_submitter(self):
        for cell in MATRIX:
            text = cell.manifest()
            self.assertIn(f"name: {cell.name}\n  annotations:\n    sparkoperator.k8s.io/submitter: {cell.submitter}\n", text)
            self.assertIn(f"sparkVersion: {cell.spark}", text)
            self.assertIn(f"type: {cell.language.capitalize()}", text)
            self.assertEqual((text.count("memoryLimit: 1g"), text.count("cores: 1")), (2, 0))

    def test_an_application_without_status_is_new(self):
        self.assertEqual(state_of({"metadata": {}}), "")
        self.assertEqual(state_of(None), "")


if __name__ == "__main__":
    unittest.main()

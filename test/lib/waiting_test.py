#!/usr/bin/env python3
"""A wait ends with what was waited for, or with what was missing."""

import unittest

from waiting import wait_for


class Waiting(unittest.TestCase):
    def test_the_first_true_value_is_what_comes_of_it(self):
        values = iter([None, 0, "", "it", "never asked for"])
        self.assertEqual(wait_for(lambda: next(values), "nothing", pause=0), "it")

    def test_a_bound_of_nothing_still_looks_once(self):
        self.assertEqual(wait_for(lambda: "it", "nothing", limit=0), "it")

    def test_what_was_missing_is_asked_for_at_the_end(self):
        looks = []
        with self.assertRaisesRegex(AssertionError, r"^nothing after [1-9]\d* looks \(waited 0 s\)$"):
            wait_for(lambda: looks.append(1), lambda: f"nothing after {len(looks)} looks", limit=0, pause=0)

    def test_a_look_that_fails_ends_the_wait(self):
        with self.assertRaises(ZeroDivisionError):
            wait_for(lambda: 1 / 0, "nothing")


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Each alert of the chart by promtool: series by which it fires, with its labels and its words, and series by which it must not (alerts.yaml). Each has a
runbook.

    test/boards/alerts_test.py             # promtool of Debian's package prometheus
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from boards import FILES, HERE, TOP, panels, published, rules, selectors

ORDER = ["info", "warning", "critical"]


def slug(title):
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(HERE, "alerts.yaml"), encoding="utf-8") as file:
            cls.rows = yaml.safe_load(file)
        cls.rules = rules()

    def promtool(self, tests):
        folder = tempfile.mkdtemp(prefix="alerts-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "tests.yaml")
        files = [os.path.join(FILES, "alerts", name) for name in sorted(os.listdir(os.path.join(FILES, "alerts")))]
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump({"rule_files": files, "evaluation_interval": "1m", "tests": tests}, file)
        return subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, timeout=300)

    def case(self, alert, row, fires):
        expected = []
        if fires:
            rule = self.rules[alert]
            expected = [{"exp_labels": {**row["labels"], "severity": rule["labels"]["severity"]},
                         "exp_annotations": {**rule["annotations"], "description": row["says"]}}]
        return {"interval": "1m", "input_series": [{"series": name, "values": str(values)} for name, values in row["series"].items()],
                "alert_rule_test": [{"alertname": alert, "eval_time": row["at"], "exp_alerts": expected}]}

    def test_each_fires_and_is_silent(self):
        self.assertEqual([row["alert"] for row in self.rows], [r for name in ("operator", "applications") for r in self.of_file(name)])
        tests = []
        for row in self.rows:
            tests.append(self.case(row["alert"], row["fires"], True))
            self.assertGreaterEqual(len(row["silent"]), 1)
            tests += [self.case(row["alert"], case, False) for case in row["silent"]]
        done = self.promtool(tests)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_wrong_expectation_is_noticed(self):
        row = dict(self.rows[0]["fires"], says="something else")
        self.assertNotEqual(self.promtool([self.case(self.rows[0]["alert"], row, True)]).returncode, 0)

    @staticmethod
    def of_file(name):
        with open(os.path.join(FILES, "alerts", name + ".yaml"), encoding="utf-8") as file:
            return [rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]

    def test_each_has_a_runbook(self):
        with open(os.path.join(TOP, "docs", "runbooks.md"), encoding="utf-8") as page:
            text = page.read()
        headings = re.findall(r"^## (.*)$", text, re.M)
        self.assertEqual(sorted(headings), sorted(self.rules))
        for name, rule in self.rules.items():
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks.md#{slug(name)}")
            self.assertIn(rule["labels"]["severity"], ORDER)
            section = text.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
            for part in ("**Means**", "**Look**", "**Do**"):
                self.assertIn(part, section, name)


class Selectors(unittest.TestCase):
    def test_what_an_expression_reads(self):
        for expression, found in (
                ("sum(a)", ["a"]), ('sum by (b) (rate(a{x="y{"}[5m])) > 0', ['a{x="y{"}']), ("a / on(pod) group_left(node) b offset 1d", ["a", "b"]),
                ('histogram_quantile(0.9, sum(rate(c_bucket{j="a/b"}[1m])) by (pod,le))', ['c_bucket{j="a/b"}']), ('{__name__=~"m_.*"} > 0', ['{__name__=~"m_.*"}']),
                ("(min(a) - time()) / 86400 < 14", ["a"]), ("count(max_over_time(a[6h])) unless count(a)", ["a", "a"])):
            self.assertEqual(selectors(expression), found, expression)

    def test_both_dashboards_are_read(self):
        self.assertEqual((len(published()), len({query.panel for query in published()})), (39, 27))
        self.assertGreater(len(panels()), 40)
        for _, expression in panels():
            self.assertTrue(selectors(expression), expression)


if __name__ == "__main__":
    unittest.main(verbosity=2)

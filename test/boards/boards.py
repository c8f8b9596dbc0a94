"""The dashboard and the alerts of the chart, and what their expressions ask for.

    panels()                                    # [(title, expression)] of our dashboard
    published()                                 # [Query] of the published scale-test dashboard
    rules()                                     # alerts by name
    selectors('sum(rate(a{x="y"}[5m])) > 1')    # ['a{x="y"}']
"""

import csv
import glob
import json
import os
import re
from collections import namedtuple

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FILES = os.path.join(TOP, "charts", "spark-operator-chart", "files")
# What stands before a bracket in PromQL and is no metric.
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset", "scalar"}

Query = namedtuple("Query", "panel title ref whose expression")


def panels():
    found = []
    for path in sorted(glob.glob(os.path.join(FILES, "dashboards", "*.json"))):
        with open(path, encoding="utf-8") as file:
            found += [(panel["title"], target["expr"]) for panel in json.load(file)["panels"] for target in panel.get("targets", [])]
    return found


def published():
    with open(os.path.join(HERE, "published.tsv"), encoding="utf-8", newline="") as file:
        return [Query(*row) for row in csv.reader((line for line in file if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)]


def rules():
    found = {}
    for path in sorted(glob.glob(os.path.join(FILES, "alerts", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            for group in yaml.safe_load(file)["groups"]:
                found.update((rule["alert"], rule) for rule in group["rules"])
    return found


def selectors(expression):
    """The vector selectors of an expression: what it reads of Prometheus, without functions and ranges."""
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expression)
    found = []
    for match in re.finditer(r'(?<![\w:."])([a-zA-Z_:][\w:]*)?(\{(?:[^{}"]|"(?:\\.|[^"\\])*")*\})?', bare):
        name, labels = match.groups()
        if labels or name and name not in WORDS and not re.match(r"\s*\(", bare[match.end():]) and not inside(bare, match.start()):
            found.append((name or "") + (labels or ""))
    return found


def inside(text, at):
    """Whether a position is within a text in quotes or a range in brackets."""
    before = re.sub(r'\\.', "  ", text[:at])
    return before.count('"') % 2 == 1 or before.count("[") != before.count("]") or before.count("{") != before.count("}")

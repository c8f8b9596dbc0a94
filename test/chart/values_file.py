#!/usr/bin/env python3
"""What values.yaml says about its values: the table of the chart's README.md, values.schema.json, and the defaults that templates
fall back to.

    values_file.py --write     writes all of them; a test compares them

A comment that begins with `# -- ` right above a key describes it; what follows such a key belongs to its default. The schema
says what a value should be and refuses only what no template could render: keys that it does not know pass, a number may be
written as a text, and null leaves a value out.
"""

import json
import os
import re
import sys

import yaml

from helm import CHART

VALUES = os.path.join(CHART, "values.yaml")
README = os.path.join(CHART, "README.md")
SCHEMA = os.path.join(CHART, "values.schema.json")
DEFAULTS = os.path.join(CHART, "templates/_defaults.tpl")
BEGIN, END = "<!-- values -->", "<!-- end of values -->"

CHOICES = {
    "image.pullPolicy": ["Always", "IfNotPresent", "Never", ""],
    "controller.logEncoder": ["console", "json", "CONSOLE", "JSON", ""],
    "webhook.logEncoder": ["console", "json", "CONSOLE", "JSON", ""],
    "controller.submitter": ["auto", "native", "spark-submit", ""],
    "controller.scheduledSparkApplicationTimestampPrecision": ["nanos", "micros", "millis", "seconds", "minutes", ""],
    "webhook.failurePolicy": ["Fail", "Ignore", ""],
}
# What null stands for, where the type cannot be seen from the default.
TYPES = {"controller.hostUsers": bool, "webhook.hostUsers": bool}
# Empty: the flag is left out.
NUMBER = "^(-?[0-9.]+([eE][+]?[0-9]+)?)?$"
# An empty value of another kind means the same, and templates of the Go operator's chart passed over it.
EMPTY = {list: {"type": ["array", "object", "string", "null"], "maxProperties": 0, "maxLength": 0},
         dict: {"type": ["object", "array", "string", "null"], "maxItems": 0, "maxLength": 0}}


class Value:
    def __init__(self, path, default, text):
        self.path, self.default, self.text = path, default, text

    @property
    def dotted(self):
        return ".".join(self.path)


def read(file=VALUES):
    """The described values in the order of the file, and the keys above them."""
    with open(file) as f:
        lines = f.read().splitlines()
    everything = yaml.safe_load("\n".join(lines))
    found, path, text, described_at = [], [], None, None
    for line in lines:
        comment = re.match(r"\s*# (?:-- )?(.*)", line)
        if comment:
            if "# -- " in line:
                text = [comment.group(1)]
            elif text is not None:
                text.append(comment.group(1))
            continue
        key = re.match(r"( *)([A-Za-z]\w*):( |$)", line)
        if not key:
            text = None
            continue
        depth = len(key.group(1)) // 2
        path[depth:] = [key.group(2)]
        if described_at is not None and depth > described_at:
            continue                                                     # part of a default
        described_at = None
        if text is not None:
            default = everything
            for part in path:
                default = default[part]
            found.append(Value(tuple(path), default, " ".join(text)))
            described_at, text = depth, None
    return found


def leaves(values, path=()):
    """Paths of everything that is no map with keys, or an item of a list."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def table():
    rows = ["| Value | Default | |", "|---|---|---|"]
    for value in read():
        default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
        rows.append(f"| `{value.dotted}` | `{default}` | {value.text.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def with_table(readme):
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


def schema_of(value):
    kind = TYPES.get(value.dotted, type(value.default))
    if value.dotted in CHOICES:
        schema = {"enum": [*CHOICES[value.dotted], None]}
    elif kind is bool:
        schema = {"type": ["boolean", "string", "null"]}
    elif kind in (int, float):
        schema = {"type": ["number", "string", "null"], "pattern": NUMBER}
        if value.dotted.endswith("minAvailable"):
            schema["pattern"] = "^([0-9]+%?)?$"
    elif value.dotted == "controller.batchScheduler.kubeSchedulerNames":
        schema = {"type": ["array", "string", "null"]}                   # names, or a text with commas
    elif kind in EMPTY:
        schema = EMPTY[kind]
    else:
        schema = {"type": ["string", "number", "boolean", "null"]}
    return {"description": value.text, "default": value.default, **schema}


def schema():
    top = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the Spark operator's chart", "type": "object",
           "properties": {}}
    for value in read():
        at = top
        for part in value.path[:-1]:
            at = at["properties"].setdefault(part, {"type": ["object", "null"], "properties": {}})
        at["properties"][value.path[-1]] = schema_of(value)
    return json.dumps(top, indent=1, ensure_ascii=False) + "\n"


def defaults():
    """Sections are maps; a value is a list of one, as it may itself be a map."""
    top = {}
    for value in read():
        at = top
        for part in value.path[:-1]:
            at = at.setdefault(part, {})
        at[value.path[-1]] = [value.default]
    return ("{{/* Made from values.yaml by test/chart/values_file.py --write. */}}\n"
            '{{- define "spark-operator.defaults" -}}\n' + json.dumps(top, indent=1, ensure_ascii=False) + "\n{{- end -}}\n")


def main():
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    with open(README) as f:
        readme = f.read()
    for path, text in ((README, with_table(readme)), (SCHEMA, schema()), (DEFAULTS, defaults())):
        with open(path, "w") as f:
            f.write(text)


if __name__ == "__main__":
    main()

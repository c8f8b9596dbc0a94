"""Do the cases cover what a submission can say? coverage.txt lists it; what no case uses is a failure.

    for line in missing(read(), cases, answers): print(line)      # answers: of parity_native, one each case

Four kinds of lines, comments begin with #:

    conf   spark.kubernetes.driver.volumes.*.*.mount.path    a property that spark-submit is given; * is one name without dots
    field  driver.envVars                                    a field of the spec
    row    4.1 python-pi spark-connect                       what changes with a Spark line: the recorded answer of that case differs
                                                             there from the line before, in this text
    refusal refused-no-cores cores must be a positive        what Spark refuses: its words, as recorded for the case
"""

import json
import os
import re

from goldens import load

HERE = os.path.dirname(os.path.abspath(__file__))


def read():
    with open(os.path.join(HERE, "coverage.txt"), encoding="utf-8") as file:
        return [line.split(None, 1) for line in file.read().splitlines() if line and not line.startswith("#")]


def missing(wanted, cases, answers):
    keys = {key for answer in answers for key in _keys(answer.get("arguments", []))}
    specs = [answer["spec"] for answer in answers if "spec" in answer]
    by_name = {case.name: case for case in cases}
    for kind, rest in wanted:
        if kind == "conf":
            pattern = re.compile(r"[^.]+".join(re.escape(part) for part in rest.split("*")))
            if not any(pattern.fullmatch(key) for key in keys):
                yield f"no case has the property {rest}"
        elif kind == "field":
            if not any(_has(spec, rest.split(".")) for spec in specs):
                yield f"no case has the field spec.{rest}"
        elif kind == "row":
            line, name, text = rest.split(None, 2)
            if name not in by_name or not _changes(by_name[name], line, text):
                yield f"the case {name} does not show that {line} brings a difference in {text}"
        elif kind == "refusal":
            name, text = rest.split(None, 1)
            refused = [a.get("refused", "") for a in load(by_name[name].expected).values()] if name in by_name else []
            if not any(text in words for words in refused):
                yield f"the case {name} is not refused with the words: {text}"
        else:
            yield f"coverage.txt: {kind} is no kind of line"


def _keys(arguments):
    for flag, value in zip(arguments, arguments[1:]):
        if flag == "--conf":
            yield value.partition("=")[0]


def _has(value, path):
    if isinstance(value, list):
        return any(_has(item, path) for item in value)
    return not path or isinstance(value, dict) and path[0] in value and _has(value[path[0]], path[1:])


def _changes(case, line, text):
    with open(case.expected, encoding="utf-8") as file:
        return text in json.dumps(json.load(file).get(line), ensure_ascii=False)

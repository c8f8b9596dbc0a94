"""What real spark-submits made of a case, as one file: expected.json.

    {"3.5": {"spark": "3.5.7", "order": ["Pod/…", …], "objects": {"Pod/…": {…}}, "serverSideApply": true},
     "4.0": {…}}        # a merge patch (RFC 7386) to the line before it: what is new in that line

so that a reader sees what a Spark line changes, and six lines take the room of two. Refusals are {"spark", "refused"}.
"""

import copy
import json


def load(path):
    """line → {"spark", "objects": […], "serverSideApply"} or {"spark", "refused"}; {} where nothing is recorded."""
    try:
        with open(path, encoding="utf-8") as file:
            chain = json.load(file)
    except FileNotFoundError:
        return {}
    answers, before = {}, {}
    for line in sorted(chain):
        before = merged(before, chain[line])
        answers[line] = _unpacked(before)
    return answers


def store(path, answers):
    chain, before = {}, {}
    for line in sorted(answers):
        packed = _packed(answers[line])
        chain[line] = merge_patch(before, packed)
        before = packed
    with open(path, "w", encoding="utf-8") as file:
        json.dump(chain, file, indent=1, ensure_ascii=False, sort_keys=True)
        file.write("\n")


def merged(target, patch):
    target = copy.deepcopy(target)
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = merged(target[key] if isinstance(target.get(key), dict) else {}, value)
        else:
            target[key] = value
    return target


def merge_patch(before, after):
    patch = {key: None for key in before if key not in after}
    for key, value in after.items():
        if isinstance(value, dict) and isinstance(before.get(key), dict):
            inner = merge_patch(before[key], value)
            if inner:
                patch[key] = inner
        elif key not in before or before[key] != value:
            patch[key] = value
    return patch


def _packed(answer):
    if "objects" not in answer:
        return answer
    keys = []
    for o in answer["objects"]:
        key = f"{o['kind']}/{o['metadata']['name']}"
        keys.append(key if key not in keys else key + " again")      # applied once more, with an owner
    if len(set(keys)) != len(keys):
        raise ValueError(f"an object three times: {keys}")
    return {**answer, "order": keys, "objects": dict(zip(keys, answer["objects"]))}


def _unpacked(packed):
    if "objects" not in packed:
        return packed
    answer = {key: value for key, value in packed.items() if key != "order"}
    answer["objects"] = [packed["objects"][key] for key in packed["order"]]
    return answer

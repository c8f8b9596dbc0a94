#!/usr/bin/env python3
"""Bans what would make a simulated world differ from run to run, and names that say nothing.

Clock, timers, randomness and blocking belong to kube/async and kube/base; everyone else asks the Loop for them, so
that one seed replays one world (docs/development.md). Order that comes from addresses or hash seeds is banned for
the same reason. kube/ serves any operator and therefore never names the one above it.
"""

import re

from tree import code_of, lines_of, main

ASYNC, BASE = "kube/async", "kube/base"

# (what, pattern over code without comments and literals, rooms that may, what to use instead)
RULES = [
    ("a raw timer", r"\b(steady_timer|system_timer|high_resolution_timer|deadline_timer|basic_waitable_timer)\b",
     (ASYNC,), "Timer of kube/async"),
    ("a raw TCP stream with time-outs", r"\btcp_stream\b|\bbeast::basic_stream\b|(\.|->)expires_(after|at|from_now|never)\s*\(",
     (ASYNC,), "Stream and Deadline of kube/async"),
    ("raw randomness", r"\b(random_device|mt19937(_64)?|minstd_rand0?|default_random_engine|arc4random\w*|getrandom|RAND_bytes|drand48)\b|\bstd::rand\b|(?<![\w:.>])s?rand\s*\(",
     (ASYNC, BASE), "Random of kube/base"),
    ("a raw clock", r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock)::now\b|\b(gettimeofday|clock_gettime|timespec_get)\b|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0)\s*\)",
     (ASYNC, BASE), "Clock of kube/base"),
    ("a blocking sleep", r"\bthis_thread::sleep(_for|_until)?\b|(?<![\w.>])(usleep|nanosleep|clock_nanosleep)\s*\(|(?<![\w:.>])sleep\s*\(\s*\d",
     (ASYNC, BASE), "Timer of kube/async"),
    ("detached work", r"\basio::detached\b|\bdetached_t\b|\.detach\s*\(\s*\)", (ASYNC,), "TaskGroup of kube/async"),
    ("work on a hidden thread", r"\bstd::async\b", (ASYNC,), "the blocking pool of kube/async"),
    ("an order made of addresses", r"\bstd::(map|set|multimap|multiset)\s*<\s*(const\s+)?[\w:]+\s*(const\s*)?\*|\bstd::less\s*<\s*(const\s+)?[\w:]+\s*(const\s*)?\*|\bstd::(map|set)\s*<\s*std::(shared|unique)_ptr\b",
     (), "a key with a value of its own"),
]
COMPILED = [(what, re.compile(pattern), rooms, instead) for what, pattern, rooms, instead in RULES]

# The few places that need one all the same: (file, what) -> why. A row without a finding is itself a finding.
ALLOWED = {
}

UNORDERED = re.compile(r"\bunordered_(?:map|set|multimap|multiset)\s*<")
NAMELESS_FOLDERS = {"util", "utils", "common", "helper", "helpers", "misc"}


def check(tree):
    findings, used = [], set()
    for path in tree.files(".h", ".cc"):
        room = tree.room_of(path)
        if room is None:
            continue
        code = code_of(tree.text(path))
        for number, line in lines_of(code):
            for what, pattern, rooms, instead in COMPILED:
                found = pattern.search(line)
                if not found or room in rooms:
                    continue
                if (path, what) in ALLOWED:
                    used.add((path, what))
                else:
                    findings.append(f"{path}:{number}: {what} ({found.group(0).strip()}): use {instead}")
        findings += _iterated_unordered(tree, path, code)
    findings += [f"test/structure/banned.py: {path} no longer needs its exception for {what}"
                 for path, what in ALLOWED if tree.exists(path) and (path, what) not in used]

    for path in tree.files():
        folders = path.split("/")[:-1]
        findings += [f"{path}: a folder is named after what it holds, not {name}/"
                     for name in folders if name in NAMELESS_FOLDERS]
        if path.startswith("kube/"):
            if "spark" in path.lower():
                findings.append(f"{path}: kube/ knows nothing of the operator above it, nor do its file names")
            for number, line in lines_of(tree.text(path)):
                if "spark" in line.lower():
                    findings.append(f"{path}:{number}: kube/ knows nothing of the operator above it: {line.strip()[:80]}")
    return findings


def _iterated_unordered(tree, path, code):
    """Names declared as unordered containers (here or in the header beside) that a loop walks over."""
    beside = re.sub(r"(_test)?\.cc$", ".h", path)
    declared = code
    if beside != path and tree.exists(beside):
        declared = code_of(tree.text(beside)) + "\n" + code
    names = set()
    for start in UNORDERED.finditer(declared):
        depth, at = 1, start.end()
        while at < len(declared) and depth:
            depth += {"<": 1, ">": -1}.get(declared[at], 0)
            at += 1
        named = re.match(r"\s*[&*]?\s*(\w+)\s*[;={,)(\[]", declared[at:at + 200])
        if named:
            names.add(named.group(1))
    if not names:
        return []
    any_name = "(" + "|".join(sorted(names)) + ")"
    walk = re.compile(r"\bfor\s*\([^;]*?:\s*(?:\w+(?:\.|->))*" + any_name + r"\s*\)|\b" + any_name + r"\s*(?:\.|->)\s*c?begin\s*\(")
    return [f"{path}:{number}: walks an unordered container ({(found.group(1) or found.group(2))}): its order differs from run to run; use an ordered one"
            for number, line in lines_of(code) for found in [walk.search(line)] if found]


if __name__ == "__main__":
    main(check)

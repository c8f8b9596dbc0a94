#!/usr/bin/env python3
"""Every room explains itself, every source is built, and no file is too long to read in one sitting."""

import os
import re

from tree import main

LONGEST = 700
SOURCES = (".h", ".cc", ".py", ".sh", ".cmake", "CMakeLists.txt")


def check(tree):
    findings = []
    tracked = set(tree.files())
    for room in tree.rooms:
        if any(f.startswith(room + "/") for f in tracked) and f"{room}/README.md" not in tracked:
            findings.append(f"{room}/README.md: missing; one page: what lives here, what it may include, where to start reading")
    for path in tree.files(*SOURCES):
        lines = tree.text(path).count("\n")
        if lines > LONGEST:
            findings.append(f"{path}: {lines} lines, at most {LONGEST}: where is the seam?")
    return findings + _left_out(tree)


def _left_out(tree):
    """Sources that no CMakeLists.txt of their folder or above names: a test among them would never run. A header that
    only tests share need not be named, if one of them includes it."""
    findings = []
    included = set()
    for path in tree.files(".h", ".cc"):
        included.update(re.findall(r'^\s*#\s*include\s*"([^"]+)"', tree.text(path), re.M))
    for path in tree.files(".h", ".cc"):
        room = tree.room_of(path)
        if room is None or not tree.exists(f"{room}/CMakeLists.txt"):
            continue
        folder, named = os.path.dirname(path), False
        while not named and len(folder) >= len(room):
            list_file = f"{folder}/CMakeLists.txt"
            if tree.exists(list_file):
                inner = re.escape(os.path.relpath(path, folder))
                named = re.search(r"(?<![\w./-])" + inner + r"(?![\w./-])", tree.text(list_file)) is not None
            folder = os.path.dirname(folder)
        if not named and path not in included:
            findings.append(f"{path}: no CMakeLists.txt names it, so nothing builds it")
    return findings


if __name__ == "__main__":
    main(check)

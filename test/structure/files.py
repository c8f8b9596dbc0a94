#!/usr/bin/env python3
"""Every room explains itself, and no file is too long to read in one sitting."""

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
    return findings


if __name__ == "__main__":
    main(check)

#!/usr/bin/env python3
"""Every tracked C++ file is as clang-format 19 with .clang-format would write it."""

import os
import shutil
import subprocess

from tree import main

FORMATTER = "clang-format-19"


def check(tree):
    if not shutil.which(FORMATTER):
        return [f"{FORMATTER}: not found; Debian 12 has it as package {FORMATTER}"]
    files = tree.files(".h", ".cc")
    findings = []
    for at in range(0, len(files), 100):
        run = subprocess.run([FORMATTER, "--dry-run", "--Werror", "--ferror-limit=1", *files[at:at + 100]],
                             cwd=tree.root, capture_output=True, text=True)
        wrong = sorted({line.split(":")[0] for line in run.stderr.splitlines() if ": error:" in line})
        findings += [f"{os.path.normpath(f)}: not formatted; run {FORMATTER} -i {f}" for f in wrong]
        if run.returncode and not wrong:
            findings.append(f"{FORMATTER} failed: {run.stderr.strip()[:300]}")
    return findings


if __name__ == "__main__":
    main(check)

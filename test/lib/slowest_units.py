#!/usr/bin/env python3
"""Prints the ten translation units that took longest, from a .ninja_log.

A line of the log is: start ms, end ms, mtime, output, hash of the command. The log keeps earlier builds, so the last
line of an output counts.
"""

import sys


def slowest(lines, count=10):
    took = {}
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if len(fields) == 5 and fields[3].endswith(".o"):
            took[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    return sorted(took.items(), key=lambda item: (-item[1], item[0]))[:count], len(took), sum(took.values())


def name_of(output):
    """kube/core/CMakeFiles/kube_core.dir/patch.cc.o -> kube/core/patch.cc"""
    folder, _, rest = output.partition("CMakeFiles/")
    return folder + rest.split("/", 1)[-1].removesuffix(".o")


if __name__ == "__main__":
    with open(sys.argv[1]) as log:
        units, number, total = slowest(log)
    for output, seconds in units:
        print(f"{seconds:8.1f}  {name_of(output)}")
    print(f"{number} units, {total:.0f} s of compiling in all")

#!/usr/bin/env python3
"""Holds every #include to the table of rooms in cmake/rooms.cmake.

A quoted include is written from the repository's root, names a file that exists, and lies in the same room or in one
that the table's row lists. Angle includes of heavy libraries (Beast, TLS streams) stay in the few .cc files that
HEAVY_SOURCES names, because one such file costs half a minute of compile time; spdlog stays behind kube/base/log.h.
"""

import re

from tree import code_of, lines_of, main

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')

MOST_HEAVY_SOURCES = 5
HEAVY = re.compile(r"^boost/(beast\b|asio/ssl\b)")
CRYPTO = re.compile(r"^openssl/")
LOGGING = re.compile(r"^spdlog/")
LOG_SOURCE = "kube/base/log.cc"


def check(tree):
    findings = []
    if not tree.rooms:
        return ["cmake/rooms.cmake: no ROOM_TABLE found"]
    heavy = tree.cmake_list("HEAVY_SOURCES")
    crypto = heavy + tree.cmake_list("CRYPTO_SOURCES")
    if len(heavy) > MOST_HEAVY_SOURCES:
        findings.append(f"cmake/rooms.cmake: HEAVY_SOURCES names {len(heavy)} files, at most {MOST_HEAVY_SOURCES} may be heavy")
    for named in crypto:
        if named in heavy and not named.endswith(".cc"):
            findings.append(f"cmake/rooms.cmake: {named}: only a .cc file may hold heavy includes")
        if not tree.exists(named):
            findings.append(f"cmake/rooms.cmake: {named} is no file")
    for room, below in tree.rooms.items():
        findings += [f"cmake/rooms.cmake: {room} may include {b}, which is no room" for b in below if b not in tree.rooms]

    for path in tree.files(".h", ".cc"):
        room = tree.room_of(path)
        if room is None:
            continue
        for number, line in lines_of(code_of(tree.text(path))):
            found = INCLUDE.match(line)
            if found:
                quoted = found.group(1) == '"'
                problem = (_quoted if quoted else _angled)(tree, room, path, found.group(2), heavy, crypto)
                if problem:
                    findings.append(f"{path}:{number}: {problem}")
    return findings


def _quoted(tree, room, path, included, heavy, crypto):
    if not tree.exists(included):
        return f'"{included}" is no file seen from the repository\'s root (a library is included with <>)'
    target = tree.room_of(included)
    if target is None:
        return f'"{included}" lies in no room'
    if target != room and target not in tree.rooms[room]:
        return f'{room} may not include {target} ("{included}"); cmake/rooms.cmake says who may'
    return None


def _angled(tree, room, path, included, heavy, crypto):
    if HEAVY.match(included) and path not in heavy:
        return f"<{included}> belongs behind kube/http: only HEAVY_SOURCES of cmake/rooms.cmake include it"
    if CRYPTO.match(included) and path not in crypto:
        return f"<{included}> is for HEAVY_SOURCES and CRYPTO_SOURCES of cmake/rooms.cmake only"
    if LOGGING.match(included) and path != LOG_SOURCE:
        return f"<{included}> is for {LOG_SOURCE} only; everyone else logs through kube/base/log.h"
    if included.split("/")[0] + "/" in ("kube/", "api/", "spark/", "controller/", "webhook/"):
        return f"<{included}> is ours: write it with quotes"
    return None


if __name__ == "__main__":
    main(check)

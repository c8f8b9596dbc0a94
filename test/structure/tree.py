"""The source tree as the structure checks see it: its files, its rooms, its text.

    tree = Tree(root)
    for file in tree.files(".h", ".cc"): ...      # paths relative to the root, sorted
    tree.room_of("kube/core/key.h")               # "kube/core", or None outside every room

A check is a function `check(tree) -> list[str]`, one line per finding (`path:line: what is wrong`), and a module
with such a function becomes a command by `main(check)`: it prints the findings and exits 1 if there are any.
"""

import argparse
import os
import re
import subprocess
import sys


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self._files = self._list()
        self._text = {}
        self.rooms = self._read_rooms()

    def files(self, *suffixes):
        return [f for f in self._files if not suffixes or f.endswith(suffixes)]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self._text[path] = f.read()
        return self._text[path]

    def room_of(self, path):
        """The innermost room that holds the path."""
        best = None
        for room in self.rooms:
            if path.startswith(room + "/") and (best is None or len(room) > len(best)):
                best = room
        return best

    def cmake_list(self, variable):
        """The words of `set(VARIABLE ...)` in cmake/rooms.cmake; quoted rows come whole."""
        text = re.sub(r"^\s*#.*$", "", self.text("cmake/rooms.cmake"), flags=re.M)
        found = re.search(r"\bset\(" + variable + r"\b([^)]*)\)", text)
        if not found:
            return []
        return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^\s"]+)', found.group(1))]

    # Only what git tracks is judged, so that a half-written file of somebody else breaks nobody's build; a tree
    # that is no repository (the self test's) is walked.
    def _list(self):
        try:
            out = subprocess.run(["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z"],
                                 capture_output=True, check=True).stdout.decode()
            top = subprocess.run(["git", "-c", "safe.directory=*", "-C", self.root, "rev-parse", "--show-toplevel"],
                                 capture_output=True, check=True).stdout.decode().strip()
            if os.path.realpath(top) == os.path.realpath(self.root):
                return sorted(f for f in out.split("\0") if f and os.path.isfile(os.path.join(self.root, f)))
        except (OSError, subprocess.CalledProcessError):
            pass
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [d for d in folders if d not in ("build", ".git")]
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return sorted(found)

    def _read_rooms(self):
        rows = self.cmake_list("ROOM_TABLE")
        return {row.split(":")[0].strip(): row.split(":", 1)[1].split() for row in rows}


_TOKEN = re.compile(
    r"""(?P<raw>R"(?P<tag>[^()\\\s]{0,16})\((?:.|\n)*?\)(?P=tag)")"""
    r"""|(?P<line>//[^\n]*)|(?P<block>/\*(?:.|\n)*?\*/)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')""")


def code_of(text):
    """C++ text with comments and literals blanked, line numbers kept; #include lines keep their path."""
    def blank(match):
        if match.lastgroup == "string" or match.group("string"):
            start = text.rfind("\n", 0, match.start()) + 1
            if re.match(r"\s*#\s*include\b", text[start:match.start()]):
                return match.group(0)
            return '""'
        return re.sub(r"[^\n]", " ", match.group(0))
    return _TOKEN.sub(blank, text)


def lines_of(text):
    return enumerate(text.split("\n"), start=1)


def main(check):
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    findings = check(Tree(parser.parse_args().root))
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} finding(s)")
    sys.exit(1 if findings else 0)

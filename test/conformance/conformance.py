#!/usr/bin/env python3
"""One suite, the same expectations of every API server: `conformance.py --server embedded|real [unittest's arguments]`.

A test that holds for one server only is no test of this suite. A real server is the judge: where the two differ, the
embedded one is wrong.
"""

import argparse
import os
import sys
import time
import unittest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "../lib")]

import control_plane  # noqa: E402
import suite  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("embedded", "real"), required=True)
    options, rest = parser.parse_known_args()
    if not os.environ.get("KUBECTL"):
        sys.exit("no kubectl: set KUBECTL (test/lib/fetch_kubectl.sh builds one)")
    start = time.monotonic()
    with control_plane.ControlPlane(options.server) as plane:
        print(f"{options.server} API server ready after {time.monotonic() - start:.1f} s", flush=True)
        suite.plane = plane
        names = [arg for arg in rest if not arg.startswith("-")]
        loader = unittest.TestLoader()
        loader.testNamePatterns = [f"*{name}*" for name in names] or None
        tests = loader.discover(here, "*_test.py")
        result = unittest.TextTestRunner(verbosity=2 if "-v" in rest else 1, failfast="-f" in rest).run(tests)
        if not result.testsRun:
            sys.exit(f"no test is named {names}")
        if not result.wasSuccessful():
            for name in plane.processes:
                with open(os.path.join(plane.folder, f"{name}.log"), errors="replace") as f:
                    errors = [line for line in f if "panic" in line or "ERROR: AddressSanitizer" in line]
                print("".join(errors[:20]), end="")
    return 0 if result.wasSuccessful() and not result.skipped else 1


if __name__ == "__main__":
    sys.exit(main())

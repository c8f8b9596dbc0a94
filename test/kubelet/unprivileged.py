#!/usr/bin/env python3
"""Runs test programs as an ordinary user (nobody), from a folder that this user can read, with a home of its own:

    test/kubelet/unprivileged.py build/dev/test/kubelet/kubelet_test …

Where the machine refuses user namespaces to ordinary users, the tests say so and pass.
"""

import os
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534


def main():
    folder = tempfile.mkdtemp(prefix="unprivileged-")
    try:
        os.chmod(folder, 0o755)
        home = os.path.join(folder, "home")
        os.mkdir(home, 0o700)
        become = []
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
            become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
        for program in sys.argv[1:]:
            copy = shutil.copy(program, folder)
            code = subprocess.run([*become, copy], cwd=home, env={**os.environ, "HOME": home, "TMPDIR": home}).returncode
            if code:
                return 1
        left = os.listdir(home)
        if left:
            print(f"files that nobody removed: {left}", file=sys.stderr)
        return 1 if left else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

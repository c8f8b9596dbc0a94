#!/usr/bin/env python3
"""A control plane ends with whoever started it, however that ended, and so does what ran beside it."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

import control_plane
from waiting import wait_for

# Bounds, not expectations.
LIMIT = 120


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Ending(unittest.TestCase):
    def start(self):
        """A run whose command leaves a process in the background; the ids of all that belongs to it."""
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        told = os.path.join(self.folder.name, "told")
        script = f'setsid sleep 1000 & echo "$! $$ ${{CONTROL_PLANE_PIDS##*=}} $CONTROL_PLANE_FOLDER" >{told}.new; mv {told}.new {told}; sleep 1000'
        run = subprocess.Popen([sys.executable, "-B", control_plane.__file__, "run", "--server", "embedded", "--", "sh", "-c", script])
        self.addCleanup(lambda: run.poll() is None and run.kill())
        wait_for(lambda: os.path.exists(told), "the command has not started")
        with open(told) as f:
            *pids, plane_folder = f.read().split()
        with open(f"/proc/{run.pid}/task/{run.pid}/children") as f:
            second = int(f.read().split()[0])
        return run, second, [*map(int, pids), second], plane_folder

    def check_gone(self, pids):
        wait_for(lambda: not any(map(alive, pids)), lambda: f"still alive of {pids}: {[p for p in pids if alive(p)]}")

    def test_a_polite_end_leaves_nothing(self):
        run, _, pids, folder = self.start()
        run.terminate()
        self.assertEqual(run.wait(LIMIT), 128 + signal.SIGTERM)
        self.check_gone(pids)
        self.assertFalse(os.path.exists(folder))

    def test_a_kill_of_the_first_process_leaves_nothing(self):
        run, _, pids, folder = self.start()
        run.kill()
        run.wait(LIMIT)
        self.check_gone(pids)
        wait_for(lambda: not os.path.exists(folder), f"{folder} is still there")

    def test_a_kill_of_the_second_process_leaves_nothing(self):
        run, second, pids, _ = self.start()
        os.kill(second, signal.SIGKILL)
        self.assertEqual(run.wait(LIMIT), 128 + signal.SIGKILL)
        self.check_gone(pids)

    def test_the_exit_code_is_the_commands(self):
        run = subprocess.run([sys.executable, "-B", control_plane.__file__, "run", "--server", "embedded", "--", "sh", "-c", "exit 7"], timeout=LIMIT)
        self.assertEqual(run.returncode, 7)


if __name__ == "__main__":
    unittest.main()

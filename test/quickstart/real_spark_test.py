#!/usr/bin/env python3
"""quickstart.sh with real Spark, interrupted while the driver starts and while executors compute: no process stays
behind, and the next run computes Pi.

The script runs in a small tree of its own that "builds" by copying $SPARKCTL, so that nothing is compiled here.
"""

import os
import signal
import time
import unittest

import quickstart_test
from waiting import wait_for

LIMIT = 900  # a bound, not an expectation: two busy cores take several times what an idle machine takes


class RealSpark(quickstart_test.Tree):
    def setUp(self):
        super().setUp(spark="real")
        with open(os.environ["SPARKCTL"], "rb") as binary, open(os.path.join(self.tree, "sparkctl.sh"), "wb") as copy:
            copy.write(binary.read())
        os.chmod(os.path.join(self.tree, "sparkctl.sh"), 0o755)
        self.environment = {"SPARK_OPERATOR_LOCAL_DIR": os.path.join(self.tree, "local")}

    @staticmethod
    def descendants(root):
        """(id, start time, command line) of all processes below one."""
        processes = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    processes[int(pid)] = (int(fields[1]), fields[19], f.read().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                pass
        found, new = set(), {root}
        while new:
            found |= new
            new = {pid for pid, (parent, _, _) in processes.items() if parent in found} - found
        return {(pid, processes[pid][1], processes[pid][2]) for pid in found - {root} if pid in processes}

    @staticmethod
    def lives(pid, started):
        try:
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[19] == started
        except OSError:
            return False

    def interrupted(self, role, interrupt):
        """Starts the script, interrupts it when a process of Spark's role runs, and sees everything end."""
        process = self.start(**self.environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + LIMIT
        while True:
            there = self.descendants(process.pid)
            if any(role in command for _, _, command in there):
                break
            self.assertIsNone(process.poll(), "it ended before " + role)
            self.assertLess(time.monotonic(), deadline, f"no {role}")
            time.sleep(0.1)
        there = self.descendants(process.pid)
        interrupt(process)
        self.assertNotEqual(process.wait(timeout=LIMIT), 0)

        def left():
            return [process for process in there if self.lives(*process[:2])]
        wait_for(lambda: not left(), lambda: f"left behind: {left()}")

    def test_nothing_is_left_whatever_ends_it_and_the_next_run_works(self):
        self.interrupted("org.apache.spark.deploy.SparkSubmit", lambda process: process.kill())
        self.interrupted("KubernetesExecutorBackend", lambda process: os.killpg(process.pid, signal.SIGINT))
        code, output = self.run_to_end(limit=LIMIT, **self.environment)
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"Pi is roughly 3\.1")


if __name__ == "__main__":
    unittest.main()

"""What the benchmarks share: processes and what they cost, counters of a /metrics page, the machine's shape, spread.

    with Program([binary, "controller", "start", …], log) as operator:
        before = operator.cost()
        …
        spent = operator.cost() - before            # CPU seconds, children that have ended included
        operator.peak_rss()                         # bytes

A program ends with this process, however that ends."""

import contextlib
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
APPLICATION = os.path.join(TOP, "bench", "application.yaml")
sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import dies_with_parent  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def cpu_seconds(pid):
    """Of the process and of its children that have ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def status_bytes(pid, name):
    with open(f"/proc/{pid}/status") as f:
        found = re.search(rf"^{name}:\s+(\d+) kB", f.read(), re.M)
    return int(found.group(1)) * 1024 if found else 0


class Program:
    def __init__(self, command, log, environment=None):
        self.command, self.log, self.environment = command, log, environment or {}

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment},
                                            preexec_fn=dies_with_parent(signal.SIGKILL))
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cost(self):
        return cpu_seconds(self.pid)

    def peak_rss(self):
        return status_bytes(self.pid, "VmHWM")

    def wait_until(self, fact, limit, what):
        deadline = time.monotonic() + limit
        while True:
            with contextlib.suppress(OSError):
                if fact():
                    return
            if self.process.poll() is not None:
                raise Failed(f"{self.command[0]} ended with code {self.process.returncode}:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not after {limit} s:\n{self.log_end()}")
            time.sleep(0.05)

    def log_end(self, lines=20):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])


class Failed(RuntimeError):
    pass


def end_orderly():
    """SIGTERM ends a benchmark as an exception does: servers end, folders go."""
    def end(number, _):
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def install_kinds(operator, plane):
    """The definitions of the operator's kinds; ends when they are served."""
    subprocess.run([operator, "crds", "apply", "--kubeconfig", plane.kubeconfig], check=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            if b"sparkapplications" in plane.get("/apis/sparkoperator.k8s.io/v1beta2"):
                return
        if time.monotonic() > deadline:
            raise Failed("the API server does not serve SparkApplications")
        time.sleep(0.1)


def http_get(url):
    with _no_proxy.open(url, timeout=10) as answer:
        return answer.read().decode()


def counters(url, name):
    """{labels as text: value} of one metric."""
    found = {}
    for line in http_get(url).splitlines():
        match = re.fullmatch(rf"{name}(?:{{(.*)}})? ([0-9.e+]+)", line)
        if match:
            found[match.group(1) or ""] = float(match.group(2))
    return found


def run_json(command, limit):
    """The JSON that a command prints; its own words when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=limit, preexec_fn=dies_with_parent(signal.SIGKILL), check=False)
    if done.returncode != 0:
        raise Failed(f"{os.path.basename(command[0])} {command[1]}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def spread(values, show="{:.0f}"):
    """"412 (398–431)": median, least, most; the value alone when there is one."""
    if not values:
        return "–"
    median = show.format(statistics.median(values))
    if len(values) == 1:
        return median
    return f"{median} ({show.format(min(values))}–{show.format(max(values))})"


def describe_run(arguments):
    """Where and on what: numbers without it say nothing."""
    model = "unknown CPU"
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as f:
        found = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
        model = found.group(1) if found else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "-C", TOP, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return (f"`bench/run.sh {' '.join(arguments)}`\n\n"
            f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release().split('-')[0]}; "
            f"commit {commit.stdout.strip() or 'unknown'}; load average before: {load}\n")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)

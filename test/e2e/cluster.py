"""A cluster seen through kubectl, whoever made it, and what an observer of drivers and processes sees.

    class MyCluster(Cluster): …                          # sets kubectl_path and environment (with KUBECONFIG)
    cluster.kubectl("apply", "-f", "app.yaml")
    app = cluster.wait_for_state("spark-pi", "COMPLETED")
    cluster.driver_log(app)

KUBECTL names the program; default: the one on the PATH.
"""

import json
import os
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from waiting import wait_for  # noqa: E402

# Bounds, not expectations: two cores that also compile take several times what an idle machine takes.
START_LIMIT = 120
APP_LIMIT = 400
CALL_LIMIT = 60

TERMINAL = {"COMPLETED", "FAILED"}


def find_kubectl():
    found = os.environ.get("KUBECTL") or shutil.which("kubectl")
    if not found:
        raise RuntimeError("no kubectl: set KUBECTL (test/lib/fetch_kubectl.sh builds one)")
    return found


class Cluster:
    def try_kubectl(self, *arguments, text=None):
        run = subprocess.run([self.kubectl_path, *arguments], env=self.environment, input=text or "", text=True,
                             capture_output=True, timeout=CALL_LIMIT)
        return run.returncode, run.stdout, run.stderr

    def kubectl(self, *arguments, text=None):
        code, out, err = self.try_kubectl(*arguments, text=text)
        if code:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit code {code}\n{out}{err}")
        return out

    def get(self, kind, name):
        """The object, or None if there is none."""
        code, out, err = self.try_kubectl("get", kind, name, "-o", "json")
        if code and "NotFound" in err:
            return None
        if code:
            raise AssertionError(f"kubectl get {kind} {name}: {err}")
        return json.loads(out)

    def list(self, kind, selector=""):
        return json.loads(self.kubectl("get", kind, "-l", selector, "-o", "json"))["items"]

    def wait_for(self, fact, what, limit=APP_LIMIT):
        """As waiting.wait_for(), not so often: facts here are processes. A failure says what is there, too."""
        return wait_for(fact, lambda: f"{what}\n{self.what_is_there()}", limit, pause=0.5)

    def wait_for_state(self, name, *states):
        """Waits until the application is in one of the states. Another terminal state ends the wait at once."""
        def reached():
            app = self.get("sparkapplication", name)
            state = state_of(app)
            if state in TERMINAL and state not in states:
                raise AssertionError(f"{name} is {state}, not {'/'.join(states)}\n{json.dumps(app.get('status'), indent=1)}\n"
                                     + self.what_is_there())
            return app if state in states else None
        return self.wait_for(reached, f"{name} never became {'/'.join(states)}")

    def driver_log(self, app):
        return self.kubectl("logs", app["status"]["driverInfo"]["podName"])

    def what_is_there(self):
        """For the message of a failure."""
        said = []
        for arguments in (["get", "sparkapplications,pods,services,configmaps", "-A", "-o", "wide"], ["get", "events", "-A"]):
            said.append("$ kubectl " + " ".join(arguments))
            said.extend(self.try_kubectl(*arguments)[1:])
        code, pods, _ = self.try_kubectl("get", "pods", "-l", "spark-role=driver", "-o", "name")
        for pod in pods.split() if code == 0 else []:
            said.append(f"$ kubectl logs {pod} --tail=30")
            said.extend(self.try_kubectl("logs", pod, "--tail=30")[1:])
        return "\n".join(s for s in said if s.strip())


def state_of(app):
    return ((app or {}).get("status") or {}).get("applicationState", {}).get("state", "")


class DriverWatch:
    """Sees every driver and executor pod of a cluster come and go through one `kubectl get --watch`.

        with DriverWatch(cluster) as drivers: ...
        drivers.of("spark-pi")            # UIDs in order of appearance
        drivers.overlaps                  # moments at which one application had two drivers that had not ended
        drivers.executors_of("spark-pi")  # its executors' pods as they were seen first
    """

    def __init__(self, cluster):
        self._cluster = cluster
        self._seen = {}
        self._live = {}
        self._executors = {}
        self.overlaps = []

    def __enter__(self):
        self._process = subprocess.Popen(
            [self._cluster.kubectl_path, "get", "pods", "-A", "-l", "spark-role", "--watch", "--output-watch-events", "-o", "json"],
            env=self._cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        """May be called more than once."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()

    def of(self, app):
        return list(self._seen.get(app, []))

    def executors_of(self, app):
        return list(self._executors.get(app, {}).values())

    def _read(self):
        decoder, text = json.JSONDecoder(), ""
        for line in self._process.stdout:
            text += line
            try:
                event, end = decoder.raw_decode(text.lstrip())
            except ValueError:
                continue
            text = text.lstrip()[end:]
            self._take(event["type"], event["object"])

    def _take(self, kind, pod):
        uid = pod["metadata"]["uid"]
        labels = pod["metadata"].get("labels", {})
        app = labels.get("sparkoperator.k8s.io/app-name", "?")
        if labels.get("spark-role") == "executor":
            self._executors.setdefault(app, {}).setdefault(uid, pod)
            return
        seen, live = self._seen.setdefault(app, []), self._live.setdefault(app, set())
        if uid not in seen:
            seen.append(uid)
        if kind == "DELETED" or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            live.discard(uid)
        else:
            live.add(uid)
        if len(live) > 1:
            self.overlaps.append((app, sorted(live)))


def processes_with(text):
    """Ids of processes whose environment has the text, such as a Spark application's id."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if text.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found

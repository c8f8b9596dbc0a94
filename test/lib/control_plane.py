#!/usr/bin/env python3
"""A control plane for the time of a test: a real one (etcd, kube-apiserver, …) or the embedded API server, under one
interface. On loopback, at free ports, in a temporary folder; it ends with whoever started it, however that ended.

    with ControlPlane("real", audit="Request", scheduler=True) as plane:
        plane.kubeconfig        # of an administrator, by client certificate
        plane.url, plane.ca_file, plane.token                 # the same for a client that speaks HTTP itself
        plane.audit_log         # None unless audit was asked for
        subprocess.run([...], env={**os.environ, **plane.environment})

    test/lib/control_plane.py run --server real --audit Request -- COMMAND…
        runs COMMAND with KUBECONFIG and CONTROL_PLANE_{SERVER,URL,CA,TOKEN,FOLDER,AUDIT_LOG,PIDS}; the exit code is its.
        PIDS names the servers' processes, as in "etcd=12 kube-apiserver=13". Everything COMMAND started ends with it.

Real programs come from fetch_control_plane.sh (built at the first use), or from the folder $CONTROL_PLANE_BIN; the
embedded server from $EMBEDDED_API_SERVER, else from the build folders.

Start it from the main thread: the kernel ends the servers when the *thread* that started them ends.
"""

import argparse
import base64
import contextlib
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A bound, not an expectation: an idle machine takes three seconds, two cores that also compile take many.
START_LIMIT = 180
STOP_LIMIT = 20
CONTROLLERS = ("garbage-collector-controller", "serviceaccount-controller", "serviceaccount-token-controller",
               "namespace-controller", "root-ca-certificate-publisher-controller", "disruption-controller")
SERVICE_RANGE, SERVICE_ADDRESS = "10.0.0.0/16", "10.0.0.1"
MARK = "CONTROL_PLANE_RUN"


class ControlPlane:
    """server       "real" or "embedded"
    audit        None, or a level of audit.k8s.io: "Metadata", "Request", "RequestResponse" (embedded: always Request)
    webhooks     False: the API server calls no admission webhooks (real only)
    controllers  garbage collector, namespaces, service accounts, disruption budgets. Without them no namespace has a service account, so
                 that pods are refused until their account is made (the embedded server always has them)
    scheduler    kube-scheduler (real only)
    inflight     how many reads, and half as many writes, the API server works on at once; its own default is 400
    listen       address and port of the API server; port 0: a free one
    names        more names and addresses that the server's certificate is good for
    extra        more arguments of kube-apiserver"""

    def __init__(self, server, *, audit=None, webhooks=True, controllers=True, scheduler=False, inflight=400,
                 listen="127.0.0.1:0", names=(), extra=()):
        if server not in ("real", "embedded"):
            raise ValueError(f"no such server: {server}")
        self.server, self.audit = server, audit
        self.webhooks, self.controllers, self.scheduler = webhooks, controllers, scheduler
        self.inflight, self.listen, self.names, self.extra = inflight, listen, list(names), list(extra)
        self.token = secrets.token_hex(16)
        self.processes = {}

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a control plane is started from the main thread")
        self.folder = tempfile.mkdtemp(prefix="control-plane-")
        self.kubeconfig = self._path("kubeconfig")
        self.ca_file = self._path("ca.crt")
        self.audit_log = self._path("audit.log") if self.audit else None
        try:
            self._start_real() if self.server == "real" else self._start_embedded()
        except BaseException:
            self.__exit__()
            raise
        self.environment = {
            "KUBECONFIG": self.kubeconfig, "CONTROL_PLANE_SERVER": self.server, "CONTROL_PLANE_URL": self.url,
            "CONTROL_PLANE_CA": self.ca_file, "CONTROL_PLANE_TOKEN": self.token, "CONTROL_PLANE_FOLDER": self.folder,
            "CONTROL_PLANE_AUDIT_LOG": self.audit_log or "",
            "CONTROL_PLANE_PIDS": " ".join(f"{name}={process.pid}" for name, process in self.processes.items())}
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):                # clients before servers, etcd last
            self._stop(self.processes.pop(name))
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, name, lines=30):
        """The end of what a server said, for the message of a failure."""
        with contextlib.suppress(OSError), open(self._path(f"{name}.log"), errors="replace") as f:
            return "".join(f.readlines()[-lines:])
        return ""

    def get(self, path):
        """The body of an administrator's GET."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        trust = ssl.create_default_context(cafile=self.ca_file)
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
        with no_proxy.open(request, timeout=10) as answer:
            return answer.read()

    def restart(self, name):
        """Ends one of the servers by SIGTERM and starts it again, at the same address; returns when it is started, not ready."""
        command = self.processes[name].args
        self._stop(self.processes.pop(name))
        self._start(name, command)

    def compact(self):
        """Forgets the history of all objects, as a real server does every five minutes."""
        if self.server == "embedded":
            self.processes["apiserver"].send_signal(signal.SIGUSR1)
            # It has been done when the next request is answered: signals are handled before sockets are looked at again.
            return self.get("/healthz")
        # A revision can be compacted once, so there is made a new one.
        made = self._etcd("kv/put", {"key": base64.b64encode(b"/compacted").decode()})["header"]["revision"]
        return self._etcd("kv/compaction", {"revision": made, "physical": True})

    # --- the embedded server

    def _start_embedded(self):
        command = [embedded_binary(), "--listen", self.listen, "--folder", self.folder, "--token", self.token]
        for name in self.names:
            command += ["--certificate-name", name]
        if self.audit:
            command.append("--audit")
        process = self._start("apiserver", command, stdout=subprocess.PIPE)
        said = process.stdout.readline().decode().split()
        if len(said) != 2 or said[0] != "ready":
            process.wait()
            raise RuntimeError(f"the embedded API server did not start:\n{self.log('apiserver')}")
        self.url = said[1]

    # --- a real one

    def _start_real(self):
        self.binaries = os.environ.get("CONTROL_PLANE_BIN") or subprocess.run(
            [os.path.join(TOP, "test/lib/fetch_control_plane.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        host, port = self.listen.rsplit(":", 1)
        self._make_certificates(host)
        # A port that was free a moment ago may be taken by now: then a server ends, and it is tried with others.
        for attempt in range(3):
            try:
                self._start_etcd()
                self._start_apiserver(host, int(port) or free_port(host))
                break
            except EndedEarly:
                for name in list(self.processes):
                    self._stop(self.processes.pop(name))
                if attempt == 2:
                    raise
        self._write_kubeconfig()
        if self.controllers:
            self._start_controllers()
        if self.scheduler:
            self._start("kube-scheduler", [self._binary("kube-scheduler"), "--kubeconfig", self.kubeconfig,
                                           "--leader-elect=false", "--secure-port=0", "--kube-api-qps=2000", "--kube-api-burst=4000"])

    def _start_etcd(self):
        self.etcd_url, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._start("etcd", [
            self._binary("etcd"), "--data-dir", tempfile.mkdtemp(dir=self.folder), "--unsafe-no-fsync", "--log-level", "warn",
            "--quota-backend-bytes", str(8 << 30), "--listen-client-urls", self.etcd_url, "--advertise-client-urls", self.etcd_url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"])

    def _etcd(self, method, request):
        """By etcd's JSON door; its keys and values are base64, its numbers texts."""
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with no_proxy.open(f"{self.etcd_url}/v3/{method}", json.dumps(request).encode(), timeout=START_LIMIT) as answer:
            return json.load(answer)

    def _start_apiserver(self, host, port):
        self.url = f"https://{host}:{port}"
        with open(self._path("tokens.csv"), "w") as f:
            f.write(f'{self.token},kubernetes-admin,kubernetes-admin,"system:masters"\n')
        command = [
            self._binary("kube-apiserver"), "--etcd-servers", self.etcd_url, "--bind-address", host, "--secure-port", str(port),
            # Nobody reaches the server by way of its service's endpoints, and a loopback address is no endpoint.
            "--advertise-address", host, "--endpoint-reconciler-type", "none",
            "--tls-cert-file", self._path("server.crt"), "--tls-private-key-file", self._path("server.key"),
            "--client-ca-file", self.ca_file, "--token-auth-file", self._path("tokens.csv"),
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", self._path("sa.pub"), "--service-account-signing-key-file", self._path("sa.key"),
            "--authorization-mode", "RBAC", "--service-cluster-ip-range", SERVICE_RANGE, "--allow-privileged",
            "--max-requests-inflight", str(self.inflight), "--max-mutating-requests-inflight", str(self.inflight // 2),
            # A webhook that is a service is reached at its endpoints, as no service address is routed here.
            "--enable-aggregator-routing", "--profiling=false"]
        if not self.webhooks:
            command += ["--disable-admission-plugins", "MutatingAdmissionWebhook,ValidatingAdmissionWebhook"]
        if self.audit:
            with open(self._path("audit-policy.yaml"), "w") as f:
                json.dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
                           "rules": [{"level": self.audit}]}, f)
            command += ["--audit-policy-file", self._path("audit-policy.yaml"), "--audit-log-path", self.audit_log,
                        "--audit-log-maxsize", "100000"]
        self._start("kube-apiserver", command + self.extra)
        self._wait_for("kube-apiserver", lambda: self.get("/readyz") == b"ok")

    def _start_controllers(self):
        self._start("kube-controller-manager", [
            self._binary("kube-controller-manager"), "--kubeconfig", self.kubeconfig, "--controllers", ",".join(CONTROLLERS),
            "--leader-elect=false", "--secure-port=0", "--root-ca-file", self.ca_file,
            "--service-account-private-key-file", self._path("sa.key"),
            "--kube-api-qps=2000", "--kube-api-burst=4000", "--concurrent-gc-syncs=20", "--concurrent-namespace-syncs=10"])
        # Pods of the default namespace are accepted from here on.
        self._wait_for("kube-controller-manager", lambda: (self.get("/api/v1/namespaces/default/serviceaccounts/default"),
                                                           self.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")))

    def _make_certificates(self, host):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

        def key(name):
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

        def signed(name, subject, extensions):
            key(name)
            with open(self._path(f"{name}.ext"), "w") as f:
                f.write("basicConstraints=CA:FALSE\n" + extensions)
            openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
                    "-extfile", f"{name}.ext", "-out", f"{name}.crt")

        key("ca")
        openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=control-plane", "-days", "3650",
                "-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-out", "ca.crt")
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc.cluster.local", "127.0.0.1", SERVICE_ADDRESS, host, *self.names]
        kinds = ",".join(("IP:" if is_address(n) else "DNS:") + n for n in dict.fromkeys(names))
        signed("server", "/CN=kube-apiserver", f"extendedKeyUsage=serverAuth\nsubjectAltName={kinds}\n")
        signed("admin", "/O=system:masters/CN=kubernetes-admin", "extendedKeyUsage=clientAuth\n")
        key("sa")
        openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def _write_kubeconfig(self):
        def data(name):
            with open(self._path(name), "rb") as f:
                return base64.b64encode(f.read()).decode()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data": data("ca.crt")}}],
                  "users": [{"name": "admin", "user": {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}}],
                  "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}
        with open(os.open(self.kubeconfig, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
            json.dump(config, f, indent=1)                                # JSON is YAML too

    # --- processes

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _binary(self, name):
        return os.path.join(self.binaries, name)

    def _start(self, name, command, stdout=None):
        with open(self._path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                       start_new_session=True, preexec_fn=dies_with_parent(signal.SIGKILL))
        self.processes[name] = process
        return process

    @staticmethod
    def _stop(process):
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def _wait_for(self, name, fact):
        deadline = time.monotonic() + START_LIMIT
        while True:
            why = "it says no"
            try:
                if fact():
                    return
            except OSError as error:                                      # urllib's errors are OSErrors
                why = str(error)
            for each, process in self.processes.items():
                if process.poll() is not None:
                    raise EndedEarly(f"{each} ended with code {process.returncode}:\n{self.log(each)}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} is not ready after {START_LIMIT} s ({why}):\n{self.log(name)}")
            time.sleep(0.05)


class EndedEarly(RuntimeError):
    pass


def is_address(name):
    return ":" in name or all(part.isdigit() for part in name.split("."))


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def embedded_binary():
    """$EMBEDDED_API_SERVER, else the newest of the build folders."""
    if os.environ.get("EMBEDDED_API_SERVER"):
        return os.environ["EMBEDDED_API_SERVER"]
    places = [os.path.join(TOP, "build", preset, "test/control_plane/embedded_api_server") for preset in ("release", "dev")]
    built = [place for place in places if os.access(place, os.X_OK)]
    if not built:
        raise RuntimeError("embedded_api_server is not built: ninja -C build/release embedded_api_server")
    return max(built, key=os.path.getmtime)


def dies_with_parent(number):
    """For preexec_fn: the kernel sends the signal when the thread that started the process ends."""
    prctl, parent, set_pdeathsig = ctypes.CDLL(None, use_errno=True).prctl, os.getpid(), 1

    def ask():
        prctl(set_pdeathsig, number, 0, 0, 0)
        if os.getppid() != parent:                                        # it ended before we asked
            os._exit(1)
    return ask


# --- run -- COMMAND
#
# Three processes: this one, a second that has the control plane, COMMAND. The first ends what is left when the second
# was killed; the second ends everything when the first was. What belongs to a run is found by a mark in its environment.

def kill_marked(mark):
    """Kills what still runs of a run; processes may start others meanwhile, so until none is found."""
    wanted = f"{MARK}_{mark}=1".encode()                                  # a name of its own: runs may nest
    for _ in range(100):
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as f:
                if wanted in f.read().split(b"\0"):
                    found.append(pid)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def on_signals(act):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, act)


def run(arguments):
    mark = secrets.token_hex(8)
    second = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), "run-marked", mark, *arguments],
                              preexec_fn=dies_with_parent(signal.SIGTERM))
    on_signals(lambda number, _: second.send_signal(number))
    code = second.wait()
    kill_marked(mark)
    return code if code >= 0 else 128 - code


def run_marked(mark, arguments):
    parser = argparse.ArgumentParser(prog="control_plane.py run", description="Runs a command beside a control plane.")
    parser.add_argument("--server", choices=("embedded", "real"), default="real")
    parser.add_argument("--audit", choices=("Metadata", "Request", "RequestResponse"))
    parser.add_argument("--no-webhooks", action="store_true")
    parser.add_argument("--no-controllers", action="store_true")
    parser.add_argument("--scheduler", action="store_true")
    parser.add_argument("--inflight", type=int, default=400)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--name", action="append", default=[], help="one more name of the server's certificate")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command")

    def end(number, _):
        on_signals(signal.SIG_IGN)
        sys.exit(128 + number)
    on_signals(end)
    with ControlPlane(options.server, audit=options.audit, webhooks=not options.no_webhooks, scheduler=options.scheduler,
                      controllers=not options.no_controllers, inflight=options.inflight, listen=options.listen,
                      names=options.name) as plane:
        child = None
        try:
            child = subprocess.Popen(command, env={**os.environ, **plane.environment, f"{MARK}_{mark}": "1"})
            code = child.wait()
        finally:
            if child and child.poll() is None:
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(STOP_LIMIT)
            kill_marked(mark)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] == ["run-marked"]:
        sys.exit(run_marked(sys.argv[2], sys.argv[3:]))
    sys.exit(__doc__)

"""An API server for the load kit: connections of its own for each thread, and how to reach it.

    access = Access.find(kubeconfig=None)          # of the pod, of $KUBECONFIG, of ~/.kube/config
    with access.connect() as api:
        api.call("POST", path, body)               # the object; Refused with status and the server's words
        for event in api.watch(path, version): ...

kubeconfig: certificates, tokens, token files, exec plug-ins. Thread: a connection belongs to the thread that made it."""

import base64
import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

import yaml

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
CALL_LIMIT = 60
WATCH_LIMIT = 300


class Refused(RuntimeError):
    def __init__(self, status, words):
        super().__init__(f"{status}: {words}" if status else words)
        self.status = status


class Wrong(RuntimeError):
    """Nothing that could be reached."""


class Access:
    def __init__(self, url, context, token=None):
        self.url, self.context, self.token = urllib.parse.urlsplit(url), context, token

    @staticmethod
    def find(kubeconfig=None):
        host = os.environ.get("KUBERNETES_SERVICE_HOST")
        if kubeconfig is None and host and os.path.exists(f"{ACCOUNT}/token"):
            host = f"[{host}]" if ":" in host else host
            return Access(f"https://{host}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}", ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt"),
                          lambda: read_text(f"{ACCOUNT}/token"))
        path = kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or os.path.expanduser("~/.kube/config")
        try:
            return from_file(path)
        except (OSError, KeyError, TypeError, ValueError, StopIteration, yaml.YAMLError, ssl.SSLError) as error:
            raise Wrong(f"kubeconfig {path}: {type(error).__name__}: {error}") from None

    @contextlib.contextmanager
    def connect(self, limit=CALL_LIMIT):
        api = Api(self, limit)
        try:
            yield api
        finally:
            api.close()


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def from_file(path):
    with open(path, encoding="utf-8") as file:
        config = yaml.safe_load(file)

    def named(kind, name):
        return next(entry[kind] for entry in config[kind + "s"] if entry["name"] == name)
    context = named("context", config["current-context"])
    cluster, user = named("cluster", context["cluster"]), named("user", context["user"])
    folder = os.path.dirname(os.path.abspath(path))
    trust = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    elif "certificate-authority-data" in cluster:
        trust.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    elif "certificate-authority" in cluster:
        trust.load_verify_locations(os.path.join(folder, cluster["certificate-authority"]))
    token = None
    if user.get("exec"):
        given = credential(user["exec"])
        token = given.get("token")
        if "clientCertificateData" in given:
            load_certificate(trust, given["clientCertificateData"].encode(), given["clientKeyData"].encode())
    elif "tokenFile" in user:
        return Access(cluster["server"], trust, lambda: read_text(os.path.join(folder, user["tokenFile"])))
    token = token or user.get("token")
    if "client-certificate-data" in user:
        load_certificate(trust, base64.b64decode(user["client-certificate-data"]), base64.b64decode(user["client-key-data"]))
    elif "client-certificate" in user:
        trust.load_cert_chain(os.path.join(folder, user["client-certificate"]), os.path.join(folder, user["client-key"]))
    if user.get("exec") and token:
        # Such tokens hold for a quarter of an hour; a run takes longer.
        return Access(cluster["server"], trust, Renewed(user["exec"], token))
    return Access(cluster["server"], trust, (lambda: token) if token else None)


class Renewed:
    """A token of an exec plug-in, asked for again when the server does not take it any more."""

    def __init__(self, plugin, token):
        self.plugin, self.token = plugin, token

    def __call__(self):
        return self.token

    def renew(self):
        self.token = credential(self.plugin).get("token", self.token)


def credential(plugin):
    asked = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(asked), **{e["name"]: e["value"] for e in plugin.get("env") or []}}
    done = subprocess.run([plugin["command"], *(plugin.get("args") or [])], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                          timeout=CALL_LIMIT)
    if done.returncode:
        raise ValueError(f"{plugin['command']} ended with {done.returncode}")
    return json.loads(done.stdout)["status"]


def load_certificate(trust, certificate, key):
    # ssl reads files only; this one is there for a moment, for this user.
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        trust.load_cert_chain(file.name)


class Api:
    def __init__(self, access, limit):
        self.access, self.limit, self.connection = access, limit, None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _request(self, method, path, body, limit):
        if self.connection is None:
            host, port = self.access.url.hostname, self.access.url.port
            if self.access.url.scheme == "https":
                self.connection = http.client.HTTPSConnection(host, port, timeout=limit, context=self.access.context)
            else:
                self.connection = http.client.HTTPConnection(host, port, timeout=limit)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "spark-load-kit"}
        if self.access.token:
            headers["Authorization"] = f"Bearer {self.access.token()}"
        self.connection.request(method, self.access.url.path.rstrip("/") + path, None if body is None else json.dumps(body), headers)
        return self.connection.getresponse()

    def text(self, method, path, body=None):
        for attempt in (0, 1):
            try:
                answer = self._request(method, path, body, self.limit)
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A kept connection that the server has closed meanwhile; a write may have been done, so only reads are repeated.
                if attempt == 0 and method == "GET":
                    continue
                raise Refused(0, f"{method} {path}: {error}") from None
            if answer.status == 401 and attempt == 0 and isinstance(self.access.token, Renewed):
                self.access.token.renew()
                continue
            if answer.status >= 300:
                raise Refused(answer.status, said(text))
            return text
        raise Refused(0, f"{method} {path}: no answer")

    def call(self, method, path, body=None):
        return json.loads(self.text(method, path, body))

    def pages(self, path):
        """The items of a list, and its version at the end."""
        items, after = [], ""
        while True:
            page = self.call("GET", f"{path}?limit=500{after}")
            items += page["items"]
            follows = page["metadata"].get("continue")
            if not follows:
                return items, page["metadata"]["resourceVersion"]
            after = "&continue=" + urllib.parse.quote(follows)

    def watch(self, path, version):
        """Events until the server ends it."""
        self.close()                                                     # a quiet watch is no slow answer: another connection, more patience
        answer = self._request("GET", f"{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_LIMIT}&resourceVersion={version}", None, WATCH_LIMIT + 30)
        if answer.status >= 300:
            raise Refused(answer.status, said(answer.read()))
        for line in answer:
            if line.strip():
                yield json.loads(line)
        self.close()


def said(text):
    try:
        return json.loads(text).get("message", "")
    except (ValueError, AttributeError):
        return text[:200].decode(errors="replace")

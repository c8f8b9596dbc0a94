#!/usr/bin/env python3
"""Makes the class-data archive of a Spark release: the classes that drivers and executors load, as the JVM keeps them in
memory, so that a start maps a file instead of reading 12,000 classes from jars.

    deploy/lib/class_archive.py TREE        # what fetch_spark.sh made; writes TREE/opt/spark/classes.jsa

Which classes those are is seen in a run: a driver and an executor compute Pi against a few lines of Python that answer
what an API server would, with the tree where containers have it (/opt, in a namespace of our own). The archive belongs
to one Java and one set of jars; where either has changed, a JVM ignores it and this script makes it anew.
Exit code 0: it is there; 1: no archive, with the reason on stderr. Spark works without it, only starts are slower.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SPARK = "/opt/spark"
# One class path for drivers and executors, as spark_entrypoint.sh and Spark's launcher put it together.
CLASS_PATH = f"{SPARK}/no-conf/:{SPARK}/jars/*"
LIMIT = 900  # seconds for the run, which takes 20 on an idle machine


class ApiServer(ThreadingHTTPServer):
    """Believes everything: what is posted exists, executors start when their pod is posted."""
    daemon_threads = True

    def __init__(self, start_executor):
        super().__init__(("127.0.0.1", 0), Handler)
        self.start_executor = start_executor
        self.pods = []
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode() if body else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def received(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.watch()
        else:
            items = self.server.pods if "/pods" in self.path else []
            self.answer(200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})

    def watch(self):
        """A websocket, as Spark's clients want it: one text frame an event. What they say is not listened to."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        for pod in self.server.pods:
            event = json.dumps({"type": "ADDED", "object": pod}).encode()
            self.wfile.write(b"\x81\x7f" + len(event).to_bytes(8, "big") + event)
        self.server.over.wait()
        self.close_connection = True

    def do_POST(self):
        made = self.received()
        made["metadata"].update(uid=str(uuid.uuid4()), resourceVersion="1", namespace="default", creationTimestamp="2026-01-01T00:00:00Z")
        if made.get("kind") == "Pod":
            made["status"] = {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [
                {"name": c["name"], "ready": True, "restartCount": 0, "image": c["image"], "imageID": "",
                 "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}} for c in made["spec"]["containers"]]}
            self.server.pods.append(made)
            self.server.start_executor(made)
        self.answer(201, made)

    def do_PATCH(self):
        self.answer(200, self.received())

    def do_DELETE(self):
        self.received()
        self.answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})


def java():
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin", "java") if home else "java"


def made_from():
    """What the archive depends on; it is made again when this text changes."""
    version = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True).stderr
    jars = os.scandir(f"{SPARK}/jars")
    return version + "".join(sorted(f"{j.name} {j.stat().st_size} {int(j.stat().st_mtime)}\n" for j in jars))


def observe(folder):
    """Runs Pi once; lists of the loaded classes come to lie in the folder."""
    base = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "SPARK_HOME": SPARK, "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONF_DIR": f"{SPARK}/no-conf", "SPARK_LOCAL_DIRS": folder, "PYSPARK_PYTHON": "python3"}
    if os.environ.get("JAVA_HOME"):
        base["JAVA_HOME"] = os.environ["JAVA_HOME"]
    executors = []

    def start_executor(pod):
        if executors:
            return
        given = {v["name"]: v.get("value", "127.0.0.1") for v in pod["spec"]["containers"][0]["env"]}
        given.update(base, SPARK_EXECUTOR_POD_NAME=pod["metadata"]["name"],
                     SPARK_JAVA_OPT_9999=f"-XX:DumpLoadedClassList={folder}/executor.list")
        executors.append(subprocess.Popen(["/opt/entrypoint.sh", "executor"], env=given, cwd=folder,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    server = ApiServer(start_executor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = {"spark.kubernetes.container.image": "spark", "spark.executor.instances": "1", "spark.executor.memory": "512m",
                "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.port": "0",
                "spark.scheduler.minRegisteredResourcesRatio": "1.0", "spark.kubernetes.executor.podNamePrefix": "warm"}
    command = [f"{SPARK}/bin/spark-submit", "--master", f"k8s://http://127.0.0.1:{server.server_port}", "--deploy-mode", "client",
               "--driver-memory", "512m"]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    environment = {**base, "SPARK_SUBMIT_OPTS": f"-XX:DumpLoadedClassList={folder}/driver.list"}
    try:
        run = subprocess.run([*command, f"{SPARK}/examples/src/main/python/pi.py", "4"], env=environment, cwd=folder, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
    finally:
        server.over.set()
        for executor in executors:
            try:
                executor.wait(timeout=20)  # the driver has told it
            except subprocess.TimeoutExpired:
                executor.send_signal(signal.SIGTERM)
                executor.wait(timeout=60)
    if run.returncode or "Pi is roughly" not in run.stdout:
        raise RuntimeError("the run that shows which classes are needed failed:\n" + "\n".join(run.stdout.splitlines()[-15:]))


def make_archive(folder):
    seen = {}
    for role in ("driver", "executor"):
        with open(f"{folder}/{role}.list") as lines:
            for line in lines:
                # Classes of other loaders than the class path's cannot be archived by name.
                if not line.startswith("#") and " source: " not in line:
                    seen[re.sub(r" id: \d+.*", "", line.rstrip())] = None
    with open(f"{folder}/all.list", "w") as out:
        out.write("\n".join(seen) + "\n")
    # To be renamed into its place: whoever starts meanwhile sees the old one or the new one.
    new = f"{SPARK}/.classes.new.jsa"
    subprocess.run([java(), "-Xshare:dump", f"-XX:SharedClassListFile={folder}/all.list", f"-XX:SharedArchiveFile={new}",
                    "-Xlog:disable", "-Xlog:all=error:stderr", "-cp", CLASS_PATH], check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
    subprocess.run([java(), "-Xshare:on", f"-XX:SharedArchiveFile={new}", "-cp", CLASS_PATH, "-version"], check=True,
                   capture_output=True, timeout=LIMIT)
    os.chmod(new, 0o644)
    os.rename(new, f"{SPARK}/classes.jsa")


def inside(tree):
    subprocess.run(["mount", "--bind", f"{tree}/opt", "/opt"], check=True)
    os.makedirs(f"{SPARK}/no-conf", exist_ok=True)
    archive, note = f"{SPARK}/classes.jsa", f"{SPARK}/classes.jsa.made-from"
    wanted = made_from()
    if os.path.exists(archive) and os.path.exists(note) and open(note).read() == wanted:
        return
    for old in (archive, note):
        if os.path.exists(old):
            os.remove(old)
    folder = tempfile.mkdtemp(prefix="class-archive-")
    try:
        observe(folder)
        make_archive(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with open(note, "w") as out:
        out.write(wanted)


def main():
    if sys.argv[1] == "--inside":
        return inside(sys.argv[2])
    tree = os.path.abspath(sys.argv[1])
    found = os.path.realpath(shutil.which(java()) or "")
    if not found or found.startswith("/opt/"):
        raise RuntimeError(f"Java is {'at ' + found if found else 'not there'}; the archive is made with one outside of /opt")
    # Whatever runs in there ends with it, and it ends with us.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    code = subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, "-B", os.path.abspath(__file__), "--inside", tree]).returncode
    sys.exit(1 if code else 0)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(2)
    try:
        main()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"class_archive.py: {error}", file=sys.stderr)
        sys.exit(1)

"""An API server that takes everything and remembers it: what spark-submit sends is what it asked the cluster for.

    with Recorder() as recorder:
        ... run spark-submit with --master k8s://{recorder.url} ...
        for call in recorder.take(): print(call.verb, call.path, call.body["kind"])
"""

import copy
import http.server
import json
import threading
from dataclasses import dataclass

DRIVER_UID = "uid-of-the-driver"  # what the server gives to pods; owner references repeat it


@dataclass
class Call:
    verb: str  # POST, PATCH, DELETE …
    path: str  # without the query
    query: str
    content_type: str
    body: dict


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def _serve(self):
        body = self._body()
        sent = json.loads(body) if body else {}
        path, _, query = self.path.partition("?")
        if self.command != "GET":
            self.server.take_in(Call(self.command, path, query, self.headers.get("Content-Type", ""), sent))
        answer = copy.deepcopy(sent)
        if "metadata" in answer:
            uid = DRIVER_UID if answer.get("kind") == "Pod" else "uid-of-a-child"
            answer["metadata"].update(uid=uid, resourceVersion="1", creationTimestamp="2026-01-01T00:00:00Z")
        text = json.dumps(answer).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.calls = []

    def take_in(self, call):
        with self.lock:
            self.calls.append(call)


class Recorder:
    def __enter__(self):
        self._server = _Server()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def take(self):
        """The writes since the last call, oldest first."""
        with self._server.lock:
            calls, self._server.calls = self._server.calls, []
        return calls

"""Stands between one operator and an API server: sees every request, and on demand refuses one, holds one, or kills the
operator at one.

    gate = Gate(plane)
    gate.url                                              # plain HTTP; requests go on with the operator's own token
    gate.refuse(lambda request: request.creates("pods") and request.concerns("app-1"))
    hold = gate.hold(lambda request: …)                   # the next such request waits …
    hold.wait(); hold.release()                           # … until it may go on
    gate.kill_at(7, after=True, kill=process_kill)        # SIGKILL when the server has done the 7th write from now
    gate.writes                                           # every write so far, but the lease's

Thread: any.
"""

import http.client
import http.server
import json
import ssl
import threading
import urllib.parse

WRITES = ("POST", "PUT", "PATCH", "DELETE")
LIMIT = 120


class Request:
    def __init__(self, method, path, body):
        self.method, self.path, self.body = method, path.partition("?")[0], body.decode(errors="replace")

    def __str__(self):
        return f"{self.method} {self.path}"

    def is_write(self):
        return self.method in WRITES and "/leases" not in self.path

    def concerns(self, name):
        """An application whose name is no part of another one's."""
        return name in self.path or name in self.body

    def creates(self, plural):
        return self.method == "POST" and self.path.endswith("/" + plural)

    def writes_state(self, state):
        return self.method == "PATCH" and self.path.endswith("/status") and f'"{state}"' in self.body


class Hold:
    def __init__(self, matches):
        self.matches, self.arrived, self.go_on = matches, threading.Event(), threading.Event()

    def wait(self):
        if not self.arrived.wait(LIMIT):
            raise AssertionError("the request to be held does not come")

    def release(self):
        self.go_on.set()


class Gate:
    def __init__(self, plane):
        place = urllib.parse.urlparse(plane.url)
        trust = ssl.create_default_context(cafile=plane.ca_file)
        self.connect = lambda: http.client.HTTPSConnection(place.hostname, place.port, timeout=900, context=trust)
        self.lock = threading.Lock()
        self.writes, self._refusals, self._holds, self._kill = [], [], [], None
        gate = self

        class Handler(PassingOn):
            server_gate = gate
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def refuse(self, matches):
        """Until the function returned is called."""
        with self.lock:
            self._refusals.append(matches)
        return lambda: self._refusals.remove(matches)

    def hold(self, matches):
        hold = Hold(matches)
        with self.lock:
            self._holds.append(hold)
        return hold

    def kill_at(self, number, after, kill):
        with self.lock:
            self._kill = [number, after, kill]

    def decide(self, request):
        """A status code to answer instead of passing on; and what to call instead of answering."""
        with self.lock:
            hold = next((h for h in self._holds if h.matches(request)), None)
            if hold:
                self._holds.remove(hold)
        if hold:
            hold.arrived.set()
            hold.go_on.wait(LIMIT)
        with self.lock:
            refused = 403 if any(matches(request) for matches in self._refusals) else 0
            if not request.is_write():
                return refused, None
            self.writes.append(str(request))
            if self._kill:
                self._kill[0] -= 1
                if self._kill[0] == 0:
                    _, after, kill = self._kill
                    self._kill = None
                    if not after:
                        kill()
                        raise ConnectionAbortedError
                    return refused, kill
        return refused, None


class PassingOn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_gate = None
    upstream = None

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (OSError, http.client.HTTPException):
            pass                                          # either end went; the operator asks again, or is dead
        finally:
            if self.upstream:
                self.upstream.close()

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, body)
        try:
            refused, kill = self.server_gate.decide(request)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        if refused:
            status, headers, answer = refused, [("Content-Type", "application/json")], None
            text = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": refused,
                               "message": "refused by the gate"}).encode()
        else:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            self.upstream = self.upstream or self.server_gate.connect()
            self.upstream.request(self.command, self.path, body or None, headers)
            answer = self.upstream.getresponse()
            status, headers = answer.status, answer.getheaders()
            streamed = "watch=" in self.path and status == 200
            text = None if streamed else answer.read()
        if kill:
            kill()
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        if text is None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.stream(answer)
        else:
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def stream(self, answer):
        while piece := answer.read1(1 << 16):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

"""A client that hides nothing: what a test says is what goes over the wire, and what came back is what it checks.

    api = Client(plane.url, plane.ca_file, plane.token)
    made = api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "a"}})
    made.code, made.json, made.headers["Warning"]
    with api.watch("/api/v1/pods", resourceVersion="7") as watch:
        watch.next()                       # {"type": "ADDED", "object": {…}}; None: the server ended the watch

Errors of the connection are exceptions; any HTTP status is an answer.
"""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import struct
import urllib.parse

# How long something may take that a controller does after a while; a bound, not an expectation.
PATIENCE = 90
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC_PATCH, APPLY_PATCH = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.code} {self.body[:2000].decode(errors='replace')}"


class Client:
    def __init__(self, url, ca_file, token):
        where = urllib.parse.urlsplit(url)
        self.host, self.port, self.token = where.hostname, where.port, token
        self._trust = ssl.create_default_context(cafile=ca_file)
        self._kept = None

    def _connect(self, limit=PATIENCE):
        return http.client.HTTPSConnection(self.host, self.port, timeout=limit, context=self._trust)

    def _headers(self, content_type, accept, token):
        headers = {"Accept": accept, "User-Agent": "conformance"}
        if token is None:
            token = self.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if content_type:
            headers["Content-Type"] = content_type
        return headers

    def ask(self, method, path, body=None, *, type="application/json", accept="application/json", token=None, **query):
        """body: a value to be sent as JSON, or text, or bytes. token "": none is sent."""
        if query:
            path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        for attempt in (1, 2):
            connection = self._kept or self._connect()
            fresh, self._kept = self._kept is None, None
            try:
                connection.request(method, path, body, self._headers(type if body is not None else None, accept, token))
                answer = connection.getresponse()
                result = Answer(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, OSError):
                connection.close()
                if fresh or attempt == 2:          # a kept connection may have been closed meanwhile
                    raise
                continue
            if answer.will_close:
                connection.close()
            else:
                self._kept = connection
            return result

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body, **more):
        return self.ask("POST", path, body, **more)

    def put(self, path, body, **more):
        return self.ask("PUT", path, body, **more)

    def delete(self, path, options=None, **more):
        return self.ask("DELETE", path, options, **more)

    def patch(self, path, body, type=MERGE_PATCH, **more):
        return self.ask("PATCH", path, body, type=type, **more)

    def apply(self, path, body, manager="conformance", **more):
        return self.ask("PATCH", path, body, type=APPLY_PATCH, fieldManager=manager, **more)

    def watch(self, path, accept="application/json", **query):
        return ChunkedWatch(self, path, accept, {"watch": "true", **query})

    def websocket_watch(self, path, **query):
        return WebsocketWatch(self, path, {"watch": "true", **query})

    def close(self):
        if self._kept:
            self._kept.close()


class ChunkedWatch:
    def __init__(self, client, path, accept, query):
        self._connection = client._connect()
        self._connection.request("GET", path + "?" + urllib.parse.urlencode(query), headers=client._headers(None, accept, None))
        self._answer = self._connection.getresponse()
        self.code, self.headers = self._answer.status, self._answer.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def next(self):
        line = self._answer.readline()
        return json.loads(line) if line.strip() else None

    def until(self, wanted):
        """Events up to and including the first that wanted() likes."""
        seen = []
        while not seen or not wanted(seen[-1]):
            event = self.next()
            if event is None:
                raise AssertionError(f"the watch ended after {seen}")
            seen.append(event)
        return seen

    def rest(self):
        return list(iter(self.next, None))


class WebsocketWatch:
    """RFC 6455 by hand: what a server may send here are unfragmented text frames, a ping and a close."""

    def __init__(self, client, path, query):
        raw = socket.create_connection((client.host, client.port), timeout=PATIENCE)
        self._socket = client._trust.wrap_socket(raw, server_hostname=client.host)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path}?{urllib.parse.urlencode(query)} HTTP/1.1", f"Host: {client.host}:{client.port}",
                 "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                 f"Origin: https://{client.host}:{client.port}", f"Authorization: Bearer {client.token}"]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.code = int(self._file.readline().split()[1])
        self.headers = http.client.parse_headers(self._file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def next(self):
        while True:
            head = self._file.read(2)
            if len(head) < 2:
                return None
            operation, size = head[0] & 15, head[1] & 127
            if size == 126:
                size, = struct.unpack("!H", self._file.read(2))
            elif size == 127:
                size, = struct.unpack("!Q", self._file.read(8))
            payload = self._file.read(size)
            if operation == 8:
                return None
            if operation in (1, 2):
                return json.loads(payload)


# --- expectations
#
# What is expected of a JSON value: a dict holds for each of its members (others may be there); a list item by item; a
# function is asked; ABSENT: the member is not there; anything else is equal.

ABSENT = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()


def matching(pattern):
    def matches(value):
        return isinstance(value, str) and re.search(pattern, value) is not None
    matches.__name__ = f"matching({pattern!r})"
    return matches


def holding(*items):
    """A list that has an item for each of these expectations, whatever else."""
    def holds(value):
        return isinstance(value, list) and all(any(not difference(one, item) for one in value) for item in items)
    holds.__name__ = f"holding{items!r}"
    return holds


def difference(actual, expected, path="$"):
    """What differs, in words; "" if nothing does."""
    if callable(expected):
        return "" if expected(actual) else f"{path}: {actual!r} is not {expected.__name__}"
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return f"{path}: {actual!r} is no object"
        for name, below in expected.items():
            if below is ABSENT:
                if name in actual:
                    return f"{path}.{name}: {actual[name]!r} should not be there"
            elif name not in actual:
                return f"{path}.{name}: missing; there are {sorted(actual)}"
            elif found := difference(actual[name], below, f"{path}.{name}"):
                return found
        return ""
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{path}: {actual!r}, not {len(expected)} items like {expected!r}"
        return next(filter(None, (difference(a, e, f"{path}[{i}]") for i, (a, e) in enumerate(zip(actual, expected)))), "")
    return "" if actual == expected and type(actual) is type(expected) else f"{path}: {actual!r}, not {expected!r}"

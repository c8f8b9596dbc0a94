#!/usr/bin/env python3
"""Clients that nobody wants, at the port of the released webhook: what is no review, half of one, too much of one, no TLS,
slow ones, deaf ones, and thousands that say nothing.

    SPARK_OPERATOR=… bad_clients_test.py [--idle 10000]

Beside them a neighbour has reviews answered all the while, on a connection that it keeps and on new ones: not one may fail. The
webhook's connections and memory stay within bounds, and go back to what they were. How long answers took is printed, never judged."""

import argparse
import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from replicas import NAMESPACE, Webhook  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from waiting import wait_for  # noqa: E402

PATH = "/mutate-sparkoperator-k8s-io-v1beta2-sparkapplication"
MIB = 1 << 20
# What an API server waits at most (timeoutSeconds).
PATIENCE = 30
PLACES = 1000                                                   # connections that one thread of the webhook keeps
BODIES = 64 * MIB                                               # and bytes of reviews that it holds


def review(uid="u", version="v1", kind="AdmissionReview", obj=None):
    obj = obj or {"metadata": {"name": "pi", "namespace": NAMESPACE}, "spec": {"sparkVersion": "3.5.7", "driver": {}, "executor": {}}}
    return json.dumps({"kind": kind, "apiVersion": f"admission.k8s.io/{version}",
                       "request": {"uid": uid, "operation": "CREATE", "name": "pi", "namespace": NAMESPACE, "object": obj}}).encode()


def head(length, path=PATH, content_type="application/json", extra=""):
    return (f"POST {path} HTTP/1.1\r\nHost: webhook\r\nContent-Type: {content_type}\r\n{extra}"
            f"Content-Length: {length}\r\n\r\n").encode()


def request(body, **fields):
    return head(len(body), **fields) + body


class Target:
    """One webhook: where it listens, what it costs."""

    def __init__(self, webhook):
        self.replica = webhook.replicas[0]
        self.pid = self.replica.process.pid
        self.trust = ssl.create_default_context(cadata=webhook.secret_data()["ca-cert.pem"].decode())
        self.name = f"{webhook.service}.{NAMESPACE}.svc"

    def plain(self, receive_buffer=None):
        connection = socket.socket()
        connection.settimeout(PATIENCE)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(("127.0.0.1", self.replica.port))
        return connection

    def secure(self, **options):
        plain = self.plain(**options)
        try:
            return self.trust.wrap_socket(plain, server_hostname=self.name)
        except OSError:
            plain.close()
            raise

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as f:
            f.write("5")

    def peak(self):
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))


def answer_on(connection):
    """(HTTP status, body) of the next answer; None: it was closed without one."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        return response.status, response.read()
    except TimeoutError as error:
        raise AssertionError(f"neither an answer nor an end in {PATIENCE} s") from error
    except (http.client.HTTPException, OSError):
        return None
    finally:
        response.close()


class Neighbour:
    """Asks all the time: one thread by a connection that it keeps, one by a new connection each time."""

    def __init__(self, target):
        self.target, self.stopping = target, threading.Event()
        self.answered, self.slowest, self.failures = {"kept": 0, "new": 0}, {"kept": 0.0, "new": 0.0}, []
        self.threads = [threading.Thread(target=self.run, args=(way,), daemon=True) for way in self.answered]
        for thread in self.threads:
            thread.start()

    def run(self, way):
        connection = None
        while not self.stopping.wait(0.02):
            begun = time.monotonic()
            try:
                connection = connection or self.target.secure()
                uid = f"{way}-{self.answered[way]}"
                connection.sendall(request(review(uid)))
                status, body = answer_on(connection) or (None, b"no answer")
                response = json.loads(body)["response"] if status == 200 else {}
                if response.get("uid") != uid or not response.get("allowed") or "patch" not in response:
                    raise OSError(f"{status}: {body[:300]}")
                self.answered[way] += 1
                self.slowest[way] = max(self.slowest[way], time.monotonic() - begun)
                if way == "kept":
                    continue
            except (OSError, ValueError, AssertionError) as error:
                self.failures.append(f"{way}, after {time.monotonic() - begun:.1f} s: {error!r}")
            if connection is not None:
                connection.close()
            connection = None
        if connection is not None:
            connection.close()

    def wait_for_more(self, count=25):
        have = dict(self.answered)
        wait_for(lambda: all(self.answered[way] >= have[way] + count for way in have),
                 lambda: f"the neighbour is not answered: {have} -> {self.answered}, {self.failures[-3:]}")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * PATIENCE)


class OneWebhook(Webhook):
    COUNT = 1

    def run(self):
        self.start(0)
        self.wait_until_ready()
        return Target(self)


class BadClientsTest(unittest.TestCase):
    idle = 10_000

    @classmethod
    def setUpClass(cls):
        # Inherited by the webhook; its own share is what it makes of it.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        cls.descriptors = most
        cls.plane = cls.enterClassContext(ControlPlane("embedded"))
        cls.binary = os.environ["SPARK_OPERATOR"]
        cls.webhook = OneWebhook(cls.plane, cls.binary, "bad-clients")
        cls.addClassCleanup(cls.webhook.kill_all)
        cls.target = cls.webhook.run()

    @classmethod
    def tearDownClass(cls):
        codes = cls.webhook.stop_all()
        assert codes == [0], f"{codes}\n{cls.webhook.tails()}"
        with open(cls.webhook.replicas[0].log_path, errors="replace") as log:
            said = log.read()
        assert "ended by an exception" not in said, said

    @contextlib.contextmanager
    def beside_a_neighbour(self, target=None, memory=100 * MIB, places=PLACES):
        """What is done inside costs the neighbour nothing, and the webhook at most `memory` more and `places` connections."""
        target = target or self.target
        neighbour = Neighbour(target)
        self.addCleanup(neighbour.stop)
        neighbour.wait_for_more()
        self.connections = contextlib.ExitStack()
        self.addCleanup(self.connections.close)
        descriptors = target.descriptors()
        target.forget_peak()
        before = target.peak()
        yield neighbour
        neighbour.wait_for_more()
        most = target.descriptors()
        self.connections.close()
        neighbour.wait_for_more()
        neighbour.stop()
        peak = target.peak()
        print(f"{self.id().rsplit('.', 1)[1]}: neighbour answered {neighbour.answered}, slowest "
              f"{neighbour.slowest['kept'] * 1e3:.0f} ms (kept), {neighbour.slowest['new'] * 1e3:.0f} ms (new); "
              f"{most} descriptors, {peak / MIB:.0f} MiB at most, {before / MIB:.0f} before", flush=True)
        self.assertEqual(neighbour.failures, [])
        self.assertLessEqual(most, descriptors + places)
        self.assertLess(peak, before + memory)
        self.assertIsNone(target.replica.process.poll(), target.replica.tail())
        wait_for(lambda: target.descriptors() <= descriptors, lambda: f"{target.descriptors()} descriptors of {descriptors} before")

    def kept(self, connection):
        return self.connections.enter_context(contextlib.closing(connection))

    def said_to(self, data, secure=True):
        with contextlib.closing(self.target.secure() if secure else self.target.plain()) as connection:
            with contextlib.suppress(OSError):                  # it may be refused before all of it is sent
                connection.sendall(data)
            return answer_on(connection)

    def test_what_is_no_review(self):
        whole = review()
        deep = review(obj={"spec": 1}).replace(b'"spec": 1', b'"spec": ' + b"[" * 100_000 + b"]" * 100_000)
        in_review = [                                           # the answer is a review with this code
            ("no JSON", request(b"nonsense"), 400, "admission review: body"),
            ("nothing", request(b""), 400, "request body is empty"),
            ("cut in the middle", request(whole[:len(whole) // 2]), 400, "admission review: "),
            ("not UTF-8", request(whole.replace(b"3.5.7", b"\xff\xfe")), 400, "UTF-8"),
            ("more behind it", request(whole + b"x"), 400, "admission review: "),
            ("a version of tomorrow", request(review(version="v2")), 400, "expected apiVersion admission.k8s.io/v1"),
            ("another kind", request(review(kind="TokenReview")), 400, 'got apiVersion "admission.k8s.io/v1", kind "TokenReview"'),
            ("no uid", request(review(uid="")), 400, "request.uid: expected string"),
            ("text", request(whole, content_type="text/plain"), 400, "contentType=text/plain, expected application/json"),
            ("nested too deep", request(deep), 400, "nests deeper"),
            ("7 MiB", request(whole + b" " * (7 * MIB)), 413, "request entity is too large"),
        ]
        by_http = [
            ("12 MiB", request(b" " * (12 * MIB)), 413),
            ("12 MiB in chunks", head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
             + (b"100000\r\n" + b" " * MIB + b"\r\n") * 12, 413),
            ("a header of 2 MiB", head(0, extra=f"X: {'x' * 2 * MIB}\r\n"), 431),
            ("two lengths", head(5, extra="Content-Length: 6\r\n"), 400),
            ("no HTTP", b"\x00" * 1000, 400),
            ("an unknown path", request(whole, path="/convert"), 404),
        ]
        with self.beside_a_neighbour(memory=200 * MIB):
            for _ in range(3):
                for why, data, code, message in in_review:
                    with self.subTest(why):
                        status, body = self.said_to(data)
                        self.assertEqual(status, 200)
                        response = json.loads(body)["response"]
                        self.assertFalse(response["allowed"])
                        self.assertEqual(response["status"]["code"], code)
                        self.assertIn(message, response["status"]["message"])
                for why, data, wanted in by_http:
                    with self.subTest(why):
                        self.assertEqual(self.said_to(data)[0], wanted)

    def test_half_a_review(self):
        body = review()
        with self.beside_a_neighbour():
            for number in range(300):
                connection = self.kept(self.target.secure())
                connection.sendall(head(len(body)) + body[:len(body) // 2])
                if number % 2:                                  # gone without a goodbye
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()

    def test_more_at_once_than_the_webhook_holds(self):
        with self.beside_a_neighbour(memory=4 * BODIES):
            senders = [self.kept(self.target.secure()) for _ in range(16)]
            part = b" " * (6 * MIB)
            for connection in senders:
                with contextlib.suppress(OSError):
                    connection.sendall(head(7 * MIB - 1) + part)
            refused = set()
            with_all = self.target.descriptors()

            def enough_were_refused():
                for number, connection in enumerate(senders):
                    if number in refused:
                        continue
                    connection.settimeout(0.01)
                    with contextlib.suppress(OSError):
                        if connection.recv(100).startswith(b"HTTP/1.1 503 "):
                            refused.add(number)
                            connection.close()
                return len(refused) * 6 * MIB >= 16 * 6 * MIB - BODIES
            wait_for(enough_were_refused, lambda: f"{len(refused)} of 16 were refused")
            # The others are still read, when those have gone.
            wait_for(lambda: self.target.descriptors() <= with_all - len(refused) + 1, "who was refused does not go")
            left = next(connection for number, connection in enumerate(senders) if number not in refused)
            left.settimeout(PATIENCE)
            left.sendall(b" " * (MIB - 1))
            self.assertEqual(answer_on(left)[0], 200)

    def test_slow_and_deaf_clients(self):
        body = review()
        with self.beside_a_neighbour() as neighbour:
            slow = [self.kept(self.target.secure()) for _ in range(100)]
            deaf = [self.kept(self.target.secure(receive_buffer=4096)) for _ in range(4)]
            for connection in deaf:                             # asks until nothing more goes in, and reads nothing
                connection.settimeout(1)
                with contextlib.suppress(OSError):
                    for _ in range(20_000):
                        connection.sendall(request(body))
            for position in range(20):
                for connection in slow:
                    connection.sendall((head(len(body)) + body)[position:position + 1])
                neighbour.wait_for_more(5)

    def test_no_tls(self):
        hello = bytes.fromhex("16030102000100") + b"\x01\xfc\x03\x03" + b"r" * 32       # and nothing of the rest
        with self.beside_a_neighbour():
            for _ in range(100):
                self.assertIsNone(self.said_to(request(review()), secure=False))
                self.assertIsNone(self.said_to(bytes(range(256)) * 8, secure=False))
                self.kept(self.target.plain()).sendall(hello)

    def test_thousands_that_say_nothing(self):
        count = min(self.idle, self.descriptors - 1000)
        if count < self.idle:
            print(f"{count} instead of {self.idle} connections: a process may open {self.descriptors} files here", flush=True)
        with self.beside_a_neighbour() as neighbour:
            kept_after_an_answer = [self.kept(self.target.secure()) for _ in range(200)]
            for connection in kept_after_an_answer:
                connection.sendall(request(review()))
                self.assertEqual(answer_on(connection)[0], 200)
            for number in range(count - len(kept_after_an_answer)):
                self.kept(self.target.plain())
                if number % 1000 == 0:
                    neighbour.wait_for_more(1)

    def test_fewer_descriptors_than_clients(self):
        script = os.path.join(self.plane.folder, "few-descriptors")
        with open(script, "w") as f:
            f.write(f'#!/bin/sh\nulimit -n 150\nexec "{self.binary}" "$@"\n')
        os.chmod(script, 0o755)
        webhook = OneWebhook(self.plane, script, "few-descriptors")
        self.addCleanup(webhook.kill_all)
        target = webhook.run()
        with self.beside_a_neighbour(target, places=100) as neighbour:
            for _ in range(500):
                self.kept(target.plain())
            neighbour.wait_for_more()
            self.assertTrue(target.replica.ready(), target.replica.tail())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))                       # so that clean-ups run
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--idle", type=int, default=BadClientsTest.idle)
    options, rest = parser.parse_known_args()
    BadClientsTest.idle = options.idle
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)

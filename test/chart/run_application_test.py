#!/usr/bin/env python3
"""What `helm test` runs in its pod, at an API server that is busy, loses answers, or refuses."""

import contextlib
import http.client
import importlib.util
import io
import json
import os
import unittest
import urllib.error
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, "charts/spark-operator-chart/files/run_application.py")
spec = importlib.util.spec_from_file_location("run_application", PROGRAM)
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)

APPLICATION = {"metadata": {"name": "pi", "namespace": "ns"}}
RUNNING, COMPLETED, FAILED = ({"applicationState": {"state": state}} for state in ("RUNNING", "COMPLETED", "FAILED"))


def refusal(code):
    return urllib.error.HTTPError("https://server", code, "no", {}, io.BytesIO(b"{}"))


class Server:
    """Answers each method with its next answer, the last one for ever; time passes only while the program sleeps."""

    def __init__(self, **answers):
        self.answers, self.asked, self.now = {method: list(given) for method, given in answers.items()}, [], 0.0

    def ask(self, method, path, body=None):
        self.asked.append(method)
        answers = self.answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return json.dumps({"status": answer}).encode()

    def sleep(self, seconds):
        self.now += seconds

    def run(self):
        said = io.StringIO()
        with mock.patch.object(program, "ask", self.ask), mock.patch.object(program.time, "sleep", self.sleep), \
                mock.patch.object(program.time, "monotonic", lambda: self.now), \
                contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return program.main(APPLICATION, 100), said.getvalue()


class RunApplication(unittest.TestCase):
    def test_it_is_made_looked_at_and_taken_away(self):
        server = Server(DELETE=[refusal(404), {}], POST=[{}], GET=[RUNNING, COMPLETED])
        code, said = server.run()
        self.assertEqual((code, said.split()), (0, ["RUNNING", "COMPLETED"]))
        self.assertEqual(server.asked, ["DELETE", "POST", "GET", "GET", "DELETE"])

    def test_a_busy_server_is_asked_again_whatever_was_asked(self):
        for error in (refusal(429), refusal(503), TimeoutError(), ConnectionResetError(), http.client.IncompleteRead(b"")):
            with self.subTest(error):
                server = Server(DELETE=[error, refusal(404), error, {}], POST=[error, {}], GET=[error, COMPLETED])
                self.assertEqual(server.run()[0], 0)
                self.assertEqual(server.asked, ["DELETE", "DELETE", "POST", "POST", "GET", "GET", "DELETE", "DELETE"])

    def test_what_a_lost_answer_has_done_is_done(self):
        server = Server(DELETE=[ConnectionResetError(), refusal(404)], POST=[ConnectionResetError(), refusal(409)], GET=[COMPLETED])
        self.assertEqual(server.run()[0], 0)

    def test_a_refusal_is_not_repeated(self):
        server = Server(DELETE=[{}], POST=[refusal(403)])
        with self.assertRaises(urllib.error.HTTPError):
            server.run()
        self.assertEqual(server.asked, ["DELETE", "POST"])

    def test_a_server_that_stays_busy_ends_the_test(self):
        server = Server(DELETE=[{}], POST=[refusal(503)])
        with self.assertRaises(urllib.error.HTTPError):
            server.run()
        self.assertGreater(server.now, 99)

    def test_what_fails_or_takes_too_long_is_a_failure(self):
        for status, words in ((FAILED, "failed"), (RUNNING, "not completed within 100 seconds")):
            with self.subTest(words):
                server = Server(DELETE=[{}], POST=[{}], GET=[status])
                code, said = server.run()
                self.assertEqual((code, said.splitlines()[-1]), (1, words))
                self.assertEqual(server.asked[-1], "DELETE")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Runs one SparkApplication to its end; what `helm test` starts in a pod of the operator's account.

    python3 -c "$(cat run_application.py)" APPLICATION SECONDS        # an application as JSON text

It makes the application, waits, prints each state and at the end what its driver said last, and deletes it. Exit code 0: COMPLETED.
"""

import http.client
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ENDED = ("COMPLETED", "FAILED")
NO_ANSWER = (OSError, http.client.HTTPException)     # or a refusal
LAST_LIMIT = 60                                      # seconds for a busy server to take the application away


def request(method, path, body=None):
    return json.loads(ask(method, path, body))


def ask(method, path, body=None):
    with open(f"{ACCOUNT}/token") as token:
        headers = {"Authorization": f"Bearer {token.read()}", "Content-Type": "application/json"}
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    asked = urllib.request.Request(server + path, method=method, headers=headers,
                                   data=None if body is None else json.dumps(body).encode())
    trust = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    with urllib.request.urlopen(asked, timeout=30, context=trust) as answer:
        return answer.read()


def insist(method, path, deadline, body=None, done=()):
    """A busy API server, or an answer that got lost, is no failure of the test. `done`: codes of what an earlier try has done."""
    while True:
        try:
            return ask(method, path, body)
        except NO_ANSWER as error:
            code = getattr(error, "code", None)
            if code in done:
                return None
            if (code and code < 500 and code != 429) or time.monotonic() > deadline:
                raise
            print(f"{method}: not done yet: {error}", flush=True)
        time.sleep(1)


def look(path, before):
    try:
        return request("GET", path).get("status", {})
    except NO_ANSWER as error:
        if getattr(error, "code", None) == 404:
            raise
        print(f"not seen: {error}", flush=True)
        return before


def last_words(namespace, driver):
    try:
        return ask("GET", f"/api/v1/namespaces/{namespace}/pods/{driver}/log?tailLines=100").decode(errors="replace")
    except NO_ANSWER as error:
        return f"no log of {driver}: {error}"


def main(application, seconds):
    namespace = application["metadata"]["namespace"]
    all_of_them = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications"
    path = f"{all_of_them}/{application['metadata']['name']}"
    state, driver, status, deadline = None, None, {}, time.monotonic() + seconds
    insist("DELETE", path, deadline, done=(404,))    # of a test that was killed
    insist("POST", all_of_them, deadline, application, done=(409,))
    try:
        while state not in ENDED and time.monotonic() < deadline:
            status = look(path, status)
            driver = status.get("driverInfo", {}).get("podName")
            now = status.get("applicationState", {})
            if now.get("state") != state:
                state = now.get("state")
                print(state, now.get("errorMessage", ""), flush=True)
            time.sleep(1)
        if driver:
            print(last_words(namespace, driver), flush=True)
    finally:
        insist("DELETE", path, time.monotonic() + LAST_LIMIT, done=(404,))
    if state != "COMPLETED":
        print(f"not completed within {seconds} seconds" if state not in ENDED else "failed", file=sys.stderr)
    return 0 if state == "COMPLETED" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(json.loads(sys.argv[1]), int(sys.argv[2])))
    except urllib.error.HTTPError as refused:
        sys.exit(f"{refused}: {refused.read().decode(errors='replace')}")

"""Runs one SparkApplication to its end; what `helm test` starts in a pod of the operator's account.

    python3 -c "$(cat run_application.py)" APPLICATION SECONDS        # an application as JSON text

It makes the application, waits, prints each state and at the end what its driver said last, and deletes it. Exit code 0: COMPLETED.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ENDED = ("COMPLETED", "FAILED")


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


def remove(path):
    try:
        ask("DELETE", path)
    except urllib.error.HTTPError as refused:
        if refused.code != 404:
            raise


def make(all_of_them, application, deadline):
    """A busy API server, or an answer that got lost, is no failure of the test."""
    while True:
        try:
            return ask("POST", all_of_them, application)
        except OSError as error:
            code = getattr(error, "code", None)
            if code == 409:                          # by the request whose answer got lost
                return None
            if (code and code < 500 and code != 429) or time.monotonic() > deadline:
                raise
            print(f"not made yet: {error}", flush=True)
        time.sleep(1)


def look(path, before):
    try:
        return request("GET", path).get("status", {})
    except OSError as error:
        if getattr(error, "code", None) == 404:
            raise
        print(f"not seen: {error}", flush=True)
        return before


def last_words(namespace, driver):
    try:
        return ask("GET", f"/api/v1/namespaces/{namespace}/pods/{driver}/log?tailLines=100").decode(errors="replace")
    except OSError as error:
        return f"no log of {driver}: {error}"


def main(application, seconds):
    namespace = application["metadata"]["namespace"]
    all_of_them = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications"
    path = f"{all_of_them}/{application['metadata']['name']}"
    remove(path)                                     # of a test that was killed
    state, driver, status, deadline = None, None, {}, time.monotonic() + seconds
    make(all_of_them, application, deadline)
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
        remove(path)
    if state != "COMPLETED":
        print(f"not completed within {seconds} seconds" if state not in ENDED else "failed", file=sys.stderr)
    return 0 if state == "COMPLETED" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(json.loads(sys.argv[1]), int(sys.argv[2])))
    except urllib.error.HTTPError as refused:
        sys.exit(f"{refused}: {refused.read().decode(errors='replace')}")

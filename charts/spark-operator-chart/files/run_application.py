"""Runs one SparkApplication to its end; what `helm test` starts, with the account of the test.

    run_application.py APPLICATION.json SECONDS

It makes the application, waits, prints each state, and deletes it. Exit code 0: COMPLETED.
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
    with open(f"{ACCOUNT}/token") as token:
        headers = {"Authorization": f"Bearer {token.read()}", "Content-Type": "application/json"}
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    asked = urllib.request.Request(server + path, method=method, headers=headers,
                                   data=None if body is None else json.dumps(body).encode())
    trust = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    with urllib.request.urlopen(asked, timeout=30, context=trust) as answer:
        return json.load(answer)


def main(file, seconds):
    with open(file) as f:
        application = json.load(f)
    all_of_them = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{application['metadata']['namespace']}/sparkapplications"
    made = request("POST", all_of_them, application)
    path = f"{all_of_them}/{made['metadata']['name']}"
    state, deadline = None, time.monotonic() + seconds
    try:
        while state not in ENDED and time.monotonic() < deadline:
            status = request("GET", path).get("status", {}).get("applicationState", {})
            if status.get("state") != state:
                state = status.get("state")
                print(state, status.get("errorMessage", ""), flush=True)
            time.sleep(1)
    finally:
        request("DELETE", path)
    if state != "COMPLETED":
        print(f"not completed within {seconds} seconds" if state not in ENDED else "failed", file=sys.stderr)
    return 0 if state == "COMPLETED" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], int(sys.argv[2])))
    except urllib.error.HTTPError as refused:
        sys.exit(f"{refused}: {refused.read().decode(errors='replace')}")

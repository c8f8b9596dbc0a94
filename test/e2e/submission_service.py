"""A submission service as the gate RestSubmitter expects one: it runs Spark's own spark-submit for whoever posts arguments and
pod templates, once for each submission id.

    with SubmissionService(spark_home, environment) as service:      # environment: of spark-submit, with KUBECONFIG
        service.url                                                  # --submitter-service-url
        service.asked                                                # bodies, in order
"""

import json
import os
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cluster import APP_LIMIT

PATH = "/api/v1/spark-submit"
CONTAINERS = {"driver": "spark-kubernetes-driver", "executor": "spark-kubernetes-executor"}


class SubmissionService:
    def __init__(self, spark_home, environment):
        self.spark_home, self.environment = spark_home, environment
        self.asked, self._done, self._lock = [], set(), threading.Lock()

    def __enter__(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.say(405, {"error_code": "METHOD_NOT_ALLOWED", "message": "POST only"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.say(*(service.submit(body) if self.path == PATH else (404, {"error_code": "BAD_REQUEST", "message": self.path})))

            def say(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def submit(self, body):
        with self._lock:
            self.asked.append(body)
            submission = body["submission_id"]
            if submission in self._done:
                return 200, {"submission_id": submission, "duplicate_submission": True}
            ended = self.spark_submit(body)
            if ended.returncode == 0:
                self._done.add(submission)
                return 201, {"submission_id": submission, "message": "submitted"}
            if "code=409" in ended.stderr:
                return 409, {"error_code": "DRIVER_POD_ALREADY_EXISTS", "message": "driver pod already exists"}
            return 500, {"error_code": "INTERNAL_SERVER_ERROR", "message": ended.stderr[-2000:]}

    def spark_submit(self, body):
        with tempfile.TemporaryDirectory(prefix="submission-") as folder:
            conf = []
            for role, container in CONTAINERS.items():
                path = os.path.join(folder, f"{role}.yaml")
                with open(path, "w") as f:
                    json.dump(body[f"{role}_pod_template"], f)      # JSON is YAML
                conf += ["--conf", f"spark.kubernetes.{role}.podTemplateFile={path}",
                         "--conf", f"spark.kubernetes.{role}.podTemplateContainerName={container}"]
            environment = {**self.environment, "SPARK_HOME": self.spark_home, "SPARK_SUBMIT_OPTS": f"-Djava.io.tmpdir={folder}"}
            return subprocess.run([os.path.join(self.spark_home, "bin", "spark-submit"), *conf, *body["spark_submit_args"]],
                                  env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APP_LIMIT)

#!/usr/bin/env python3
"""The DAG of deploy/blueprints/airflow, run by Airflow itself against the embedded control plane: it succeeds when the application completes and
fails when it fails, and leaves nothing behind.

    test/run.sh blueprints --airflow
    AIRFLOW_PYTHON=… SPARK_OPERATOR=… PRETEND_KUBELET=… EMBEDDED_API_SERVER=… test/blueprints/airflow_test.py
"""

import json
import os
import subprocess
import tempfile
import unittest

import yaml
from blueprints import FLAGS, FOLDER
from submit_test import APPS, DONE, FAILS, World

LIMIT = 420


class Airflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(*FLAGS))
        cls.home = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="airflow-"))
        cls.environment = {
            **os.environ, **cls.world.plane.environment, "AIRFLOW_HOME": cls.home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": os.path.join(FOLDER, "airflow"), "PYTHONDONTWRITEBYTECODE": "1",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO", "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
            "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": cls.world.plane.kubeconfig}}),
            # A node that pretends has no logs.
            "SPARK_PI_LOGS": "no"}
        cls.airflow("db", "migrate")

    @classmethod
    def airflow(cls, *arguments, code=0, **more):
        command = [os.environ["AIRFLOW_PYTHON"], "-m", "airflow", *arguments]
        done = subprocess.run(command, env={**cls.environment, **more}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        if code is not None and done.returncode != code:
            raise AssertionError(f"airflow {' '.join(arguments)}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def run_dag(self, notes):
        with open(os.path.join(FOLDER, "airflow", "app.yaml"), encoding="utf-8") as file:
            application = yaml.safe_load(file)
        application["spec"]["driver"]["annotations"] = notes
        path = os.path.join(self.home, "app.yaml")
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(application, file)
        return self.airflow("dags", "test", "spark_pi", code=None, SPARK_PI_FILE=path)

    def submitted(self):
        with open(os.path.join(self.world.plane.folder, "operator.log"), errors="replace", encoding="utf-8") as log:
            return [line for line in log if "airflow-pi" in line and "COMPLETED" in line or "FAILED" in line]

    def test_success(self):
        done = self.run_dag(DONE)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said[-4000:])
        self.assertIn("state=success", said.replace("'", ""))
        self.assertEqual(self.world.api.call("GET", APPS)["items"], [], "delete_on_termination")

    def test_failure(self):
        done = self.run_dag(FAILS)
        said = done.stdout + done.stderr
        self.assertIn("state=failed", said.replace("'", ""), said[-4000:])
        self.assertRegex(said, "airflow-pi")


if __name__ == "__main__":
    unittest.main(verbosity=2)

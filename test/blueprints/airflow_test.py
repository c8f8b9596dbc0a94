#!/usr/bin/env python3
"""The DAG of deploy/blueprints/airflow, run by Airflow itself against the embedded control plane: it succeeds when the application completes and
fails when it fails.

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
HERE = os.path.join(FOLDER, "airflow")


@unittest.skipUnless(os.environ.get("AIRFLOW_PYTHON"), "no AIRFLOW_PYTHON: test/run.sh blueprints --airflow installs it")
class Airflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World(*FLAGS))
        cls.home = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="airflow-"))
        cls.dags = os.path.join(cls.home, "dags")
        os.mkdir(cls.dags)
        cls.environment = {
            **os.environ, **cls.world.plane.environment, "AIRFLOW_HOME": cls.home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO", "PYTHONDONTWRITEBYTECODE": "1", "HOME": cls.home,
            "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
            "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": cls.world.plane.kubeconfig}})}
        cls.airflow("db", "migrate")

    @classmethod
    def airflow(cls, *arguments, code=0):
        command = [os.environ["AIRFLOW_PYTHON"], "-m", "airflow", *arguments]
        done = subprocess.run(command, env=cls.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        if code is not None and done.returncode != code:
            raise AssertionError(f"airflow {' '.join(arguments)}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def run_dag(self, notes):
        """As the README installs it; the node that pretends has no logs to show, and ends the driver as its annotations say."""
        with open(os.path.join(HERE, "app.yaml"), encoding="utf-8") as file:
            application = yaml.safe_load(file)
        application["spec"]["driver"]["annotations"] = notes
        with open(os.path.join(self.dags, "app.yaml"), "w", encoding="utf-8") as file:
            yaml.safe_dump(application, file)
        with open(os.path.join(HERE, "spark_pi_dag.py"), encoding="utf-8") as file:
            dag = file.read()
        self.assertEqual(dag.count("get_logs=True"), 1)
        with open(os.path.join(self.dags, "spark_pi_dag.py"), "w", encoding="utf-8") as file:
            file.write(dag.replace("get_logs=True", "get_logs=False"))
        return self.airflow("dags", "test", "spark_pi", code=None)

    def left(self):
        return {application["metadata"]["name"]: application.get("status", {}).get("applicationState", {}).get("state")
                for application in self.world.api.call("GET", APPS)["items"]}

    def test_success(self):
        before = self.left()
        done = self.run_dag(DONE)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said[-4000:])
        self.assertIn("state=success", said.replace("'", ""))
        self.assertEqual(self.left(), before, "delete_on_termination")
        self.assertRegex(said, "airflow-pi-[a-z0-9]{8}")

    def test_failure(self):
        done = self.run_dag(FAILS)
        said = done.stdout + done.stderr
        self.assertIn("state=failed", said.replace("'", ""), said[-4000:])
        self.assertRegex(said, r"Spark Job Failed.*\[ExitCode\]")
        # The provider may leave what failed before it saw the driver run; nothing else.
        self.assertLessEqual(set(self.left().values()), {"FAILED"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""A control plane embedded in this machine, as `sparkctl local` runs it.

    with LocalCluster() as cluster:                      # local up … local down
        cluster.kubectl("apply", "-f", "app.yaml")       # and what else cluster.py has

The binary comes from the environment: SPARKCTL. Everything that the cluster keeps lies in a temporary folder of its own
(SPARK_OPERATOR_LOCAL_DIR).
"""

import os
import re
import shutil
import subprocess
import tempfile

from cluster import CALL_LIMIT, START_LIMIT, Cluster, find_kubectl


class LocalCluster(Cluster):
    def __init__(self):
        self.sparkctl_path = os.environ["SPARKCTL"]
        self.kubectl_path = find_kubectl()
        self.folder = tempfile.mkdtemp(prefix="spark-operator-e2e-")
        self.environment = {**os.environ, "SPARK_OPERATOR_LOCAL_DIR": self.folder}

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.sparkctl("local", "down", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def up(self):
        """`local up` returns when the control plane answers and prints `export KUBECONFIG=…`. It is started with its
        output in a file: what it leaves running must not hold a pipe of ours open."""
        said = self.sparkctl("local", "up", limit=START_LIMIT)
        found = re.search(r"^\s*export KUBECONFIG=(\S+)", said, re.M)
        if not found:
            raise AssertionError(f"local up names no kubeconfig:\n{said}")
        self.environment["KUBECONFIG"] = found.group(1).strip("'\"")

    def sparkctl(self, *arguments, check=True, limit=CALL_LIMIT):
        with tempfile.TemporaryFile("w+") as output:
            run = subprocess.run([self.sparkctl_path, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT, timeout=limit)
            output.seek(0)
            said = output.read()
        if check and run.returncode:
            raise AssertionError(f"sparkctl {' '.join(arguments)}: exit code {run.returncode}\n{said}")
        return said

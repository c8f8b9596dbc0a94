"""A real API server with the definitions of our kinds and of other systems', the namespaces that blueprints name, and kubectl beside it.

    with Server() as server:
        server.kubectl("apply", "-f", "-", text=listed(objects))     # AssertionError unless it ends with 0
        code, out, err = server.dry_run("-f", "deploy/blueprints/kueue")
        server.run("helm install …")                                 # a command line of a README; kubectl, helm, sparkctl are on its PATH

Nothing runs pods, and webhooks are not asked, though their configurations are stored.
"""

import json
import os
import subprocess
import sys
import tempfile

from blueprints import CRDS, TOP

sys.path.insert(0, os.path.join(TOP, "test", "lib"))
from control_plane import ControlPlane  # noqa: E402

LIMIT = 300
NAMESPACES = ("yunikorn", "argocd", "airflow", "spark-operator", "spark-team-a", "spark-team-b", "spark-team-c", "team-a", "team-b")
ACCOUNTS = ("default", "spark-operator-spark", "spark-event-logs")


def tool(name):
    return os.environ.get(name.upper()) or subprocess.run([os.path.join(TOP, f"test/lib/fetch_{name}.sh")], check=True, stdout=subprocess.PIPE,
                                                         text=True).stdout.strip()


def listed(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


class Server:
    def __init__(self, namespaces=NAMESPACES, accounts=ACCOUNTS):
        self.namespaces, self.accounts = namespaces, accounts

    def __enter__(self):
        self.kubectl_path = tool("kubectl")
        self.plane = ControlPlane("real", controllers=False, webhooks=False).__enter__()
        try:
            self.folder = tempfile.mkdtemp(dir=self.plane.folder)
            self.environment = {**os.environ, **self.plane.environment, "HOME": self.folder, "NO_COLOR": "1",
                                "PATH": self.folder + os.pathsep + os.environ["PATH"]}
            for name in ("kubectl", "helm"):
                os.symlink(os.path.abspath(tool(name)), os.path.join(self.folder, name))
            self.install()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.plane.__exit__()

    def install(self):
        paths = [word for path in CRDS for word in ("-f", path)]
        self.kubectl("apply", "--server-side", *paths)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", *paths)
        self.kubectl("apply", "-f", "-", text=listed(
            [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in self.namespaces] +
            [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}} for name in self.accounts]))

    def try_kubectl(self, *arguments, text=""):
        done = subprocess.run([self.kubectl_path, *arguments], env=self.environment, input=text, text=True, capture_output=True, timeout=LIMIT)
        return done.returncode, done.stdout, done.stderr

    def kubectl(self, *arguments, text=""):
        code, out, err = self.try_kubectl(*arguments, text=text)
        assert code == 0, f"kubectl {' '.join(arguments)}: exit code {code}\n{out}{err}"
        return out

    def dry_run(self, *arguments, text="", verb="apply"):
        return self.try_kubectl(verb, "--dry-run=server", "--validate=strict", "-o", "name", *arguments, text=text)

    def run(self, line, **environment):
        return subprocess.run(["bash", "-euc", line], env={**self.environment, **environment}, cwd=TOP, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=LIMIT)

"""Charts as helm renders them.

    helm = Helm()                                            # $HELM, else test/lib/fetch_helm.sh
    rendered = helm.render({"webhook": {"enable": False}})   # values, as a file of a user's would give them
    rendered["Deployment", "spark-operator-controller"]      # an object; KeyError: there is none
    rendered.find("Role", "spark-operator-controller", "default")
    rendered.arguments("controller")
    helm.refusal({...})                                      # what helm said; AssertionError if it rendered

Release and namespace are `spark-operator` unless told otherwise.
"""

import json
import os
import subprocess
import tempfile

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(TOP, "charts/spark-operator-chart")
RELEASE = NAMESPACE = "spark-operator"
# What a cluster with the Prometheus operator and cert-manager has.
MORE_APIS = ("monitoring.coreos.com/v1/PodMonitor", "monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule",
             "cert-manager.io/v1/Issuer", "cert-manager.io/v1/Certificate")
LIMIT = 120


def load_all(text):
    return [document for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if document]


class Rendered:
    def __init__(self, text):
        self.text = text
        self.objects = load_all(text)

    def ids(self):
        return [(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in self.objects]

    def of_kind(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def without_tests(self):
        return [o for o in self.objects if o["metadata"].get("annotations", {}).get("helm.sh/hook") != "test"]

    def find(self, kind, name, namespace=None):
        found = [o for o in self.objects if o["kind"] == kind and o["metadata"]["name"] == name
                 and (namespace is None or o["metadata"].get("namespace") == namespace)]
        if len(found) > 1:
            raise AssertionError(f"{len(found)} objects: {kind} {namespace} {name}")
        return found[0] if found else None

    def __getitem__(self, key):
        found = self.find(*key)
        if found is None:
            raise KeyError(key)
        return found

    def pod(self, component):
        return self["Deployment", f"spark-operator-{component}"]["spec"]["template"]["spec"]

    def container(self, component):
        return self.pod(component)["containers"][0]

    def arguments(self, component):
        return self.container(component)["args"]


class Helm:
    def __init__(self):
        self.path = os.environ.get("HELM") or subprocess.run([os.path.join(TOP, "test/lib/fetch_helm.sh")], check=True,
                                                             stdout=subprocess.PIPE, text=True).stdout.strip()

    def run(self, *arguments, environment=None, limit=LIMIT):
        return subprocess.run([self.path, *arguments], capture_output=True, text=True, timeout=limit,
                              env={**os.environ, **(environment or {})})

    def _template(self, values, release, namespace, apis, kubernetes, more, chart=CHART):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(values if isinstance(values, str) else yaml.safe_dump(values or {}, sort_keys=False))
            file.flush()
            command = ["template", release, chart, "--namespace", namespace, "--values", file.name, *more]
            for api in apis:
                command += ["--api-versions", api]
            if kubernetes:
                command += ["--kube-version", kubernetes]
            return self.run(*command)

    def render(self, values=None, release=RELEASE, namespace=NAMESPACE, apis=MORE_APIS, kubernetes=None, more=(), chart=CHART):
        run = self._template(values, release, namespace, apis, kubernetes, more, chart)
        if run.returncode:
            raise AssertionError(f"helm template: {run.stderr}")
        return Rendered(run.stdout)

    def refusal(self, values=None, apis=MORE_APIS, **others):
        run = self._template(values, others.get("release", RELEASE), others.get("namespace", NAMESPACE), apis, None, ())
        if not run.returncode:
            raise AssertionError(f"helm rendered {json.dumps(values)}")
        return run.stderr

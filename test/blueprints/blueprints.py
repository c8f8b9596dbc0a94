"""The folders of deploy/blueprints: their manifests, and what `sparkctl render` makes of an application.

    documents("yunikorn")                          # every object of a folder, [(file, object)]
    made = render("yunikorn", "gang-app.yaml")     # $SPARKCTL; no cluster
    made.driver["spec"]["schedulerName"]           # the driver's pod
    made.executor["spec"]["nodeSelector"]          # the pod template that Spark makes executors from
    made.properties["spark.executor.memory"]       # what the driver is given, as Spark reads it
    made.one("PodGroup")
"""

import glob
import json
import os
import re
import shlex
import subprocess

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "test", "blueprints")
FOLDER = os.path.join(TOP, "deploy", "blueprints")
CRDS = [os.path.join(TOP, "charts", "spark-operator-chart", "crds"), os.path.join(TOP, "test", "around", "crds"), os.path.join(HERE, "crds")]
# What the blueprints' READMEs ask of the operator.
FLAGS = ("--enable-batch-scheduler", "--enable-driver-pdb")
# As the values of live-ui become flags.
INGRESS = ("--ingress-url-format=spark.example.com/{{$appNamespace}}/{{$appName}}", "--ingress-class-name=nginx",
           '--ingress-annotations={"nginx.ingress.kubernetes.io/proxy-read-timeout":"300"}')
# Folders whose objects the networks of the tests have no addresses for.
NO_NETWORK = {"ipv6"}
LIMIT = 120


# Definitions are long; libyaml reads them in a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_all(text):
    return [document for document in yaml.load_all(text, Loader=LOADER) if document]


def folders():
    return sorted(name for name in os.listdir(FOLDER) if os.path.isdir(os.path.join(FOLDER, name)))


def documents(folder):
    found = []
    for path in sorted(glob.glob(os.path.join(FOLDER, folder, "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            found += [(path, document) for document in load_all(file)]
    return found


def commands(folder):
    """[(command line, remark behind it)] that the README shows."""
    with open(os.path.join(FOLDER, folder, "README.md"), encoding="utf-8") as file:
        blocks = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    found = [re.split(r"\s+# ", line, maxsplit=1) for block in blocks for line in block.replace("\\\n", "").splitlines()]
    return [(line[0], line[1] if len(line) > 1 else "") for line in found]


def values_files():
    """[(folder, name of the release's file, path)]: values for the operator's chart."""
    return [(path.split(os.sep)[-3], os.path.basename(path).removesuffix(".yaml"), path) for path in sorted(glob.glob(os.path.join(FOLDER, "*", "values", "*.yaml")))]


def workflow_step():
    """The application inside the workflow of Argo, as text."""
    workflow = next(o for _, o in documents("argo-workflows") if o["kind"] == "Workflow")
    return workflow["spec"]["templates"][0]["resource"]["manifest"]


def named_step():
    """The same with a name, which the API server would have given it."""
    application = yaml.safe_load(workflow_step())
    application["metadata"]["name"] = application["metadata"].pop("generateName") + "x7c2k"
    return application


def applications():
    """[(folder, name of the file, application)] of all blueprints; the workflow's has its file's name, too."""
    found = [(folder, os.path.basename(path), document) for folder in folders() for path, document in documents(folder)
             if document["kind"] == "SparkApplication"]
    return found + [("argo-workflows", "workflow.yaml", named_step())]


class Made:
    def __init__(self, objects):
        self.objects = objects
        self.driver = self.one("Pod")
        self.container = self.driver["spec"]["containers"][0]
        maps = [o["data"] for o in objects if o["kind"] == "ConfigMap"]
        self.properties = read_properties(next(m["spark.properties"] for m in maps if "spark.properties" in m))
        self.executor = yaml.safe_load(next(m["podspec-configmap-key"] for m in maps if "podspec-configmap-key" in m))

    def one(self, kind, part=""):
        found = [o for o in self.objects if o["kind"] == kind and part in o["metadata"]["name"]]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} objects of kind {kind}: {[o['metadata']['name'] for o in found]}")
        return found[0]


def render(folder, file, flags=FLAGS):
    return rendered(os.path.join(FOLDER, folder, file), flags)


def rendered(path, flags=FLAGS, text=None):
    command = [os.environ["SPARKCTL"], "render", "-f", path, "-o", "json", "--operator-flags", shlex.join(flags)]
    done = subprocess.run(command, input=text or "", capture_output=True, text=True, timeout=LIMIT)
    if done.returncode or done.stderr:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
    return Made(json.loads(done.stdout)["items"])


def read_properties(text):
    """A file of Java's properties, as far as Spark writes them: no continued lines."""
    found = {}
    for line in text.split("\n"):
        if not line or line[0] in "#!":
            continue
        key, value = re.fullmatch(r"((?:\\.|[^\\=:])*)[=:](.*)", line, re.S).groups()
        found[unescaped(key)] = unescaped(value)
    return found


def unescaped(text):
    def plain(match):
        if match.group(1):
            return chr(int(match.group(1), 16))
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}.get(match.group(2), match.group(2))
    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", plain, text, flags=re.S)

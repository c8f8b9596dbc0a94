"""What may differ between two submissions of one application, and nothing else: ALLOWED says what and why.

    submission = Submission(objects, arguments, places)      # places: text of this run → its name
    normalised(submission)                                   # a new list of objects, comparable
    normalised_executors(pods, places, {"A"})                # executor id → pod, as a driver asked for it

Everything is done to both sides alike. `python3 normalise.py` prints the list.
"""

import copy
import json
import re
import time
from dataclasses import dataclass, field

ALLOWED = {
    "application id": "Spark draws 32 hex digits; we derive them from the attempt",
    "name parts": "Spark draws 16 hex digits for the name prefix, the config map and a service whose name is too long",
    "scratch directory": "Spark draws a UUID for /var/data/spark-…",
    "submission time": "spark.app.submitTime and the date in spark.properties are the clock's, unless the user set the time",
    "order of properties": "java.util.Properties writes spark.properties in the order of a hash table",
    "order of maps": "environment, secrets and volumes of spark.kubernetes.driver…, and the environment of spark.executorEnv…, "
                     "come from Scala maps, in hash order",
    "number of a claim": "the <i> in …-driver-pvc-<i> is the place in such an order",
    "order of scratch directories": "Spark shuffles them on purpose",
    "namespace": "spark-submit leaves metadata.namespace to the request's path, we write it as well",
    "this run": "port of the API server, folders of the test, and the attempt's id, the same on both sides; of two runs: the uids "
                "of application and driver, the driver's address, and the attempts' ids",
}

UID = r"[0-9a-f]{16}"


@dataclass
class Submission:
    objects: list
    arguments: list
    places: dict = field(default_factory=dict)


def normalised(submission):
    objects = [_with_plain_properties(copy.deepcopy(o)) for o in submission.objects]
    text = json.dumps(objects, ensure_ascii=False)
    for given, name in sorted(submission.places.items(), key=lambda item: -len(item[0])):
        text = text.replace(given, name)
        text = text.replace(json.dumps(_escaped(given))[1:-1], json.dumps(_escaped(name))[1:-1])
    text = re.sub(r"spark-[0-9a-f]{32}", "spark-APPLICATION-ID", text)
    text = re.sub(rf"spark-drv-{UID}-conf-map", "spark-drv-UID-conf-map", text)
    text = re.sub(rf"-{UID}(?=-(driver|kubernetes-credentials|hadoop-config|krb5-file|policy)\b)", "-UID", text)
    text = re.sub(r"/var/data/spark-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "/var/data/spark-UUID", text)
    objects = json.loads(text)
    conf = _conf(submission.arguments)
    for o in objects:
        if o["kind"] == "Pod":
            _pod(o, conf)
    return _claims(objects)


def normalised_executors(pods, places, environment=()):
    """Of two runs of one application: what each of the drivers sent to the API server, by executor id. `environment`: the names
    that spark.executorEnv… sets."""
    text = json.dumps(pods, ensure_ascii=False)
    for given, name in places.items():
        text = text.replace(given, name)
    text = re.sub(r"spark-[0-9a-f]{32}", "spark-APPLICATION-ID", text)
    text = re.sub(rf"-{UID}(?=-(exec|driver)\b)", "-UID", text)
    text = re.sub(rf"spark-exec-{UID}-conf-map", "spark-exec-UID-conf-map", text)
    text = re.sub(r"/var/data/spark-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "/var/data/spark-UUID", text)
    executors = {}
    for pod in json.loads(text):
        for container in pod["spec"]["containers"]:
            options = [item for item in container.get("env", []) if item["name"].startswith("SPARK_JAVA_OPT_")]
            for item, value in zip(options, sorted(item["value"] for item in options)):
                item["value"] = value              # of properties, in the order of their hash table
            _sort_runs(container.get("env", []), lambda item: item["name"] in environment)
        executors[pod["metadata"]["labels"]["spark-exec-id"]] = pod
    return executors


def _escaped(text):
    """As java.util.Properties writes a value."""
    return re.sub(r"([\\=:#!])", r"\\\1", text)


def _conf(arguments):
    conf = {}
    for flag, value in zip(arguments, arguments[1:]):
        if flag == "--conf":
            key, _, rest = value.partition("=")
            conf[key] = rest
    return conf


def _with_plain_properties(o):
    data = o.get("data") or {}
    if o["kind"] != "ConfigMap" or "spark.properties" not in data:
        return o
    lines = data["spark.properties"].split("\n")
    if lines[-1] != "" or not re.fullmatch(r"#\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}", lines[1]):
        raise ValueError(f"spark.properties has another form: {lines[:2]}")
    data["spark.properties"] = [lines[0], "#DATE", *sorted(_submit_time(line) for line in lines[2:-1])]
    return o


# The native side is told this time; the real one has the clock's.
NATIVE_TIME = 1795225810


def _submit_time(line):
    key, _, value = line.partition("=")
    if key == "spark.app.submitTime" and value.isdigit():
        seconds = int(value) / 1000
        if seconds == NATIVE_TIME or abs(seconds - time.time()) < 3600:
            return key + "=NOW"
    return line


def _names(conf, prefix):
    return {key[len(prefix):] for key in conf if key.startswith(prefix)}


def _pod(pod, conf):
    spec = pod["spec"]
    container = spec["containers"][-1]
    secrets = {name + "-volume" for name in _names(conf, "spark.kubernetes.driver.secrets.")}
    volumes = {rest.split(".")[1] for rest in _names(conf, "spark.kubernetes.driver.volumes.") if "." in rest}
    variables = _names(conf, "spark.kubernetes.driverEnv.")
    references = _names(conf, "spark.kubernetes.driver.secretKeyRef.")
    for group in (variables, references):
        _sort_runs(container.get("env", []), lambda item, group=group: item["name"] in group)
    for group in (secrets, volumes):
        for items in (spec.get("volumes", []), container.get("volumeMounts", [])):
            _sort_runs(items, lambda item, group=group: item["name"] in group)
    order_scratch_directories(container, drawn_names=not any(name.startswith("spark-local-dir-") for name in volumes))


def order_scratch_directories(container, drawn_names):
    """In place; `drawn_names`: Spark has numbered their volumes, in the order that it shuffled them into."""
    mounts = [m for m in container.get("volumeMounts", []) if drawn_names and re.fullmatch(r"spark-local-dir-\d+", m["name"])]
    for mount, path in zip(sorted(mounts, key=lambda m: m["name"]), sorted(m["mountPath"] for m in mounts)):
        mount["mountPath"] = path
    for item in container.get("env", []):
        if item["name"] == "SPARK_LOCAL_DIRS" and "value" in item:
            item["value"] = ",".join(sorted(item["value"].split(",")))


def _sort_runs(items, belongs):
    """Sorts, in place, each run of neighbours that belong to the group."""
    start = 0
    while start < len(items):
        end = start
        while end < len(items) and belongs(items[end]):
            end += 1
        if end > start:
            items[start:end] = sorted(items[start:end], key=lambda item: json.dumps(item, sort_keys=True))
        start = end + 1


def _claims(objects):
    """Numbers of claims become what they are claimed for; the claims themselves go by the new name."""
    pods = [o for o in objects if o["kind"] == "Pod"]
    names = {}
    for pod in pods:
        for volume in pod["spec"].get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName", "")
            if re.search(r"-driver-pvc-\d+", claim):
                names[claim] = re.sub(r"-driver-pvc-\d+", f"-driver-pvc-of-{volume['name']}", claim)
    text = json.dumps(objects, ensure_ascii=False)
    for claim, name in sorted(names.items(), key=lambda item: -len(item[0])):
        text = text.replace(json.dumps(claim), json.dumps(name))
    objects = json.loads(text)
    for pod in objects:
        if pod["kind"] == "Pod":
            _sort_runs(pod["spec"].get("volumes", []),
                       lambda item: "-driver-pvc-of-" in item.get("persistentVolumeClaim", {}).get("claimName", ""))
    _sort_runs(objects, lambda o: o["kind"] == "PersistentVolumeClaim")
    return objects


def differences(left, right, path="$"):
    """(path, left, right) for each place; None stands for what is absent."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key), right.get(key), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list):
        if all(isinstance(item, str) for item in left + right) and left != right and len(left) != len(right):
            only_left, only_right = [i for i in left if i not in right], [i for i in right if i not in left]
            yield path, only_left or left, only_right or right
            return
        for i in range(max(len(left), len(right))):
            yield from differences(left[i] if i < len(left) else None, right[i] if i < len(right) else None, f"{path}[{i}]")
    elif left != right:
        yield path, left, right


if __name__ == "__main__":
    for what, why in ALLOWED.items():
        print(f"{what:30} {why}")

"""A pod gets what an application asks for and Spark has no property for, in one of several ways: a webhook changes it, or the
submitter has built it in, for executors into the template that the driver makes them from. Here they are compared, for real Spark's
own executors of every case.

    for case, way, lines in compared(native, jvm, runs): …      # lines: what differs from the webhook's way

The measure is the webhook alone. What may differ without one is EXCEPTIONS, and each stands for an entry of the native
submitter's own list (spark::fields_needing_webhook), which users are told of by an event. Beside a webhook nothing may.
"""

import copy
import json
import re

from normalise import differences, order_scratch_directories

# An entry of the list → where it shows. "…" stands for the name in the entry.
EXCEPTIONS = {
    "executor.memoryLimit": (r"\.containers\.[^.]+\.resources\.limits\.memory",
                             "Spark writes the limit over the template's, and has no property for it"),
    "executor.lifecycle": (r"\.containers\.[^.]+\.lifecycle\b",
                           "with spark.decommission.enabled Spark writes its own hook over the template's"),
    "executor.securityContext": (r"\.containers\.[^.]+\.securityContext\.allowPrivilegeEscalation",
                                 "Spark 4.3 writes this member into the template's context, a webhook replaces the context"),
    "hadoopConfigMap": (r"\.env\.HADOOP_CONF_DIR",
                        "Spark writes the directory of spark.kubernetes.hadoop.configMapName after the template's"),
    "executor.env.…": (r"\.env\.…", "Spark writes the variable, or one that it refers to, after all that a template or property can say"),
}
# Whatever the way: what is the same in another order, or drawn.
ORDERS = {
    "env": "Spark's variables come after a template's and before a webhook's; what counts is what a container sees in the end",
    "volumes, volumeMounts, ports": "sets, by name",
    "containers": "Spark's container stands behind a template's, a webhook's sidecars behind Spark's",
    "tolerations": "a set",
    "scratch directories": "Spark shuffles them on purpose",
}


def normal(pod):
    if "refused" in pod:        # by the driver, which Spark's submitter does not know yet
        return pod
    text = json.dumps(pod, ensure_ascii=False)
    text = re.sub(r"-[0-9a-f]{16}-exec-", "-UID-exec-", text)
    text = re.sub(r"spark-exec-[0-9a-f]{16}-conf-map", "spark-exec-UID-conf-map", text)
    text = re.sub(r"/var/data/spark-[0-9a-f-]{36}", "/var/data/spark-UUID", text)
    pod = copy.deepcopy(json.loads(text))
    spec = pod["spec"]
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind) or []:
            order_scratch_directories(container, drawn_names=True)
            container["env"] = seen_environment(container.get("env") or [])
            for name in ("volumeMounts", "ports"):
                container[name] = _set(container.get(name))
    spec["containers"] = {c["name"]: c for c in spec["containers"]}
    for name in ("volumes", "tolerations"):
        spec[name] = _set(spec.get(name))
    if "hostname" in spec:
        spec["hostname"] = re.sub(r"^.*-exec-", "…-exec-", spec["hostname"])
    return pod


def seen_environment(env):
    """name → what a process sees, as a kubelet computes it: $(NAME) of what stands before, the last entry of a name counts."""
    seen = {}
    for entry in env:
        if "valueFrom" in entry:
            seen[entry["name"]] = entry["valueFrom"]
            continue
        value = re.sub(r"\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)",
                       lambda m: json.dumps(seen[m[1]]) if m[1] in seen else m[0], entry.get("value") or "")
        seen[entry["name"]] = value
    return seen


def _set(items):
    return sorted(items or [], key=lambda item: json.dumps(item, sort_keys=True))


def unexpected(left, right, allowed):
    """Lines for what differs, but for what the entries in `allowed` stand for."""
    patterns = []
    for entry in allowed:
        key, name = entry, ""
        if entry.startswith("executor.env."):
            key, name = "executor.env.…", entry[len("executor.env."):]
        patterns.append(re.compile(EXCEPTIONS[key][0].replace("…", re.escape(name))))
    for path, a, b in differences(normal(left), normal(right)):
        if not any(p.search(path) for p in patterns):
            yield f"{path}: {json.dumps(a, ensure_ascii=False)[:300]}, by the webhook {json.dumps(b, ensure_ascii=False)[:300]}"

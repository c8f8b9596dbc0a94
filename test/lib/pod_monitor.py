"""PodMonitors without a Prometheus operator: what it makes of one in Prometheus' configuration, and whom Prometheus then scrapes.

    targets = discovered(pods)                          # what Prometheus' role "pod" finds: a target for each port of a container
    configs = scrape_configs(monitor, "pods.json")      # a scrape_config for each endpoint, for a file that holds those targets
    scraped(monitor, pods)                              # the same without a Prometheus: [{"port": 4040, "path": "/metrics", "pod": …, …}]

Pods are as an API server gives them. A monitor without a namespace is in that of its release, as helm says.
"""

import re

META = "__meta_kubernetes_pod_"


def sanitized(name):
    return re.sub("[^a-zA-Z0-9_]", "_", name)


def discovered(pods):
    targets = []
    for pod in pods:
        metadata, status = pod["metadata"], pod.get("status", {})
        labels = {f"{META}name": metadata["name"], f"{META}ip": status.get("podIP", ""), f"{META}phase": status.get("phase", ""),
                  "__meta_kubernetes_namespace": metadata["namespace"]}
        for what in ("label", "annotation"):
            for key, value in (metadata.get(what + "s") or {}).items():
                labels[f"{META}{what}_{sanitized(key)}"] = value
                labels[f"{META}{what}present_{sanitized(key)}"] = "true"
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", []):
                of_port = {f"{META}container_name": container["name"], f"{META}container_port_name": port.get("name", ""),
                           f"{META}container_port_number": str(port["containerPort"])}
                targets.append({"targets": [f"{status.get('podIP', '')}:{port['containerPort']}"], "labels": {**labels, **of_port}})
    return targets


def scrape_configs(monitor, file, release_namespace="spark-operator"):
    spec = monitor["spec"]
    namespace, name = monitor["metadata"].get("namespace", release_namespace), monitor["metadata"]["name"]
    return [{"job_name": f"podMonitor/{namespace}/{name}/{number}", "metrics_path": endpoint.get("path", "/metrics"),
             "scheme": endpoint.get("scheme", "http"), **({"scrape_interval": endpoint["interval"]} if "interval" in endpoint else {}),
             "file_sd_configs": [{"files": [file], "refresh_interval": "1s"}],
             "relabel_configs": [*selected(spec, namespace), *labelled(spec, namespace, name, endpoint),
                                 *map(rule_of, endpoint.get("relabelings", []))]}
            for number, endpoint in enumerate(spec["podMetricsEndpoints"])]


def keep(source, regex, action="keep"):
    return {"source_labels": source, "regex": regex, "action": action}


def selected(spec, namespace):
    """Which pods: their namespace, phase and labels."""
    yield keep([f"{META}phase"], "(Failed|Succeeded)", "drop")
    where = spec.get("namespaceSelector", {})
    if not where.get("any"):
        yield keep(["__meta_kubernetes_namespace"], "|".join(where.get("matchNames") or [namespace]))
    expressions = [{"key": key, "operator": "In", "values": [value]} for key, value in spec["selector"].get("matchLabels", {}).items()]
    for expression in expressions + spec["selector"].get("matchExpressions", []):
        key, operator = sanitized(expression["key"]), expression["operator"]
        action = "keep" if operator in ("In", "Exists") else "drop"
        if operator in ("In", "NotIn"):
            yield keep([f"{META}label_{key}", f"{META}labelpresent_{key}"], f"({'|'.join(expression['values'])});true", action)
        else:
            yield keep([f"{META}labelpresent_{key}"], "true", action)


def labelled(spec, namespace, name, endpoint):
    """Which of their ports, and the labels of its series."""
    yield keep([f"{META}container_port_name"], endpoint["port"])
    for source, label in (("__meta_kubernetes_namespace", "namespace"), (f"{META}container_name", "container"), (f"{META}name", "pod")):
        yield {"source_labels": [source], "target_label": label}
    for label in spec.get("podTargetLabels", []):
        yield {"source_labels": [f"{META}label_{sanitized(label)}"], "target_label": sanitized(label), "regex": "(.+)"}
    yield {"target_label": "job", "replacement": f"{namespace}/{name}"}
    if spec.get("jobLabel"):
        yield {"source_labels": [f"{META}label_{sanitized(spec['jobLabel'])}"], "target_label": "job", "regex": "(.+)"}
    yield {"target_label": "endpoint", "replacement": endpoint["port"]}


def rule_of(relabeling):
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return {names.get(key, key): value for key, value in relabeling.items()}


def relabelled(labels, rules):
    """The labels after all rules, None if one drops the target; of Prometheus' actions those three that scrape_configs() needs."""
    labels = dict(labels)
    for rule in rules:
        value = ";".join(labels.get(name, "") for name in rule.get("source_labels", []))
        match = re.fullmatch(rule.get("regex", "(.*)"), value)
        action = rule.get("action", "replace")
        if action not in ("keep", "drop", "replace"):
            raise ValueError(f"relabelling: action {action}")
        if action == "replace":
            if match:
                labels[rule["target_label"]] = match.expand(re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", rule.get("replacement", "$1")))
        elif (match is None) == (action == "keep"):
            return None
    return {name: value for name, value in labels.items() if value}


def scraped(monitor, pods, release_namespace="spark-operator"):
    found = []
    for config in scrape_configs(monitor, "", release_namespace):
        for target in discovered(pods):
            address = target["targets"][0]
            labels = relabelled({"__address__": address, "__metrics_path__": config["metrics_path"], **target["labels"]}, config["relabel_configs"])
            if labels:
                found.append({"instance": address, "port": int(address.rpartition(":")[2]), "path": labels["__metrics_path__"],
                              **{name: value for name, value in labels.items() if not name.startswith("__")}})
    return found

"""A chart that stands for the Go operator's: the objects whose names, selectors and references an upgrade cannot change. It is
written from what is known of that chart, not from ours, so that a difference shows.

    write(folder)              # a chart named spark-operator, 2.5.0

Its roles are those of releases 2.1 to 2.5.0, as far as the controller needs them to run applications, with the right that 2.5.1
took away taken away: to patch a status.
"""

import os

import yaml

import go_values

OWN = {"app.kubernetes.io/name": "spark-operator", "app.kubernetes.io/instance": "spark-operator"}
FULL = {"helm.sh/chart": "spark-operator-2.5.0", **OWN, "app.kubernetes.io/version": "2.5.0", "app.kubernetes.io/managed-by": "Helm"}


def deployment(component, arguments):
    own = {**OWN, "app.kubernetes.io/component": component}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": f"spark-operator-{component}", "labels": {**FULL, "app.kubernetes.io/component": component}},
            "spec": {"replicas": 1, "revisionHistoryLimit": 10, "selector": {"matchLabels": own},
                     "template": {"metadata": {"labels": own},
                                  "spec": {"serviceAccountName": f"spark-operator-{component}", "securityContext": {"fsGroup": 185},
                                           "containers": [{"name": f"spark-operator-{component}", "args": arguments,
                                                           "image": "ghcr.io/kubeflow/spark-operator/controller:2.5.0",
                                                           "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
                                           "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]}}}}


def role(component, namespace, rules):
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": f"spark-operator-{component}", "labels": FULL, **({"namespace": namespace} if namespace else {})}
    return [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind + "Binding", "metadata": metadata,
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": metadata["name"]},
             "subjects": [{"kind": "ServiceAccount", "name": metadata["name"], "namespace": namespace if component == "spark" else "spark-operator"}]}]


def account(name, namespace):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace, "labels": FULL}}


READ, WRITE = ["get", "list", "watch"], ["create", "update", "patch", "delete"]
CONTROLLER_RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": [*READ, *WRITE, "deletecollection"]},
    {"apiGroups": [""], "resources": ["configmaps", "services", "persistentvolumeclaims"], "verbs": [*READ, *WRITE]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "update", "patch"]},
    {"apiGroups": ["extensions", "networking.k8s.io"], "resources": ["ingresses"], "verbs": [*READ, "create", "update", "delete"]},
    {"apiGroups": ["sparkoperator.k8s.io"], "resources": ["sparkapplications", "scheduledsparkapplications", "sparkconnects"], "verbs": [*READ, *WRITE]},
    {"apiGroups": ["sparkoperator.k8s.io"], "resources": ["sparkapplications/status", "scheduledsparkapplications/status", "sparkconnects/status"],
     "verbs": ["get", "update"]},
    {"apiGroups": ["sparkoperator.k8s.io"], "resources": ["sparkapplications/finalizers", "scheduledsparkapplications/finalizers"],
     "verbs": ["get", "update", "patch"]}]
LEASE_RULES = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["spark-operator-controller-lock"], "verbs": ["get", "update"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "update", "patch"]}]


def objects():
    lock = "--leader-election-lock-name=spark-operator-controller-lock"
    read = [{"apiGroups": ["sparkoperator.k8s.io"], "resources": ["sparkapplications"], "verbs": ["get", "list", "watch"]}]
    webhooks = [{"name": "mutate--v1-pod.sparkoperator.k8s.io", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Ignore",
                 "clientConfig": {"service": {"name": "spark-operator-webhook-svc", "namespace": "spark-operator", "port": 9443, "path": "/mutate--v1-pod"}},
                 "objectSelector": {"matchLabels": {"sparkoperator.k8s.io/launched-by-spark-operator": "true"}},
                 "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]}]
    return [
        account("spark-operator-controller", "spark-operator"), account("spark-operator-webhook", "spark-operator"),
        account("spark-operator-spark", "default"),
        *role("controller", None, [{"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["get"]}]),
        *role("controller", "spark-operator", LEASE_RULES), *role("controller", "default", CONTROLLER_RULES), *role("webhook", None, read), *role("webhook", "spark-operator", read),
        *role("webhook", "default", read), *role("spark", "default", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "spark-operator-webhook-svc", "labels": FULL},
         "spec": {"selector": {**OWN, "app.kubernetes.io/component": "webhook"}, "ports": [{"port": 9443, "targetPort": "webhook", "name": "webhook"}]}},
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
         "metadata": {"name": "spark-operator-webhook", "labels": FULL}, "webhooks": webhooks},
        deployment("controller", ["controller", "start", "--namespaces=default", "--leader-election=true", lock]),
        deployment("webhook", ["webhook", "start", "--namespaces=default"])]


def write(folder):
    os.makedirs(os.path.join(folder, "templates"))
    with open(os.path.join(folder, "Chart.yaml"), "w") as f:
        yaml.safe_dump({"apiVersion": "v2", "name": "spark-operator", "version": "2.5.0", "appVersion": "2.5.0"}, f)
    with open(os.path.join(folder, "values.yaml"), "w") as f:
        yaml.safe_dump(go_values.of("2.5.0"), f)
    with open(os.path.join(folder, "templates/all.yaml"), "w") as f:
        yaml.safe_dump_all(objects(), f)
    return folder

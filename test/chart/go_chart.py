"""A chart that stands for the Go operator's: the objects whose names, selectors and references an upgrade cannot change, with that
release's arguments, roles and webhook entries. It is written from what is known of that chart, not from ours, so that a difference
shows.

    write(folder)                       # a chart named spark-operator, 2.5.0
    write(folder, release="2.5.1")
"""

import os

import yaml

import go_roles
import go_values

NAMESPACE = "spark-operator"
OWN = {"app.kubernetes.io/name": "spark-operator", "app.kubernetes.io/instance": "spark-operator"}
FULL = {"helm.sh/chart": "spark-operator-2.5.0", **OWN, "app.kubernetes.io/version": "2.5.0", "app.kubernetes.io/managed-by": "Helm"}


def deployment(component, arguments, release):
    own = {**OWN, "app.kubernetes.io/component": component}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": f"spark-operator-{component}", "labels": {**FULL, "app.kubernetes.io/component": component}},
            "spec": {"replicas": 1, "revisionHistoryLimit": 10, "selector": {"matchLabels": own},
                     "template": {"metadata": {"labels": own},
                                  "spec": {"serviceAccountName": f"spark-operator-{component}", "securityContext": {"fsGroup": 185},
                                           "containers": [{"name": f"spark-operator-{component}", "args": arguments,
                                                           "image": f"ghcr.io/kubeflow/spark-operator/controller:{release}",
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


# An operator reads {{$appName}}; helm would read it first.
URL_FORMAT = '{{ "{{" }}$appName}}.example.com'


def arguments(component, release):
    common = ["--zap-log-level=info", "--zap-encoder=console", "--namespaces=default"]
    metrics = ["--enable-metrics=true", "--metrics-bind-address=:8080", "--metrics-endpoint=/metrics", "--metrics-prefix=", "--metrics-labels=app_type"]
    elects = ["--leader-election=true", f"--leader-election-lock-name=spark-operator-{component}-lock",
              f"--leader-election-lock-namespace={NAMESPACE}"]
    limits = ["--kube-api-qps=20", "--kube-api-burst=30"] if release in go_roles.NARROW else []
    if component == "webhook":
        return ["webhook", "start", *common, "--webhook-secret-name=spark-operator-webhook-certs", f"--webhook-secret-namespace={NAMESPACE}",
                "--webhook-svc-name=spark-operator-webhook-svc", f"--webhook-svc-namespace={NAMESPACE}", "--webhook-port=9443",
                "--mutating-webhook-name=spark-operator-webhook", "--validating-webhook-name=spark-operator-webhook", *metrics, *limits, *elects]
    submit = ["--metrics-job-submit-latency-buckets=0.5,1,2,4,8,16,32,64,128,256"] if limits else []
    return ["controller", "start", *common, "--controller-threads=10", "--enable-ui-service=true",
            f"--ingress-url-format={URL_FORMAT}", *metrics, *submit,
            "--metrics-job-start-latency-buckets=30,60,90,120,150,180,210,240,270,300", *elects, "--leader-election-lease-duration=15s",
            "--leader-election-renew-deadline=10s", "--leader-election-retry-period=2s", "--workqueue-ratelimiter-bucket-qps=50",
            "--workqueue-ratelimiter-bucket-size=500", "--workqueue-ratelimiter-max-delay=6h", "--driver-pod-creation-grace-period=10s",
            "--max-tracked-executor-per-app=1000", *limits, "--scheduled-spark-application-timestamp-precision=nanos",
            "--feature-gates=PartialRestart=false,LoadSparkDefaults=false"]


def entry(verb, group, version, resource, operations, release):
    stem = f"{verb}-{group.replace('.', '-')}-{version}-{resource.removesuffix('s')}"
    return {"name": f"{stem}.sparkoperator.k8s.io", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 10,
            "sideEffects": "None" if release in go_roles.NARROW else "NoneOnDryRun",
            "clientConfig": {"service": {"name": "spark-operator-webhook-svc", "namespace": NAMESPACE, "port": 9443, "path": f"/{stem}"}},
            "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["default"]}]},
            **({"objectSelector": {"matchLabels": {"sparkoperator.k8s.io/launched-by-spark-operator": "true"}}} if resource == "pods" else {}),
            "rules": [{"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": operations}]}


def configurations(release):
    kinds = (("v1beta2", "sparkapplications"), ("v1beta2", "scheduledsparkapplications"), ("v1alpha1", "sparkconnects"))
    for kind, verb in (("Mutating", "mutate"), ("Validating", "validate")):
        pods = [entry(verb, "", "v1", "pods", ["CREATE"], release)] if verb == "mutate" else []
        yield {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration",
               "metadata": {"name": "spark-operator-webhook", "labels": FULL},
               "webhooks": pods + [entry(verb, "sparkoperator.k8s.io", version, resource, ["CREATE", "UPDATE"], release) for version, resource in kinds]}


def objects(release):
    namespaces = {"cluster": None, "own namespace": NAMESPACE, "job namespace": "default"}
    return [
        account("spark-operator-controller", NAMESPACE), account("spark-operator-webhook", NAMESPACE), account("spark-operator-spark", "default"),
        *(o for (component, where), rules in go_roles.of(release).items() for o in role(component, namespaces[where], rules)),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "spark-operator-webhook-svc", "labels": FULL},
         "spec": {"selector": {**OWN, "app.kubernetes.io/component": "webhook"}, "ports": [{"port": 9443, "targetPort": "webhook", "name": "webhook"}]}},
        *configurations(release), *(deployment(component, arguments(component, release), release) for component in ("controller", "webhook"))]


def write(folder, release="2.5.0"):
    os.makedirs(os.path.join(folder, "templates"))
    with open(os.path.join(folder, "Chart.yaml"), "w") as f:
        yaml.safe_dump({"apiVersion": "v2", "name": "spark-operator", "version": release, "appVersion": release}, f)
    with open(os.path.join(folder, "values.yaml"), "w") as f:
        yaml.safe_dump(go_values.of(release), f)
    with open(os.path.join(folder, "templates/all.yaml"), "w") as f:
        yaml.safe_dump_all(objects(release), f)
    return folder

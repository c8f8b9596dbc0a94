"""Values files as the Go operator's chart has them by default, written from what is known of it: what a user has who copied all of
them and changed something.

    go_values.of("2.1.0")          # a new dict
    go_values.RELEASES
"""

import copy

RELEASES = ("2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.5.1", "2.5.2", "head")


def component(name):
    volume, mount = ({"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "tmp", "mountPath": "/tmp", "readOnly": False})
    if name == "webhook":
        volume = {"name": "serving-certs", "emptyDir": {"sizeLimit": "500Mi"}}
        mount = {"name": "serving-certs", "mountPath": "/etc/k8s-webhook-server/serving-certs", "subPath": "serving-certs", "readOnly": False}
    return {
        "replicas": 1, "revisionHistoryLimit": 10, "leaderElection": {"enable": True}, "logLevel": "info", "logEncoder": "console",
        "kubeAPIQPS": 20, "kubeAPIBurst": 30,
        "serviceAccount": {"create": True, "name": "", "annotations": {}, "automountServiceAccountToken": True},
        "rbac": {"create": True, "annotations": {}}, "labels": {}, "annotations": {}, "deploymentAnnotations": {}, "volumes": [volume],
        "nodeSelector": {}, "affinity": {}, "tolerations": [], "priorityClassName": "", "podSecurityContext": {"fsGroup": 185},
        "topologySpreadConstraints": [], "hostUsers": None, "env": [], "envFrom": [], "volumeMounts": [mount], "resources": {},
        "securityContext": {"readOnlyRootFilesystem": True, "privileged": False, "allowPrivilegeEscalation": False, "runAsNonRoot": True,
                            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}},
        "sidecars": [], "podDisruptionBudget": {"enable": False, "minAvailable": 1}}


HEAD = {
    "nameOverride": "", "fullnameOverride": "", "commonLabels": {},
    "image": {"registry": "ghcr.io", "repository": "kubeflow/spark-operator/controller", "tag": "", "pullPolicy": "IfNotPresent", "pullSecrets": []},
    "hook": {"upgradeCrd": False, "image": {"registry": "ghcr.io", "repository": "kubeflow/spark-operator/kubectl", "tag": ""},
             "resources": {what: {"cpu": "100m", "memory": "64Mi"} for what in ("requests", "limits")},
             "nodeSelector": {}, "affinity": {}, "tolerations": [], "labels": {}, "annotations": {}},
    "controller": {
        **component("controller"), "workers": 10,
        "featureGates": [{"name": n, "enabled": False} for n in ("PartialRestart", "LoadSparkDefaults", "RestSubmitter", "DefaultTimeToLive")],
        "leaderElection": {"enable": True, "leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"},
        "driverPodCreationGracePeriod": "10s", "maxTrackedExecutorPerApp": 1000, "defaultTimeToLiveSeconds": 0,
        "driverPodDisruptionBudget": {"enable": False}, "scheduledSparkApplicationTimestampPrecision": "nanos", "uiService": {"enable": True},
        "uiIngress": {"enable": False, "urlFormat": "", "ingressClassName": "", "tls": [], "annotations": {}},
        "batchScheduler": {"enable": False, "kubeSchedulerNames": [], "default": ""}, "pprof": {"enable": False, "port": 6060, "portName": "pprof"},
        "workqueueRateLimiter": {"bucketQPS": 50, "bucketSize": 500, "maxDelay": {"enable": True, "duration": "6h"}}},
    "submitter": {"serviceUrl": "http://spark-operator-submitter-svc:8080/api/v1/spark-submit", "requestTimeout": "2m", "startupTimeout": "5m",
                  "maxRetries": 3, "initialBackoff": "2s", "startupProbe": {"periodSeconds": 5, "failureThreshold": 60}},
    "webhook": {**component("webhook"), "enable": True, "port": 9443, "portName": "webhook", "failurePolicy": "Fail", "timeoutSeconds": 10,
                "resourceQuotaEnforcement": {"enable": False}},
    "spark": {"jobNamespaces": ["default"], "jobNamespaceSelector": "",
              "serviceAccount": {"create": True, "name": "", "annotations": {}, "automountServiceAccountToken": True},
              "rbac": {"create": True, "annotations": {}}},
    "prometheus": {
        "metrics": {"enable": True, "port": 8080, "portName": "metrics", "endpoint": "/metrics", "prefix": "", "labels": "",
                    "jobSubmitLatencyBuckets": "0.5,1,2,4,8,16,32,64,128,256", "jobStartLatencyBuckets": "30,60,90,120,150,180,210,240,270,300"},
        "podMonitor": {"create": False, "labels": {}, "jobLabel": "spark-operator-podmonitor",
                       "podMetricsEndpoint": {"scheme": "http", "interval": "5s"}}},
    "certManager": {"enable": False, "issuerRef": {}, "duration": "", "renewBefore": ""}}

BOTH = ("controller", "webhook")
# Which values each release has that the one before had not.
ADDED = {
    "head": ["hook.resources", "hook.labels", "hook.annotations", "controller.defaultTimeToLiveSeconds", "controller.driverPodDisruptionBudget",
             *[f"{c}.deploymentAnnotations" for c in BOTH], "submitter"],
    "2.5.2": [],
    "2.5.1": [*[f"{c}.{key}" for c in BOTH for key in ("kubeAPIQPS", "kubeAPIBurst")], "prometheus.metrics.jobSubmitLatencyBuckets"],
    "2.5.0": ["hook.nodeSelector", "hook.affinity", "hook.tolerations", "controller.featureGates", "spark.jobNamespaceSelector",
              "controller.scheduledSparkApplicationTimestampPrecision", *[f"{c}.hostUsers" for c in BOTH], "prometheus.metrics.labels"],
    "2.4.0": [*[f"{c}.revisionHistoryLimit" for c in BOTH], *[f"controller.leaderElection.{k}" for k in ("leaseDuration", "renewDeadline", "retryPeriod")]],
    "2.3.0": ["hook", *[f"{c}.logEncoder" for c in BOTH], "controller.uiIngress.tls", "controller.uiIngress.annotations"],
    "2.2.0": [*[f"{c}.leaderElection" for c in BOTH], "prometheus.metrics.jobStartLatencyBuckets", "certManager",
              *[f"{c}.securityContext.seccompProfile" for c in BOTH]]}


def drop(values, dotted):
    *above, last = dotted.split(".")
    for key in above:
        values = values.get(key, {})
    values.pop(last, None)


def of(release):
    values = copy.deepcopy(HEAD)
    for later in reversed(RELEASES[RELEASES.index(release) + 1:]):
        for dotted in ADDED[later]:
            drop(values, dotted)
    if release != "head" and "featureGates" in values["controller"]:
        values["controller"]["featureGates"] = HEAD["controller"]["featureGates"][:2]
    if release == "2.1.0":
        values["image"].update(registry="docker.io", repository="kubeflow/spark-operator")
    return values

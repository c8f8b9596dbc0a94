"""What a Go operator, and Spark, have made around a driver that runs, and around a SparkConnect.

    executors_of(driver)                       # (collection, object) for each
    rest_around(application, attempt)          # user interface, ingress, map of a metrics exporter
    connect = LeftConnect(call); connect.make(); connect.wrong()
"""

from go_operator import CONFIG_MAPS, CONNECTS, INGRESSES, MERGE, PODS, SERVICES

APP, ID, LAUNCHED, CREATED = (f"sparkoperator.k8s.io/{name}" for name in ("app-name", "submission-id", "launched-by-spark-operator",
                                                                          "created-by-spark-operator"))
CONNECT = "sparkoperator.k8s.io/connect-name"
CONNECT_PORTS = (("driver-rpc", 7078, "tcp"), ("blockmanager", 7079, "tcp"), ("web-ui", 4040, "http"), ("spark-connect-server", 15002, "grpc"))


def reference(o, **more):
    return {"apiVersion": o["apiVersion"], "kind": o["kind"], "name": o["metadata"]["name"], "uid": o["metadata"]["uid"], **more}


def controlled(o):
    return reference(o, controller=True, blockOwnerDeletion=True)


def executors_of(driver):
    """Each refers to its driver, as Spark does it, and to the application, as the operator's template does."""
    driver.update(apiVersion="v1", kind="Pod")
    name, labels = driver["metadata"]["name"].removesuffix("-driver"), driver["metadata"]["labels"]
    [application] = driver["metadata"]["ownerReferences"]
    application = {key: application[key] for key in ("apiVersion", "kind", "name", "uid")}
    for number in (1, 2):
        yield PODS, {"apiVersion": "v1", "kind": "Pod",
                     "metadata": {"name": f"{name}-exec-{number}", "ownerReferences": [reference(driver, controller=True), application],
                                  "labels": {**labels, "spark-role": "executor", "spark-exec-id": str(number)}},
                     "spec": {"restartPolicy": "Never", "containers": [{"name": "spark-kubernetes-executor", "image": "spark:3.5.7"}]}}


def rest_around(application, attempt):
    name = application["metadata"]["name"]

    def metadata(suffix, labels):
        return {"name": f"{name}-{suffix}", "labels": labels, "ownerReferences": [controlled(application)]}
    own = {APP: name, ID: attempt}
    # No path: its URL has none.
    path = {"pathType": "ImplementationSpecific", "backend": {"service": {"name": f"{name}-ui-svc", "port": {"number": 4040}}}}
    yield SERVICES, {"metadata": metadata("ui-svc", {**own, CREATED: "true"}),
                     "spec": {"type": "ClusterIP", "selector": {APP: name, "spark-role": "driver"},
                              "ports": [{"name": "spark-driver-ui-port", "port": 4040, "targetPort": 4040}]}}
    yield INGRESSES, {"metadata": metadata("ui-ingress", own),
                      "spec": {"rules": [{"host": f"{name}.example.com", "http": {"paths": [path]}}]}}
    yield CONFIG_MAPS, {"metadata": metadata("prom-conf", {CREATED: "true"}),
                        "data": {"metrics.properties": "\n*.sink.jmx.class=org.apache.spark.metrics.sink.JmxSink", "prometheus.yaml": "\nrules: []\n"}}


class LeftConnect:
    """A server that runs; it must go on, under the same address."""
    NAME = "left-connect"

    def __init__(self, call):
        self.call, self.made = call, {}

    def make(self):
        name = self.NAME
        connect = self.call("POST", CONNECTS, {
            "apiVersion": "sparkoperator.k8s.io/v1alpha1", "kind": "SparkConnect", "metadata": {"name": name, "namespace": "default"},
            "spec": {"sparkVersion": "4.1.4", "image": "spark:4.1.4", "server": {}, "executor": {"instances": 1}}})
        own, owner = {CONNECT: name}, [controlled(connect)]
        labels = {**own, LAUNCHED: "true", "spark-role": "connect-server", "spark-version": "4.1.4"}
        for collection, suffix, made, body in (
                (CONFIG_MAPS, "conf", CREATED, {"data": {"executor-pod-template.yaml": "null\n"}}),
                (PODS, "server", None, {"spec": {"containers": [{"name": "spark-kubernetes-driver", "image": "spark:4.1.4"}]}}),
                (SERVICES, "server", CREATED, {"spec": {"selector": labels, "ports": [
                    {"name": port, "port": number, "targetPort": number, "appProtocol": protocol} for port, number, protocol in CONNECT_PORTS]}})):
            metadata = {"name": f"{name}-{suffix}", "ownerReferences": owner, "labels": {**own, made: "true"} if made else labels}
            self.made[collection] = self.call("POST", collection, {"metadata": metadata, **body})["metadata"]
        self.call("PATCH", f"{CONNECTS}/{name}/status", {"status": {
            "startTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z", "state": "Ready",
            "server": {"podName": f"{name}-server", "serviceName": f"{name}-server", "podIp": "10.0.0.9"},
            "conditions": [{"type": "ServerPodReady", "status": "True", "reason": "ServerPodReady", "message": "Server pod is ready",
                            "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, MERGE)

    def wrong(self):
        for collection, metadata in self.made.items():
            [found] = [o["metadata"]["uid"] for o in self.call("GET", collection)["items"] if o["metadata"]["name"] == metadata["name"]] or [None]
            if found != metadata["uid"]:
                return f"{collection}/{metadata['name']}: {found}, not {metadata['uid']}"
        status = self.call("GET", f"{CONNECTS}/{self.NAME}").get("status", {})
        # The address is the server's own by now: somebody has looked at it.
        return None if status.get("state") == "Ready" and status["server"].get("podIp") != "10.0.0.9" else f"{self.NAME}: {status}"

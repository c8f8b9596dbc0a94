"""Applications at random, for comparisons that nobody thought of: every field that ends in spark-submit's arguments, and
the properties that its Kubernetes part reads, with values that are mostly right and sometimes odd.

    for name, text in generate(seed=1, count=20): …     # the same for the same seed, one by one: case i needs seed and i only

Left out is what needs a file system, a network or a JVM of its own; the cases in cases/ have that.
"""

import json
import random

K = "spark.kubernetes."
WORDS = ["a", "b1", "team", "x-y", "Größe", "😀", "long" * 20, "A_B", "dots.in.it", "9lives"]
TEXTS = ["", "x", "a b", " lead", "trail ", "a=b", "a:b#c!d", "back\\slash", "tab\tin", "line\nbreak", "é", "{{APP_ID}}",
         "x{{EXECUTOR_ID}}", "${spark.ref}", "${env:NOT_THERE}", "${spark.absent}", "$", "${", "*", "/"]
SIZES = ["512m", "1g", "1536m", "2048", "3G", "1t", "900000k", "2147483648b", " 1g ", "1gb", "700MB"]
BAD_SIZES = ["1.5g", "much", "-1g", "0", "1x", ""]
NAMES = ["pi", "spark-pi", "9-lives", "a.b.c", "x" * 48, "x" * 49, "y" * 90, "ends-in-digit-7", "d--ouble"]


class Dice:
    def __init__(self, seed):
        self._random = random.Random(seed)

    def one_in(self, n):
        return self._random.randrange(n) == 0

    def pick(self, items):
        return items[self._random.randrange(len(items))]

    def some(self, items, most):
        return self._random.sample(items, self._random.randrange(min(most, len(items)) + 1))

    def number(self, least, most):
        return self._random.randint(least, most)


def _map(dice, most=4, texts=TEXTS):
    return {word: dice.pick(texts) for word in dice.some(WORDS, most)}


def _memory(dice):
    return dice.pick(BAD_SIZES) if dice.one_in(40) else dice.pick(SIZES)


def _role(dice, is_driver):
    role = {}
    if dice.one_in(2):
        role["cores"] = dice.number(1, 8)
    if dice.one_in(2):
        role["memory"] = _memory(dice)
    if dice.one_in(4):
        role["memoryOverhead"] = dice.pick(SIZES)
    if dice.one_in(4):
        role["coreRequest"] = dice.pick(["500m", "0.5", "2"])
    if dice.one_in(4):
        role["coreLimit"] = dice.pick(["1200m", "2", "4"])
    if dice.one_in(4):
        role["labels"] = _map(dice)
    if dice.one_in(4):
        role["annotations"] = _map(dice)
    if dice.one_in(4):
        role["envVars"] = _map(dice, 7)
    if dice.one_in(5):
        role["envSecretKeyRefs"] = {w.upper(): {"name": "s", "key": "k" + w} for w in dice.some(WORDS[:4], 4)}
    if dice.one_in(5):
        kinds = ["Generic", "GCPServiceAccount", "HadoopDelegationToken"]
        role["secrets"] = [{"name": w, "path": f"/mnt/{w}", "secretType": dice.pick(kinds)} for w in dice.some(WORDS[:4], 3)]
    if dice.one_in(5):
        role["serviceAccount"] = "spark"
    if dice.one_in(6):
        role["javaOptions"] = dice.pick(["-Da=b", "-Da='x y' -Db", "-XX:+UseG1GC", ""])
    if dice.one_in(8):
        role["image"] = dice.pick(["other:1", "", "img:{{SPARK_VERSION}}"])
    if dice.one_in(4):
        role["template"] = _template(dice, "spark-kubernetes-driver" if is_driver else "spark-kubernetes-executor")
    if is_driver:
        if dice.one_in(6):
            role["serviceLabels"] = _map(dice)
        if dice.one_in(6):
            role["serviceAnnotations"] = _map(dice)
        if dice.one_in(8):
            role["podName"] = dice.pick(["my-driver", "d", ""])
        if dice.one_in(8):
            role["kubernetesMaster"] = "https://elsewhere"
    else:
        if dice.one_in(2):
            role["instances"] = dice.number(0 if dice.one_in(10) else 1, 5)
        if dice.one_in(6):
            role["deleteOnTermination"] = dice.one_in(2)
    return role


def _template(dice, name):
    template = {}
    if dice.one_in(2):
        template["metadata"] = {"labels": _map(dice), "annotations": _map(dice)}
    if dice.one_in(5):
        return template
    spec = template["spec"] = {}
    containers = []
    for _ in range(dice.number(0, 2)):
        container = {"name": dice.pick([name, "side", "other"]), "image": "i"}
        if dice.one_in(3):
            container["env"] = [{"name": dice.pick(["SPARK_USER", "A", "SPARK_CONF_DIR"]), "value": "t"}]
        if dice.one_in(3):
            container["args"] = ["t"]
        if dice.one_in(3):
            container["volumeMounts"] = [{"name": dice.pick(["v", "spark-local-dir-7"]), "mountPath": "/t"}]
        if dice.one_in(3):
            container["resources"] = {"limits": {"cpu": "9", "memory": "9Gi", "example.com/x": "1"}, "requests": {"cpu": "1"}}
        if dice.one_in(4):
            container["ports"] = [{"containerPort": 4040, "name": "spark-ui"}]
        if dice.one_in(4):
            container["securityContext"] = {"runAsUser": 7, "allowPrivilegeEscalation": True}
        containers.append(container)
    if containers or dice.one_in(2):
        spec["containers"] = containers
    for field, value in (("serviceAccountName", "from-template"), ("nodeSelector", {"a": "template", "t": "1"}),
                         ("restartPolicy", "Always"), ("schedulerName", "t"), ("priorityClassName", "high"),
                         ("imagePullSecrets", [{"name": "t"}]), ("tolerations", [{"operator": "Exists"}]),
                         ("hostNetwork", True), ("volumes", [{"name": "v", "emptyDir": {}}]),
                         ("terminationGracePeriodSeconds", 7), ("securityContext", {"fsGroup": 1})):
        if dice.one_in(5):
            spec[field] = value
    return template


def _volume(dice, role, name):
    kind = dice.pick(["hostPath", "emptyDir", "nfs", "persistentVolumeClaim"])
    prefix = f"{K}{role}.volumes.{kind}.{name}."
    conf = {prefix + "mount.path": f"/v/{name}" if not dice.one_in(20) else "/v"}
    if dice.one_in(3):
        conf[prefix + "mount.readOnly"] = dice.pick(["true", "false", "TRUE", " true "])
    if dice.one_in(4):
        conf[prefix + "mount.subPath"] = "sub"
    if dice.one_in(8):
        conf[prefix + "mount.subPathExpr"] = "$(A)"
    options = {
        "hostPath": {"path": "/h", "type": dice.pick(["Directory", ""])},
        "emptyDir": {"medium": dice.pick(["Memory", ""]), "sizeLimit": dice.pick(["1Gi", "512", "1024", "5000", "1G"])},
        "nfs": {"path": "/n", "server": "nfs"},
        "persistentVolumeClaim": {"claimName": dice.pick(["OnDemand", "c", "my-OnDemand-x"]), "storageClass": "fast",
                                  "sizeLimit": dice.pick(["1Gi", "10Gi", "100"])},
    }[kind]
    for key, value in options.items():
        if not dice.one_in(12 if key in ("path", "server", "claimName") else 3):
            conf[f"{prefix}options.{key}"] = value
    if dice.one_in(5):
        conf[prefix + "label.team"] = "x"
        conf[prefix + "annotation.note"] = "y z"
    return conf


# Key → values, good ones before the bar. A bad one is taken rarely, so that most applications get far.
KEYS = {
    "spark.driver.cores": (["1", "3", " 2 "], ["0", "two", "1.5"]),
    "spark.driver.memory": (SIZES, BAD_SIZES),
    "spark.driver.memoryOverhead": (["100", "1g", "384m"], ["x"]),
    "spark.driver.memoryOverheadFactor": (["0.5", "1", "1e-1", "0.33"], ["0", "-1", "x"]),
    "spark.driver.minMemoryOverhead": (["500m", "1g"], ["x"]),
    "spark.driver.port": (["7178", "0", "+7179"], [" 7078 ", "x", "99999999999"]),
    "spark.driver.blockManager.port": (["7279", "0"], ["x"]),
    "spark.blockManager.port": (["7379", "0"], ["x"]),
    "spark.ui.port": (["4141", "0", " 4242 "], ["x"]),
    "spark.connect.grpc.binding.port": (["15102"], ["x"]),
    "spark.driver.bindAddress": ([], ["0.0.0.0"]),
    "spark.driver.host": (["example.com"], []),
    "spark.local.dir": (["/s", "/s1,/s2", " /s3 , /s4"], []),
    "spark.app.name": (["other name"], []),
    "spark.app.id": (["mine"], []),
    "spark.app.submitTime": (["1700000000000"], []),
    "spark.pyspark.python": (["python3", "${spark.ref}"], []),
    "spark.pyspark.driver.python": (["/opt/python"], []),
    "spark.dynamicAllocation.enabled": (["true", "false"], ["maybe"]),
    "spark.executor.instances": (["2"], ["0", "x"]),
    "spark.executor.memory": (SIZES, BAD_SIZES),
    "spark.executor.cores": (["2"], ["0", "x"]),
    "spark.files": (["local:///f", "https://h/f#g", "local:///a, local:///b"], []),
    "spark.archives": (["https://h/a.tgz#x"], []),
    "spark.submit.pyFiles": (["local:///p.py"], []),
    "spark.jars": (["local:///j.jar", "https://h/j.jar"], []),
    "spark.ref": (["${spark.ref2}", "plain"], ["${spark.ref}"]),
    "spark.ref2": (["deep"], []),
    "spark.driver.resource.gpu.amount": (["1", "0"], ["x"]),
    "spark.driver.resource.gpu.vendor": (["nvidia.com"], []),
    "spark.driver.extraJavaOptions": (["-Dx=1"], []),
    K + "container.image": (["conf:1", "img:{{SPARK_VERSION}}", "${spark.ref}"], []),
    K + "driver.container.image": (["driver:1"], []),
    K + "container.image.pullPolicy": (["Never", "Always"], ["always", ""]),
    K + "container.image.pullSecrets": (["a,b", " a , ,b", ""], []),
    K + "driver.request.cores": (["0.1", "250m"], []),
    K + "driver.limit.cores": (["2", "2500m"], []),
    K + "memoryOverheadFactor": (["0.2", "1", "0.00001", "12345678.5", "0", "0.30"], ["-0.1", "x", "NaN"]),
    K + "local.dirs.tmpfs": (["true", "false", " TRUE"], ["yes"]),
    K + "driver.scheduler.name": (["ds"], []),
    K + "scheduler.name": (["s"], []),
    K + "driver.service.ipFamilyPolicy": (["PreferDualStack", "RequireDualStack", "SingleStack"], ["Other"]),
    K + "driver.service.ipFamilies": (["IPv6", "IPv4,IPv6", "IPv6,IPv4"], ["IPv4, IPv6", "x"]),
    K + "driver.service.publishNotReadyAddresses": (["true", "false"], ["x"]),
    K + "securityContext.allowPrivilegeEscalation": (["true", "false"], ["x"]),
    K + "driver.securityContext.allowPrivilegeEscalation": (["true"], ["x"]),
    K + "legacy.useReadWriteOnceAccessMode": (["true", "false"], ["x"]),
    K + "pyspark.pythonVersion": (["3"], ["2"]),
    K + "hadoop.configMapName": (["hadoop"], []),
    K + "kerberos.krb5.configMapName": (["krb5"], []),
    K + "kerberos.tokenSecret.name": (["tokens"], []),
    K + "kerberos.tokenSecret.itemKey": (["item"], []),
    K + "authenticate.driver.oauthToken": (["not-a-real-token"], []),
    K + "authenticate.driver.mounted.oauthTokenFile": (["/t"], []),
    K + "authenticate.driver.serviceAccountName": (["account"], []),
    K + "authenticate.oauthToken": (["not-a-real-token-either"], []),
    K + "driver.pod.excludedFeatureSteps": (["org.apache.spark.deploy.k8s.features.LocalDirsFeatureStep",
                                             "org.apache.spark.deploy.k8s.features.MountSecretsFeatureStep,x"], []),
    K + "configMap.maxSize": (["1000", " 100000 "], ["1m", "2097152", "x"]),
    K + "namespace": (["elsewhere"], []),
    K + "driver.pod.name": (["by-conf", ""], []),
    K + "executor.podNamePrefix": (["p"], []),
    K + "allocation.batch.size": (["7", "x"], []),
    K + "driver.service.label.spark-app-selector": (["mine"], []),
    K + "driver.label.spark-role": ([], ["mine"]),
    K + "node.selector.a": (["conf"], []),
    K + "driver.node.selector.a": (["driver"], []),
    K + "driver.secretKeyRef.P": (["s:k"], ["s", "s:k:x", ":k", "s:"]),
    K + "driverEnv.P": (["", "x y"], []),
    K + "driver.annotation.n": (["{{APP_ID}}"], []),
}


def _conf(dice):
    conf = {}
    for key in dice.some(sorted(KEYS), 14):
        good, bad = KEYS[key]
        if bad and dice.one_in(25):
            conf[key] = dice.pick(bad)
        elif good:
            conf[key] = dice.pick(good)
    # What is one thing in two keys comes together, mostly.
    for key, other, value in ((K + "kerberos.tokenSecret.name", K + "kerberos.tokenSecret.itemKey", "item"),
                              (K + "kerberos.tokenSecret.itemKey", K + "kerberos.tokenSecret.name", "tokens"),
                              ("spark.driver.resource.gpu.amount", "spark.driver.resource.gpu.vendor", "nvidia.com"),
                              ("spark.driver.resource.gpu.vendor", "spark.driver.resource.gpu.amount", "1")):
        if key in conf and not dice.one_in(10):
            conf.setdefault(other, value)
    for role in ("driver", "executor"):
        if dice.one_in(3):
            for name in dice.some(["data", "scratch", "spark-local-dir-1", "x2"], 3):
                conf.update(_volume(dice, role, name))
    if dice.one_in(4):
        conf.update({"spark." + word: dice.pick(TEXTS) for word in dice.some(WORDS, 4)})
    return conf


def _application(dice):
    kind = dice.pick(["Python", "Python", "Java", "Scala", "R"])
    spec = {"type": kind, "mode": "cluster", "sparkVersion": "3.5.7", "image": dice.pick(["spark:3.5.7", "r.example.com/s:v1"])}
    if kind == "Python":
        spec["mainApplicationFile"] = dice.pick(["local:///opt/pi.py", "https://h/x.py", "s3a://bucket/pi.py"])
    elif kind == "R":
        spec["mainApplicationFile"] = dice.pick(["local:///opt/pi.R", "local:///opt/pi.r"])
    else:
        spec["mainApplicationFile"] = dice.pick(["local:///opt/a.jar", "spark-internal", "s3a://bucket/a.jar"])
        spec["mainClass"] = "org.example.Main"
    conf = _conf(dice)
    if kind == "R":
        conf.pop("spark.jars", None)      # Spark looks into them for R packages
    if conf:
        spec["sparkConf"] = conf
    if dice.one_in(5):
        spec["hadoopConf"] = {"fs.s3a.endpoint": "http://minio:9000", "a b": "c=d"}
    if dice.one_in(3):
        spec["arguments"] = [dice.pick(TEXTS) for _ in range(dice.number(1, 3))]
    if dice.one_in(5):
        lists = {"jars": ["local:///j1.jar", "https://h/j2.jar"], "files": ["local:///f1#x", "https://h/f2"],
                 "pyFiles": ["local:///p1.py"], "archives": ["local:///a.tgz#a"]}
        spec["deps"] = {k: v for k, v in lists.items() if dice.one_in(2) and not (kind == "R" and k == "jars")}
    for field, value in (("imagePullPolicy", "Always"), ("imagePullSecrets", ["p", "q"]), ("memoryOverheadFactor", "0.25"),
                         ("nodeSelector", {"a": "spec", "b": "c"}), ("proxyUser", "alice"), ("pythonVersion", "3"),
                         ("dynamicAllocation", {"enabled": True, "minExecutors": 0, "maxExecutors": 4})):
        if dice.one_in(6):
            spec[field] = value
    spec["driver"], spec["executor"] = _role(dice, True), _role(dice, False)
    metadata = {"name": dice.pick(NAMES), "namespace": dice.pick(["default", "team-a"]), "uid": "7d1c3a52-0000-4000-8000-000000000001"}
    if dice.one_in(4):
        metadata["labels"] = _map(dice)
    return {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "metadata": metadata, "spec": spec}


def generate(seed, count, first=0):
    for i in range(first, first + count):
        yield f"random --seed {seed} --first {i} --count 1", json.dumps(_application(Dice(f"{seed}/{i}")), ensure_ascii=False, indent=1)

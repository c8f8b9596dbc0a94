#!/usr/bin/env python3
"""The objects that each blueprint ends in, field by field, as its README says: what `sparkctl render` makes of the applications, and whom
the chart's PodMonitor finds among them.

    SPARKCTL=… test/blueprints/render_test.py             # HELM, or the one that test/lib/fetch_helm.sh builds
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import yaml
from blueprints import FLAGS, FOLDER, INGRESS, TOP, Made, applications, documents, folders, load_all, named_step, render, rendered

sys.path[:0] = [os.path.join(TOP, "test", "lib"), os.path.join(TOP, "test", "chart")]
from helm import Helm  # noqa: E402
from pod_monitor import scraped  # noqa: E402

EXISTS = {"operator": "Exists", "effect": "NoSchedule"}


def mounts(container):
    return {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", [])}


def environment(container):
    return {entry["name"]: entry.get("value") for entry in container.get("env", [])}


class Pages(unittest.TestCase):
    def test_each_folder_says_what_it_is(self):
        with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as file:
            index = file.read()
        for folder in folders():
            with self.subTest(folder), open(os.path.join(FOLDER, folder, "README.md"), encoding="utf-8") as file:
                page = file.read()
                for part in (r"\*\*Shows\*\*", r"\*\*Install before\*\*", r"\*\*Ends in\*\*", r"\*\*(Not run|Run) in tests"):
                    self.assertRegex(page, part)
                self.assertIn(f"({folder}/README.md)", index)

    def test_commands_name_what_is_there(self):
        for folder in folders():
            with open(os.path.join(FOLDER, folder, "README.md"), encoding="utf-8") as file:
                for path in re.findall(r"deploy/blueprints/[\w./-]+", file.read()):
                    self.assertTrue(os.path.exists(os.path.join(FOLDER, "..", "..", path)), path)

    def test_no_application_needs_spark_submit(self):
        self.assertGreaterEqual(len(applications()), 21)
        for folder, file, application in applications():
            with self.subTest(f"{folder}/{file}"):
                self.assertIsInstance(rendered("-", text=json.dumps(application)), Made)


class Placing(unittest.TestCase):
    def test_karpenter_keeps_driver_and_executors_apart(self):
        made = render("karpenter-nvme", "app.yaml")
        pool = {"NodeGroupType": "SparkMemoryOptimized"}
        self.assertEqual(made.driver["spec"]["nodeSelector"], {**pool, "karpenter.sh/capacity-type": "on-demand"})
        self.assertEqual(made.executor["spec"]["nodeSelector"], {**pool, "karpenter.sh/capacity-type": "spot"})
        self.assertEqual(made.driver["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"], "true")
        self.assertEqual(made.properties["spark.kubernetes.executor.annotation.karpenter.sh/do-not-disrupt"], "true")
        self.assertEqual(made.executor["spec"]["terminationGracePeriodSeconds"], 120)
        budget = made.one("PodDisruptionBudget")
        self.assertEqual((budget["metadata"]["name"], budget["spec"]["minAvailable"]), ("nvme-driver", 1))

    def test_the_pool_has_what_the_application_selects(self):
        for folder, file in (("karpenter-nvme", "app.yaml"), ("karpenter-ebs", "app.yaml"), ("graviton", "app.yaml"), ("graviton", "mixed-app.yaml")):
            pools = [o for _, o in documents(folder) if o["kind"] == "NodePool"]
            made = render(folder, file)
            for role in (made.driver, made.executor):
                with self.subTest(f"{folder}/{file}"):
                    self.assertTrue(any(offers(pool, role["spec"]) for pool in pools), role["spec"]["nodeSelector"])

    def test_scratch_space_on_the_array(self):
        made = render("karpenter-nvme", "app.yaml")
        volume = next(v for v in made.driver["spec"]["volumes"] if v["name"] == "spark-local-dir-1")
        self.assertEqual(volume["hostPath"]["path"], "/mnt/k8s-disks/0")
        self.assertEqual(mounts(made.container)["spark-local-dir-1"], "/data1")
        self.assertEqual(environment(made.container)["SPARK_LOCAL_DIRS"], "/data1")
        # Spark makes the executors' volume from properties, once; the init container of the template only mounts it.
        self.assertEqual(made.properties["spark.kubernetes.executor.volumes.hostPath.spark-local-dir-1.options.path"], "/mnt/k8s-disks/0")
        for role in (made.driver, made.executor):
            first = role["spec"]["initContainers"][0]
            self.assertEqual((first["name"], mounts(first)), ("volume-permission", {"spark-local-dir-1": "/data1"}))
        self.assertEqual([v["name"] for v in made.driver["spec"]["volumes"]].count("spark-local-dir-1"), 1)
        self.assertNotIn("spark-local-dir-1", [v["name"] for v in made.executor["spec"].get("volumes", [])])

    def test_claims_on_demand(self):
        made = render("karpenter-ebs", "app.yaml")
        claim = made.one("PersistentVolumeClaim")
        self.assertEqual(claim["spec"]["storageClassName"], "spark-gp3")
        self.assertEqual(claim["spec"]["resources"]["requests"], {"storage": "100Gi"})
        volume = next(v for v in made.driver["spec"]["volumes"] if v["name"] == "spark-local-dir-1")
        self.assertEqual(volume["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"])
        self.assertEqual(environment(made.container)["SPARK_LOCAL_DIRS"], "/data1")
        self.assertEqual(made.driver["spec"]["securityContext"]["fsGroup"], 185)
        asked = next(o for _, o in documents("karpenter-ebs") if o["kind"] == "SparkApplication")["spec"]["sparkConf"]
        self.assertEqual({key: made.properties.get(key) for key in asked}, asked)
        classes = [o["metadata"]["name"] for _, o in documents("karpenter-ebs") if o["kind"] == "StorageClass"]
        self.assertIn(claim["spec"]["storageClassName"], classes)

    def test_architectures(self):
        one, both = render("graviton", "app.yaml"), render("graviton", "mixed-app.yaml")
        for role in (one.driver, one.executor):
            self.assertEqual(role["spec"]["nodeSelector"]["kubernetes.io/arch"], "arm64")
            self.assertIn({"key": "spark-graviton-memory-optimized", **EXISTS}, role["spec"]["tolerations"])
        self.assertEqual(both.driver["spec"]["nodeSelector"]["kubernetes.io/arch"], "amd64")
        self.assertEqual(both.driver["spec"]["tolerations"], [{"key": "spark-compute-optimized", **EXISTS}])
        self.assertEqual(both.executor["spec"]["nodeSelector"], {"multiArch": "Spark"})
        self.assertEqual([t["key"] for t in both.executor["spec"]["tolerations"]], ["spark-graviton-memory-optimized", "spark-compute-optimized"])


def offers(pool, pod):
    """Whether nodes of the pool can have the labels that a pod selects, and their taints are tolerated."""
    template = pool["spec"]["template"]
    labels = template["metadata"]["labels"]
    allowed = {r["key"]: r.get("values", []) for r in template["spec"]["requirements"] if r["operator"] == "In"}
    selected = all(labels.get(key) == value or value in allowed.get(key, []) for key, value in pod["nodeSelector"].items())
    tolerated = {t["key"] for t in pod.get("tolerations", []) if t["operator"] == "Exists"}
    return selected and all(taint["key"] in tolerated for taint in template["spec"].get("taints", []))


class Scheduling(unittest.TestCase):
    def test_a_gang_of_yunikorn(self):
        made = render("yunikorn", "gang-app.yaml")
        notes = made.driver["metadata"]["annotations"]
        groups = {g["name"]: g for g in json.loads(notes["yunikorn.apache.org/task-groups"])}
        self.assertEqual(made.driver["spec"]["schedulerName"], "yunikorn")
        self.assertEqual(made.driver["metadata"]["labels"]["queue"], "root.spark.team-a")
        self.assertEqual(notes["yunikorn.apache.org/task-group-name"], "spark-driver")
        self.assertEqual(notes["yunikorn.apache.org/schedulingPolicyParameters"], "placeholderTimeoutSeconds=30 gangSchedulingStyle=Hard")
        # 2 GiB and 40 %, Python's overhead; 4 GiB and 40 %.
        self.assertEqual(groups["spark-driver"]["minResource"], {"cpu": "1", "memory": "2867Mi"})
        executor = groups["spark-executor"]
        self.assertEqual((executor["minMember"], executor["minResource"]), (4, {"cpu": "2", "memory": "5734Mi"}))
        self.assertEqual(executor["nodeSelector"], {"NodeGroupType": "SparkComputeOptimized"})
        self.assertEqual(executor["tolerations"], [{"key": "spark-compute-optimized", **EXISTS}])
        self.assertEqual(made.container["resources"]["requests"], groups["spark-driver"]["minResource"])
        self.assertEqual(made.executor["spec"]["schedulerName"], "yunikorn")
        self.assertEqual(made.properties["spark.kubernetes.executor.annotation.yunikorn.apache.org/task-group-name"], "spark-executor")
        self.assertEqual(made.properties["spark.kubernetes.executor.label.queue"], "root.spark.team-a")

    def test_a_gang_written_by_hand(self):
        asked = next(o for path, o in documents("yunikorn") if path.endswith("own-groups-app.yaml"))
        made = render("yunikorn", "own-groups-app.yaml")
        for key, value in asked["spec"]["driver"]["annotations"].items():
            self.assertEqual(made.driver["metadata"]["annotations"][key], value)
        self.assertIn("\n", made.driver["metadata"]["annotations"]["yunikorn.apache.org/task-groups"])
        labels = made.driver["metadata"]["labels"]
        self.assertEqual(labels["yunikorn.apache.org/queue"], "root.spark.team-b")
        self.assertEqual(labels["yunikorn.apache.org/username"], "ada")
        self.assertEqual(made.driver["spec"]["schedulerName"], "yunikorn")
        self.assertEqual(made.properties["spark.kubernetes.executor.label.yunikorn.apache.org/queue"], "root.spark.team-b")

    def test_a_queue_by_the_applications_own_label(self):
        """Labels of the application reach both roles, as with the Go operator; a role's own come before them, Kueue's do not come."""
        application = named_step()
        application["metadata"]["labels"] = {"queue": "root.spark.team-a", "team": "a", "kueue.x-k8s.io/queue-name": "research"}
        application["spec"]["driver"]["labels"] = {"team": "b"}
        made = rendered("-", text=json.dumps(application))
        labels = made.driver["metadata"]["labels"]
        self.assertEqual((labels["queue"], labels["team"]), ("root.spark.team-a", "b"))
        self.assertEqual(made.properties["spark.kubernetes.executor.label.queue"], "root.spark.team-a")
        self.assertEqual(made.properties["spark.kubernetes.executor.label.team"], "a")
        self.assertNotIn("kueue.x-k8s.io/queue-name", labels)

    def test_queues_named_by_applications_exist(self):
        queues = next(o for _, o in documents("yunikorn") if o["kind"] == "ConfigMap")["data"]["queues.yaml"]
        spark = yaml.safe_load(queues)["partitions"][0]["queues"][0]["queues"][1]
        names = {f"root.{spark['name']}.{queue['name']}" for queue in spark["queues"]}
        self.assertEqual(names, {"root.spark.team-a", "root.spark.team-b"})

    def test_a_pod_group_of_volcano(self):
        made = render("volcano", "app.yaml")
        group = made.one("PodGroup")
        kinds = [o["kind"] for o in made.objects]
        self.assertLess(kinds.index("PodGroup"), kinds.index("Pod"))
        self.assertEqual(group["metadata"]["name"], "spark-grouped-pg")
        spec = group["spec"]
        self.assertEqual((spec["queue"], spec["priorityClassName"]), ("research", "research-high"))
        self.assertEqual(spec["minResources"], {"cpu": "7", "memory": f"{2867 + 3 * 5734}Mi"})
        for role in (made.driver, made.executor):
            self.assertEqual(role["spec"]["schedulerName"], "volcano")
        self.assertEqual(made.driver["metadata"]["annotations"]["scheduling.k8s.io/group-name"], "spark-grouped-pg")
        self.assertEqual(made.properties["spark.kubernetes.executor.annotation.scheduling.k8s.io/group-name"], "spark-grouped-pg")
        brought = [o["metadata"]["name"] for _, o in documents("volcano") if o["kind"] in ("Queue", "PriorityClass")]
        self.assertEqual(brought, ["research", "research-high"])

    def test_kueue_counts_the_application_and_not_its_pods(self):
        application = next(o for _, o in documents("kueue") if o["kind"] == "SparkApplication")
        self.assertTrue(application["spec"]["suspend"])
        made = render("kueue", "app.yaml")
        label = "kueue.x-k8s.io/queue-name"
        self.assertIn(label, application["metadata"]["labels"])
        self.assertNotIn(label, made.driver["metadata"]["labels"])
        self.assertFalse([key for key in made.properties if label in key])

    def test_executors_keep_away_from_celeborns_workers(self):
        made = render("celeborn", "app.yaml")
        application = next(o for _, o in documents("celeborn"))
        self.assertEqual(made.executor["spec"]["affinity"], application["spec"]["executor"]["affinity"])
        for key, value in {**application["spec"]["sparkConf"], "spark.dynamicAllocation.enabled": "true",
                           "spark.dynamicAllocation.maxExecutors": "20", "spark.dynamicAllocation.shuffleTracking.enabled": "false"}.items():
            self.assertEqual(made.properties[key], value)


class Pods(unittest.TestCase):
    def test_gpus_are_the_executors(self):
        made = render("gpu", "app.yaml")
        executor = next(c for c in made.executor["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
        self.assertEqual(executor["resources"]["limits"]["nvidia.com/gpu"], "1")
        self.assertNotIn("nvidia.com/gpu", made.container["resources"]["limits"])
        self.assertNotIn("nodeSelector", made.driver["spec"])
        pool = next(o for _, o in documents("gpu") if o["kind"] == "NodePool")
        self.assertTrue(offers(pool, made.executor["spec"]))
        self.assertEqual(made.properties["spark.task.resource.gpu.amount"], "0.25")

    def test_templates_and_fields_meet(self):
        made = render("pod-templates", "app.yaml")
        for role, name in ((made.driver, "driver"), (made.executor, "executor")):
            container = next(c for c in role["spec"]["containers"] if c["name"] == f"spark-kubernetes-{name}")
            self.assertEqual([e["value"] for e in container["env"] if e["name"] == "MALLOC_ARENA_MAX"], ["4"])
            self.assertEqual(role["spec"]["dnsConfig"], {"options": [{"name": "ndots", "value": "2"}]})
            self.assertEqual(role["metadata"]["labels"]["spark.apache.org/version"], "3.5.7")
        spec = made.executor["spec"]
        self.assertEqual(sorted(t["key"] for t in spec["tolerations"]), ["spark-compute-optimized", "spark-engine"])
        self.assertEqual([c["name"] for c in spec["initContainers"]], ["own-the-disk"])
        self.assertEqual([v["hostPath"]["path"] for v in spec["volumes"]], ["/mnt/k8s-disks/0/engine"])
        self.assertEqual(spec["securityContext"]["runAsUser"], 185)
        self.assertEqual(made.properties["spark.memory.offHeap.size"], "6g")

    def test_a_mounted_bucket(self):
        made = render("s3-mountpoint", "app.yaml")
        claim = next(o for _, o in documents("s3-mountpoint") if o["kind"] == "PersistentVolumeClaim")["metadata"]["name"]
        executor = next(c for c in made.executor["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
        for role, container in ((made.driver, made.container), (made.executor, executor)):
            volume = next(v for v in role["spec"]["volumes"] if v["name"] == "artifacts")
            self.assertEqual(volume["persistentVolumeClaim"]["claimName"], claim)
            self.assertIn({"name": "artifacts", "mountPath": "/mnt/s3", "readOnly": True}, container["volumeMounts"])
            self.assertEqual((role["spec"]["securityContext"]["runAsUser"], role["spec"]["securityContext"]["fsGroup"]), (185, 185))
        self.assertEqual(made.properties["spark.jars"], "local:///mnt/s3/jars/engine.jar")

    def test_ipv6(self):
        made = render("ipv6", "app.yaml")
        spec = made.one("Service", "driver-svc")["spec"]
        self.assertEqual((spec["ipFamilies"], spec["ipFamilyPolicy"]), (["IPv6"], "SingleStack"))
        self.assertEqual(environment(made.container)["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"], "IPv6")

    def test_properties_arrive_letter_by_letter(self):
        asked = next(o for _, o in documents("iceberg"))["spec"]
        made = render("iceberg", "app.yaml")
        self.assertEqual({key: made.properties.get(key) for key in asked["sparkConf"]}, asked["sparkConf"])
        self.assertEqual(made.properties["spark.hadoop.fs.s3a.connection.maximum"], "200")

    def test_logs(self):
        made = render("logging", "app.yaml")
        config = next(o for path, o in documents("logging") if path.endswith("log4j2.yaml"))
        executor = next(c for c in made.executor["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
        for role, container, name in ((made.driver, made.container, "driver"), (made.executor, executor, "executor")):
            volume = next(v for v in role["spec"]["volumes"] if v["name"] == "spark-log4j2")
            self.assertEqual(volume["configMap"]["name"], config["metadata"]["name"])
            self.assertEqual(mounts(container)["spark-log4j2"], "/opt/spark/log4j2-custom")
            self.assertIn(f"file:///opt/spark/log4j2-custom/{next(iter(config['data']))}", made.properties[f"spark.{name}.extraJavaOptions"])
        for label in ("spark-app-selector", "spark-role", "sparkoperator.k8s.io/app-name"):
            self.assertIn(label, made.driver["metadata"]["labels"])
        pipeline = yaml.safe_load(next(o for path, o in documents("logging") if path.endswith("fluent-bit.yaml"))["data"]["fluent-bit.yaml"])["pipeline"]
        patterns = pipeline["inputs"][0]["path"].split(",")
        # As the kubelet names them: pod, namespace, container, id.
        for pod, container in ((made.driver["metadata"]["name"], made.container["name"]), ("heard-0a1b2c-exec-1", executor["name"])):
            file = f"/var/log/containers/{pod}_default_{container}-{'0' * 64}.log"
            self.assertEqual(sum(fnmatch.fnmatchcase(file, pattern) for pattern in patterns), 1, file)

    def test_the_live_interface(self):
        made = render("live-ui", "app.yaml", (*FLAGS, *INGRESS))
        service, ingress = made.one("Service", "ui-svc"), made.one("Ingress")
        self.assertEqual([(p["name"], p["port"]) for p in service["spec"]["ports"]], [("spark-ui", 4040)])
        self.assertEqual(service["metadata"]["annotations"], {"example.com/team": "data"})
        self.assertEqual((ingress["metadata"]["name"], ingress["spec"]["ingressClassName"]), ("shown-ui-ingress", "nginx"))
        rule, = ingress["spec"]["rules"]
        self.assertEqual((rule["host"], rule["http"]["paths"][0]["path"]), ("spark.example.com", "/default/shown(/|$)(.*)"))
        self.assertEqual(ingress["spec"]["tls"], [{"hosts": ["spark.example.com"], "secretName": "spark-example-com"}])
        self.assertLessEqual({"nginx.ingress.kubernetes.io/auth-url", "nginx.ingress.kubernetes.io/rewrite-target"}, set(ingress["metadata"]["annotations"]))
        self.assertEqual(made.properties["spark.ui.proxyBase"], "/default/shown")


class ScaleTest(unittest.TestCase):
    def test_the_templates_find_what_they_name(self):
        pools = [o for _, o in documents("scale-test") if o["kind"] == "NodePool"]
        teams = {o["metadata"]["name"] for _, o in documents("scale-test") if o["kind"] == "Namespace"}
        maps = {(o["metadata"]["namespace"], o["metadata"]["name"]) for _, o in documents("scale-test") if o["kind"] == "ConfigMap"}
        accounts = {(o["metadata"]["namespace"], o["metadata"]["name"]) for _, o in documents("scale-test") if o["kind"] == "ServiceAccount"}
        self.assertEqual(accounts, {(team, team) for team in teams})
        self.assertEqual(maps, {(team, "spark-log4j2-config") for team in teams})
        for name in ("spark-app-template.yaml", "spark-app-without-webhook.yaml"):
            made = rendered(os.path.join(TOP, "bench", "kit", name))
            for role in (made.driver, made.executor):
                self.assertTrue(any(offers(pool, role["spec"]) for pool in pools), name)

    def test_states_of_kube_state_metrics(self):
        config = yaml.safe_load(next(o for _, o in documents("kube-state-metrics") if o["kind"] == "ConfigMap")["data"]["config.yaml"])
        resource = config["spec"]["resources"][0]
        with open(os.path.join(TOP, "api", "spark_application_status.h"), encoding="utf-8") as header:
            states = re.findall(r'WireName\{State::\w+, "(\w+)"\}', header.read())
        metrics = {metric["name"]: metric["each"] for metric in resource["metrics"]}
        self.assertEqual(metrics["spark_application_state"]["stateSet"]["list"], states)
        with open(os.path.join(TOP, "charts/spark-operator-chart/crds/sparkoperator.k8s.io_sparkapplications.yaml"), encoding="utf-8") as file:
            definition, = load_all(file)
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        paths = [each.get("gauge", each.get("stateSet", {})).get("path") for each in metrics.values()]
        paths += list(metrics["info"]["info"]["labelsFromPath"].values())
        for path in filter(None, paths):
            at = schema
            for step in path if path[0] != "metadata" else ():
                at = at["properties"][step]


def pod_monitor(folder):
    """Of the operator's chart with the values of this folder."""
    with open(os.path.join(FOLDER, folder, "values", "operator.yaml"), encoding="utf-8") as file:
        return Helm().render(file.read())["PodMonitor", "spark-operator-spark-podmonitor"]


def pods(made):
    """The driver, and an executor with what Spark would read for it."""
    given = {what: {key.removeprefix(prefix): value for key, value in made.properties.items() if key.startswith(prefix)}
             for what, prefix in ((what, f"spark.kubernetes.executor.{what}.") for what in ("label", "annotation"))}
    executor = {"metadata": {"name": "exec-1", "namespace": made.driver["metadata"]["namespace"], "annotations": given["annotation"],
                             "labels": {**given["label"], "spark-role": "executor"}}, "spec": made.executor["spec"]}
    return [made.driver, executor]


class Watching(unittest.TestCase):
    def test_the_servlet(self):
        made = render("prometheus-servlet", "app.yaml")
        notes = {"prometheus.io/scrape": "true", "prometheus.io/path": "/metrics/driver/prometheus/", "prometheus.io/port": "4040"}
        self.assertLessEqual(notes.items(), made.driver["metadata"]["annotations"].items())
        self.assertLessEqual(notes.items(), made.one("Service", "driver-svc")["metadata"]["annotations"].items())
        asked = next(o for _, o in documents("prometheus-servlet") if o["kind"] == "SparkApplication")["spec"]["sparkConf"]
        self.assertEqual({key: made.properties.get(key) for key in asked}, asked)
        found = [(t["pod"], t["port"], t["path"]) for t in scraped(pod_monitor("prometheus-servlet"), pods(made))]
        self.assertEqual(found, [("watched-driver", 4040, notes["prometheus.io/path"]), ("watched-driver", 4040, "/metrics/executors/prometheus/")])

    def test_the_java_agent(self):
        made = render("jmx-exporter", "app.yaml")
        data = made.one("ConfigMap", "prom-conf")["data"]
        self.assertEqual(set(data), {"metrics.properties", "prometheus.yaml"})
        agent = "-javaagent:/opt/jmx/jmx_prometheus_javaagent.jar=8090:/etc/metrics/conf/prometheus.yaml"
        for role in ("driver", "executor"):
            self.assertIn(agent, made.properties[f"spark.{role}.extraJavaOptions"])
        self.assertIn("/etc/metrics/conf", mounts(made.container).values())
        executor = next(c for c in made.executor["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
        self.assertIn("/etc/metrics/conf", mounts(executor).values())
        self.assertIn(8090, [port["containerPort"] for port in executor.get("ports", [])])
        both = [(name, 8090, "/metrics") for name in ("jmx-driver", "exec-1")]
        self.assertEqual([(t["pod"], t["port"], t["path"]) for t in scraped(pod_monitor("jmx-exporter"), pods(made))], both)
        # The exporter's driver is not asked for a sink that it lacks, where the sink of others is scraped.
        self.assertEqual([(t["pod"], t["port"], t["path"]) for t in scraped(pod_monitor("prometheus-servlet"), pods(made))], both[:1])

    def test_event_logs_and_who_reads_them(self):
        made = render("event-logs", "app.yaml")
        account = next(o for _, o in documents("event-logs") if o["kind"] == "ServiceAccount")["metadata"]["name"]
        self.assertEqual(made.driver["spec"]["serviceAccountName"], account)
        self.assertEqual(made.properties["spark.kubernetes.authenticate.executor.serviceAccountName"], account)
        self.assertEqual(made.properties["spark.eventLog.dir"], "s3a://example-spark-logs/events")
        server = {o["kind"]: o for _, o in documents("history-server")}
        conf = dict(line.split(None, 1) for line in server["ConfigMap"]["data"]["spark-defaults.conf"].splitlines())
        self.assertEqual(conf["spark.history.fs.logDirectory"], made.properties["spark.eventLog.dir"])
        pod = server["Deployment"]["spec"]["template"]
        self.assertEqual(pod["spec"]["serviceAccountName"], account)
        self.assertEqual(pod["metadata"]["labels"], server["Service"]["spec"]["selector"])
        self.assertEqual(pod["spec"]["containers"][0]["ports"][0]["containerPort"], int(conf["spark.history.ui.port"]))


class Workflows(unittest.TestCase):
    def test_the_step_of_argo(self):
        made = rendered("-", text=json.dumps(named_step()))
        context = made.container["securityContext"]
        self.assertEqual((context["runAsUser"], context["allowPrivilegeEscalation"], context["capabilities"], context["seccompProfile"]),
                         (185, False, {"drop": ["ALL"]}, {"type": "RuntimeDefault"}))
        workflow = next(o for _, o in documents("argo-workflows") if o["kind"] == "Workflow")
        step = workflow["spec"]["templates"][0]["resource"]
        self.assertEqual((step["successCondition"], step["failureCondition"]),
                         ("status.applicationState.state == COMPLETED", "status.applicationState.state == FAILED"))

    def test_the_labels_that_airflow_finds_drivers_by(self):
        application = next(o for _, o in documents("airflow") if o["kind"] == "SparkApplication")
        labels = {"dag_id": "spark_pi", "task_id": "pi", "run_id": "manual__2026-01-01T0000000000-1f2e", "try_number": "1",
                  "spark_kubernetes_operator": "True"}
        application["metadata"]["name"] = "airflow-pi-x7c2k9qw"
        for role in ("driver", "executor"):
            application["spec"][role]["labels"] = labels
        made = rendered("-", text=json.dumps(application))
        self.assertEqual(made.driver["metadata"]["name"], "airflow-pi-x7c2k9qw-driver")
        self.assertLessEqual(labels.items(), made.driver["metadata"]["labels"].items())

    def test_health_for_argo_cd(self):
        # Argo CD runs the language of 5.1.
        interpreter = shutil.which("lua5.1")
        self.assertTrue(interpreter, "no lua5.1 (Debian's package)")
        scripts = next(o for _, o in documents("argo-cd") if o["kind"] == "ConfigMap")["data"]
        one = "{spec = {}, status = {applicationState = {state = %s}}}"
        failed = '{spec = {}, status = {applicationState = {state = "FAILED", errorMessage = "no room"}}}'
        schedule = "{spec = {suspend = %s}, status = {scheduleState = %s, nextRun = \"soon\", reason = \"no such zone\"}}"
        for kind, of, status, message in (
                ("SparkApplication", one % '"COMPLETED"', "Healthy", "COMPLETED"), ("SparkApplication", one % '"RUNNING"', "Healthy", "RUNNING"),
                ("SparkApplication", one % '"FAILED"', "Degraded", "FAILED"), ("SparkApplication", failed, "Degraded", "no room"),
                ("SparkApplication", one % '"SUSPENDED"', "Suspended", "SUSPENDED"), ("SparkApplication", one % '"SUBMITTED"', "Progressing", "SUBMITTED"),
                ("SparkApplication", one % '""', "Progressing", "waits for the operator"),
                ("SparkApplication", one % "nil", "Progressing", "waits for the operator"),
                ("SparkApplication", "{spec = {}}", "Progressing", "waits for the operator"),
                ("ScheduledSparkApplication", "{spec = {}}", "Progressing", "waits for the operator"),
                ("ScheduledSparkApplication", schedule % ("false", '"Scheduled"'), "Healthy", "next run soon"),
                ("ScheduledSparkApplication", schedule % ("true", '"Scheduled"'), "Suspended", "suspended"),
                ("ScheduledSparkApplication", schedule % ("nil", '"FailedValidation"'), "Degraded", "no such zone")):
            script = scripts[f"resource.customizations.health.sparkoperator.k8s.io_{kind}"]
            program = f"obj = {of}\nlocal h = (function()\n{script}\nend)()\nio.write(h.status, '|', h.message)"
            done = subprocess.run([interpreter, "-"], input=program, capture_output=True, text=True, timeout=30)
            self.assertEqual((done.stdout, done.stderr), (f"{status}|{message}", ""), of)


if __name__ == "__main__":
    unittest.main(verbosity=2)

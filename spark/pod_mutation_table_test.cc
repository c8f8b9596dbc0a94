// One row a mutation: what the application says for the role, and the JSON patch that a webhook answers for a
// pod as spark-submit makes it.
#include <catch2/catch.hpp>

#include "api/spark_application.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"
#include "spark/pod_mutation.h"

using kube::Json;
using spark::PodRole;

namespace {

Json parsed(const std::string& yaml) {
  auto json = kube::parse_yaml_document(yaml);
  if (!json) FAIL(json.error().message());
  return *json;
}

// `role_fields` under spec.driver and spec.executor, `spec_fields` under spec.
api::SparkApplication application(const std::string& role_fields, const std::string& spec_fields) {
  Json object = parsed(R"({apiVersion: sparkoperator.k8s.io/v1beta2, kind: SparkApplication,
                           metadata: {name: pi, namespace: ns, uid: u1}, spec: {type: Scala, sparkVersion: 3.5.7}})");
  object["spec"].update(parsed(spec_fields));
  object["spec"]["driver"] = object["spec"]["executor"] = parsed(role_fields);
  auto app = kube::decode<api::SparkApplication>(object);
  if (!app) FAIL(app.error().message());
  return *app;
}

Json pod_of_spark(PodRole role) {
  Json pod = parsed(R"(
metadata:
  name: p
  labels: {sparkoperator.k8s.io/app-name: pi}
  annotations: {a: b}
spec:
  dnsPolicy: ClusterFirst
  nodeSelector: {old: "1"}
  priority: 7
  preemptionPolicy: Never
  tolerations: [{key: old}]
  volumes: [{name: spark-conf-volume}]
  containers:
  - name: other
  - name: NAME
    env: [{name: SPARK_USER, value: spark}]
    ports: [{name: blockmanager, containerPort: 7079}]
    resources: {limits: {memory: 1408Mi}, requests: {memory: 1408Mi}}
    volumeMounts: [{name: spark-conf-volume, mountPath: /opt/spark/conf}]
)");
  pod["spec"]["containers"][1]["name"] =
      role == PodRole::Driver ? "spark-kubernetes-driver" : "spark-kubernetes-executor";
  return pod;
}

// The patch without what every pod gets: the mark, and a driver's owner.
Json patch_of(const Json& pod, const api::SparkApplication& app, PodRole role) {
  auto mutated = spark::mutate_pod(pod, app, role);
  if (!mutated) FAIL(mutated.error().message());
  Json patch = Json::array();
  for (const Json& operation : kube::create_json_patch(pod, *mutated)) {
    const std::string path = kube::string_at(operation, {"path"});
    if (path == "/metadata/annotations/sparkoperator.k8s.io~1mutated-at-submission") continue;
    if (path == "/metadata/ownerReferences") continue;
    patch.push_back(operation);
  }
  return patch;
}

struct Row {
  const char* why;
  const char* role_fields;
  const char* spec_fields;
  const char* patch;  // YAML list
};

// Numbers are those of upstream's order. "@" stands for the Spark container.
const Row kRows[] = {
    {"2 env is appended, also when a name is there",
     "{env: [{name: SPARK_USER, value: me}, {name: B, value: x}]}", "{}",
     "[{op: add, path: '@/env/-', value: {name: SPARK_USER, value: me}},"
     " {op: add, path: '@/env/-', value: {name: B, value: x}}]"},
    {"3 envFrom", "{envFrom: [{secretRef: {name: s}}]}", "{}",
     "[{op: add, path: '@/envFrom', value: [{secretRef: {name: s}}]}]"},
    {"4 the Hadoop config map", "{}", "{hadoopConfigMap: h}",
     "[{op: add, path: '@/env/-', value: {name: HADOOP_CONF_DIR, value: /etc/hadoop/conf}},"
     " {op: add, path: '@/volumeMounts/-', value: {name: hadoop-configmap-volume, mountPath: "
     "/etc/hadoop/conf, readOnly: true}},"
     " {op: add, path: /spec/volumes/-, value: {name: hadoop-configmap-volume, configMap: {name: h}}}]"},
    {"5 the Spark config map", "{}", "{sparkConfigMap: s}",
     "[{op: add, path: '@/env/-', value: {name: SPARK_CONF_DIR, value: /etc/spark/conf}},"
     " {op: add, path: '@/volumeMounts/-', value: {name: spark-configmap-volume, mountPath: /etc/spark/conf, "
     "readOnly: true}},"
     " {op: add, path: /spec/volumes/-, value: {name: spark-configmap-volume, configMap: {name: s}}}]"},
    {"6 other config maps", "{configMaps: [{name: c, path: /c}]}", "{}",
     "[{op: add, path: '@/volumeMounts/-', value: {name: c-vol, mountPath: /c, readOnly: true}},"
     " {op: add, path: /spec/volumes/-, value: {name: c-vol, configMap: {name: c}}}]"},
    {"7 volumes that are mounted, but not Spark's scratch space",
     "{volumeMounts: [{name: v, mountPath: /v}, {name: nowhere, mountPath: /n}, {name: spark-local-dir-1, "
     "mountPath: /t}]}",
     "{volumes: [{name: v, emptyDir: {}}, {name: unused, emptyDir: {}}, {name: spark-local-dir-1, emptyDir: "
     "{}}]}",
     "[{op: add, path: '@/volumeMounts/-', value: {name: v, mountPath: /v}},"
     " {op: add, path: /spec/volumes/-, value: {name: v, emptyDir: {}}}]"},
    {"8 ports", "{ports: [{name: x, protocol: TCP, containerPort: 9}]}", "{}",
     "[{op: add, path: '@/ports/-', value: {name: x, protocol: TCP, containerPort: 9}}]"},
    {"9 the host's network comes with its DNS", "{hostNetwork: true}", "{}",
     "[{op: replace, path: /spec/dnsPolicy, value: ClusterFirstWithHostNet},"
     " {op: add, path: /spec/hostNetwork, value: true}]"},
    {"9 hostNetwork: false changes nothing", "{hostNetwork: false}", "{}", "[]"},
    {"10 host aliases", "{hostAliases: [{ip: 1.2.3.4, hostnames: [h]}]}", "{}",
     "[{op: add, path: /spec/hostAliases, value: [{ip: 1.2.3.4, hostnames: [h]}]}]"},
    {"11 init containers", "{initContainers: [{name: i, image: x}]}", "{}",
     "[{op: add, path: /spec/initContainers, value: [{name: i, image: x}]}]"},
    {"12 sidecars", "{sidecars: [{name: s, image: x}, {name: s, image: x}]}", "{}",
     "[{op: add, path: /spec/containers/-, value: {name: s, image: x}}]"},
    {"13 DNS settings", "{dnsConfig: {nameservers: [9.9.9.9]}}", "{}",
     "[{op: add, path: /spec/dnsConfig, value: {nameservers: [9.9.9.9]}}]"},
    {"14 a priority class makes admission compute the priority anew", "{priorityClassName: high}", "{}",
     "[{op: remove, path: /spec/preemptionPolicy}, {op: remove, path: /spec/priority},"
     " {op: add, path: /spec/priorityClassName, value: high}]"},
    {"14 an empty priority class changes nothing", "{priorityClassName: ''}", "{}", "[]"},
    {"15 the scheduler", "{schedulerName: mine}", "{}",
     "[{op: add, path: /spec/schedulerName, value: mine}]"},
    {"15 the batch scheduler wins", "{schedulerName: mine}", "{batchScheduler: yunikorn}",
     "[{op: add, path: /spec/schedulerName, value: yunikorn}]"},
    {"16 node selectors merge, the application's is Spark's business", "{nodeSelector: {old: '2', new: '3'}}",
     "{nodeSelector: {app: level}}",
     "[{op: add, path: /spec/nodeSelector/new, value: '3'}, {op: replace, path: /spec/nodeSelector/old, "
     "value: '2'}]"},
    {"17 affinity", "{affinity: {nodeAffinity: {}}}", "{}",
     "[{op: add, path: /spec/affinity, value: {nodeAffinity: {}}}]"},
    {"18 tolerations", "{tolerations: [{key: new, operator: Exists}]}", "{}",
     "[{op: add, path: /spec/tolerations/-, value: {key: new, operator: Exists}}]"},
    {"19 the memory limit", "{memoryLimit: 3g}", "{}",
     "[{op: replace, path: '@/resources/limits/memory', value: 3Gi}]"},
    {"20 GPUs", "{gpu: {name: nvidia.com/gpu, quantity: 2}}", "{}",
     "[{op: add, path: '@/resources/limits/nvidia.com~1gpu', value: '2'}]"},
    {"20 no GPU without a name or number", "{gpu: {name: '', quantity: 2}}", "{}", "[]"},
    {"21 Prometheus", "{}",
     "{monitoring: {exposeDriverMetrics: true, exposeExecutorMetrics: true, prometheus: {jmxExporterJar: "
     "/j.jar, port: 8099}}}",
     "[{op: add, path: '@/ports/-', value: {name: jmx-exporter, protocol: TCP, containerPort: 8099}},"
     " {op: add, path: '@/volumeMounts/-', value: {name: pi-prom-conf-vol, mountPath: /etc/metrics/conf, "
     "readOnly: true}},"
     " {op: add, path: /spec/volumes/-, value: {name: pi-prom-conf-vol, configMap: {name: pi-prom-conf}}}]"},
    {"21 not where metrics are not exposed", "{}",
     "{monitoring: {exposeDriverMetrics: false, exposeExecutorMetrics: false, prometheus: {jmxExporterJar: "
     "/j.jar}}}",
     "[]"},
    {"21 not where both files are the user's", "{}",
     "{monitoring: {exposeDriverMetrics: true, exposeExecutorMetrics: true, metricsPropertiesFile: /m,"
     " prometheus: {jmxExporterJar: /j.jar, configFile: /c}}}",
     "[]"},
    {"22 the container's security context", "{securityContext: {runAsUser: 7}}", "{}",
     "[{op: add, path: '@/securityContext', value: {runAsUser: 7}}]"},
    {"23 the pod's security context", "{podSecurityContext: {fsGroup: 8}}", "{}",
     "[{op: add, path: /spec/securityContext, value: {fsGroup: 8}}]"},
    {"24 the grace period, zero included", "{terminationGracePeriodSeconds: 0}", "{}",
     "[{op: add, path: /spec/terminationGracePeriodSeconds, value: 0}]"},
    {"25 lifecycle", "{lifecycle: {preStop: {exec: {command: [x]}}}}", "{}",
     "[{op: add, path: '@/lifecycle', value: {preStop: {exec: {command: [x]}}}}]"},
    {"26 shared processes", "{shareProcessNamespace: true}", "{}",
     "[{op: add, path: /spec/shareProcessNamespace, value: true}]"},
    {"26 false changes nothing", "{shareProcessNamespace: false}", "{}", "[]"},
    {"what Spark has properties for is Spark's",
     "{image: i, cores: 2, coreLimit: 2000m, memory: 9g, serviceAccount: s, labels: {l: m}, annotations: {n: "
     "o},"
     " envVars: {E: f}, secrets: [{name: s, path: /s, secretType: Generic}], javaOptions: -X}",
     "{arguments: [x], image: y, imagePullSecrets: [z]}", "[]"},
};

void by_path(Json& patch) {
  std::stable_sort(patch.begin(), patch.end(),
                   [](const Json& a, const Json& b) { return a["path"] < b["path"]; });
}

}  // namespace

TEST_CASE("each mutation changes its own fields and nothing else", "[spark]") {
  for (const Row& row : kRows) {
    for (const PodRole role : {PodRole::Driver, PodRole::Executor}) {
      INFO(row.why << (role == PodRole::Driver ? " (driver)" : " (executor)"));
      const Json pod = pod_of_spark(role);
      Json patch = patch_of(pod, application(row.role_fields, row.spec_fields), role);
      std::string text = row.patch;
      for (std::size_t at = 0; (at = text.find('@', at)) != std::string::npos;)
        text.replace(at, 1, "/spec/containers/1");
      Json expected = parsed(text);
      by_path(expected);
      by_path(patch);
      CHECK(patch == expected);
    }
  }
}

TEST_CASE("a driver's patch names its owner, an executor's does not", "[spark]") {
  const auto app = application("{}", "{}");
  const Json owner =
      parsed(R"({apiVersion: sparkoperator.k8s.io/v1beta2, kind: SparkApplication, name: pi, uid: u1,
                                controller: true, blockOwnerDeletion: true})");
  CHECK((*spark::mutate_pod(pod_of_spark(PodRole::Driver), app,
                            PodRole::Driver))["metadata"]["ownerReferences"] == Json::array({owner}));
  CHECK_FALSE(
      (*spark::mutate_pod(pod_of_spark(PodRole::Executor), app, PodRole::Executor))["metadata"].contains(
          "ownerReferences"));
}

TEST_CASE("the volume of a long application's Prometheus config map has a legal name", "[spark]") {
  auto app = application("{}",
                         "{monitoring: {exposeDriverMetrics: true, exposeExecutorMetrics: false, prometheus: "
                         "{jmxExporterJar: /j}}}");
  app.metadata.name = std::string(60, 'a');
  const Json pod = *spark::mutate_pod(pod_of_spark(PodRole::Driver), app, PodRole::Driver);
  const Json& volume = pod["spec"]["volumes"].back();
  CHECK(volume["name"].get<std::string>().size() <= 63);
  CHECK(volume["configMap"]["name"] == app.metadata.name + "-prom-conf");
  CHECK(pod["spec"]["containers"][1]["volumeMounts"].back()["name"] == volume["name"]);
}

TEST_CASE("roles are read from Spark's own label", "[spark]") {
  CHECK(spark::pod_role("driver") == PodRole::Driver);
  CHECK(spark::pod_role("executor") == PodRole::Executor);
  CHECK_FALSE(spark::pod_role("connect-server").has_value());
  CHECK_FALSE(spark::pod_role("").has_value());
}

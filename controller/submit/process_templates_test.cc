// A driver that spark-submit makes gets the mutations through its pod template, or from a webhook. Here both
// ways are compared, one row a mutation of the webhook; Spark, which writes over some of a template, is the
// native builder, whose equality with the real one test/parity holds.
#include "controller/submit/process_templates.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "kube/core/fields.h"
#include "kube/core/yaml.h"
#include "spark/driver_builder.h"
#include "spark/pod_mutation.h"

using namespace controller;
using kube::Json;

namespace {

const spark::Attempt kAttempt{.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55",
                              .time = kube::TimePoint(std::chrono::seconds(1795225810))};

Json parsed(const std::string& yaml) {
  auto json = kube::parse_yaml_document(yaml);
  if (!json) FAIL(json.error().message());
  return *json;
}

// `role_fields` under spec.driver and spec.executor, `spec_fields` under spec.
api::SparkApplication application(const std::string& role_fields, const std::string& spec_fields) {
  Json object = parsed(R"({apiVersion: sparkoperator.k8s.io/v1beta2, kind: SparkApplication,
                           metadata: {name: pi, namespace: ns, uid: u1},
                           spec: {type: Scala, mode: cluster, sparkVersion: 3.5.7, image: "spark:3.5.7",
                                  mainClass: M, mainApplicationFile: "local:///a.jar"}})");
  object["spec"].update(parsed(spec_fields));
  object["spec"]["driver"] = object["spec"]["executor"] = parsed(role_fields);
  auto app = kube::decode<api::SparkApplication>(object);
  if (!app) FAIL(app.error().message());
  return *app;
}

struct Made {
  ProcessTemplates templates;
  std::vector<std::string> arguments;
  Json driver;
};

template <class T>
T must(kube::Result<T> made) {
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}

// What spark-submit makes of all that it is given.
Made submit(const api::SparkApplication& stored, const char* version, bool webhook_runs) {
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  options.webhook_runs = webhook_runs;
  const auto app = must(spark::prepare_application(stored, options, kAttempt));
  Made made;
  made.templates = must(process_templates(app, options));
  made.arguments = must(process_arguments(app, options, kAttempt));
  spark::Submitter submitter;
  submitter.files[spark::template_path(kAttempt.submission_id, spark::PodRole::Driver)] =
      kube::to_yaml(made.templates.driver);
  submitter.files[spark::template_path(kAttempt.submission_id, spark::PodRole::Executor)] =
      kube::to_yaml(made.templates.executor);
  const auto conf = must(spark::driver_conf(made.arguments, std::move(submitter),
                                            {.submission_id = kAttempt.submission_id,
                                             .version = spark::parse_spark_version(version).value(),
                                             .submit_time = kAttempt.time}));
  made.driver = must(spark::build_submission(conf)).driver_pod;
  return made;
}

void sort_by_text(Json& list) {
  if (!list.is_array()) return;
  auto& items = list.get_ref<Json::array_t&>();
  std::ranges::sort(items, {}, [](const Json& item) { return kube::dump_json(item); });
}

// Without what has no meaning: the order of sets, variables that a later one of the same name hides, and the
// mark by which a webhook knows its own work.
Json normal(Json pod) {
  pod["metadata"]["annotations"].erase(std::string(spark::kMutatedAnnotation));
  Json containers = Json::object();
  for (Json& container : pod["spec"]["containers"]) {
    Json environment = Json::object();
    for (const Json& variable : container.value("env", Json::array()))
      environment[variable["name"].get<std::string>()] = variable;
    container["env"] = std::move(environment);
    for (const char* set : {"volumeMounts", "ports"}) sort_by_text(container[set]);
    const std::string name = container["name"];
    containers[name] = std::move(container);
  }
  pod["spec"]["containers"] = std::move(containers);
  for (const char* set : {"volumes", "tolerations"}) sort_by_text(pod["spec"][set]);
  return pod;
}

struct Row {
  const char* why;
  const char* role_fields;
  const char* spec_fields;
  std::vector<std::string> lost = {};  // what Spark writes over, as people are told
  const char* where = "";              // of a normal pod: the one place where it shows
};

// Numbers are those of upstream's order.
const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {"2 env", "{env: [{name: B, value: x}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}",
       "{}"},
      {"2 env of a name that Spark writes",
       "{env: [{name: SPARK_USER, value: me}]}",
       "{}",
       {"driver.env.SPARK_USER"},
       "/spec/containers/spark-kubernetes-driver/env/SPARK_USER"},
      {"2 env of a name that is a property, too",
       "{env: [{name: B, value: x}], envVars: {B: y}}",
       "{}",
       {"driver.env.B"},
       "/spec/containers/spark-kubernetes-driver/env/B"},
      {"3 envFrom", "{envFrom: [{secretRef: {name: s}}]}", "{}"},
      {"4 the Hadoop config map", "{}", "{hadoopConfigMap: h}"},
      {"5 the Spark config map",
       "{}",
       "{sparkConfigMap: s}",
       {"sparkConfigMap"},
       "/spec/containers/spark-kubernetes-driver/env/SPARK_CONF_DIR"},
      {"6 other config maps", "{configMaps: [{name: c, path: /c}]}", "{}"},
      {"7 volumes, but not Spark's scratch space",
       "{volumeMounts: [{name: v, mountPath: /v}, {name: nowhere, mountPath: /n}, {name: spark-local-dir-1, "
       "mountPath: /t}]}",
       "{volumes: [{name: v, emptyDir: {}}, {name: unused, emptyDir: {}}, {name: spark-local-dir-1, "
       "emptyDir: {}}]}"},
      {"8 ports", "{ports: [{name: x, protocol: TCP, containerPort: 9}]}", "{}"},
      {"9 the host's network", "{hostNetwork: true}", "{}"},
      {"10 host aliases", "{hostAliases: [{ip: 1.2.3.4, hostnames: [h]}]}", "{}"},
      {"11 init containers", "{initContainers: [{name: i, image: x}]}", "{}"},
      {"12 sidecars", "{sidecars: [{name: s, image: x}, {name: s, image: x}]}", "{}"},
      {"13 DNS settings", "{dnsConfig: {nameservers: [9.9.9.9]}}", "{}"},
      {"14 the priority class", "{priorityClassName: high}", "{}"},
      {"15 the scheduler", "{schedulerName: mine}", "{}"},
      {"15 the batch scheduler", "{schedulerName: mine}", "{batchScheduler: yunikorn}"},
      {"16 node selectors, beside the application's", "{nodeSelector: {zone: b}}",
       "{nodeSelector: {disk: ssd}}"},
      {"17 affinity", "{affinity: {nodeAffinity: {}}}", "{}"},
      {"18 tolerations", "{tolerations: [{key: new, operator: Exists}]}", "{}"},
      {"19 the memory limit",
       "{memoryLimit: 3g}",
       "{}",
       {"driver.memoryLimit"},
       "/spec/containers/spark-kubernetes-driver/resources/limits/memory"},
      {"20 GPUs", "{gpu: {name: nvidia.com/gpu, quantity: 2}}", "{}"},
      {"21 Prometheus", "{}",
       "{monitoring: {exposeDriverMetrics: true, exposeExecutorMetrics: true, prometheus: {jmxExporterJar: "
       "/j.jar, port: 8099}}}"},
      {"22 the container's security context", "{securityContext: {runAsUser: 7}}", "{}"},
      {"23 the pod's security context", "{podSecurityContext: {fsGroup: 8}}", "{}"},
      {"24 the grace period", "{terminationGracePeriodSeconds: 0}", "{}"},
      {"25 lifecycle", "{lifecycle: {preStop: {exec: {command: [x]}}}}", "{}"},
      {"26 shared processes", "{shareProcessNamespace: true}", "{}"},
      {"nothing", "{}", "{}"},
  };
  return kRows;
}

}  // namespace

TEST_CASE("a driver's template makes of spark-submit's driver what a webhook makes of it", "[spark-submit]") {
  for (const char* version : {"3.5.7", "4.1.0"}) {
    for (const Row& row : rows()) {
      INFO(row.why << ", Spark " << version);
      const api::SparkApplication app = application(row.role_fields, row.spec_fields);
      const Made alone = submit(app, version, false);
      const Made beside = submit(app, version, true);
      const Json by_webhook = normal(must(spark::mutate_pod(beside.driver, app, spark::PodRole::Driver)));
      const Json by_template = normal(alone.driver);
      CHECK(alone.templates.lost == row.lost);
      CHECK_FALSE(alone.templates.driver_needs_webhook);
      CHECK(beside.templates.lost.empty());
      if (row.lost.empty()) {
        CHECK(by_template == by_webhook);
        continue;
      }
      // Just there, and indeed there.
      const Json difference = Json::diff(by_template, by_webhook);
      REQUIRE_FALSE(difference.empty());
      for (const Json& operation : difference)
        CHECK(operation["path"].get<std::string>().starts_with(row.where));
    }
  }
}

TEST_CASE("a driver is left to a webhook that has something to do", "[spark-submit]") {
  for (const Row& row : rows()) {
    INFO(row.why);
    const bool nothing = row.why == std::string_view("nothing");
    const Made beside = submit(application(row.role_fields, row.spec_fields), "3.5.7", true);
    CHECK(beside.templates.driver_needs_webhook == !nothing);
  }
}

TEST_CASE("executors get from spark-submit what they get from the native submitter", "[spark-submit]") {
  for (const Row& row : rows()) {
    INFO(row.why);
    const api::SparkApplication app = application(row.role_fields, row.spec_fields);
    for (const bool webhook_runs : {false, true}) {
      spark::SubmitOptions options;
      options.webhook_runs = webhook_runs;
      const auto prepared = must(spark::prepare_application(app, options, kAttempt));
      const Made made = submit(app, "3.5.7", webhook_runs);
      CHECK(made.templates.executor == must(spark::executor_pod_template(prepared, options)));
      const spark::SparkConf properties = spark::executor_properties(prepared, options);
      for (const auto& [key, value] : properties.entries()) {
        INFO(key);
        // The last one of a key counts.
        const auto last = std::find_if(made.arguments.rbegin(), made.arguments.rend(),
                                       [&](const std::string& word) { return word.starts_with(key + "="); });
        REQUIRE(last != made.arguments.rend());
        CHECK(*last == key + "=" + value);
      }
    }
  }
}

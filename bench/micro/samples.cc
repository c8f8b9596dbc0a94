#include "bench/micro/samples.h"

#include <fstream>
#include <sstream>

#include "bench/micro/suite.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

namespace bench {

using kube::Json;

namespace {

constexpr const char* kUid = "7d1c3a52-0000-4000-8000-000000000001";
constexpr const char* kCreated = "2026-11-21T10:00:00Z";

// What server-side apply's bookkeeping adds to every object: a third of its bytes.
Json managed_fields(const Json& of) {
  const std::function<Json(const Json&)> fields = [&](const Json& value) {
    Json known = Json::object();
    if (!value.is_object()) return known;
    for (const auto& [name, member] : value.items()) known["f:" + name] = fields(member);
    return known;
  };
  return Json::array({{{"manager", "spark-operator"},
                       {"operation", "Update"},
                       {"apiVersion", "v1"},
                       {"time", kCreated},
                       {"fieldsType", "FieldsV1"},
                       {"fieldsV1", fields(of)}}});
}

}  // namespace

Json application_json() {
  static const Json object = [] {
    std::ifstream in(std::string(SOURCE_DIR) + "/bench/application.yaml");
    std::stringstream text;
    text << in.rdbuf();
    Json app = must(kube::parse_yaml_document(text.str(), "bench/application.yaml"), "read the application");
    app["metadata"]["managedFields"] = managed_fields({{"spec", app["spec"]}});
    app["metadata"]["uid"] = kUid;
    app["metadata"]["resourceVersion"] = "4711";
    app["metadata"]["generation"] = 1;
    app["metadata"]["creationTimestamp"] = kCreated;
    return app;
  }();
  return object;
}

api::SparkApplication application() {
  return must(kube::decode<api::SparkApplication>(application_json()), "decode the application");
}

spark::SubmitOptions submit_options() {
  spark::SubmitOptions options;
  options.master_url = "k8s://https://10.96.0.1:443";
  return options;
}

spark::Attempt attempt_of(const api::SparkApplication& app) {
  return {.submission_id = controller::next_id(app, {}), .time = must(kube::parse_rfc3339(kCreated), "time")};
}

Json driver_pod_json() {
  static const Json object = [] {
    const api::SparkApplication app = application();
    Json pod = must(spark::native_submission(app, submit_options(), attempt_of(app)), "build the submission")
                   .driver_pod;
    pod["metadata"]["managedFields"] = managed_fields({{"metadata", pod["metadata"]}, {"spec", pod["spec"]}});
    pod["metadata"]["uid"] = "7d1c3a52-0000-4000-8000-000000000002";
    pod["metadata"]["resourceVersion"] = "4712";
    pod["metadata"]["creationTimestamp"] = kCreated;
    pod["spec"]["nodeName"] = "node-1";
    Json conditions = Json::array();
    for (const char* type :
         {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"})
      conditions.push_back({{"type", type}, {"status", "True"}, {"lastTransitionTime", kCreated}});
    Json container = {{"name", "spark-kubernetes-driver"},
                      {"image", "spark:3.5.7"},
                      {"ready", true},
                      {"restartCount", 0},
                      {"state", {{"running", {{"startedAt", kCreated}}}}}};
    pod["status"] = {{"phase", "Running"},
                     {"podIP", "10.0.0.7"},
                     {"hostIP", "10.0.1.1"},
                     {"startTime", kCreated},
                     {"qosClass", "Burstable"},
                     {"conditions", conditions},
                     {"containerStatuses", Json::array({container})}};
    return pod;
  }();
  return object;
}

controller::Observation running_observation() {
  controller::Observation seen;
  seen.drivers.push_back(must(controller::project_pod(driver_pod_json()), "project the driver"));
  for (int i = 1; i <= 5; ++i) {
    controller::PodView executor = seen.drivers.front();
    executor.key.name = "bench-exec-" + std::to_string(i);
    executor.role = "executor";
    executor.executor_id = i;
    seen.executors.push_back(std::move(executor));
  }
  return seen;
}

api::SparkApplication running_application() {
  api::SparkApplication app = application();
  const controller::Observation seen = running_observation();
  app.status = controller::submitted(app.status, seen.drivers.front());
  auto running = controller::decide(app, seen, attempt_of(app).time, {});
  if (!running.status) broken("a running driver changes nothing");
  app.status = *running.status;
  return app;
}

}  // namespace bench

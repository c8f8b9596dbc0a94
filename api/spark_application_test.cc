#include "api/spark_application.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/scheduled_spark_application.h"
#include "api/spark_connect.h"
#include "kube/core/yaml.h"

using kube::Json;

namespace {

std::vector<std::filesystem::path> manifests() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/api/testdata"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

Json load(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  auto document = kube::parse_yaml_document(text.str(), file.filename().string());
  if (!document) FAIL(document.error().message());
  return *document;
}

Json manifest(const char* name) {
  return load(std::filesystem::path(SOURCE_DIR "/api/testdata") / name);
}

template <class T>
void check_law(const Json& json) {
  const auto value = kube::decode<T>(json);
  if (!value) FAIL(value.error().message());
  CHECK(kube::encode(*value) == json);
  const auto again = kube::decode<T>(kube::encode(*value));
  REQUIRE(again);
  CHECK(*again == *value);
}

std::string message_of(const Json& json) {
  const auto app = kube::decode<api::SparkApplication>(json);
  return app ? "decodes" : app.error().message();
}

}  // namespace

TEST_CASE("encoding what was decoded gives the same document", "[api]") {
  const auto files = manifests();
  CHECK(files.size() >= 25);
  for (const auto& file : files) {
    INFO(file.filename().string());
    const Json json = load(file);
    const std::string kind = json.at("kind");
    if (kind == "SparkApplication") check_law<api::SparkApplication>(json);
    if (kind == "ScheduledSparkApplication") check_law<api::ScheduledSparkApplication>(json);
    if (kind == "SparkConnect") check_law<api::SparkConnect>(json);
  }
}

TEST_CASE("fields of a newer CRD survive at every depth", "[api]") {
  const auto app = kube::decode<api::SparkApplication>(manifest("fields_of_a_newer_crd.yaml"));
  REQUIRE(app);
  CHECK(app->spec.unknown == Json{{"quantumMode", {{"qubits", 12}}}});
  CHECK(app->spec.driver.unknown == Json{{"teleport", true}});
  CHECK(app->spec.executor.gpu->unknown == Json{{"slice", "half"}});
  CHECK(app->spec.restart_policy.unknown == Json{{"jitter", 0.5}});
}

TEST_CASE("an untouched status encodes what the schema requires", "[api]") {
  CHECK(kube::encode(api::SparkApplicationStatus{}) ==
        Json::parse(R"({"lastSubmissionAttemptTime":null,"terminationTime":null,"driverInfo":{},
                        "applicationState":{"state":""}})"));
  CHECK(kube::encode(api::ScheduledSparkApplicationStatus{}) ==
        Json::parse(R"({"lastRun":null,"nextRun":null})"));
  CHECK(kube::encode(api::SparkConnectStatus{}) == Json::parse(R"({"server":{}})"));
}

TEST_CASE("an application without a status stays without", "[api]") {
  CHECK_FALSE(kube::encode(api::SparkApplication{}).contains("status"));
}

TEST_CASE("status members land where clients look for them", "[api]") {
  const auto app = kube::decode<api::SparkApplication>(manifest("running_with_status.yaml"));
  REQUIRE(app);
  const api::SparkApplicationStatus& status = app->status;
  CHECK(status.application_state.state == api::State::Running);
  CHECK(status.submission_id == "4c5b1b1f-1bb0-4c5e-9a34-5bfb6f0d7a01");
  REQUIRE(status.last_submission_attempt_time);
  CHECK(kube::to_rfc3339(*status.last_submission_attempt_time) == "2026-03-01T08:00:03Z");
  CHECK_FALSE(status.termination_time);
  CHECK(status.driver_info.web_ui_port == 4040);
  CHECK(status.executor_state.at("running-exec-2") == api::PodState::Pending);
}

TEST_CASE("states print their wire names", "[api]") {
  CHECK(api::to_string(api::State::New).empty());
  CHECK(api::to_string(api::State::SubmissionFailed) == "SUBMISSION_FAILED");
  CHECK(api::to_string(api::State::PendingRerun) == "PENDING_RERUN");
  for (std::size_t i = 0; i < api::kStates.size(); ++i)
    CHECK(api::kStates[i].value == static_cast<api::State>(i));
  for (std::size_t i = 0; i < api::kPodStates.size(); ++i)
    CHECK(api::kPodStates[i].value == static_cast<api::PodState>(i));
  for (std::size_t i = 0; i < api::kScheduleStates.size(); ++i)
    CHECK(api::kScheduleStates[i].value == static_cast<api::ScheduleState>(i));
  for (std::size_t i = 0; i < api::kConnectStates.size(); ++i)
    CHECK(api::kConnectStates[i].value == static_cast<api::ConnectState>(i));
  CHECK(api::is_terminal(api::State::Completed));
  CHECK_FALSE(api::is_terminal(api::State::SubmissionFailed));
}

TEST_CASE("a wrong type is named with its path", "[api]") {
  struct Row {
    const char* change;
    const char* message;
  };
  const auto row = GENERATE(values<Row>({
      {R"({"spec":{"driver":{"cores":"two"}}})", R"(spec.driver.cores: expected integer, got "two")"},
      {R"({"spec":{"executor":{"env":{}}}})", "spec.executor.env: expected array, got object"},
      {R"({"spec":{"sparkConf":{"spark.ui.port":4040}}})",
       "spec.sparkConf.spark.ui.port: expected string, got 4040"},
      {R"({"spec":{"type":"Cobol"}})",
       R"(spec.type: expected one of "Java", "Python", "Scala", "R", got "Cobol")"},
      {R"({"spec":{"driver":{"secrets":[{"name":"s","path":1}]}}})",
       "spec.driver.secrets[0].path: expected string, got 1"},
      {R"({"spec":{"suspend":"yes"}})", R"(spec.suspend: expected boolean, got "yes")"},
      {R"({"spec":{"deps":[]}})", "spec.deps: expected object, got array"},
      {R"({"spec":{"executor":{"instances":3000000000}}})",
       "spec.executor.instances: expected integer from -2147483648 to 2147483647, got 3000000000"},
  }));
  Json json = manifest("python_pi.yaml");
  json.merge_patch(Json::parse(row.change));
  CHECK(message_of(json) == row.message);
}

TEST_CASE("a template of any shape decodes, so one bad object cannot hide the others", "[api]") {
  Json json = manifest("python_pi.yaml");
  json["spec"]["driver"]["template"] = {{"spec", "not even an object"}};
  check_law<api::SparkApplication>(json);
}

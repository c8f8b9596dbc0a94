// Each folder of testdata is an application and the objects it becomes, pod mutations included;
// UPDATE_GOLDENS=1 writes them anew. That they are Spark's own, mutations aside, is checked by test/parity.
#include <catch2/catch.hpp>
#include <filesystem>

#include "api/spark_application.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"
#include "spark/golden_files.h"
#include "spark/native_submission.h"

namespace fs = std::filesystem;
using kube::Json;

namespace {

const fs::path kCases = fs::path(SOURCE_DIR) / "spark" / "testdata";

api::SparkApplication load(const std::string& name) {
  auto app = kube::decode<api::SparkApplication>(golden::document(kCases / name / "app.yaml"));
  if (!app) FAIL(app.error().message());
  return *app;
}

spark::SubmitOptions options() {
  spark::SubmitOptions out;
  out.master_url = "k8s://https://10.96.0.1:443";
  return out;
}

const spark::Attempt kAttempt{.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55",
                              .time = kube::TimePoint(std::chrono::seconds(1795225810))};

}  // namespace

TEST_CASE("an application becomes the objects that spark-submit would have made", "[spark]") {
  REQUIRE(golden::case_names(kCases).size() >= 12);
  for (const std::string& name : golden::case_names(kCases)) {
    DYNAMIC_SECTION(name) {
      const api::SparkApplication app = load(name);
      auto prepared = spark::prepare_application(app, options(), kAttempt);
      REQUIRE(prepared.has_value());
      auto arguments = spark::spark_submit_arguments(*prepared, options(), kAttempt);
      REQUIRE(arguments.has_value());
      golden::compare(kCases / name / "expected" / "arguments.yaml", kube::to_yaml(Json(*arguments)));

      auto submission = spark::native_submission(app, options(), kAttempt);
      if (!submission) FAIL(submission.error().message());
      CHECK(submission->pre_resources.empty());
      golden::compare(kCases / name / "expected" / "driver-pod.yaml", kube::to_yaml(submission->driver_pod));
      golden::compare(kCases / name / "expected" / "children.yaml", kube::to_yaml(submission->children));
      auto obstacles = spark::native_obstacles(app, options(), kAttempt);
      REQUIRE(obstacles.has_value());
      CHECK(obstacles->empty());
      auto plan = spark::plan_native_submission(app, options(), kAttempt);
      REQUIRE(plan.has_value());
      REQUIRE(plan->submission.has_value());
      CHECK(plan->submission->driver_pod == submission->driver_pod);
      CHECK(plan->submission->children == submission->children);
    }
  }
}

TEST_CASE("a plan names the obstacles and builds nothing then", "[spark]") {
  api::SparkApplication app = load("python-pi");
  std::string rule;
  SECTION("a file of the submitter") {
    app.spec.deps.jars = {"file:///opt/a.jar"};
    rule = "local-files";
  }
  SECTION("a version that we cannot read: spark-submit takes no notice of it") {
    app.spec.spark_version = "latest";
    app.spec.image = "spark:latest";
    rule = "spark-version";
  }
  SECTION("a line that we know nothing about, older or newer: spark-submit takes no notice of it either") {
    app.spec.spark_version = GENERATE("3.3.1", "2.4.8", "4.4.0");
    app.spec.image = "spark:latest";
    rule = "spark-line";
  }
  SECTION("a driver outside of the cluster") {
    app.spec.mode = api::DeployMode::Client;
    rule = "mode";
  }
  const auto plan = spark::plan_native_submission(app, options(), kAttempt);
  REQUIRE(plan.has_value());
  REQUIRE(plan->obstacles.size() == 1);
  CHECK(plan->obstacles[0].rule == rule);
  CHECK_FALSE(plan->submission.has_value());
  CHECK(spark::native_obstacles(app, options(), kAttempt).value() == plan->obstacles);
}

TEST_CASE("the same attempt builds the same bytes, another attempt other names", "[spark]") {
  const api::SparkApplication app = load("python-pi");
  auto first = spark::native_submission(app, options(), kAttempt);
  auto again = spark::native_submission(app, options(), kAttempt);
  auto other = spark::native_submission(app, options(), {.submission_id = "other", .time = kAttempt.time});
  REQUIRE((first && again && other));
  CHECK(first->driver_pod == again->driver_pod);
  CHECK(first->children == again->children);
  CHECK(first->app_id != other->app_id);
  for (std::size_t i = 0; i < first->children.size(); ++i)
    CHECK(first->children[i]["metadata"]["name"] != other->children[i]["metadata"]["name"]);
}

TEST_CASE("service links that are off are so in the driver and in the template of its executors", "[spark]") {
  spark::SubmitOptions off = options();
  off.service_links = spark::ServiceLinks::Off;
  auto submission = spark::native_submission(load("python-pi"), off, kAttempt);
  REQUIRE(submission);
  CHECK(submission->driver_pod["spec"]["enableServiceLinks"] == false);
  const std::string children = kube::dump_json(Json(submission->children));
  CHECK(children.find("enableServiceLinks: false") != std::string::npos);
  // Nothing else is different.
  auto usual = spark::native_submission(load("python-pi"), options(), kAttempt);
  submission->driver_pod["spec"].erase("enableServiceLinks");
  CHECK(submission->driver_pod == usual->driver_pod);
}

TEST_CASE("children are owned by the driver pod, whoever owned them before", "[spark]") {
  auto submission = spark::native_submission(load("python-pi"), options(), kAttempt);
  REQUIRE(submission);
  submission->children[0]["metadata"]["ownerReferences"] = Json::array({{{"uid", "old"}}});
  for (const Json& child : spark::with_owner(submission->children, "pi-driver", "u-1"))
    CHECK(child["metadata"]["ownerReferences"] ==
          Json::parse(
              R"([{"apiVersion":"v1","kind":"Pod","name":"pi-driver","uid":"u-1","controller":true}])"));
}

TEST_CASE("the driver pod is controlled by its application from birth", "[spark]") {
  auto submission = spark::native_submission(load("python-pi"), options(), kAttempt);
  REQUIRE(submission);
  const Json& owners = submission->driver_pod["metadata"]["ownerReferences"];
  REQUIRE(owners.size() == 1);
  CHECK(owners[0]["uid"] == "7d1c3a52-0000-4000-8000-000000000001");
  CHECK(owners[0]["controller"] == true);
  CHECK(owners[0]["kind"] == "SparkApplication");
}

#include "spark/batch/batch_scheduler.h"

#include <catch2/catch.hpp>

#include "spark/native_submission.h"
#include "spark/pod_mutation.h"

using kube::Json;
using Kind = spark::ChosenScheduler::Kind;

namespace {

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.metadata.uid = "u";
  app.spec.spark_version = "3.5.7";
  app.spec.image = "spark:3.5.7";
  app.spec.mode = api::DeployMode::Cluster;
  app.spec.main_application_file = "local:///a.jar";
  app.spec.main_class = "P";
  return app;
}

const spark::BatchSchedulers kAll{.enabled = true, .by_default = "", .kube_schedulers = {"gang"}};

spark::BatchSchedulers with_default(std::string name) {
  spark::BatchSchedulers schedulers = kAll;
  schedulers.by_default = std::move(name);
  return schedulers;
}

}  // namespace

TEST_CASE("the spec names the scheduler, else the flag does, and nothing does unless it is enabled",
          "[batch]") {
  auto app = application();
  CHECK(spark::choose_batch_scheduler(app.spec, kAll)->kind == Kind::None);
  CHECK(spark::choose_batch_scheduler(app.spec, with_default("volcano"))->kind == Kind::Volcano);
  app.spec.batch_scheduler = "";
  CHECK(spark::choose_batch_scheduler(app.spec, with_default("yunikorn"))->kind == Kind::YuniKorn);
  app.spec.batch_scheduler = "gang";
  CHECK(spark::choose_batch_scheduler(app.spec, with_default("volcano"))->kind == Kind::KubeScheduler);
  CHECK(spark::choose_batch_scheduler(app.spec, {})->kind == Kind::None);
  app.spec.batch_scheduler = "other";
  const auto unknown = spark::choose_batch_scheduler(app.spec, kAll);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message().find("got \"other\"") != std::string::npos);
}

TEST_CASE("a kube-scheduler may bear any name, also that of another scheduler", "[batch]") {
  spark::BatchSchedulers schedulers{.enabled = true, .by_default = "", .kube_schedulers = {"volcano"}};
  auto app = application();
  app.spec.batch_scheduler = "volcano";
  CHECK(spark::choose_batch_scheduler(app.spec, schedulers)->kind == Kind::KubeScheduler);
  CHECK((**spark::pod_group(app, schedulers))["apiVersion"] == "scheduling.x-k8s.io/v1alpha1");
  CHECK(schedulers.knows("volcano"));
  CHECK_FALSE(schedulers.knows("gang"));
}

TEST_CASE("fault 20: the scheduler of the flag reaches driver and executors", "[batch]") {
  const std::string name = GENERATE("volcano", "yunikorn", "gang");
  spark::SubmitOptions options;
  options.master_url = "k8s://https://10.96.0.1:443";
  options.batch = with_default(name);
  const spark::Attempt attempt{.submission_id = "id", .time = {}};
  const auto submission = spark::native_submission(application(), options, attempt);
  REQUIRE(submission);
  CHECK(submission->driver_pod["spec"]["schedulerName"] == name);
  const auto prepared = spark::prepare_application(application(), options, attempt);
  REQUIRE(prepared);
  const auto executors = spark::executor_pod_template(*prepared, options);
  REQUIRE(executors);
  CHECK((*executors)["spec"]["schedulerName"] == name);
}

TEST_CASE("a disabled batch scheduler leaves pods as they are asked for", "[batch]") {
  auto app = application();
  app.spec.batch_scheduler = "yunikorn";
  const auto prepared = spark::prepare_application(app, {}, {.submission_id = "id", .time = {}});
  REQUIRE(prepared);
  CHECK(prepared->spec.driver.annotations.empty());
  CHECK_FALSE(spark::pod_group(app, {})->has_value());
}

TEST_CASE("task groups that a user has written are kept to the letter", "[batch]") {
  auto app = application();
  app.spec.batch_scheduler = "yunikorn";
  const std::string mine = "[{\n  \"name\": \"mine\",\n  \"minMember\": 1\n}]";
  SECTION("in the driver's annotations") {
    app.spec.driver.annotations["yunikorn.apache.org/task-groups"] = mine;
  }
  SECTION("in sparkConf") {
    app.spec.spark_conf["spark.kubernetes.driver.annotation.yunikorn.apache.org/task-groups"] = mine;
  }
  spark::SubmitOptions options;
  options.master_url = "k8s://https://10.96.0.1:443";
  options.batch = kAll;
  const auto submission = spark::native_submission(app, options, {.submission_id = "id", .time = {}});
  REQUIRE(submission);
  const Json& annotations = submission->driver_pod["metadata"]["annotations"];
  CHECK(annotations["yunikorn.apache.org/task-groups"] == mine);
  CHECK_FALSE(annotations.contains("yunikorn.apache.org/task-group-name"));
}

TEST_CASE("groups are named as the user has named the pods' groups", "[batch]") {
  auto app = application();
  app.spec.batch_scheduler = "yunikorn";
  app.spec.driver.annotations["yunikorn.apache.org/task-group-name"] = "first";
  app.spec.executor.annotations["yunikorn.apache.org/task-group-name"] = "rest";
  REQUIRE(spark::mark_for_batch_scheduler(app, kAll));
  const Json groups = Json::parse(app.spec.driver.annotations["yunikorn.apache.org/task-groups"]);
  CHECK(groups[0]["name"] == "first");
  CHECK(groups[1]["name"] == "rest");
  CHECK(app.spec.executor.annotations["yunikorn.apache.org/task-group-name"] == "rest");
}

TEST_CASE("a Volcano group that the user has named is the user's to make", "[batch]") {
  auto app = application();
  app.spec.batch_scheduler = "volcano";
  app.spec.driver.annotations["scheduling.k8s.io/group-name"] = "mine";
  CHECK_FALSE(spark::pod_group(app, kAll)->has_value());
  REQUIRE(spark::mark_for_batch_scheduler(app, kAll));
  CHECK(app.spec.driver.annotations["scheduling.k8s.io/group-name"] == "mine");
  CHECK(app.spec.executor.annotations.empty());
}

TEST_CASE("fault 21: sizes without a suffix and in sparkConf count for YuniKorn", "[batch]") {
  auto app = application();
  app.spec.batch_scheduler = "yunikorn";
  app.spec.driver.memory = "1024";
  app.spec.spark_conf = {{"spark.executor.memory", "2g"},
                         {"spark.memory.offHeap.enabled", "False"},
                         {"spark.memory.offHeap.size", "9g"}};
  REQUIRE(spark::mark_for_batch_scheduler(app, kAll));
  const Json groups = Json::parse(app.spec.driver.annotations["yunikorn.apache.org/task-groups"]);
  CHECK(groups[0]["minResource"]["memory"] == "1408Mi");
  CHECK(groups[1]["minResource"]["memory"] == "2432Mi");
  // And those that Spark would refuse too are refused before a driver is made.
  app.spec.driver.annotations.clear();
  app.spec.driver.memory = "1.5g";
  const auto refused = spark::mark_for_batch_scheduler(app, kAll);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().starts_with(
      "failed to process batch scheduler: failed to calculate driver minResources: spark.driver.memory"));
}

#include "api/defaults.h"

#include <catch2/catch.hpp>

using api::with_defaults;

TEST_CASE("an empty spec gets every default", "[api]") {
  const auto spec = with_defaults({});
  CHECK(spec.type == api::ApplicationType::Scala);
  CHECK(spec.mode == api::DeployMode::Cluster);
  CHECK(spec.restart_policy.type == api::RestartPolicyType::Never);
  CHECK_FALSE(spec.restart_policy.on_failure_retry_interval);
  CHECK(spec.driver.cores == 1);
  CHECK(spec.driver.memory == "1g");
  CHECK(spec.executor.cores == 1);
  CHECK(spec.executor.memory == "1g");
  CHECK(spec.executor.instances == 1);
  CHECK_FALSE(spec.dynamic_allocation);
}

TEST_CASE("applying defaults twice changes nothing", "[api]") {
  api::SparkApplicationSpec spec;
  spec.restart_policy.type = api::RestartPolicyType::Always;
  spec.dynamic_allocation.emplace().enabled = true;
  CHECK(with_defaults(with_defaults(spec)) == with_defaults(spec));
}

TEST_CASE("retry intervals default to five seconds where they are used, retry counts do not", "[api]") {
  const auto type = GENERATE(api::RestartPolicyType::Always, api::RestartPolicyType::OnFailure);
  api::SparkApplicationSpec spec;
  spec.restart_policy.type = type;
  spec.restart_policy.on_failure_retry_interval = 30;
  const auto done = with_defaults(spec);
  CHECK(done.restart_policy.on_failure_retry_interval == 30);
  CHECK(done.restart_policy.on_submission_failure_retry_interval == 5);
  CHECK_FALSE(done.restart_policy.on_failure_retries);
  CHECK_FALSE(done.restart_policy.on_submission_failure_retries);
}

TEST_CASE("a sparkConf key keeps its field unset, even with an empty value", "[api]") {
  api::SparkApplicationSpec spec;
  spec.spark_conf = {{"spark.driver.cores", ""}, {"spark.executor.memory", "4g"}};
  const auto done = with_defaults(spec);
  CHECK_FALSE(done.driver.cores);
  CHECK(done.driver.memory == "1g");
  CHECK(done.executor.cores == 1);
  CHECK_FALSE(done.executor.memory);
}

TEST_CASE("the number of executors is left to whoever decides on it", "[api]") {
  struct Row {
    const char* why;
    api::StringMap conf;
    std::optional<std::int32_t> instances;
  };
  const auto row = GENERATE(values<Row>({
      {"nobody says", {}, 1},
      {"sparkConf says", {{"spark.executor.instances", "3"}}, std::nullopt},
      {"sparkConf says nothing", {{"spark.executor.instances", ""}}, 1},
      {"dynamic allocation in Spark's spelling", {{"spark.dynamicAllocation.enabled", "true"}}, std::nullopt},
      {"dynamic allocation in the spelling of old manifests",
       {{"spark.dynamicallocation.enabled", "T"}},
       std::nullopt},
      {"Spark's spelling wins",
       {{"spark.dynamicAllocation.enabled", "false"}, {"spark.dynamicallocation.enabled", "true"}},
       1},
      {"text that is no boolean", {{"spark.dynamicAllocation.enabled", "yes"}}, 1},
  }));
  INFO(row.why);
  api::SparkApplicationSpec spec;
  spec.spark_conf = row.conf;
  CHECK(with_defaults(spec).executor.instances == row.instances);
}

TEST_CASE("the dynamicAllocation field decides where it is present", "[api]") {
  api::SparkApplicationSpec spec;
  spec.spark_conf["spark.dynamicAllocation.enabled"] = "true";
  spec.dynamic_allocation.emplace();
  CHECK_FALSE(api::dynamic_allocation_enabled(spec));
  CHECK(with_defaults(spec).executor.instances == 1);
  CHECK_FALSE(with_defaults(spec).dynamic_allocation->shuffle_tracking_enabled);

  spec.dynamic_allocation->enabled = true;
  CHECK_FALSE(with_defaults(spec).executor.instances);
  CHECK(with_defaults(spec).dynamic_allocation->shuffle_tracking_enabled == true);
  spec.dynamic_allocation->shuffle_tracking_enabled = false;
  CHECK(with_defaults(spec).dynamic_allocation->shuffle_tracking_enabled == false);
  spec.executor.instances = 7;
  CHECK(with_defaults(spec).executor.instances == 7);
}

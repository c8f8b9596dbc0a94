#include "spark/conf_faults.h"

#include <catch2/catch.hpp>

namespace {

struct Row {
  const char* why;
  kube::Json spec;
  const char* faults;  // as api::describe() says them
};

std::string described(const kube::Json& given) {
  kube::Json spec = {{"type", "Scala"}, {"sparkVersion", "3.5.7"}};
  spec["driver"] = spec["executor"] = kube::Json::object();
  spec.merge_patch(given);
  const auto decoded = kube::decode<api::SparkApplicationSpec>(spec);
  REQUIRE(decoded);
  return api::describe(spark::conf_faults(*decoded, "spec"));
}

kube::Json conf(std::initializer_list<std::pair<std::string, std::string>> entries,
                kube::Json spec = kube::Json::object()) {
  for (const auto& [key, value] : entries) spec["sparkConf"][key] = value;
  return spec;
}

}  // namespace

TEST_CASE("sparkConf is refused where Spark would refuse it, and nowhere else", "[spark]") {
  const std::vector<Row> rows{
      {"nothing said", conf({}), ""},
      {"what Spark reads",
       conf({{"spark.driver.memory", "2g"},
             {"spark.executor.memoryOverhead", "384"},
             {"spark.driver.cores", "2"},
             {"spark.kubernetes.driver.request.cores", "0.5"},
             {"spark.kubernetes.executor.limit.cores", "1200m"},
             {"spark.executor.instances", "3"},
             {"spark.kubernetes.memoryOverheadFactor", "0.2"},
             {"spark.dynamicAllocation.enabled", "True"},
             {"spark.dynamicAllocation.minExecutors", "1"},
             {"spark.dynamicAllocation.maxExecutors", "1"}}),
       ""},
      {"a fraction of a size", conf({{"spark.driver.memory", "1.5g"}}),
       "spec.sparkConf[spark.driver.memory]: expected digits and a unit such as 512m or 2g"},
      {"a unit of Kubernetes", conf({{"spark.executor.memoryOverhead", "1Gi"}}),
       "spec.sparkConf[spark.executor.memoryOverhead]: expected digits and a unit such as 512m or 2g"},
      {"what a field replaces", conf({{"spark.driver.memory", "1.5g"}}, {{"driver", {{"memory", "2g"}}}}),
       ""},
      {"what only Spark can resolve", conf({{"spark.driver.memory", "${env:HEAP}"}}), ""},
      {"nothing as a value", conf({{"spark.driver.memory", ""}}), ""},
      {"cores", conf({{"spark.executor.cores", "one"}}),
       "spec.sparkConf[spark.executor.cores]: expected a whole number"},
      {"a quantity", conf({{"spark.kubernetes.driver.limit.cores", "2 cores"}}),
       "spec.sparkConf[spark.kubernetes.driver.limit.cores]: expected a quantity such as 500m or 2"},
      {"executors", conf({{"spark.executor.instances", "2.0"}}),
       "spec.sparkConf[spark.executor.instances]: expected a whole number"},
      {"a factor below zero", conf({{"spark.executor.memoryOverheadFactor", "-1"}}),
       "spec.sparkConf[spark.executor.memoryOverheadFactor]: expected a number from 0 on, such as 0.1"},
      {"a switch", conf({{"spark.dynamicAllocation.enabled", "yes"}}),
       "spec.sparkConf[spark.dynamicAllocation.enabled]: expected true or false"},
      {"bounds that contradict each other, in sparkConf",
       conf({{"spark.dynamicAllocation.enabled", "true"},
             {"spark.dynamicAllocation.minExecutors", "5"},
             {"spark.dynamicAllocation.maxExecutors", "2"}}),
       "spec.sparkConf[spark.dynamicAllocation.minExecutors]: must not exceed "
       "spec.sparkConf[spark.dynamicAllocation.maxExecutors] (5 > 2)"},
      {"bounds without dynamic allocation",
       conf({{"spark.dynamicAllocation.minExecutors", "5"}, {"spark.dynamicAllocation.maxExecutors", "2"}}),
       ""},
      {"one bound in the field, one in sparkConf",
       conf({{"spark.dynamicAllocation.maxExecutors", "2"}},
            {{"dynamicAllocation", {{"enabled", true}, {"minExecutors", 3}}}}),
       "spec.dynamicAllocation.minExecutors: must not exceed "
       "spec.sparkConf[spark.dynamicAllocation.maxExecutors] (3 > 2)"},
      {"a field that is off leaves sparkConf's switch on",
       conf({{"spark.dynamicAllocation.enabled", "true"}, {"spark.dynamicAllocation.maxExecutors", "-2"}},
            {{"dynamicAllocation", {{"enabled", false}, {"minExecutors", 3}}}}),
       "spec.sparkConf[spark.dynamicAllocation.maxExecutors]: must not be negative, is -2"},
      {"off-heap memory that is on",
       conf({{"spark.memory.offHeap.enabled", "true"}, {"spark.memory.offHeap.size", "much"}}),
       "spec.sparkConf[spark.memory.offHeap.size]: expected digits and a unit such as 512m or 2g"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(described(row.spec) == row.faults);
  }
}

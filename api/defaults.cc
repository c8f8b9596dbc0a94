#include "api/defaults.h"

#include <algorithm>
#include <cctype>

#include "api/constants.h"

namespace api {
namespace {

constexpr std::int64_t kRetryInterval = 5;  // seconds
constexpr std::int32_t kCores = 1;
constexpr const char* kMemory = "1g";

// What Go's strconv.ParseBool or Spark's own reader takes for true.
bool is_true(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text == "true" || text == "t" || text == "1";
}

void default_pod(SparkPodSpec& pod, const StringMap& conf, const char* cores_key, const char* memory_key) {
  // A key that is there counts even with an empty value: Spark, not we, complains about it then.
  if (!pod.cores && !conf.contains(cores_key)) pod.cores = kCores;
  if (!pod.memory && !conf.contains(memory_key)) pod.memory = kMemory;
}

}  // namespace

bool dynamic_allocation_enabled(const SparkApplicationSpec& spec) {
  if (spec.dynamic_allocation) return spec.dynamic_allocation->enabled.value_or(false);
  for (const char* key : {spark_conf::kDynamicAllocation, spark_conf::kDynamicAllocationLowerCase})
    if (const auto found = spec.spark_conf.find(key); found != spec.spark_conf.end())
      return is_true(found->second);
  return false;
}

SparkApplicationSpec with_defaults(SparkApplicationSpec spec) {
  if (!spec.type) spec.type = ApplicationType::Scala;
  if (!spec.mode) spec.mode = DeployMode::Cluster;

  RestartPolicy& restart = spec.restart_policy;
  if (!restart.type) restart.type = RestartPolicyType::Never;
  if (*restart.type != RestartPolicyType::Never) {
    if (!restart.on_failure_retry_interval) restart.on_failure_retry_interval = kRetryInterval;
    if (!restart.on_submission_failure_retry_interval)
      restart.on_submission_failure_retry_interval = kRetryInterval;
  }

  const StringMap& conf = spec.spark_conf;
  default_pod(spec.driver, conf, spark_conf::kDriverCores, spark_conf::kDriverMemory);
  default_pod(spec.executor, conf, spark_conf::kExecutorCores, spark_conf::kExecutorMemory);

  const bool dynamic = dynamic_allocation_enabled(spec);
  const auto instances = conf.find(spark_conf::kExecutorInstances);
  const bool configured = instances != conf.end() && !instances->second.empty();
  if (!spec.executor.instances && !configured && !dynamic) spec.executor.instances = 1;
  if (dynamic && spec.dynamic_allocation && !spec.dynamic_allocation->shuffle_tracking_enabled)
    spec.dynamic_allocation->shuffle_tracking_enabled = true;
  return spec;
}

}  // namespace api

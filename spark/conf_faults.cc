#include "spark/conf_faults.h"

#include <optional>

#include "kube/core/quantity.h"
#include "spark/spark_conf.h"

namespace spark {

namespace {

using Faults = std::vector<api::Fault>;

const std::string kDynamic = "spark.dynamicAllocation.";

// sparkConf of one application, read key by key.
class ConfReader {
 public:
  ConfReader(const api::SparkApplicationSpec& spec, const std::string& path, Faults& faults)
      : path_(path + ".sparkConf["), faults_(faults) {
    for (const auto& [key, value] : spec.spark_conf)
      if (!value.empty() && value.find("${") == std::string::npos) conf_.set(key, value);
  }

  std::string where(const std::string& key) const { return path_ + key + "]"; }
  void refuse(const std::string& key, std::string message) { faults_.push_back({where(key), message}); }

  void memory(const std::string& key) {
    if (!conf_.get_memory(key, ByteUnit::MiB)) refuse(key, "expected digits and a unit such as 512m or 2g");
  }
  void quantity(const std::string& key) {
    const auto text = conf_.raw(key);
    if (text && !kube::Quantity::parse(*text)) refuse(key, "expected a quantity such as 500m or 2");
  }
  std::optional<std::int64_t> whole(const std::string& key) {
    const auto number = conf_.get_int(key);
    if (number) return *number;
    refuse(key, "expected a whole number");
    return std::nullopt;
  }
  void factor(const std::string& key) {
    const auto number = conf_.get_double(key);
    if (!number || number->value_or(0) < 0) refuse(key, "expected a number from 0 on, such as 0.1");
  }
  bool flag(const std::string& key) {
    const auto value = conf_.get_bool(key);
    if (!value) refuse(key, "expected true or false");
    return value && value->value_or(false);
  }

 private:
  const std::string path_;
  Faults& faults_;
  SparkConf conf_;
};

void check_role(ConfReader& conf, const std::string& role, const api::SparkPodSpec& pod) {
  const std::string own = "spark." + role + ".", kubernetes = "spark.kubernetes." + role + ".";
  if (!pod.memory) conf.memory(own + "memory");
  if (!pod.memory_overhead) conf.memory(own + "memoryOverhead");
  if (!pod.cores) (void)conf.whole(own + "cores");
  if (!pod.core_request) conf.quantity(kubernetes + "request.cores");
  if (!pod.core_limit) conf.quantity(kubernetes + "limit.cores");
  conf.factor(own + "memoryOverheadFactor");
}

// A bound of dynamic allocation, and where it was said.
struct Bound {
  std::optional<std::int64_t> count;
  std::string path;
  bool in_conf;
};

Bound bound_of(ConfReader& conf, const std::string& field, std::optional<std::int32_t> typed,
               const std::string& path) {
  if (typed) return {*typed, path + ".dynamicAllocation." + field, false};
  return {conf.whole(kDynamic + field), conf.where(kDynamic + field), true};
}

void check_dynamic_allocation(ConfReader& conf, const api::SparkApplicationSpec& spec,
                              const std::string& path, Faults& faults) {
  const bool in_conf = conf.flag(kDynamic + "enabled");
  const bool in_field = spec.dynamic_allocation && spec.dynamic_allocation->enabled.value_or(false);
  // The field's numbers reach Spark only where the field switches it on.
  const api::DynamicAllocation typed = in_field ? *spec.dynamic_allocation : api::DynamicAllocation();
  const Bound least = bound_of(conf, "minExecutors", typed.min_executors, path);
  const Bound most = bound_of(conf, "maxExecutors", typed.max_executors, path);
  const Bound first = bound_of(conf, "initialExecutors", typed.initial_executors, path);
  if (!in_conf && !in_field) return;
  for (const Bound* bound : {&least, &most, &first})
    if (bound->in_conf && bound->count.value_or(0) < 0)
      faults.push_back({bound->path, "must not be negative, is " + std::to_string(*bound->count)});
  // Two typed fields are for api/validation.h to compare.
  if ((least.in_conf || most.in_conf) && least.count && most.count && *least.count > *most.count)
    faults.push_back({least.path, "must not exceed " + most.path + " (" + std::to_string(*least.count) +
                                      " > " + std::to_string(*most.count) + ")"});
}

}  // namespace

std::vector<api::Fault> conf_faults(const api::SparkApplicationSpec& spec, const std::string& path) {
  Faults faults;
  if (spec.spark_conf.empty()) return faults;
  ConfReader conf(spec, path, faults);
  check_role(conf, "driver", spec.driver);
  check_role(conf, "executor", spec.executor);
  if (!spec.executor.instances) (void)conf.whole("spark.executor.instances");
  conf.factor("spark.kubernetes.memoryOverheadFactor");
  conf.memory("spark.executor.pyspark.memory");
  if (conf.flag("spark.memory.offHeap.enabled")) conf.memory("spark.memory.offHeap.size");
  check_dynamic_allocation(conf, spec, path, faults);
  return faults;
}

}  // namespace spark

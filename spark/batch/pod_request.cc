#include "spark/batch/pod_request.h"

#include <algorithm>

#include "api/constants.h"
#include "api/defaults.h"
#include "spark/spark_conf.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Quantity;

namespace {

constexpr std::int64_t kMinOverheadMiB = 384;

bool on_jvm_only(const api::SparkApplicationSpec& spec) {
  const auto type = spec.type.value_or(api::ApplicationType::Scala);
  return type == api::ApplicationType::Java || type == api::ApplicationType::Scala;
}

// sparkConf and over it the typed fields, as the argument list has them.
SparkConf conf_of(const api::SparkApplicationSpec& spec) {
  SparkConf conf;
  for (const auto& [key, value] : spec.spark_conf) conf.set(key, value);
  if (spec.memory_overhead_factor && !spec.memory_overhead_factor->empty())
    conf.set_if_missing("spark.kubernetes.memoryOverheadFactor", *spec.memory_overhead_factor);
  const auto role = [&](const std::string& name, const api::SparkPodSpec& pod) {
    const std::string spark = "spark." + name + ".", kubernetes = "spark.kubernetes." + name + ".";
    if (pod.cores) conf.set(spark + "cores", std::to_string(*pod.cores));
    if (pod.core_request) conf.set(kubernetes + "request.cores", *pod.core_request);
    if (pod.core_limit) conf.set(kubernetes + "limit.cores", *pod.core_limit);
    if (pod.memory) conf.set(spark + "memory", *pod.memory);
    if (pod.memory_overhead) conf.set(spark + "memoryOverhead", *pod.memory_overhead);
  };
  role("driver", spec.driver);
  role("executor", spec.executor);
  if (spec.executor.instances)
    conf.set(api::spark_conf::kExecutorInstances, std::to_string(*spec.executor.instances));
  if (spec.dynamic_allocation && spec.dynamic_allocation->enabled.value_or(false)) {
    const auto set = [&](const char* key, const std::optional<std::int32_t>& count) {
      if (count) conf.set(std::string("spark.dynamicAllocation.") + key, std::to_string(*count));
    };
    set("initialExecutors", spec.dynamic_allocation->initial_executors);
    set("minExecutors", spec.dynamic_allocation->min_executors);
  }
  return conf;
}

// Reads one property after the other and keeps the first error.
class Reader {
 public:
  explicit Reader(const SparkConf& conf) : conf_(conf) {}

  std::int64_t mebibytes(const std::string& key, ByteUnit unit, std::int64_t otherwise) {
    const auto size = kept(conf_.get_memory(key, unit));
    return size ? size->mebibytes() : otherwise;
  }
  std::optional<double> factor(const std::string& key) {
    const auto factor = kept(conf_.get_double(key));
    if (factor && (*factor < 0 || *factor > 1e6)) refuse(key + ": expected a number from 0 on");
    return factor;
  }
  bool flag(const std::string& key) { return kept(conf_.get_bool(key)).value_or(false); }
  bool has(const std::string& key) const { return conf_.contains(key); }
  // The request or the limit, else the cores; as written.
  std::string cpu(const std::string& role, const char* amount) {
    const std::string key = "spark.kubernetes." + role + "." + amount + ".cores";
    auto text = kept(conf_.get(key));
    if (!text) text = kept(conf_.get("spark." + role + ".cores")).value_or("1");
    if (auto parsed = Quantity::parse(*text); !parsed) refuse(key + ": " + parsed.error().message());
    return *text;
  }
  Quantity memory_limit(const std::string& role, const std::string& text) {
    auto quantity = memory_limit_quantity(text);
    auto parsed = quantity ? Quantity::parse(*quantity) : kube::Result<Quantity>(fail(std::move(quantity)));
    if (parsed) return *parsed;
    refuse("spec." + role + ".memoryLimit: " + parsed.error().message());
    return {};
  }
  kube::Result<> result() const { return error_ ? fail(*error_) : kube::Result<>{}; }

 private:
  template <class T>
  std::optional<T> kept(kube::Result<std::optional<T>> value) {
    if (value) return *value;
    if (!error_) error_ = value.error();
    return std::nullopt;
  }
  void refuse(std::string message) {
    if (!error_) error_ = kube::Error(ErrorKind::InvalidInput, std::move(message));
  }

  const SparkConf& conf_;
  std::optional<kube::Error> error_;
};

kube::Result<PodRequest> request_of(const std::string& role, const api::SparkApplicationSpec& given) {
  const api::SparkApplicationSpec spec = api::with_defaults(given);
  const SparkConf conf = conf_of(spec);
  Reader read(conf);
  const std::string prefix = "spark." + role + ".";
  const std::int64_t heap = read.mebibytes(prefix + "memory", ByteUnit::MiB, 1024);
  const double usual =
      read.factor("spark.kubernetes.memoryOverheadFactor").value_or(on_jvm_only(spec) ? 0.1 : 0.4);
  const double factor = read.factor(prefix + "memoryOverheadFactor").value_or(usual);
  const std::int64_t least = read.mebibytes(prefix + "minMemoryOverhead", ByteUnit::MiB, kMinOverheadMiB);
  const double share = std::min(factor * static_cast<double>(heap), 2147483647.0);  // an int in Spark
  const std::int64_t overhead = read.mebibytes(prefix + "memoryOverhead", ByteUnit::MiB,
                                               std::max(static_cast<std::int64_t>(share), least));
  std::int64_t more = 0;
  if (role == "executor") {
    if (spec.type == api::ApplicationType::Python)
      more += read.mebibytes("spark.executor.pyspark.memory", ByteUnit::MiB, 0);
    if (read.flag("spark.memory.offHeap.enabled"))
      more += read.mebibytes("spark.memory.offHeap.size", ByteUnit::Byte, 0);
  }
  PodRequest request;
  request.cpu = read.cpu(role, "request");
  const std::string cpu_limit = read.cpu(role, "limit");
  const api::SparkPodSpec& pod = role == "driver" ? static_cast<const api::SparkPodSpec&>(spec.driver)
                                                  : static_cast<const api::SparkPodSpec&>(spec.executor);
  if (pod.memory_limit) request.memory_limit = read.memory_limit(role, *pod.memory_limit);
  if (auto done = read.result(); !done) return fail(std::move(done));
  // Each is below 2^43 MiB.
  const std::int64_t sum = heap + overhead + more;
  if (sum > (std::int64_t{1} << 43) - 1)
    return fail(ErrorKind::InvalidInput, prefix + "memory: with all that comes on top beyond 8 EiB");
  request.memory = MemorySize::of_mebibytes(sum);
  request.cpu_limit = Quantity::parse(cpu_limit).value();
  if (!pod.memory_limit)
    request.memory_limit = Quantity::of(request.memory.bytes, Quantity::Format::BinarySI);
  return request;
}

}  // namespace

kube::Result<PodRequest> driver_request(const api::SparkApplicationSpec& spec) {
  return request_of("driver", spec);
}

kube::Result<PodRequest> executor_request(const api::SparkApplicationSpec& spec) {
  return request_of("executor", spec);
}

kube::Result<std::int64_t> initial_executors(const api::SparkApplicationSpec& given) {
  const api::SparkApplicationSpec spec = api::with_defaults(given);
  const SparkConf conf = conf_of(spec);
  const auto count = [&](const std::string& key) -> kube::Result<std::int64_t> {
    auto number = conf.get_int(key);
    if (!number) return fail(std::move(number));
    return std::max<std::int64_t>(number->value_or(0), 0);
  };
  auto fixed = count(api::spark_conf::kExecutorInstances);
  if (!fixed || !api::dynamic_allocation_enabled(spec)) return fixed;
  auto first = count("spark.dynamicAllocation.initialExecutors");
  if (!first) return first;
  auto least = count("spark.dynamicAllocation.minExecutors");
  if (!least) return least;
  return std::max({*fixed, *first, *least});
}

kube::Result<TotalRequest> total_request(const api::SparkApplicationSpec& spec) {
  auto driver = driver_request(spec);
  if (!driver) return fail(std::move(driver));
  auto executor = executor_request(spec);
  if (!executor) return fail(std::move(executor));
  auto count = initial_executors(spec);
  if (!count) return fail(std::move(count));
  std::int64_t cpu = 0, memory = 0;
  const auto one_cpu = Quantity::parse(executor->cpu), driver_cpu = Quantity::parse(driver->cpu);
  if (!one_cpu || !driver_cpu || __builtin_mul_overflow(one_cpu->milli_value(), *count, &cpu) ||
      __builtin_mul_overflow(executor->memory.bytes, *count, &memory) ||
      __builtin_add_overflow(memory, driver->memory.bytes, &memory))
    return fail(ErrorKind::InvalidInput, "what all executors request is beyond counting");
  return TotalRequest{*driver_cpu + Quantity::milli(cpu), Quantity::of(memory, Quantity::Format::BinarySI)};
}

}  // namespace spark

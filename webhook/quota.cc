#include "webhook/quota.h"

#include <algorithm>
#include <cstdlib>

#include "api/constants.h"
#include "api/defaults.h"
#include "spark/memory_size.h"

namespace webhook {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Quantity;
using kube::Result;

namespace {

constexpr std::int64_t kMinOverhead = 384ll << 20;

// One pod of the role; what the typed fields leave open is sparkConf's.
struct Role {
  const char* name;  // "driver"
  const api::SparkPodSpec& pod;
  const api::SparkApplicationSpec& spec;

  std::optional<std::string> conf(const std::string& key) const {
    const auto found = spec.spark_conf.find(key);
    if (found == spec.spark_conf.end() || found->second.empty()) return std::nullopt;
    return found->second;
  }
  std::optional<std::string> conf_of_role(const std::string& rest) const {
    return conf("spark." + std::string(name) + "." + rest);
  }
  std::unexpected<kube::Error> wrong(const char* field, const kube::Error& error) const {
    return fail(error.while_doing("spec." + std::string(name) + "." + field));
  }
};

Result<Quantity> cpu(const Role& role, const std::optional<std::string>& given, const char* field) {
  if (given) {
    auto amount = Quantity::parse(*given);
    if (!amount) return role.wrong(field, amount.error());
    return amount;
  }
  if (role.pod.cores) return Quantity::of(*role.pod.cores);
  auto amount = Quantity::parse(role.conf_of_role("cores").value_or("1"));
  if (!amount) return role.wrong("cores", amount.error());
  return amount;
}

Result<std::int64_t> bytes(const Role& role, const std::string& text, const char* field) {
  auto size = spark::parse_memory_size(text, spark::ByteUnit::MiB);
  if (!size) return role.wrong(field, size.error());
  return size->bytes;
}

Result<double> overhead_factor(const Role& role) {
  const auto type = role.spec.type.value_or(api::ApplicationType::Scala);
  const bool on_jvm = type == api::ApplicationType::Java || type == api::ApplicationType::Scala;
  std::optional<std::string> text = role.conf_of_role("memoryOverheadFactor");
  if (!text) text = role.conf("spark.kubernetes.memoryOverheadFactor");
  if (!text) text = role.spec.memory_overhead_factor;
  if (!text || text->empty()) return on_jvm ? 0.1 : 0.4;
  char* end = nullptr;
  const double factor = std::strtod(text->c_str(), &end);
  if (end != text->c_str() + text->size() || !(factor >= 0 && factor < 1e6))
    return fail(ErrorKind::InvalidInput,
                "spec.memoryOverheadFactor: expected a decimal, got \"" + *text + "\"");
  return factor;
}

Result<Quantity> memory(const Role& role) {
  auto heap = bytes(role, role.pod.memory.value_or(role.conf_of_role("memory").value_or("1g")), "memory");
  if (!heap) return fail(heap);
  std::optional<std::string> given = role.pod.memory_overhead;
  if (!given) given = role.conf_of_role("memoryOverhead");
  std::int64_t overhead = 0;
  if (given) {
    auto size = bytes(role, *given, "memoryOverhead");
    if (!size) return fail(size);
    overhead = *size;
  } else {
    auto factor = overhead_factor(role);
    if (!factor) return fail(factor);
    overhead = std::max(static_cast<std::int64_t>(static_cast<double>(*heap) * *factor), kMinOverhead);
  }
  return Quantity::of(*heap, Quantity::Format::BinarySI) + Quantity::of(overhead, Quantity::Format::BinarySI);
}

Result<ResourceAmounts> of_one_pod(const Role& role) {
  const std::string kubernetes = "spark.kubernetes." + std::string(role.name) + ".";
  auto request =
      cpu(role, role.pod.core_request ? role.pod.core_request : role.conf(kubernetes + "request.cores"),
          "coreRequest");
  if (!request) return fail(request);
  auto limit = cpu(role, role.pod.core_limit ? role.pod.core_limit : role.conf(kubernetes + "limit.cores"),
                   "coreLimit");
  if (!limit) return fail(limit);
  auto ram = memory(role);
  if (!ram) return fail(ram);
  Quantity ram_limit = *ram;
  if (role.pod.memory_limit) {
    auto text = spark::memory_limit_quantity(*role.pod.memory_limit);
    auto parsed = text ? Quantity::parse(*text) : fail(text);
    if (!parsed) return role.wrong("memoryLimit", parsed.error());
    ram_limit = *parsed;
  }
  return ResourceAmounts{{"cpu", *request}, {"requests.cpu", *request}, {"limits.cpu", *limit},
                         {"memory", *ram},  {"requests.memory", *ram},  {"limits.memory", ram_limit}};
}

// Executors at the start, as Spark counts them.
std::int64_t executors(const api::SparkApplicationSpec& spec) {
  const auto number = [&](const char* key) -> std::int64_t {
    const auto found = spec.spark_conf.find(key);
    return found == spec.spark_conf.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
  };
  const std::int64_t fixed = spec.executor.instances.value_or(static_cast<std::int32_t>(
      std::clamp<std::int64_t>(number(api::spark_conf::kExecutorInstances), 0, 1 << 30)));
  if (!api::dynamic_allocation_enabled(spec)) return fixed;
  std::int64_t least = number("spark.dynamicAllocation.minExecutors");
  std::int64_t first = number("spark.dynamicAllocation.initialExecutors");
  if (spec.dynamic_allocation) {
    least = spec.dynamic_allocation->min_executors.value_or(0);
    first = spec.dynamic_allocation->initial_executors.value_or(0);
  }
  return std::max({fixed, least, first});
}

}  // namespace

Result<ResourceAmounts> requested_by(const api::SparkApplicationSpec& given) {
  const api::SparkApplicationSpec spec = api::with_defaults(given);
  auto sum = of_one_pod({"driver", spec.driver, spec});
  if (!sum) return sum;
  auto executor = of_one_pod({"executor", spec.executor, spec});
  if (!executor) return executor;
  const std::int64_t count = executors(spec);
  for (auto& [name, amount] : *sum) {
    // Thousandths of a core, whole bytes.
    const bool cores = name.ends_with("cpu");
    const Quantity& one = (*executor)[name];
    std::int64_t total = 0;
    if (__builtin_mul_overflow(cores ? one.milli_value() : one.value(), count, &total))
      return fail(ErrorKind::InvalidInput, "spec.executor: " + name + " of all executors is too large");
    amount += cores ? Quantity::milli(total) : Quantity::of(total, Quantity::Format::BinarySI);
  }
  return sum;
}

ResourceAmounts beyond(ResourceAmounts wanted, const ResourceAmounts& held) {
  for (auto& [name, amount] : wanted) {
    const auto found = held.find(name);
    if (found != held.end()) amount -= found->second;
  }
  std::erase_if(wanted, [](const auto& entry) { return entry.second.sign() <= 0; });
  return wanted;
}

std::optional<std::string> exceeded_quota(const ResourceAmounts& requested, const std::vector<Json>& quotas) {
  const auto amount_at = [](const Json& quota, std::string_view part, std::string_view list,
                            const std::string& name) -> std::optional<Quantity> {
    const Json* value = kube::find_path(quota, {part, list, name});
    if (value == nullptr) return std::nullopt;
    auto parsed = Quantity::parse(value->is_string() ? value->get<std::string>() : kube::dump_json(*value));
    return parsed ? *parsed : Quantity();
  };
  for (const Json& quota : quotas) {
    const Json* scopes = kube::find_path(quota, {"spec", "scopes"});
    if (kube::find_path(quota, {"spec", "scopeSelector"}) != nullptr ||
        (scopes != nullptr && !scopes->empty()))
      continue;
    for (const auto& [name, amount] : requested) {
      // Status lists what the quota controller has taken up.
      if (!amount_at(quota, "status", "hard", name)) continue;
      const Quantity hard = amount_at(quota, "spec", "hard", name).value_or(Quantity());
      const Quantity used = amount_at(quota, "status", "used", name).value_or(Quantity());
      if (amount + used <= hard) continue;
      return kube::string_at(quota, {"metadata", "namespace"}) + "/" +
             kube::string_at(quota, {"metadata", "name"}) + ": " + name + ": " + amount.to_string() +
             " requested, " + used.to_string() + " used, " + hard.to_string() + " allowed";
    }
  }
  return std::nullopt;
}

}  // namespace webhook

#include "webhook/quota.h"

#include <algorithm>

#include "spark/batch/pod_request.h"

namespace webhook {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Quantity;
using kube::Result;

namespace {

// Thousandths of a core.
Result<Quantity> cores(const Quantity& one, std::int64_t pods) {
  std::int64_t total = 0;
  if (__builtin_mul_overflow(one.milli_value(), pods, &total))
    return fail(ErrorKind::InvalidInput, "spec.executor: cpu of all executors is too large");
  return Quantity::milli(total);
}

// Whole bytes.
Result<Quantity> bytes(const Quantity& one, std::int64_t pods) {
  std::int64_t total = 0;
  if (__builtin_mul_overflow(one.value(), pods, &total))
    return fail(ErrorKind::InvalidInput, "spec.executor: memory of all executors is too large");
  return Quantity::of(total, Quantity::Format::BinarySI);
}

// A term of pod affinity or anti-affinity that looks into other namespaces.
bool looks_elsewhere(const Json& affinity) {
  if (affinity.is_array()) return std::ranges::any_of(affinity, looks_elsewhere);
  if (!affinity.is_object()) return false;
  for (const auto& [key, value] : affinity.items()) {
    if (key == "namespaces" && value.is_array() && !value.empty()) return true;
    if (key == "namespaceSelector" && !value.is_null()) return true;
    if (key != "labelSelector" && looks_elsewhere(value)) return true;
  }
  return false;
}

RoleDemand scoped(const api::SparkPodSpec& pod) {
  RoleDemand role;
  role.priority_class = pod.priority_class_name.value_or("");
  if (role.priority_class.empty())
    role.priority_class = kube::string_at(pod.pod_template, {"spec", "priorityClassName"});
  role.terminating = kube::find_path(pod.pod_template, {"spec", "activeDeadlineSeconds"}) != nullptr;
  const Json* of_template = kube::find_path(pod.pod_template, {"spec", "affinity"});
  const Json& affinity = pod.affinity.is_object() || of_template == nullptr ? pod.affinity : *of_template;
  for (const char* kind : {"podAffinity", "podAntiAffinity"})
    if (const Json* terms = kube::find_path(affinity, {kind}); terms != nullptr && looks_elsewhere(*terms))
      role.cross_namespace_affinity = true;
  return role;
}

Result<RoleDemand> of_role(const api::SparkPodSpec& pod, const spark::PodRequest& one, std::int64_t pods) {
  RoleDemand role = scoped(pod);
  auto cpu = cores(Quantity::parse(one.cpu).value(), pods);
  if (!cpu) return fail(std::move(cpu));
  auto cpu_limit = cores(one.cpu_limit, pods);
  if (!cpu_limit) return fail(std::move(cpu_limit));
  auto memory = bytes(Quantity::of(one.memory.bytes), pods);
  if (!memory) return fail(std::move(memory));
  auto memory_limit = bytes(one.memory_limit, pods);
  if (!memory_limit) return fail(std::move(memory_limit));
  role.amounts = {{"cpu", *cpu},       {"requests.cpu", *cpu},       {"limits.cpu", *cpu_limit},
                  {"memory", *memory}, {"requests.memory", *memory}, {"limits.memory", *memory_limit}};
  return role;
}

// Whether pods of a role count for a quota.
class Scopes {
 public:
  explicit Scopes(const Json& quota) {
    if (const Json* scopes = kube::find_path(quota, {"spec", "scopes"}); scopes != nullptr)
      for (const Json& scope : *scopes)
        rules_.push_back({scope.is_string() ? scope.get<std::string>() : "", "Exists", Json::array()});
    if (const Json* rules = kube::find_path(quota, {"spec", "scopeSelector", "matchExpressions"});
        rules != nullptr)
      for (const Json& rule : *rules) {
        const Json* values = kube::find_path(rule, {"values"});
        rules_.push_back({kube::string_at(rule, {"scopeName"}), kube::string_at(rule, {"operator"}),
                          values == nullptr ? Json::array() : *values});
      }
  }

  bool count(const RoleDemand& role) const {
    return std::ranges::all_of(rules_, [&](const Rule& rule) { return counts(rule, role); });
  }

 private:
  struct Rule {
    std::string scope;
    std::string operation;
    Json values;
  };

  static bool counts(const Rule& rule, const RoleDemand& role) {
    if (rule.scope == "NotBestEffort") return true;
    if (rule.scope == "Terminating") return role.terminating;
    if (rule.scope == "NotTerminating") return !role.terminating;
    if (rule.scope == "CrossNamespacePodAffinity") return role.cross_namespace_affinity;
    if (rule.scope != "PriorityClass") return false;
    const bool among = std::ranges::find(rule.values, Json(role.priority_class)) != rule.values.end();
    if (rule.operation == "In") return among;
    if (rule.operation == "NotIn") return !among;
    if (rule.operation == "DoesNotExist") return role.priority_class.empty();
    return !role.priority_class.empty();
  }

  std::vector<Rule> rules_;
};

ResourceAmounts counted(const Demand& demand, const Scopes& scopes) {
  ResourceAmounts sum;
  for (const RoleDemand* role : {&demand.driver, &demand.executors})
    if (scopes.count(*role))
      for (const auto& [name, amount] : role->amounts) sum[name] += amount;
  return sum;
}

std::optional<Quantity> amount_at(const Json& quota, std::string_view part, std::string_view list,
                                  const std::string& name) {
  const Json* value = kube::find_path(quota, {part, list, name});
  if (value == nullptr) return std::nullopt;
  auto parsed = Quantity::parse(value->is_string() ? value->get<std::string>() : kube::dump_json(*value));
  return parsed ? *parsed : Quantity();
}

}  // namespace

Result<Demand> demand_of(const api::SparkApplicationSpec& spec) {
  auto driver = spark::driver_request(spec);
  if (!driver) return fail(std::move(driver));
  auto executor = spark::executor_request(spec);
  if (!executor) return fail(std::move(executor));
  auto count = spark::initial_executors(spec);
  if (!count) return fail(std::move(count));
  auto of_driver = of_role(spec.driver, *driver, 1);
  if (!of_driver) return fail(std::move(of_driver));
  auto of_executors = of_role(spec.executor, *executor, *count);
  if (!of_executors) return fail(std::move(of_executors));
  return Demand{std::move(*of_driver), std::move(*of_executors)};
}

std::optional<std::string> exceeded_quota(const QuotaQuestion& question, const std::vector<Json>& quotas) {
  for (const Json& quota : quotas) {
    const Scopes scopes(quota);
    ResourceAmounts wanted = counted(question.wanted, scopes);
    if (question.held)
      for (const auto& [name, amount] : counted(*question.held, scopes)) wanted[name] -= amount;
    ResourceAmounts pending;
    for (const auto& demand : question.pending)
      for (const auto& [name, amount] : counted(*demand, scopes)) pending[name] += amount;
    for (const auto& [name, amount] : wanted) {
      if (amount.sign() <= 0) continue;
      // Status lists what the quota controller has taken up.
      if (!amount_at(quota, "status", "hard", name)) continue;
      const Quantity hard = amount_at(quota, "spec", "hard", name).value_or(Quantity());
      const Quantity used = amount_at(quota, "status", "used", name).value_or(Quantity());
      const Quantity before = pending[name];
      if (amount + used + before <= hard) continue;
      std::string text = kube::string_at(quota, {"metadata", "namespace"}) + "/" +
                         kube::string_at(quota, {"metadata", "name"}) + ": " + name + ": " +
                         amount.to_string() + " requested, " + used.to_string() + " used, ";
      if (!before.is_zero()) text += before.to_string() + " of applications admitted before, ";
      return text + hard.to_string() + " allowed";
    }
  }
  return std::nullopt;
}

}  // namespace webhook

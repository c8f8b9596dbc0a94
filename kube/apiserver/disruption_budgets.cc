#include "kube/apiserver/disruption_budgets.h"

#include <charconv>
#include <cmath>

#include "kube/core/label_selector.h"

namespace kube::apiserver {

namespace {

bool selects(const Json& budget, const Json& pod) {
  const Json* selector = find_path(budget, {"spec", "selector"});
  auto parsed = LabelSelector::from_json(selector == nullptr ? Json() : *selector);
  const Json* labels = find_path(pod, {"metadata", "labels"});
  return parsed && parsed->matches([&](std::string_view key) -> std::optional<std::string_view> {
    if (labels == nullptr || !labels->is_object()) return std::nullopt;
    const auto found = labels->find(key);
    if (found == labels->end() || !found->is_string()) return std::nullopt;
    return found->get_ref<const std::string&>();
  });
}

bool is_ready(const Json& pod) {
  const Json* conditions = find_path(pod, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Json& condition : *conditions) {
    if (string_at(condition, {"type"}) == "Ready") return string_at(condition, {"status"}) == "True";
  }
  return false;
}

bool is_terminating(const Json& pod) {
  return !string_at(pod, {"metadata", "deletionTimestamp"}).empty();
}

// "40%" of all, rounded up, or a count.
std::int64_t amount_of(const Json& value, std::int64_t all) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  std::int64_t percent = 0;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  return (all * percent + 99) / 100;
}

}  // namespace

Granted<> may_be_evicted(const Store& store, const Json& pod) {
  const std::string phase = string_at(pod, {"status", "phase"});
  // Nothing that anybody counts on is lost with these.
  if (phase == "Succeeded" || phase == "Failed" || phase == "Pending" || is_terminating(pod)) return {};
  const std::string ns = string_at(pod, {"metadata", "namespace"});
  ObjectRef budget;
  for (const ObjectRef& candidate : store.list("poddisruptionbudgets.policy", ns)) {
    if (!selects(candidate->json(), pod)) continue;
    if (budget)
      return refuse(Refusal(500, "InternalError",
                            "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                            "does not support."));
    budget = candidate;
  }
  if (!budget) return {};

  std::int64_t all = 0, healthy = 0;
  for (const ObjectRef& other : store.list("pods", ns)) {
    if (!selects(budget->json(), other->json())) continue;
    const std::string state = string_at(other->json(), {"status", "phase"});
    if (state == "Succeeded" || state == "Failed") continue;
    ++all;
    if (is_ready(other->json()) && !is_terminating(other->json())) ++healthy;
  }
  const Json spec = budget->json().value("spec", Json::object());
  std::int64_t desired = 1;
  if (spec.contains("minAvailable"))
    desired = amount_of(spec["minAvailable"], all);
  else if (spec.contains("maxUnavailable"))
    desired = all - amount_of(spec["maxUnavailable"], all);
  // A pod that is not ready takes nothing from those that are.
  if (!is_ready(pod)) {
    if (string_at(spec, {"unhealthyPodEvictionPolicy"}) == "AlwaysAllow") return {};
    if (desired > 0 && healthy >= desired) return {};
  }
  if (is_ready(pod) && healthy > desired) return {};
  Refusal spent(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
  spent.details() = {
      {"causes",
       {{{"reason", "DisruptionBudget"},
         {"message", "The disruption budget " + budget->key().name + " needs " + std::to_string(desired) +
                         " healthy pods and has " + std::to_string(healthy) + " currently"}}}}};
  return refuse(std::move(spent));
}

}  // namespace kube::apiserver

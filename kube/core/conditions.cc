#include "kube/core/conditions.h"

namespace kube {

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  for (const Condition& condition : conditions)
    if (condition.type == type) return &condition;
  return nullptr;
}

bool is_condition_true(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = find_condition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

bool set_condition(std::vector<Condition>& conditions, Condition condition, TimePoint now) {
  for (Condition& present : conditions) {
    if (present.type != condition.type) continue;
    if (present.status == condition.status) {
      condition.last_transition_time = present.last_transition_time;
    } else if (!condition.last_transition_time) {
      condition.last_transition_time = now;
    }
    if (condition.unknown.is_null()) condition.unknown = present.unknown;
    const bool changed = present != condition;
    present = std::move(condition);
    return changed;
  }
  if (!condition.last_transition_time) condition.last_transition_time = now;
  conditions.push_back(std::move(condition));
  return true;
}

}  // namespace kube

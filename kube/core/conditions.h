// Condition is metav1.Condition, the entry of status.conditions.
//
//   set_condition(status.conditions, {.type = "Ready", .status = "True", .reason = "PodReady"}, now);
//
// lastTransitionTime moves only when the status word changes, as meta.SetStatusCondition does; so a reconcile
// that finds the same state makes the same list and no patch.
//
// Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace kube {

struct Condition {
  std::string type = {};
  std::string status = {};  // "True", "False", "Unknown"
  std::optional<std::int64_t> observed_generation = {};
  std::optional<TimePoint> last_transition_time = {};
  std::string reason = {};
  std::string message = {};
  Json unknown = {};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("type", self.type);
    field("status", self.status);
    field("observedGeneration", self.observed_generation);
    field("lastTransitionTime", self.last_transition_time);
    field("reason", self.reason);
    field("message", self.message);
  }
  bool operator==(const Condition&) const = default;
};

// Null when there is none of that type.
const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type);
bool is_condition_true(const std::vector<Condition>& conditions, std::string_view type);
// Adds or replaces the one of its type. True when anything changed.
bool set_condition(std::vector<Condition>& conditions, Condition condition, TimePoint now);

}  // namespace kube

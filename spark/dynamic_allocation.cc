#include "spark/dynamic_allocation.h"

namespace spark {

std::vector<std::pair<std::string, std::string>> dynamic_allocation_properties(
    const std::optional<api::DynamicAllocation>& dynamic) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!dynamic || !dynamic->enabled.value_or(false)) return out;
  const auto add = [&](const char* key, std::string value) {
    out.emplace_back(std::string("spark.dynamicAllocation.") + key, std::move(value));
  };
  const auto number = [&](const char* key, const auto& value) {
    if (value) add(key, std::to_string(*value));
  };
  add("enabled", "true");
  number("initialExecutors", dynamic->initial_executors);
  number("minExecutors", dynamic->min_executors);
  number("maxExecutors", dynamic->max_executors);
  add("shuffleTracking.enabled", dynamic->shuffle_tracking_enabled.value_or(true) ? "true" : "false");
  number("shuffleTracking.timeout", dynamic->shuffle_tracking_timeout);
  return out;
}

}  // namespace spark

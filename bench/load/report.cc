#include "bench/load/report.h"

#include <algorithm>
#include <cmath>

namespace bench {

double milliseconds(kube::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

Quantiles quantiles(std::vector<kube::Duration> durations) {
  Quantiles result;
  if (durations.empty()) return result;
  std::ranges::sort(durations);
  const auto at = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(durations.size())));
    return milliseconds(durations[std::max<std::size_t>(rank, 1) - 1]);
  };
  return {.count = durations.size(), .p50 = at(0.5), .p90 = at(0.9), .p99 = at(0.99), .max = at(1)};
}

kube::Json Quantiles::to_json() const {
  return {{"count", count}, {"p50_ms", p50}, {"p90_ms", p90}, {"p99_ms", p99}, {"max_ms", max}};
}

kube::Json LoadReport::to_json() const {
  return {{"wanted", wanted},
          {"failures", failures},
          {"first_failure", first_failure},
          {"pods_seen", pods_seen},
          {"submitted_seen", submitted_seen},
          {"writes", writes},
          {"creating_ms", milliseconds(creating)},
          {"all_pods_ms", milliseconds(all_pods)},
          {"all_submitted_ms", milliseconds(all_submitted)},
          {"create", create.to_json()},
          {"pod", pod.to_json()},
          {"submitted", submitted.to_json()}};
}

}  // namespace bench

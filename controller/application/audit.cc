#include "controller/application/audit.h"

namespace controller {

using kube::ObjectKey;
using kube::Result;
using kube::Task;

namespace {

// A look decodes an application and hashes its spec (some 200 µs): so many hold the loop for a few
// milliseconds.
constexpr std::size_t kLooksAtOnce = 20;
constexpr kube::Duration kBreath = std::chrono::milliseconds(10);

}  // namespace

Audit::Audit(kube::Loop& loop, Audited& audited, kube::Log log, kube::MetricsRegistry* metrics)
    : loop_(loop), audited_(audited), log_(std::move(log)), stopping_(loop) {
  if (metrics != nullptr) {
    stuck_ = &metrics->counter("spark_operator_stuck_applications_total",
                               "Applications that nothing was going to wake, found and woken by the audit");
  }
}

Task<Result<>> Audit::run() {
  while (!stopped_) {
    co_await pause(kAuditPeriod);
    const Suspects suspects = co_await look(audited_.keys());
    if (suspects.empty() || stopped_) continue;
    co_await pause(kAuditPatience);
    std::vector<ObjectKey> keys;
    for (const auto& [key, version] : suspects) keys.push_back(key);
    for (const auto& [key, version] : co_await look(std::move(keys))) {
      if (stopped_ || suspects.at(key) != version) continue;
      if (stuck_ != nullptr) stuck_->Increment();
      log_.warn("application stood still and is woken", {{"SparkApplication", key.to_string()}});
      audited_.wake(key);
    }
  }
  co_return Result<>{};
}

void Audit::stop() {
  stopped_ = true;
  stopping_.wake_all();
}

Task<Audit::Suspects> Audit::look(std::vector<ObjectKey> keys) {
  Suspects suspects;
  std::size_t looks = 0;
  for (const ObjectKey& key : keys) {
    if (stopped_) break;
    if (auto version = audited_.stands_still(key)) suspects.emplace(key, std::move(*version));
    if (++looks % kLooksAtOnce == 0) co_await pause(kBreath);
  }
  co_return suspects;
}

Task<> Audit::pause(kube::Duration duration) {
  const kube::SteadyTime end = loop_.after(duration);
  while (!stopped_ && loop_.steady() < end) co_await stopping_.wait_until(end);
}

}  // namespace controller

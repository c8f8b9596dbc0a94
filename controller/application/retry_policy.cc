#include "controller/application/retry_policy.h"

#include <algorithm>

namespace controller {

using kube::Duration;
using kube::TimePoint;

namespace {

// More than what the clocks of one cluster differ by.
constexpr Duration kMostSkew = std::chrono::minutes(10);

// seconds × factor as a Duration, at its limit instead of wrapping.
Duration saturating_seconds(std::int64_t seconds, std::int64_t factor = 1) {
  constexpr std::int64_t limit = Duration::max().count() / 1'000'000'000;
  const __int128 product = static_cast<__int128>(seconds) * factor;
  if (product > limit) return Duration::max();
  if (product < -limit) return -Duration::max();
  return std::chrono::seconds(static_cast<std::int64_t>(product));
}

// interval × 2^(attempts-1), at most `longest`.
Duration doubled(std::int64_t interval, std::int32_t attempts, std::int64_t longest) {
  std::int64_t seconds = std::min(interval, longest);
  for (std::int32_t i = 1; i < attempts && seconds < longest; ++i)
    seconds = seconds > longest / 2 ? longest : seconds * 2;
  return saturating_seconds(seconds);
}

bool within_budget(const api::RestartPolicy& policy, const api::SparkApplicationStatus& status,
                   bool submission) {
  const auto budget = policy.on_infrastructure_failure_retries;
  // Counted only where there is a budget: a budget that came later starts with nothing spent.
  const std::int32_t infrastructure = budget ? status.infrastructure_failures : 0;
  if (infrastructure > budget.value_or(0)) return false;
  if (submission) {
    return policy.on_submission_failure_retries &&
           status.submission_attempts - infrastructure <= *policy.on_submission_failure_retries;
  }
  if (!policy.on_failure_retries && !budget) return false;
  return status.execution_attempts - infrastructure <= policy.on_failure_retries.value_or(0);
}

}  // namespace

Duration in_seconds(std::int64_t seconds) {
  return saturating_seconds(seconds);
}

RetryVerdict retry_verdict(const api::SparkApplicationSpec& spec, const api::SparkApplicationStatus& status,
                           api::State state, TimePoint now) {
  const api::RestartPolicy& policy = spec.restart_policy;
  const auto type = policy.type.value_or(api::RestartPolicyType::Never);
  if (type == api::RestartPolicyType::Never) return {};
  if (state == api::State::Succeeding) return {.allowed = type == api::RestartPolicyType::Always};
  const bool submission = state == api::State::SubmissionFailed;
  if (type == api::RestartPolicyType::OnFailure && !within_budget(policy, status, submission)) return {};
  const std::int64_t interval =
      (submission ? policy.on_submission_failure_retry_interval : policy.on_failure_retry_interval)
          .value_or(5);
  if (!status.last_submission_attempt_time) return {.allowed = true};
  TimePoint from = *status.last_submission_attempt_time;
  Duration wait = saturating_seconds(interval, std::max(1, status.submission_attempts));
  if (policy.max_retry_interval) {
    wait = doubled(interval, status.submission_attempts, *policy.max_retry_interval);
    if (!submission && status.termination_time) from = *status.termination_time;
  }
  if (from > now + kMostSkew) return {.allowed = true};
  return {.allowed = true, .wait = wait == Duration::max() ? wait : kube::saturating_add(from, wait) - now};
}

std::optional<Duration> time_to_live_left(const api::SparkApplicationSpec& spec,
                                          const api::SparkApplicationStatus& status, TimePoint now,
                                          std::optional<std::int64_t> default_seconds) {
  if (!status.termination_time) return std::nullopt;
  std::optional<std::int64_t> seconds = spec.time_to_live_seconds;
  if (!seconds && default_seconds && *default_seconds > 0) seconds = default_seconds;
  if (!seconds) return std::nullopt;
  const Duration lifetime = saturating_seconds(std::max<std::int64_t>(*seconds, 0));
  if (lifetime == Duration::max()) return std::nullopt;
  return kube::saturating_add(*status.termination_time, lifetime) - now;
}

}  // namespace controller

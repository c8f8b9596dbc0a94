#include "controller/application/retry_policy.h"

#include <algorithm>

namespace controller {

using kube::Duration;
using kube::TimePoint;

namespace {

// seconds × factor as a Duration, at its limit instead of wrapping.
Duration saturating_seconds(std::int64_t seconds, std::int64_t factor = 1) {
  constexpr std::int64_t limit = Duration::max().count() / 1'000'000'000;
  const __int128 product = static_cast<__int128>(seconds) * factor;
  if (product > limit) return Duration::max();
  if (product < -limit) return -Duration::max();
  return std::chrono::seconds(static_cast<std::int64_t>(product));
}

}  // namespace

RetryVerdict retry_verdict(const api::SparkApplicationSpec& spec, const api::SparkApplicationStatus& status,
                           api::State state, TimePoint now) {
  const api::RestartPolicy& policy = spec.restart_policy;
  const auto type = policy.type.value_or(api::RestartPolicyType::Never);
  if (type == api::RestartPolicyType::Never) return {};
  if (state == api::State::Succeeding) return {.allowed = type == api::RestartPolicyType::Always};
  const bool submission = state == api::State::SubmissionFailed;
  if (type == api::RestartPolicyType::OnFailure) {
    const auto retries = submission ? policy.on_submission_failure_retries : policy.on_failure_retries;
    const auto attempts = submission ? status.submission_attempts : status.execution_attempts;
    if (!retries || attempts > *retries) return {};
  }
  const std::int64_t interval =
      (submission ? policy.on_submission_failure_retry_interval : policy.on_failure_retry_interval)
          .value_or(5);
  if (!status.last_submission_attempt_time) return {.allowed = true};
  const Duration wait = saturating_seconds(interval, std::max(1, status.submission_attempts));
  return {.allowed = true,
          .wait = wait == Duration::max() ? wait : *status.last_submission_attempt_time + wait - now};
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

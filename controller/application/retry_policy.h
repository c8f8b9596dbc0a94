// When a failed run or submission is tried again: upstream's arithmetic, saturating where upstream's
// overflows.
//
//   RetryVerdict verdict = retry_verdict(app, State::Failing, now);   // spent, due, or due after a wait
//
// N retries are N+1 attempts. The wait is interval × submission attempts, counted from the last submission.
// Where the spec has maxRetryInterval, it is interval × 2^(attempts-1), at most that, counted from the
// failure. Where it has onInfrastructureFailureRetries, runs that the cluster ended have a budget of their
// own and do not count in the others. A last submission or failure that lies ten minutes ahead, since clocks
// were set back, is waited for no longer. Thread: pure.
#pragma once

#include <optional>

#include "api/spark_application.h"
#include "kube/base/clock.h"

namespace controller {

struct RetryVerdict {
  bool allowed = false;
  kube::Duration wait{};  // zero or less: now
};

// `spec` with defaults applied. `state` is Succeeding, Failing or SubmissionFailed.
RetryVerdict retry_verdict(const api::SparkApplicationSpec& spec, const api::SparkApplicationStatus& status,
                           api::State state, kube::TimePoint now);

// Seconds as they stand in a spec, at the limit of a Duration instead of wrapping.
kube::Duration in_seconds(std::int64_t seconds);

// How long a finished application is still kept; nullopt: for ever.
std::optional<kube::Duration> time_to_live_left(const api::SparkApplicationSpec& spec,
                                                const api::SparkApplicationStatus& status,
                                                kube::TimePoint now,
                                                std::optional<std::int64_t> default_seconds);

}  // namespace controller

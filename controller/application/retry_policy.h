// When a failed run or submission is tried again: upstream's arithmetic, saturating where upstream's
// overflows.
//
//   RetryVerdict verdict = retry_verdict(app, State::Failing, now);   // spent, due, or due after a wait
//
// N retries are N+1 attempts. The wait is interval × submission attempts, counted from the last submission.
// Thread: pure.
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

// How long a finished application is still kept; nullopt: for ever.
std::optional<kube::Duration> time_to_live_left(const api::SparkApplicationSpec& spec,
                                                const api::SparkApplicationStatus& status,
                                                kube::TimePoint now,
                                                std::optional<std::int64_t> default_seconds);

}  // namespace controller

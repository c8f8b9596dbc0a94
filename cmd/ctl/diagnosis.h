// diagnose() says in one answer why an application is where it is, and what a person can do about it.
//
//   Diagnosis why = diagnose(evidence, now);
//   why.cause          // "QuotaExceeded": a FailureReason of controller/application, or one of kCauses
//   why.summary        // "the driver is refused: a resource quota of the namespace is spent"
//   why.details, why.advice
//
// The operator's own words (status) come first, since it has seen most; then what its pods say; then what the
// API server would say now. Pure function.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/ctl/evidence.h"

namespace ctl {

struct CauseWords {
  std::string_view name;
  std::string_view meaning;
};
// Besides the reasons of failures.
inline constexpr std::array kCauses{
    CauseWords{"NotFound", "no application of this name is there, and nothing is known of one"},
    CauseWords{
        "TimeToLive",
        "the application ended, and is gone since: its time to live is over, unless somebody deleted it"},
    CauseWords{"Deleted", "the application is gone; its events are still there"},
    CauseWords{"Deleting", "the application is being deleted"},
    CauseWords{"Suspended", "the application is suspended"},
    CauseWords{"WebhookUnavailable", "a webhook that must be asked does not answer"},
    CauseWords{"WaitingInQueue", "the operator has not come to the application yet"},
    CauseWords{"NoOperator", "no operator seems to look at the application"},
    CauseWords{"WaitingForRetry", "the next attempt is due soon"},
    CauseWords{"DriverStarting", "the driver has been created and starts"},
    CauseWords{"ExecutorsPending", "the driver runs, and executors do not start"},
    CauseWords{"Running", "the driver runs"},
    CauseWords{"Completed", "the application has completed"},
    CauseWords{"Working", "the operator is at work"},
};

struct Diagnosis {
  std::string cause;
  std::string summary;
  std::vector<std::string> details;
  std::string advice;  // "" = nothing needs to be done
};

Diagnosis diagnose(const Evidence& seen, kube::TimePoint now);

}  // namespace ctl

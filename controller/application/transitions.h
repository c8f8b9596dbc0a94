// The life of a SparkApplication as one table: every change of state that the controller may write. A change
// that is not in the table is a bug, and next_state() says so; docs/states.md is rendered from it.
//
//   next_state(State::Running, Fact::DriverFailed) == State::Failing
//
// Thread: constants.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/spark_application_status.h"

namespace controller {

using api::State;

// What was found to be true.
enum class Fact {
  SubmitDone,     // driver pod and its children exist
  SubmitRefused,  // the API server definitely said no, or the submission cannot be built
  SpecInvalid,    // no submission can ever be made of this spec
  RetryDue,       // policy and waiting time allow another attempt
  RetriesSpent,   // they do not
  DriverPending,
  DriverRunning,
  DriverSucceeded,
  DriverFailed,
  DriverUnknown,
  DriverLost,        // a live read says that the pod is gone
  StartTimedOut,     // it is pending for longer than the spec allows
  DeadlineExceeded,  // the run takes longer than the spec allows
  RunComplete,       // it succeeded and is not to be repeated
  Suspend,           // spec.suspend was set
  Unsuspend,         // … and was taken back
  SpecChanged,       // the spec is not the one that the last attempt was made from
  Cleaned,           // the driver of the attempt has been told to go
};

struct Transition {
  State from;
  Fact when;
  State to;
};

inline constexpr std::array kFacts{
    Fact::SubmitDone,    Fact::SubmitRefused, Fact::SpecInvalid,      Fact::RetryDue,     Fact::RetriesSpent,
    Fact::DriverPending, Fact::DriverRunning, Fact::DriverSucceeded,  Fact::DriverFailed, Fact::DriverUnknown,
    Fact::DriverLost,    Fact::StartTimedOut, Fact::DeadlineExceeded, Fact::RunComplete,  Fact::Suspend,
    Fact::Unsuspend,     Fact::SpecChanged,   Fact::Cleaned,
};

inline constexpr std::array kTransitions{
    //         from                     when                   to
    Transition{State::New, Fact::SubmitDone, State::Submitted},
    Transition{State::New, Fact::SubmitRefused, State::SubmissionFailed},
    Transition{State::New, Fact::SpecInvalid, State::Failed},
    Transition{State::New, Fact::Suspend, State::Suspending},

    Transition{State::Submitted, Fact::DriverPending, State::Submitted},
    Transition{State::Submitted, Fact::DriverRunning, State::Running},
    Transition{State::Submitted, Fact::DriverSucceeded, State::Succeeding},
    Transition{State::Submitted, Fact::DriverFailed, State::Failing},
    Transition{State::Submitted, Fact::DriverUnknown, State::Unknown},
    Transition{State::Submitted, Fact::DriverLost, State::Failing},
    Transition{State::Submitted, Fact::StartTimedOut, State::Failing},
    Transition{State::Submitted, Fact::DeadlineExceeded, State::Failing},
    Transition{State::Submitted, Fact::Suspend, State::Suspending},
    Transition{State::Submitted, Fact::SpecChanged, State::Invalidating},

    Transition{State::Running, Fact::DriverRunning, State::Running},
    Transition{State::Running, Fact::DriverSucceeded, State::Succeeding},
    Transition{State::Running, Fact::DriverFailed, State::Failing},
    Transition{State::Running, Fact::DriverUnknown, State::Unknown},
    Transition{State::Running, Fact::DriverLost, State::Failing},
    Transition{State::Running, Fact::DeadlineExceeded, State::Failing},
    Transition{State::Running, Fact::Suspend, State::Suspending},
    Transition{State::Running, Fact::SpecChanged, State::Invalidating},

    Transition{State::Unknown, Fact::DriverRunning, State::Running},
    Transition{State::Unknown, Fact::DriverSucceeded, State::Succeeding},
    Transition{State::Unknown, Fact::DriverFailed, State::Failing},
    Transition{State::Unknown, Fact::DriverUnknown, State::Unknown},
    Transition{State::Unknown, Fact::DriverLost, State::Failing},
    Transition{State::Unknown, Fact::DeadlineExceeded, State::Failing},
    Transition{State::Unknown, Fact::Suspend, State::Suspending},
    Transition{State::Unknown, Fact::SpecChanged, State::Invalidating},

    Transition{State::Succeeding, Fact::RunComplete, State::Completed},
    Transition{State::Succeeding, Fact::RetryDue, State::PendingRerun},
    Transition{State::Succeeding, Fact::Suspend, State::Suspending},
    Transition{State::Succeeding, Fact::SpecChanged, State::Invalidating},

    Transition{State::Failing, Fact::RetryDue, State::PendingRerun},
    Transition{State::Failing, Fact::RetriesSpent, State::Failed},
    Transition{State::Failing, Fact::Suspend, State::Suspending},
    Transition{State::Failing, Fact::SpecChanged, State::Invalidating},

    Transition{State::SubmissionFailed, Fact::SubmitDone, State::Submitted},
    Transition{State::SubmissionFailed, Fact::SubmitRefused, State::SubmissionFailed},
    Transition{State::SubmissionFailed, Fact::SpecInvalid, State::Failed},
    Transition{State::SubmissionFailed, Fact::RetriesSpent, State::Failed},
    Transition{State::SubmissionFailed, Fact::Suspend, State::Suspending},
    Transition{State::SubmissionFailed, Fact::SpecChanged, State::Invalidating},

    Transition{State::PendingRerun, Fact::SubmitDone, State::Submitted},
    Transition{State::PendingRerun, Fact::SubmitRefused, State::SubmissionFailed},
    Transition{State::PendingRerun, Fact::SpecInvalid, State::Failed},
    Transition{State::PendingRerun, Fact::Suspend, State::Suspending},
    Transition{State::PendingRerun, Fact::SpecChanged, State::Invalidating},

    Transition{State::Invalidating, Fact::Cleaned, State::PendingRerun},
    Transition{State::Invalidating, Fact::Suspend, State::Suspending},

    Transition{State::Suspending, Fact::Cleaned, State::Suspended},
    Transition{State::Suspended, Fact::Unsuspend, State::Resuming},
    Transition{State::Resuming, Fact::SubmitDone, State::Submitted},
    Transition{State::Resuming, Fact::SubmitRefused, State::SubmissionFailed},
    Transition{State::Resuming, Fact::SpecInvalid, State::Failed},
    Transition{State::Resuming, Fact::Suspend, State::Suspending},

    Transition{State::Completed, Fact::SpecChanged, State::Invalidating},
    Transition{State::Failed, Fact::SpecChanged, State::Invalidating},
};

constexpr std::optional<State> next_state(State from, Fact when) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == from && transition.when == when) return transition.to;
  }
  return std::nullopt;
}

constexpr bool is_deterministic() {
  for (std::size_t i = 0; i < kTransitions.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (kTransitions[i].from == kTransitions[j].from && kTransitions[i].when == kTransitions[j].when)
        return false;
    }
  }
  return true;
}

constexpr bool every_state_reachable() {
  std::array<bool, api::kStates.size()> reached{};
  reached[static_cast<std::size_t>(State::New)] = true;
  for (std::size_t round = 0; round < reached.size(); ++round) {
    for (const Transition& transition : kTransitions) {
      if (reached[static_cast<std::size_t>(transition.from)])
        reached[static_cast<std::size_t>(transition.to)] = true;
    }
  }
  for (bool state : reached) {
    if (!state) return false;
  }
  return true;
}

static_assert(is_deterministic(), "two rows for one state and fact");
static_assert(every_state_reachable(), "a state that nothing leads to");

// The driver of the current attempt is expected to be there.
constexpr bool is_active(State state) {
  return state == State::Submitted || state == State::Running || state == State::Unknown;
}

// The next thing to happen is a submission.
constexpr bool is_before_submission(State state) {
  return state == State::New || state == State::SubmissionFailed || state == State::PendingRerun ||
         state == State::Resuming;
}

std::string_view to_string(Fact fact);

// The table as a Mermaid state diagram, for docs/.
std::string mermaid();

}  // namespace controller

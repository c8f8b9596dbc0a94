#include "controller/application/transitions.h"

namespace controller {

std::string_view to_string(Fact fact) {
  switch (fact) {
    case Fact::SubmitDone:
      return "submitted";
    case Fact::SubmitRefused:
      return "submission refused";
    case Fact::SpecInvalid:
      return "spec invalid";
    case Fact::RetryDue:
      return "retry due";
    case Fact::RetriesSpent:
      return "no retries left";
    case Fact::DriverPending:
      return "driver pending";
    case Fact::DriverRunning:
      return "driver running";
    case Fact::DriverSucceeded:
      return "driver succeeded";
    case Fact::DriverFailed:
      return "driver failed";
    case Fact::DriverUnknown:
      return "driver unknown";
    case Fact::DriverLost:
      return "driver gone";
    case Fact::StartTimedOut:
      return "driver did not start in time";
    case Fact::DeadlineExceeded:
      return "deadline exceeded";
    case Fact::RunComplete:
      return "run complete";
    case Fact::Suspend:
      return "suspended by the user";
    case Fact::Unsuspend:
      return "resumed by the user";
    case Fact::SpecChanged:
      return "spec changed";
    case Fact::Cleaned:
      return "driver deleted";
  }
  return "";
}

std::string mermaid() {
  const auto name = [](State state) {
    return state == State::New ? "NEW" : std::string(api::to_string(state));
  };
  std::string text = "stateDiagram-v2\n  [*] --> NEW\n";
  for (const Transition& transition : kTransitions) {
    if (transition.from == transition.to) continue;
    text += "  " + name(transition.from) + " --> " + name(transition.to) + ": " +
            std::string(to_string(transition.when)) + "\n";
  }
  return text;
}

}  // namespace controller

#include "controller/application/conditions.h"

#include "controller/application/failure_reason.h"

namespace controller {

using api::State;
using kube::Json;

namespace {

constexpr const char* kTrue = "True";
constexpr const char* kFalse = "False";
constexpr const char* kUnknown = "Unknown";

// The same words stand in errorMessage, at full length.
constexpr std::size_t kMessageLimit = 512;

// What a state is to kstatus.
struct Meaning {
  State state;
  const char* ready;
  bool reconciling;
  const char* reason;  // where status.errorMessage has none
  const char* message;
};

constexpr std::array kMeanings{
    Meaning{State::New, kFalse, true, "Pending", "The application waits for its submission"},
    Meaning{State::Submitted, kFalse, true, "DriverPending", "The driver has not started yet"},
    Meaning{State::Running, kTrue, false, "DriverRunning", "The driver runs"},
    Meaning{State::Completed, kTrue, false, "Completed", "The application has completed"},
    Meaning{State::Failed, kFalse, false, "Failed", "The application has failed"},
    Meaning{State::SubmissionFailed, kFalse, true, "SubmissionFailed", "The submission was refused"},
    Meaning{State::PendingRerun, kFalse, true, "PendingRerun", "The application is about to run again"},
    Meaning{State::Invalidating, kFalse, true, "SpecChanged",
            "The spec was changed: the application starts over"},
    Meaning{State::Succeeding, kTrue, false, "DriverCompleted", "The driver has completed"},
    Meaning{State::Failing, kFalse, true, "DriverFailed", "The driver has failed"},
    Meaning{State::Suspending, kFalse, true, "Suspending", "The application is being suspended"},
    Meaning{State::Suspended, kFalse, false, "Suspended", "The application is suspended"},
    Meaning{State::Resuming, kFalse, true, "Resuming", "The application is resumed"},
    Meaning{State::Unknown, kUnknown, false, "DriverUnknown", "Nobody can tell the state of the driver"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kMeanings.size(); ++i) {
    if (static_cast<std::size_t>(kMeanings[i].state) != i) return false;
  }
  return kMeanings.size() == api::kStates.size();
}
static_assert(in_order(), "kMeanings has a row for each state, indexed by it");

bool has_driver(const api::SparkApplicationStatus& status) {
  switch (status.application_state.state) {
    case State::Submitted:
    case State::Running:
    case State::Unknown:
    case State::Succeeding:
    case State::Failing:
    case State::Completed:
      return true;
    case State::Failed:
      return !status.driver_info.pod_name.empty();  // else it was its submission that failed
    default:
      return false;
  }
}

const char* succeeded(State state) {
  if (state == State::Succeeding || state == State::Completed) return kTrue;
  return state == State::Failed ? kFalse : kUnknown;
}

class Writer {
 public:
  Writer(const api::SparkApplicationStatus& next, const std::vector<Json>& before, kube::TimePoint now)
      : next_(next), before_(before), now_(kube::to_rfc3339(std::chrono::floor<std::chrono::seconds>(now))) {
    const Meaning& meaning = kMeanings[static_cast<std::size_t>(next.application_state.state)];
    const std::string& error = next.application_state.error_message;
    const auto reason = reason_in(error);
    reason_ = reason ? std::string(to_string(*reason)) : meaning.reason;
    message_ = error.empty() ? meaning.message : shortened(std::string(sentence_in(error)), kMessageLimit);
  }

  void add(const char* type, const char* status) {
    Json condition{{"type", type},
                   {"status", status},
                   {"reason", reason_},
                   {"message", message_},
                   {"lastTransitionTime", since(type, status)}};
    if (next_.observed_generation > 0) condition["observedGeneration"] = next_.observed_generation;
    conditions_.push_back(std::move(condition));
  }
  std::vector<Json> take() { return std::move(conditions_); }

 private:
  std::string since(const char* type, const char* status) const {
    for (const Json& condition : before_) {
      if (kube::string_at(condition, {"type"}) != type) continue;
      std::string time = kube::string_at(condition, {"lastTransitionTime"});
      if (kube::string_at(condition, {"status"}) == status && !time.empty()) return time;
    }
    return now_;
  }

  const api::SparkApplicationStatus& next_;
  const std::vector<Json>& before_;
  const std::string now_;
  std::string reason_;
  std::string message_;
  std::vector<Json> conditions_;
};

}  // namespace

std::vector<Json> conditions_of(const api::SparkApplicationStatus& next, const std::vector<Json>& before,
                                kube::TimePoint now) {
  const State state = next.application_state.state;
  const Meaning& meaning = kMeanings[static_cast<std::size_t>(state)];
  Writer writer(next, before, now);
  writer.add("Ready", meaning.ready);
  if (meaning.reconciling) writer.add("Reconciling", kTrue);
  if (state == State::Failed) writer.add("Stalled", kTrue);
  writer.add("Submitted", has_driver(next) ? kTrue : kFalse);
  writer.add("Succeeded", succeeded(state));
  return writer.take();
}

}  // namespace controller

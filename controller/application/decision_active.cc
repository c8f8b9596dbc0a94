#include "controller/application/attempt_status.h"
#include "controller/application/decider.h"
#include "controller/application/driver_failure.h"
#include "controller/application/event_texts.h"
#include "controller/application/executors.h"

namespace controller {

using api::SparkApplicationStatus;

namespace {

// How far an attempt has come; status never goes back along it.
int rank(State state) {
  switch (state) {
    case State::Submitted:
      return 0;
    case State::Running:
    case State::Unknown:
      return 1;
    default:
      return 2;
  }
}

Fact fact_of(api::PodState driver) {
  switch (driver) {
    case api::PodState::Pending:
      return Fact::DriverPending;
    case api::PodState::Running:
      return Fact::DriverRunning;
    case api::PodState::Completed:
      return Fact::DriverSucceeded;
    case api::PodState::Failed:
      return Fact::DriverFailed;
    case api::PodState::Unknown:
      return Fact::DriverUnknown;
  }
  return Fact::DriverUnknown;
}

}  // namespace

Decision Decider::active() const {
  const PodView* driver = nullptr;
  for (const PodView& pod : seen_.drivers) {
    if (is_current_driver(app_, pod)) driver = &pod;
  }
  if (driver == nullptr) return {ConfirmDriverGone{}, std::nullopt, {}};

  SparkApplicationStatus status = status_;
  std::vector<Note> notes;
  std::optional<kube::ObjectKey> log_of_driver;
  const Fact fact = fact_of(driver_state(*driver));
  const std::optional<State> next = next_state(state_, fact);
  const bool forward = next && rank(*next) >= rank(state_);
  if (forward && *next != state_) {
    status.application_state.state = *next;
    if (*next == State::Failing) {
      notes.push_back(event(EventReason::SparkDriverFailed, {driver->key.name}, failure_of(*driver)));
      status.application_state.error_message = driver_failure(*driver);
      if (log_is_worth_reading(*driver)) log_of_driver = driver->key;
    } else {
      notes.push_back(driver_note(driver->key.name, *next));
    }
    if (rank(*next) == 2) status.termination_time = whole_seconds(now_);
  }
  track_start(status, *driver, notes);
  status.spark_application_id = driver->app_selector;
  track(status, notes);
  Decision decision;
  if (status != status_) decision.status = std::move(status);
  decision.notes = std::move(notes);
  decision.log_of_driver = std::move(log_of_driver);
  return decision;
}

// Why a driver does not start is in status while it does not. A change of the words alone is not worth a
// write: schedulers change them with every change of the cluster.
void Decider::track_start(SparkApplicationStatus& status, const PodView& driver,
                          std::vector<Note>& notes) const {
  std::string& message = status.application_state.error_message;
  const auto obstacle =
      status.application_state.state == State::Submitted ? start_obstacle(driver) : std::nullopt;
  if (!obstacle) {
    if (is_driver_pending(message)) message.clear();
    return;
  }
  if (reason_in(message) == obstacle->reason) return;
  message = driver_pending(*obstacle);
  notes.push_back(event(EventReason::SparkDriverPending, {driver.key.name}, *obstacle));
}

void Decider::track(SparkApplicationStatus& status, std::vector<Note>& notes) const {
  ExecutorTracking executors =
      track_executors(status, seen_.executors, status.application_state.state, policy_.max_tracked_executors);
  status.executor_state = std::move(executors.states);
  if (!executors.app_selector.empty()) status.spark_application_id = executors.app_selector;
  for (Note& note : executors.notes) notes.push_back(std::move(note));
}

}  // namespace controller

#include "controller/application/attempt_status.h"
#include "controller/application/decider.h"
#include "controller/application/driver_failure.h"
#include "controller/application/event_texts.h"
#include "controller/application/executors.h"
#include "controller/application/retry_policy.h"

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

// Why a driver is to end that takes too long.
std::string driver_late(const PodView& driver, Fact fact, const api::SparkApplicationSpec& spec) {
  if (fact == Fact::DeadlineExceeded) {
    return with_reason("driver ended by the operator",
                       {FailureReason::DeadlineExceeded,
                        "the run takes longer than spec.activeDeadlineSeconds (" +
                            std::to_string(spec.active_deadline_seconds.value_or(0)) + ")"});
  }
  const std::string words = "driver did not start within spec.driver.startTimeoutSeconds (" +
                            std::to_string(spec.driver.start_timeout_seconds.value_or(0)) + ")";
  return with_reason(words, start_obstacle(driver).value_or(
                                Failure{FailureReason::DriverStartTimeout, "its pod does not say why"}));
}

}  // namespace

Decision Decider::active() const {
  const PodView* driver = nullptr;
  for (const PodView& pod : seen_.drivers) {
    if (is_current_driver(app_, pod)) driver = &pod;
  }
  if (driver == nullptr) return {ConfirmDriverGone{}, std::nullopt, {}};

  SparkApplicationStatus status = status_;
  Decision decision;
  const Patience patience = patience_with(*driver);
  const Fact fact = patience.over.value_or(fact_of(driver_state(*driver)));
  const std::optional<State> next = next_state(state_, fact);
  const bool forward = next && rank(*next) >= rank(state_);
  if (forward && *next != state_) {
    status.application_state.state = *next;
    std::optional<FailureReason> reason;
    std::string& message = status.application_state.error_message;
    if (*next == State::Failing && patience.over) {
      message = driver_late(*driver, fact, spec_);
      reason = reason_in(message);
      decision.notes.push_back(event(EventReason::SparkDriverFailed, {driver->key.name}));
    } else if (*next == State::Failing) {
      const Failure failure = failure_of(*driver);
      message = driver_failure(*driver);
      reason = failure.reason;
      if (log_is_worth_reading(*driver)) decision.log_of_driver = driver->key;
      decision.notes.push_back(event(EventReason::SparkDriverFailed, {driver->key.name}, failure));
    } else {
      decision.notes.push_back(driver_note(driver->key.name, *next));
    }
    if (rank(*next) == 2) end_run(spec_, status_, reason, now_, status);
  }
  track_start(status, *driver, decision.notes);
  status.spark_application_id = driver->app_selector;
  track(status, decision.notes);
  if (status != status_) {
    decision.status = std::move(status);
  } else if (patience.left) {
    decision.step = Wait{*patience.left};
  }
  return decision;
}

Decider::Patience Decider::patience_with(const PodView& driver) const {
  Patience patience;
  const auto submitted =
      status_.last_submission_attempt_time ? status_.last_submission_attempt_time : driver.created;
  if (!submitted) return patience;
  const api::PodState state = driver_state(driver);
  const auto limit = [&](std::optional<std::int64_t> seconds, Fact fact) {
    if (!seconds) return;
    const std::int64_t passed = (now_ - *submitted) / std::chrono::seconds(1);
    if (passed >= *seconds) {
      if (!patience.over) patience.over = fact;
      return;
    }
    const auto left = kube::saturating_add(*submitted, in_seconds(*seconds)) - now_;
    if (!patience.left || left < *patience.left) patience.left = left;
  };
  // What has ended has ended in time; it is only seen late.
  if (state == api::PodState::Completed || state == api::PodState::Failed) return patience;
  if (state == api::PodState::Pending && state_ == State::Submitted)
    limit(spec_.driver.start_timeout_seconds, Fact::StartTimedOut);
  limit(spec_.active_deadline_seconds, Fact::DeadlineExceeded);
  return patience;
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

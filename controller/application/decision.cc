#include "controller/application/decision.h"

#include <algorithm>

#include "api/defaults.h"
#include "api/names.h"
#include "controller/application/driver_failure.h"
#include "controller/application/executors.h"
#include "controller/application/retry_policy.h"

namespace controller {

using api::SparkApplication;
using api::SparkApplicationStatus;
using kube::Duration;
using kube::TimePoint;

namespace {

TimePoint whole_seconds(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

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

Note driver_note(const std::string& pod, State state) {
  switch (state) {
    case State::Running:
      return {false, "SparkDriverRunning", "Driver " + pod + " is running"};
    case State::Succeeding:
      return {false, "SparkDriverCompleted", "Driver " + pod + " completed"};
    case State::Failing:
      return {true, "SparkDriverFailed", "Driver " + pod + " failed"};
    case State::Unknown:
      return {true, "SparkDriverUnknown", "Driver " + pod + " in unknown state"};
    default:
      return {false, "SparkDriverPending", "Driver " + pod + " is pending"};
  }
}

Note driver_pending_note(const std::string& pod, const Failure& obstacle) {
  return {false, "SparkDriverPending", with_reason("Driver " + pod + " is pending:", obstacle)};
}

// What the next run must not inherit; ids and counters stay (they belong to the application's whole life).
void clear_run(SparkApplicationStatus& status) {
  status.spark_application_id.clear();
  status.application_state.error_message.clear();
  status.driver_info = {};
  status.executor_state.clear();
}

class Decider {
 public:
  Decider(const SparkApplication& app, const Observation& seen, TimePoint now, const Policy& policy)
      : app_(app),
        seen_(seen),
        now_(now),
        policy_(policy),
        spec_(api::with_defaults(app.spec)),
        status_(app.status),
        state_(app.status.application_state.state),
        next_(next_id(app, policy)) {}

  Decision decide() {
    if (app_.metadata.deletion_timestamp) return delete_all();
    if (auto stray = look_for_strays()) return *stray;
    if (spec_.suspend.value_or(false) && !api::is_terminal(state_) && state_ != State::Suspending &&
        state_ != State::Suspended) {
      return to(Fact::Suspend);
    }
    if (spec_changed()) return to(Fact::SpecChanged);
    if (is_before_submission(state_)) return before_submission();
    if (is_active(state_)) return active();
    switch (state_) {
      case State::Succeeding:
        return succeeding();
      case State::Failing:
        return failing();
      case State::Invalidating:
        return invalidating();
      case State::Suspending:
        return suspending();
      case State::Suspended:
        if (!spec_.suspend.value_or(false) && current_id().empty()) {
          return to(Fact::Unsuspend);
        }
        return {};
      default:
        return terminal();
    }
  }

 private:
  // ---- steps

  Decision patch(SparkApplicationStatus status) const {
    Decision decision;
    decision.status = std::move(status);
    return decision;
  }

  Decision to(Fact fact) const {
    SparkApplicationStatus status = status_;
    status.application_state.state = next_state(state_, fact).value_or(state_);
    Decision decision = patch(std::move(status));
    if (fact == Fact::Suspend) {
      decision.notes.push_back(
          {true, "SparkApplicationSuspending", "SparkApplication " + name() + " is suspending"});
    }
    if (fact == Fact::Unsuspend) {
      decision.notes.push_back(
          {true, "SparkApplicationResuming", "SparkApplication " + name() + " is resuming"});
    }
    return decision;
  }

  static DeleteDriver deletion(const PodView& pod) { return {pod.key, pod.uid, std::nullopt}; }

  // ---- rules

  Decision delete_all() const {
    for (const PodView& pod : seen_.drivers) {
      if (!pod.terminating) return {deletion(pod), std::nullopt, {}};
    }
    return {};
  }

  std::optional<Decision> look_for_strays() const {
    for (const PodView& pod : seen_.drivers) {
      const bool current = !pod.submission_id.empty() && pod.submission_id == status_.submission_id;
      const bool next = api::same_link(pod.submission_id, next_);
      if (next && !is_before_submission(state_) && !is_active(state_)) {
        // No submission is due, so nobody will adopt it: its id is used up first, then it may be deleted.
        SparkApplicationStatus status = status_;
        status.submission_id = pod.submission_id;
        return patch(std::move(status));
      }
      if (pod.terminating) continue;
      if (current && api::is_terminal(state_) && pod.alive()) {
        DeleteDriver step = deletion(pod);
        step.resource_version = pod.resource_version;  // if it has ended meanwhile, its logs must stay
        return Decision{step, std::nullopt, {}};
      }
      if (current && state_ == State::Suspended) return Decision{deletion(pod), std::nullopt, {}};
      if (!current && !next && !(state_ == State::New && spec_.suspend.value_or(false))) {
        return Decision{LookAtStray{pod}, std::nullopt, {}};
      }
      const std::string& known = status_.driver_info.pod_name;
      if (current && is_active(state_) && !known.empty() && pod.key.name != known) {
        return Decision{LookAtStray{pod}, std::nullopt, {}};
      }
    }
    return std::nullopt;
  }

  bool spec_changed() const {
    if (status_.submission_id.empty()) return false;
    const bool watched = is_active(state_) || api::is_terminal(state_) || state_ == State::Succeeding ||
                         state_ == State::Failing || state_ == State::SubmissionFailed;
    return watched && api::spec_changed(status_.submission_id, app_.spec, policy_.hash_scope);
  }

  std::vector<const PodView*> current_id() const {
    std::vector<const PodView*> pods;
    for (const PodView& pod : seen_.drivers) {
      if (pod.submission_id == status_.submission_id) pods.push_back(&pod);
    }
    return pods;
  }

  Decision before_submission() const {
    if (state_ == State::SubmissionFailed) {
      const RetryVerdict verdict = retry_verdict(spec_, status_, state_, now_);
      if (!verdict.allowed) {
        Decision decision = to(Fact::RetriesSpent);
        decision.status->termination_time = whole_seconds(now_);
        decision.notes.push_back(failed_note());
        return decision;
      }
      if (verdict.wait > Duration::zero()) return {Wait{verdict.wait}, std::nullopt, {}};
    }
    // The previous run has to be gone first; its last event brings us back.
    if (!status_.submission_id.empty()) {
      for (const PodView* pod : current_id()) {
        if (pod->terminating) return {};
        return {deletion(*pod), std::nullopt, {}};
      }
    }
    Decision decision{Submit{}, std::nullopt, {}};
    if (state_ == State::PendingRerun) {
      decision.notes.push_back(
          {true, "SparkApplicationPendingRerun", "SparkApplication " + name() + " is pending rerun"});
    }
    return decision;
  }

  Decision active() const {
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
      notes.push_back(driver_note(driver->key.name, *next));
      if (*next == State::Failing) {
        status.application_state.error_message = driver_failure(*driver);
        if (log_is_worth_reading(*driver)) log_of_driver = driver->key;
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
  void track_start(SparkApplicationStatus& status, const PodView& driver, std::vector<Note>& notes) const {
    std::string& message = status.application_state.error_message;
    const auto obstacle =
        status.application_state.state == State::Submitted ? start_obstacle(driver) : std::nullopt;
    if (!obstacle) {
      if (is_driver_pending(message)) message.clear();
      return;
    }
    if (reason_in(message) == obstacle->reason) return;
    message = driver_pending(*obstacle);
    notes.push_back(driver_pending_note(driver.key.name, *obstacle));
  }

  void track(SparkApplicationStatus& status, std::vector<Note>& notes) const {
    ExecutorTracking executors = track_executors(status, seen_.executors, status.application_state.state,
                                                 policy_.max_tracked_executors);
    status.executor_state = std::move(executors.states);
    if (!executors.app_selector.empty()) status.spark_application_id = executors.app_selector;
    for (Note& note : executors.notes) notes.push_back(std::move(note));
  }

  // The attempt ends: its driver is deleted, and status moves on in the same step.
  Decision leave(Decision decision) const {
    for (const PodView* pod : current_id()) {
      if (!pod->terminating) decision.step = deletion(*pod);
    }
    return decision;
  }

  Decision rerun() const {
    Decision decision = to(Fact::RetryDue);
    clear_run(*decision.status);
    decision.status->termination_time.reset();
    return leave(std::move(decision));
  }

  Decision succeeding() const {
    if (retry_verdict(spec_, status_, state_, now_).allowed) return rerun();
    Decision decision = to(Fact::RunComplete);
    track(*decision.status, decision.notes);
    decision.notes.push_back(
        {false, "SparkApplicationCompleted", "SparkApplication " + name() + " completed"});
    return decision;
  }

  Decision failing() const {
    const RetryVerdict verdict = retry_verdict(spec_, status_, state_, now_);
    if (!verdict.allowed) {
      Decision decision = to(Fact::RetriesSpent);
      if (!decision.status->termination_time) decision.status->termination_time = whole_seconds(now_);
      decision.notes.push_back(failed_note());
      return decision;
    }
    if (verdict.wait > Duration::zero()) return {Wait{verdict.wait}, std::nullopt, {}};
    return rerun();
  }

  Decision invalidating() const {
    Decision decision = to(Fact::Cleaned);
    clear_run(*decision.status);
    decision.status->termination_time.reset();
    decision.status->last_submission_attempt_time.reset();
    decision.status->submission_attempts = 0;
    decision.status->execution_attempts = 0;
    return leave(std::move(decision));
  }

  Decision suspending() const {
    Decision decision = to(Fact::Cleaned);
    clear_run(*decision.status);
    // Kept by upstream, which then counts the time to live of the resumed run from the earlier end.
    decision.status->termination_time.reset();
    decision.notes.push_back(
        {true, "SparkApplicationSuspended", "SparkApplication " + name() + " is suspended"});
    return leave(std::move(decision));
  }

  Decision terminal() const {
    const auto left = time_to_live_left(spec_, status_, now_, policy_.default_time_to_live_seconds);
    if (left && *left < Duration::zero()) return {DeleteApplication{}, std::nullopt, {}};
    SparkApplicationStatus status = status_;
    Decision decision;
    track(status, decision.notes);
    if (status != status_) decision.status = std::move(status);
    // Expiry is strict (more than the time to live has passed), hence the second.
    if (left) decision.step = Wait{*left + std::chrono::seconds(1)};
    return decision;
  }

  Note failed_note() const {
    return {true, "SparkApplicationFailed",
            "SparkApplication " + name() + " failed: " + status_.application_state.error_message};
  }
  const std::string& name() const { return app_.metadata.name; }

  const SparkApplication& app_;
  const Observation& seen_;
  const TimePoint now_;
  const Policy& policy_;
  const api::SparkApplicationSpec spec_;
  const SparkApplicationStatus& status_;
  const State state_;
  const std::string next_;
};

}  // namespace

Decision decide(const SparkApplication& app, const Observation& seen, TimePoint now, const Policy& policy) {
  return Decider(app, seen, now, policy).decide();
}

std::string next_id(const SparkApplication& app, const Policy& policy) {
  return api::next_attempt_id(app.metadata.uid, app.status.submission_id,
                              api::spec_hash(app.spec, policy.hash_scope));
}

bool is_current_driver(const SparkApplication& app, const PodView& pod) {
  const SparkApplicationStatus& status = app.status;
  if (!pod.belongs_to(app.metadata.uid) || pod.submission_id != status.submission_id) return false;
  if (!status.driver_info.pod_name.empty() && pod.key.name != status.driver_info.pod_name) return false;
  // Two pods may have borne one id (the first was deleted by somebody): the recorded time tells them apart.
  // The Go operator records its own time instead.
  return !api::is_ours(pod.submission_id) || !status.last_submission_attempt_time || !pod.created ||
         *pod.created == *status.last_submission_attempt_time;
}

SparkApplicationStatus submitted(const SparkApplicationStatus& before, const PodView& driver) {
  SparkApplicationStatus status = before;
  const State state = before.application_state.state;
  status.application_state = {next_state(state, Fact::SubmitDone).value_or(State::Submitted), "", {}};
  status.submission_id = driver.submission_id;
  status.spark_application_id = driver.app_selector;
  status.driver_info.pod_name = driver.key.name;
  status.last_submission_attempt_time = driver.created;
  status.submission_attempts += 1;
  status.execution_attempts += 1;
  return status;
}

SparkApplicationStatus refused(const SparkApplicationStatus& before, std::string submission_id,
                               std::string message, TimePoint now) {
  SparkApplicationStatus status = before;
  const State state = before.application_state.state;
  status.application_state = {
      next_state(state, Fact::SubmitRefused).value_or(State::SubmissionFailed), std::move(message), {}};
  status.submission_id = std::move(submission_id);
  status.last_submission_attempt_time = whole_seconds(now);
  status.submission_attempts += 1;
  return status;
}

SparkApplicationStatus driver_lost(const SparkApplicationStatus& before, TimePoint now) {
  SparkApplicationStatus status = before;
  const State state = before.application_state.state;
  status.application_state = {next_state(state, Fact::DriverLost).value_or(State::Failing),
                              driver_gone(before.driver_info.pod_name),
                              {}};
  status.termination_time = whole_seconds(now);
  return status;
}

}  // namespace controller

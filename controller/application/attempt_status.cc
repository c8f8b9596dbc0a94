#include "controller/application/attempt_status.h"

#include "api/spec_hash.h"
#include "controller/application/decider.h"
#include "controller/application/driver_failure.h"

namespace controller {

using api::SparkApplication;
using api::SparkApplicationStatus;
using kube::TimePoint;

TimePoint whole_seconds(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

void clear_run(SparkApplicationStatus& status) {
  status.spark_application_id.clear();
  status.application_state.error_message.clear();
  status.driver_info = {};
  status.executor_state.clear();
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

SparkApplicationStatus driver_lost(const SparkApplication& app, TimePoint now) {
  const SparkApplicationStatus& before = app.status;
  SparkApplicationStatus status = before;
  const State state = before.application_state.state;
  status.application_state = {next_state(state, Fact::DriverLost).value_or(State::Failing),
                              driver_gone(before.driver_info.pod_name),
                              {}};
  end_run(app.spec, before, FailureReason::DriverNotFound, now, status);
  return status;
}

SparkApplicationStatus impossible(const SparkApplicationStatus& before, std::string submission_id,
                                  std::string message, TimePoint now) {
  SparkApplicationStatus status = refused(before, std::move(submission_id), std::move(message), now);
  const State state = before.application_state.state;
  status.application_state.state = next_state(state, Fact::SpecInvalid).value_or(State::Failed);
  status.termination_time = whole_seconds(now);
  return status;
}

void end_run(const api::SparkApplicationSpec& spec, const SparkApplicationStatus& before,
             std::optional<FailureReason> reason, TimePoint now, SparkApplicationStatus& status) {
  status.termination_time = whole_seconds(now);
  const api::RestartPolicy& policy = spec.restart_policy;
  // A driver that never ran says nothing about the application's health, however long that took.
  const bool ran = before.application_state.state != State::Submitted;
  if (policy.reset_attempts_after && ran && before.last_submission_attempt_time &&
      (now - *before.last_submission_attempt_time) / std::chrono::seconds(1) >=
          *policy.reset_attempts_after) {
    status.execution_attempts = 1;
    status.submission_attempts = 1;
    status.infrastructure_failures = 0;
  }
  if (policy.on_infrastructure_failure_retries && reason && is_infrastructure(*reason)) {
    status.infrastructure_failures += 1;
  }
}

}  // namespace controller

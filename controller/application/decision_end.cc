#include <algorithm>

#include "controller/application/decider.h"
#include "controller/application/event_texts.h"
#include "controller/application/retry_policy.h"

namespace controller {

using api::SparkApplicationStatus;
using kube::Duration;

namespace {

// How long executors of a run that has ended are left to end by themselves.
constexpr Duration kExecutorsEnd = std::chrono::minutes(1);

}  // namespace

Decision Decider::leave(Decision decision) const {
  for (const PodView* pod : current_drivers()) {
    if (!pod->terminating) decision.step = deletion(*pod);
  }
  return decision;
}

Decision Decider::rerun() const {
  Decision decision = to(Fact::RetryDue);
  clear_run(*decision.status);
  decision.status->termination_time.reset();
  return leave(std::move(decision));
}

Decision Decider::succeeding() const {
  if (retry_verdict(spec_, status_, state_, now_).allowed) return rerun();
  Decision decision = to(Fact::RunComplete);
  track(*decision.status, decision.notes);
  decision.notes.push_back(event(EventReason::SparkApplicationCompleted, {name()}));
  return decision;
}

Decision Decider::failing() const {
  // One that took too long runs still. Status has left it, so it may go.
  for (const PodView* pod : current_drivers()) {
    if (pod->alive() && !pod->terminating) return {deletion_while_it_runs(*pod), std::nullopt, {}};
  }
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

Decision Decider::invalidating() const {
  Decision decision = to(Fact::Cleaned);
  clear_run(*decision.status);
  decision.status->termination_time.reset();
  decision.status->last_submission_attempt_time.reset();
  decision.status->submission_attempts = 0;
  decision.status->execution_attempts = 0;
  decision.status->infrastructure_failures = 0;
  return leave(std::move(decision));
}

Decision Decider::suspending() const {
  Decision decision = to(Fact::Cleaned);
  clear_run(*decision.status);
  // Kept by upstream, which then counts the time to live of the resumed run from the earlier end.
  decision.status->termination_time.reset();
  decision.notes.push_back(event(EventReason::SparkApplicationSuspended, {name()}));
  return leave(std::move(decision));
}

Decision Decider::suspended() const {
  if (!wants_suspension() && current_drivers().empty()) return to(Fact::Unsuspend);
  return {};
}

Decision Decider::terminal() const {
  const auto left = time_to_live_left(spec_, status_, now_, policy_.default_time_to_live_seconds);
  if (left && *left < Duration::zero()) return {DeleteApplication{}, std::nullopt, {}};
  SparkApplicationStatus status = status_;
  Decision decision;
  track(status, decision.notes);
  if (status != status_) {
    decision.status = std::move(status);
    return decision;
  }
  std::optional<Duration> wait;
  // Expiry is strict (more than the time to live has passed), hence the second.
  if (left) wait = *left + std::chrono::seconds(1);
  if (auto executors = live_executors(&status_.submission_id); !executors.empty()) {
    // Executors end by themselves when their driver has; those that never started do not.
    const Duration patience = status_.termination_time.value_or(now_) + kExecutorsEnd - now_;
    if (patience <= Duration::zero()) return {DeleteExecutors{std::move(executors)}, std::nullopt, {}};
    wait = std::min(wait.value_or(patience), patience);
  }
  decision.step = Wait{wait};
  return decision;
}

Note Decider::failed_note() const {
  return event(EventReason::SparkApplicationFailed, {name(), status_.application_state.error_message});
}

}  // namespace controller

#include "controller/application/decision.h"

#include "api/defaults.h"
#include "api/spec_hash.h"
#include "controller/application/attempt_status.h"
#include "controller/application/decider.h"
#include "controller/application/event_texts.h"

namespace controller {

using api::SparkApplication;
using api::SparkApplicationStatus;
using kube::TimePoint;

Decider::Decider(const SparkApplication& app, const Observation& seen, TimePoint now, const Policy& policy)
    : app_(app),
      seen_(seen),
      now_(now),
      policy_(policy),
      spec_(api::with_defaults(app.spec)),
      status_(app.status),
      state_(app.status.application_state.state),
      next_(next_id(app, policy)) {}

Decision Decider::decide() const {
  if (app_.metadata.deletion_timestamp) return delete_all();
  if (auto stray = look_for_strays()) return *stray;
  if (auto executors = look_for_executors()) return *executors;
  if (wants_suspension() && !api::is_terminal(state_) && state_ != State::Suspending &&
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
      return suspended();
    default:
      return terminal();
  }
}

Decision Decider::patch(SparkApplicationStatus status) {
  Decision decision;
  decision.status = std::move(status);
  return decision;
}

DeleteDriver Decider::deletion(const PodView& pod) {
  return {pod.key, pod.uid, std::nullopt};
}

DeleteDriver Decider::deletion_while_it_runs(const PodView& pod) {
  return {pod.key, pod.uid, pod.resource_version};
}

std::vector<PodView> Decider::live_executors(const std::string* submission_id) const {
  std::vector<PodView> pods;
  for (const PodView& pod : seen_.executors) {
    if (!pod.alive() || pod.terminating || !pod.belongs_to(app_.metadata.uid)) continue;
    if (submission_id == nullptr || pod.submission_id == *submission_id) pods.push_back(pod);
  }
  return pods;
}

Decision Decider::to(Fact fact) const {
  SparkApplicationStatus status = status_;
  status.application_state.state = next_state(state_, fact).value_or(state_);
  Decision decision = patch(std::move(status));
  if (fact == Fact::Suspend) {
    decision.notes.push_back(event(EventReason::SparkApplicationSuspending, {name()}));
  }
  if (fact == Fact::Unsuspend) {
    decision.notes.push_back(event(EventReason::SparkApplicationResuming, {name()}));
  }
  return decision;
}

Decision Decider::delete_all() const {
  for (const PodView& pod : seen_.drivers) {
    if (!pod.terminating) return {deletion(pod), std::nullopt, {}};
  }
  if (auto executors = live_executors(); !executors.empty())
    return {DeleteExecutors{std::move(executors)}, std::nullopt, {}};
  return {};
}

std::optional<Decision> Decider::look_for_strays() const {
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
      return Decision{deletion_while_it_runs(pod), std::nullopt, {}};
    }
    if (current && state_ == State::Suspended) return Decision{deletion(pod), std::nullopt, {}};
    if (!current && !next && !(state_ == State::New && wants_suspension())) {
      return Decision{LookAtStray{pod}, std::nullopt, {}};
    }
    const std::string& known = status_.driver_info.pod_name;
    if (current && is_active(state_) && !known.empty() && pod.key.name != known) {
      return Decision{LookAtStray{pod}, std::nullopt, {}};
    }
  }
  return std::nullopt;
}

std::optional<Decision> Decider::look_for_executors() const {
  // Status has left the current id: its run is over, and another one due or put off.
  const bool left = state_ == State::PendingRerun || state_ == State::SubmissionFailed ||
                    state_ == State::Suspended || state_ == State::Resuming;
  if (left && !status_.submission_id.empty()) {
    if (auto over = live_executors(&status_.submission_id); !over.empty())
      return Decision{DeleteExecutors{std::move(over)}, std::nullopt, {}};
  }
  std::vector<PodView> strangers;
  for (PodView& pod : live_executors()) {
    if (pod.submission_id == status_.submission_id || api::same_link(pod.submission_id, next_)) continue;
    strangers.push_back(std::move(pod));
  }
  if (strangers.empty()) return std::nullopt;
  return Decision{DeleteExecutors{std::move(strangers), true}, std::nullopt, {}};
}

bool Decider::spec_changed() const {
  if (status_.submission_id.empty()) return false;
  // Pending after an edit (its counters start over then) is not pending because of it once more. Edits of
  // what is suspended or resumes are seen when it is submitted: schedulers make them when they admit it.
  const bool pending = state_ == State::PendingRerun && status_.submission_attempts > 0;
  const bool watched = is_active(state_) || api::is_terminal(state_) || state_ == State::Succeeding ||
                       state_ == State::Failing || state_ == State::SubmissionFailed || pending;
  if (!watched) return false;
  if (!seen_.first_spec) return api::spec_changed(status_.submission_id, app_.spec, policy_.hash_scope);
  return seen_.unreadable.empty() && *seen_.first_spec != api::spec_hash(app_.spec, policy_.hash_scope);
}

std::vector<const PodView*> Decider::current_drivers() const {
  std::vector<const PodView*> pods;
  for (const PodView& pod : seen_.drivers) {
    if (pod.submission_id == status_.submission_id) pods.push_back(&pod);
  }
  return pods;
}

Decision decide(const SparkApplication& app, const Observation& seen, TimePoint now, const Policy& policy) {
  Decision decision = Decider(app, seen, now, policy).decide();
  // An edit that asks for nothing is answered all the same where generations are recorded: tools that wait
  // for it would wait for ever. A CRD that does not know the field never holds one.
  const std::int64_t generation = app.metadata.generation.value_or(0);
  const bool idle = std::holds_alternative<Wait>(decision.step) && !decision.status;
  if (idle && app.status.observed_generation != 0 && app.status.observed_generation < generation) {
    decision.status = app.status;
  }
  return decision;
}

}  // namespace controller

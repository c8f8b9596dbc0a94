#include "api/validation.h"
#include "controller/application/attempt_status.h"
#include "controller/application/decider.h"
#include "controller/application/event_texts.h"
#include "controller/application/retry_policy.h"

namespace controller {

Decision Decider::before_submission() const {
  if (state_ == State::SubmissionFailed) {
    const RetryVerdict verdict = retry_verdict(spec_, status_, state_, now_);
    if (!verdict.allowed) {
      Decision decision = to(Fact::RetriesSpent);
      decision.status->termination_time = whole_seconds(now_);
      decision.notes.push_back(failed_note());
      return decision;
    }
    if (verdict.wait > kube::Duration::zero()) return {Wait{verdict.wait}, std::nullopt, {}};
  }
  // The previous run has to be gone first; its last event brings us back.
  if (!status_.submission_id.empty()) {
    for (const PodView* pod : current_drivers()) {
      if (pod->terminating) return {};
      return {deletion(*pod), std::nullopt, {}};
    }
  }
  if (!seen_.unreadable.empty()) return impossible(seen_.unreadable);
  if (const auto faults = api::validate_submission(app_, api::kAsStored); !faults.empty())
    return impossible(api::describe(faults));
  Decision decision{Submit{}, std::nullopt, {}};
  if (state_ == State::PendingRerun) {
    decision.notes.push_back(event(EventReason::SparkApplicationPendingRerun, {name()}));
  }
  return decision;
}

// No wait and no retry cures a spec; an edit does.
Decision Decider::impossible(std::string why) const {
  const std::string message =
      with_reason("failed to submit spark application:", {FailureReason::InvalidSpec, std::move(why)});
  Decision decision = patch(controller::impossible(status_, next_, message, now_));
  decision.notes.push_back(
      {true, "SparkApplicationFailed", "SparkApplication " + name() + " failed: " + message});
  return decision;
}

}  // namespace controller

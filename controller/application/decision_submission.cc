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
  Decision decision{Submit{}, std::nullopt, {}};
  if (state_ == State::PendingRerun) {
    decision.notes.push_back(event(EventReason::SparkApplicationPendingRerun, {name()}));
  }
  return decision;
}

}  // namespace controller

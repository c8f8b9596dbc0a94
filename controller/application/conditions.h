// status.conditions: what the state of an application means to tools that know conditions, computed from the
// status as it is about to be written and from nothing else.
//
//   next.conditions = conditions_of(next, app.status.conditions, now);
//
// | type        | True                                    | False                              | Unknown |
// |-------------|-----------------------------------------|------------------------------------|------------------|
// | Ready       | the driver runs, or the run succeeded   | not yet, not any more, or suspended | nobody can
// tell  | | Reconciling | the operator is at work (else absent)   |                                    | | |
// Stalled     | FAILED: a person must act (else absent) |                                    | | | Submitted
// | the current attempt has a driver        | it has none                        |                  | |
// Succeeded   | the run succeeded                       | the application has failed         | not decided
// yet  |
//
// Ready, Reconciling and Stalled are kstatus's, hence Flux's and kubectl's: a batch application is current as
// soon as its driver runs, like a Job; `kubectl wait --for=condition=Succeeded` waits for its end. Argo CD
// reads the state itself. `reason` is a FailureReason where something failed, else a word for the state.
//
// lastTransitionTime is when `status` of that type last changed. A CRD that does not know conditions prunes
// them: nothing is decided on them, so nothing is written again because of that. Thread: pure.
#pragma once

#include <vector>

#include "api/spark_application_status.h"

namespace controller {

// metav1.Condition, in the table's order. `before`: those that are stored now.
std::vector<kube::Json> conditions_of(const api::SparkApplicationStatus& next,
                                      const std::vector<kube::Json>& before, kube::TimePoint now);

}  // namespace controller

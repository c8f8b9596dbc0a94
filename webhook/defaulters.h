// The defaulters of the operator's own kinds, as answers to reviews.
//
//   routes.add("/mutate-sparkoperator-k8s-io-v1beta2-sparkapplication", default_application);
//
// A SparkApplication gets api::with_defaults() as a patch of just the absent fields, while it is new or being
// invalidated: later the controller has its own copy, and a spec that changed under a running application
// would restart it. The other two kinds have no defaults. Code 400: the object cannot be decoded.
// Thread: pure functions.
#pragma once

#include "kube/admission/review.h"

namespace webhook {

kube::Verdict default_application(const kube::Review& review);
// ScheduledSparkApplication and SparkConnect.
kube::Verdict default_nothing(const kube::Review& review);

}  // namespace webhook

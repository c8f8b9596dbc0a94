// The validators of the operator's three kinds, as answers to reviews: api/validation.h and
// spark/conf_faults.h have the rules.
//
//   routes.add("/validate-…-sparkapplication",
//              [options](const Review& review) { return validate_application(review, options); });
//
// Creation: every fault is named, "spec.sparkConf[spark.master]: belongs to the operator; …". Update: only
// faults that it brings. What was let in before a rule existed stays editable as long as the value that the
// rule is about stays as it was, and what could not even be decoded can be repaired. Deletion is never
// refused. A schedule whose name may be too long for its runs is let in with a warning. Codes: 403 refused by
// a rule; 400 the object cannot be decoded, or the operation is unknown. Thread: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "api/validation.h"
#include "kube/admission/review.h"

namespace webhook {

kube::Verdict validate_application(const kube::Review& review, const api::ValidationOptions& options);
kube::Verdict validate_scheduled_application(const kube::Review& review,
                                             const api::ValidationOptions& options);
kube::Verdict validate_connect(const kube::Review& review, const api::ValidationOptions& options);

// Those of `now` that `before` did not have, or whose value has changed; `old_object` and `new_object` are
// what they were found in.
std::vector<api::Fault> new_faults(const std::vector<api::Fault>& before, const std::vector<api::Fault>& now,
                                   const kube::Json& old_object, const kube::Json& new_object);

// The value at a fault's path, "spec.driverIngressOptions[1].servicePort" or
// "spec.sparkConf[spark.master]"; null when there is none.
const kube::Json* value_at(const kube::Json& object, std::string_view path);

}  // namespace webhook

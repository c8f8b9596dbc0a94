// A pod template is stored without any schema, so whatever a user writes gets here. check_pod_template()
// holds it to the shape that feature steps and mutations write into, before they do.
//
//   check_pod_template({{"spec", "x"}}, "spec.driver.template")
//       // error: `spec.driver.template.spec: expected object, got "x"`
//
// Null counts as absent; fields that nobody here writes to are not looked at. Pure function.
#pragma once

#include <string>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace spark {

// Error InvalidInput: names the path. `pod` may be null.
kube::Result<> check_pod_template(const kube::Json& pod, const std::string& path);

}  // namespace spark

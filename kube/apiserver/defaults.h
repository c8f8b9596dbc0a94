// What the real server writes into stored objects of built-in kinds when their makers left it out.
// Thread: pure functions.
#pragma once

#include <string_view>

#include "kube/core/json.h"

namespace kube::apiserver {

// `table` as the store names it. Status is not touched.
void apply_builtin_defaults(std::string_view table, Json& object);
// Guaranteed, Burstable or BestEffort, from the containers' resources.
std::string_view qos_class(const Json& pod);

}  // namespace kube::apiserver

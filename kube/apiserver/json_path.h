// JsonPath reads the simple paths of printer columns:
//
//   .status.phase                     .spec.ports[0].name        .spec.items[*].name
//   .metadata.annotations['a.b/c']    .metadata.labels.a\.b
//   .status.conditions[?(@.type=="Ready")].status
//
// Thread: pure function.
#pragma once

#include <string_view>
#include <vector>

#include "kube/core/json.h"

namespace kube::apiserver {

// What the path finds, in order; empty when nothing does, or when the path cannot be read.
std::vector<const Json*> find_json_path(const Json& object, std::string_view path);

}  // namespace kube::apiserver

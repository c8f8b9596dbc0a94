// Checks of names, metadata and the built-in kinds that matter here, with the API server's messages.
// Thread: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "kube/apiserver/refusal.h"
#include "kube/core/json.h"

namespace kube::apiserver {

std::vector<FieldProblem> validate_metadata(std::string_view table, const Json& object);
// Finalizers; and of pods, services, config maps, secrets, events, leases and CRDs what their kind demands.
std::vector<FieldProblem> validate_builtin(std::string_view table, const Json& object);
// What may not change: the spec of pods, immutable config maps, a service's cluster IP.
std::vector<FieldProblem> validate_change(std::string_view table, const Json& before, const Json& after);

}  // namespace kube::apiserver

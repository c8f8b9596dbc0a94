// Events are stored as core/v1 and served also as events.k8s.io/v1, where some fields have other names.
// Thread: pure functions.
#pragma once

#include "kube/core/json.h"

namespace kube::apiserver {

Json to_events_v1(Json core_event);
Json from_events_v1(Json event);

}  // namespace kube::apiserver

// Whether disruption budgets let a pod be evicted.
//
//   if (auto allowed = may_be_evicted(store, pod->json()); !allowed) return refuse(allowed);
//
// A real server goes by the budget's status, which a controller keeps; here it is counted at the time of the
// eviction, from the pods that the budget selects. So a share of pods is one of those that there are, not of
// those that their controller wants.
//
// Pure but for reading the store. Thread: the loop's only.
#pragma once

#include "kube/apiserver/refusal.h"
#include "kube/apiserver/store.h"

namespace kube::apiserver {

// Refusal 429: the budget is spent. 500: more than one budget, which evictions do not support.
Granted<> may_be_evicted(const Store& store, const Json& pod);

}  // namespace kube::apiserver

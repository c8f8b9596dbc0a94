// A pod_outline() is a pod with all that mutate_pod() reads or replaces, and of the rest no more than where
// there is something: whoever answers thousands of reviews a second makes values of a tenth of each pod.
//
//   JsonView pod = …;                                        // {"spec": {"volumes": [{"name": "v", …}], …}}
//   Json outline = pod_outline(pod);                         // {"spec": {"volumes": [{}], …}}
//   auto mutated = mutate_pod(outline, app, role);
//   Json patch = kube::create_json_patch(outline, *mutated); // fits the whole pod
//
// Law (tested): for whatever is given as a pod, mutate_pod() of its outline fails with the same words, or
// yields the same patch. Lists keep their length, so that places in them stay right.
// Pure function.
#pragma once

#include "kube/core/json_reader.h"

namespace spark {

kube::Json pod_outline(kube::JsonView pod);

}  // namespace spark

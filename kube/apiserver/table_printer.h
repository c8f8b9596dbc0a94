// Tables are how `kubectl get` sees objects: columns by kind, one row an object.
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "kube/apiserver/resource_registry.h"
#include "kube/apiserver/store.h"

namespace kube::apiserver {

// meta.k8s.io/v1 Table. `include` is None, Metadata or Object: what each row carries of its object.
Json print_table(const ServedResource& served, const std::vector<ObjectRef>& objects, std::uint64_t version,
                 const std::string& include, TimePoint now);

// meta.k8s.io/v1 PartialObjectMetadata.
Json partial_metadata(const Json& object);

// "5s", "3m20s", "2d3h": as kubectl prints ages.
std::string age_text(Duration age);

}  // namespace kube::apiserver

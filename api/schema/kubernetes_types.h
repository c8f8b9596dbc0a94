// The Kubernetes types that our CRDs embed, as the text of api/schema/kubernetes_types.json: an object from
// type name ("Volume") to structural schema, in which {"$ref": "Probe"} stands for another one. How it is
// made: reduce_openapi.py beside it.
#pragma once

#include <string_view>

namespace api {

std::string_view kubernetes_types_json();

}  // namespace api

// PodObjects are the config maps, secrets and claims that a pod refers to, fetched before its files and
// variables are planned, so that planning is a function from values to values.
//
//   for (const PodReference& reference : referenced_objects(pod)) …fetch, objects.add(…)
//   const Json* settings = objects.find(PodReference::Kind::ConfigMap, "settings");   // null: does not exist
//
// Thread: values.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube {

struct PodReference {
  enum class Kind { ConfigMap, Secret, Claim };
  Kind kind;
  std::string name;
  auto operator<=>(const PodReference&) const = default;
};

std::string_view to_string(PodReference::Kind kind);  // "configmap", as messages name it

// Everything named in volumes, env and envFrom of all containers, also what is optional.
std::set<PodReference> referenced_objects(const Json& pod);

class PodObjects {
 public:
  void add(PodReference reference, Json object) { objects_[std::move(reference)] = std::move(object); }
  const Json* find(PodReference::Kind kind, const std::string& name) const {
    auto found = objects_.find({kind, name});
    return found == objects_.end() ? nullptr : &found->second;
  }
  // All keys with their bytes: data and binaryData of a config map, data of a secret (decoded).
  // Error NotFound `configmap "x" not found` when it does not exist.
  Result<std::map<std::string, std::string>> data(PodReference::Kind kind, const std::string& name) const;

 private:
  std::map<PodReference, Json> objects_;
};

// Members of a Json that may lack: an empty array or null instead.
const Json& array_at(const Json& json, std::initializer_list<std::string_view> path);
bool flag_at(const Json& json, const char* name);

}  // namespace kube

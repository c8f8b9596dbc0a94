// PodSources are the objects that a pod's volumes and environment refer to; pod_references() says which.
//
//   for (const SourceReference& ref : pod_references(pod)) … fetch it into sources …
//
// Thread: pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "kube/core/json.h"

namespace kube {

enum class SourceKind { ConfigMap, Secret };

struct SourceReference {
  SourceKind kind;
  std::string name;
  bool optional = false;  // the pod starts without it

  bool operator<(const SourceReference& other) const {
    return std::tie(kind, name) < std::tie(other.kind, other.name);
  }
};

// Each object once; required when any reference to it is.
std::set<SourceReference> pod_references(const Json& pod);

struct PodSources {
  std::map<std::string, Json> config_maps;  // by name; absent: optional and not there
  std::map<std::string, Json> secrets;
};

// A key's bytes: config map data or binaryData, secret data (decoded) or stringData. False: no such key.
bool read_source_key(const Json& object, SourceKind kind, const std::string& key, std::string& into);
std::map<std::string, std::string> all_source_keys(const Json& object, SourceKind kind);

}  // namespace kube

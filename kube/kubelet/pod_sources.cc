#include "kube/kubelet/pod_sources.h"

#include "kube/core/base64.h"

namespace kube {

namespace {

class Collector {
 public:
  void add(SourceKind kind, const Json& holder, const char* field, const char* name_field = "name") {
    const auto found = holder.find(field);
    if (found == holder.end() || !found->is_object()) return;
    const std::string name = found->value(name_field, "");
    if (name.empty()) return;
    SourceReference reference{kind, name, found->value("optional", false)};
    const auto known = references.find(reference);
    if (known != references.end()) {
      reference.optional = reference.optional && known->optional;
      references.erase(known);
    }
    references.insert(reference);
  }

  void add_volume_source(const Json& source) {
    add(SourceKind::ConfigMap, source, "configMap");
    add(SourceKind::Secret, source, "secret",
        source.contains("secret") && source["secret"].contains("secretName") ? "secretName" : "name");
  }

  std::set<SourceReference> references;
};

Json list_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_array() ? *found : Json::array();
}

}  // namespace

std::set<SourceReference> pod_references(const Json& pod) {
  Collector collector;
  const Json spec = pod.value("spec", Json::object());
  for (const Json& volume : list_of(spec, "volumes")) {
    collector.add_volume_source(volume);
    for (const Json& source : list_of(volume.value("projected", Json::object()), "sources")) {
      collector.add_volume_source(source);
    }
  }
  for (const char* kind : {"initContainers", "containers"}) {
    for (const Json& container : list_of(spec, kind)) {
      for (const Json& from : list_of(container, "envFrom")) {
        collector.add(SourceKind::ConfigMap, from, "configMapRef");
        collector.add(SourceKind::Secret, from, "secretRef");
      }
      for (const Json& variable : list_of(container, "env")) {
        const Json from = variable.value("valueFrom", Json::object());
        collector.add(SourceKind::ConfigMap, from, "configMapKeyRef");
        collector.add(SourceKind::Secret, from, "secretKeyRef");
      }
    }
  }
  return collector.references;
}

std::map<std::string, std::string> all_source_keys(const Json& object, SourceKind kind) {
  std::map<std::string, std::string> keys;
  const auto add = [&](const char* field, bool encoded) {
    const auto data = object.find(field);
    if (data == object.end() || !data->is_object()) return;
    for (const auto& [key, value] : data->items()) {
      if (!value.is_string()) continue;
      if (!encoded) {
        keys[key] = value;
      } else if (auto bytes = decode_base64(value.get<std::string>())) {
        keys[key] = *bytes;
      }
    }
  };
  if (kind == SourceKind::ConfigMap) {
    add("data", false);
    add("binaryData", true);
  } else {
    add("data", true);
    add("stringData", false);
  }
  return keys;
}

bool read_source_key(const Json& object, SourceKind kind, const std::string& key, std::string& into) {
  const auto keys = all_source_keys(object, kind);
  const auto found = keys.find(key);
  if (found == keys.end()) return false;
  into = found->second;
  return true;
}

}  // namespace kube

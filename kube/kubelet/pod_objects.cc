#include "kube/kubelet/pod_objects.h"

#include "kube/core/base64.h"

namespace kube {
namespace {

using Kind = PodReference::Kind;

void add_if_named(std::set<PodReference>& out, Kind kind, const std::string& name) {
  if (!name.empty()) out.insert({kind, name});
}

void of_source(std::set<PodReference>& out, const Json& source) {
  add_if_named(out, Kind::ConfigMap, string_at(source, {"configMap", "name"}));
  add_if_named(out, Kind::Secret, string_at(source, {"secret", "secretName"}));
  add_if_named(out, Kind::Secret, string_at(source, {"secret", "name"}));
  add_if_named(out, Kind::Claim, string_at(source, {"persistentVolumeClaim", "claimName"}));
  for (const Json& part : array_at(source, {"projected", "sources"})) of_source(out, part);
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::ConfigMap:
      return "configmap";
    case Kind::Secret:
      return "secret";
    case Kind::Claim:
      return "persistentvolumeclaim";
  }
  return "";
}

const Json& array_at(const Json& json, std::initializer_list<std::string_view> path) {
  static const Json empty = Json::array();
  const Json* found = find_path(json, path);
  return found != nullptr && found->is_array() ? *found : empty;
}

bool flag_at(const Json& json, const char* name) {
  const Json* found = find_path(json, {name});
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::set<PodReference> referenced_objects(const Json& pod) {
  std::set<PodReference> out;
  for (const Json& volume : array_at(pod, {"spec", "volumes"})) of_source(out, volume);
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : array_at(pod, {"spec", list})) {
      for (const Json& variable : array_at(container, {"env"})) {
        add_if_named(out, Kind::ConfigMap, string_at(variable, {"valueFrom", "configMapKeyRef", "name"}));
        add_if_named(out, Kind::Secret, string_at(variable, {"valueFrom", "secretKeyRef", "name"}));
      }
      for (const Json& source : array_at(container, {"envFrom"})) {
        add_if_named(out, Kind::ConfigMap, string_at(source, {"configMapRef", "name"}));
        add_if_named(out, Kind::Secret, string_at(source, {"secretRef", "name"}));
      }
    }
  }
  return out;
}

Result<std::map<std::string, std::string>> PodObjects::data(Kind kind, const std::string& name) const {
  const Json* object = find(kind, name);
  if (object == nullptr) {
    return fail(ErrorKind::NotFound, std::string(to_string(kind)) + " \"" + name + "\" not found");
  }
  std::map<std::string, std::string> out;
  auto read = [&](const char* member, bool encoded) -> Result<> {
    const Json* data = find_path(*object, {member});
    if (data == nullptr || !data->is_object()) return {};
    for (const auto& [key, value] : data->items()) {
      if (!value.is_string()) continue;
      if (!encoded) {
        out[key] = value.get<std::string>();
        continue;
      }
      Result<std::string> bytes = decode_base64(value.get<std::string>());
      if (!bytes) {
        return fail(
            bytes.error().while_doing(std::string(to_string(kind)) + " \"" + name + "\": key " + key));
      }
      out[key] = std::move(*bytes);
    }
    return {};
  };
  Result<> read_data = read("data", kind == Kind::Secret);
  if (!read_data) return fail(read_data);
  if (kind == Kind::ConfigMap) {
    Result<> read_binary = read("binaryData", true);
    if (!read_binary) return fail(read_binary);
  }
  return out;
}

}  // namespace kube

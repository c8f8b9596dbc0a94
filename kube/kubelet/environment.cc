#include "kube/kubelet/environment.h"

#include "kube/core/quantity.h"

namespace kube {
namespace {

using Kind = PodReference::Kind;
// What a node without limits has to give; a container that asks for its limit is told something it can live
// with.
constexpr const char* kNodeCpu = "1";
constexpr const char* kNodeMemory = "1Gi";

std::string keyed_lines(const Json* object) {
  std::string out;
  if (object == nullptr || !object->is_object()) return out;
  for (const auto& [key, value] : object->items()) {
    if (!out.empty()) out += '\n';
    out += key + "=" + Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return out;
}

Result<std::string> value_from(const PodFacts& facts, const Json& container, const Json& source,
                               const PodObjects& objects, bool* absent) {
  if (const Json* field = find_path(source, {"fieldRef"}))
    return pod_field(facts, string_at(*field, {"fieldPath"}));
  if (const Json* field = find_path(source, {"resourceFieldRef"}))
    return resource_field(facts.pod, container, *field);
  for (auto [member, kind] :
       {std::pair("configMapKeyRef", Kind::ConfigMap), std::pair("secretKeyRef", Kind::Secret)}) {
    const Json* reference = find_path(source, {member});
    if (reference == nullptr) continue;
    const std::string name = string_at(*reference, {"name"}), key = string_at(*reference, {"key"});
    auto data = objects.data(kind, name);
    if (data) {
      auto found = data->find(key);
      if (found != data->end()) return found->second;
    } else if (!data.error().is_not_found()) {
      return fail(data);
    }
    if (flag_at(*reference, "optional")) {
      *absent = true;
      return std::string();
    }
    if (!data) return fail(data);
    return fail(ErrorKind::NotFound,
                "couldn't find key " + key + " in " + std::string(to_string(kind)) + " \"" + name + "\"");
  }
  return fail(ErrorKind::InvalidInput, "valueFrom names no source that is known here");
}

Result<> add_from(const Json& source, const PodObjects& objects,
                  std::map<std::string, std::string>& environment) {
  const std::string prefix = string_at(source, {"prefix"});
  for (auto [member, kind] :
       {std::pair("configMapRef", Kind::ConfigMap), std::pair("secretRef", Kind::Secret)}) {
    const Json* reference = find_path(source, {member});
    if (reference == nullptr) continue;
    auto data = objects.data(kind, string_at(*reference, {"name"}));
    if (!data) {
      if (data.error().is_not_found() && flag_at(*reference, "optional")) continue;
      return fail(data);
    }
    for (auto& [key, value] : *data) environment[prefix + key] = value;
  }
  return {};
}

std::vector<std::string> strings_of(const Json& container, const char* member) {
  std::vector<std::string> out;
  for (const Json& item : array_at(container, {member})) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace

std::string pod_hostname(const Json& pod) {
  std::string name = string_at(pod, {"spec", "hostname"});
  if (name.empty()) name = string_at(pod, {"metadata", "name"});
  if (name.size() > 63) name.resize(63);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string expand(const std::string& text, const std::map<std::string, std::string>& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const std::size_t end = text[i + 1] == '(' ? text.find(')', i + 2) : std::string::npos;
    if (end == std::string::npos) {
      out += text[i];
      continue;
    }
    auto known = variables.find(text.substr(i + 2, end - i - 2));
    out += known == variables.end() ? text.substr(i, end - i + 1) : known->second;
    i = end;
  }
  return out;
}

Result<std::string> pod_field(const PodFacts& facts, const std::string& path) {
  const Json& pod = facts.pod;
  if (path == "metadata.name") return string_at(pod, {"metadata", "name"});
  if (path == "metadata.namespace") return string_at(pod, {"metadata", "namespace"});
  if (path == "metadata.uid") return string_at(pod, {"metadata", "uid"});
  if (path == "spec.nodeName") return facts.node_name;
  if (path == "spec.serviceAccountName") return string_at(pod, {"spec", "serviceAccountName"});
  if (path == "status.podIP" || path == "status.podIPs") return facts.pod_address;
  if (path == "status.hostIP" || path == "status.hostIPs") return facts.host_address;
  for (const char* map : {"labels", "annotations"}) {
    const std::string prefix = std::string("metadata.") + map;
    if (path == prefix) return keyed_lines(find_path(pod, {"metadata", map}));
    if (path.starts_with(prefix + "['") && path.ends_with("']")) {
      const std::string key = path.substr(prefix.size() + 2, path.size() - prefix.size() - 4);
      return string_at(pod, {"metadata", map, key});
    }
  }
  return fail(ErrorKind::InvalidInput, "fieldPath: \"" + path + "\" is no field that a pod can be told");
}

Result<std::string> resource_field(const Json& pod, const Json& container, const Json& selector) {
  const std::string resource = string_at(selector, {"resource"});
  const std::string wanted = string_at(selector, {"containerName"});
  const Json* of = &container;
  if (!wanted.empty() && string_at(container, {"name"}) != wanted) {
    of = nullptr;
    for (const Json& other : array_at(pod, {"spec", "containers"})) {
      if (string_at(other, {"name"}) == wanted) of = &other;
    }
    if (of == nullptr)
      return fail(ErrorKind::InvalidInput, "resourceFieldRef: no container \"" + wanted + "\"");
  }
  const std::size_t dot = resource.find('.');
  if (dot == std::string::npos)
    return fail(ErrorKind::InvalidInput, "resourceFieldRef: \"" + resource + "\" is unknown");
  const std::string list = resource.substr(0, dot), name = resource.substr(dot + 1);
  std::string amount = string_at(*of, {"resources", list, name});
  if (amount.empty()) amount = name == "cpu" ? kNodeCpu : name.starts_with("memory") ? kNodeMemory : "0";
  std::string divisor = string_at(selector, {"divisor"});
  if (divisor.empty() || divisor == "0") divisor = "1";
  Result<Quantity> value = Quantity::parse(amount), unit = Quantity::parse(divisor);
  if (!value || !unit || unit->sign() <= 0) {
    return fail(ErrorKind::InvalidInput,
                "resourceFieldRef: " + resource + ": \"" + amount + "\" by \"" + divisor + "\"");
  }
  if (name == "cpu") {
    const std::int64_t by = std::max<std::int64_t>(unit->milli_value(), 1);
    return std::to_string((value->milli_value() + by - 1) / by);
  }
  const std::int64_t by = std::max<std::int64_t>(unit->value(), 1);
  return std::to_string((value->value() + by - 1) / by);
}

Result<ContainerCommand> plan_command(const PodFacts& facts, const Json& container, const Image& image,
                                      const PodObjects& objects, const Variables& extra) {
  ContainerCommand command;
  auto& environment = command.environment;
  environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                 {"HOME", "/root"},
                 {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : image.environment) environment[name] = value;
  environment["HOSTNAME"] = pod_hostname(facts.pod);
  environment["KUBERNETES_SERVICE_HOST"] = facts.api_host;
  environment["KUBERNETES_SERVICE_PORT"] = facts.api_port;
  environment["KUBERNETES_SERVICE_PORT_HTTPS"] = facts.api_port;
  environment["KUBERNETES_PORT"] = "tcp://" + facts.api_host + ":" + facts.api_port;

  std::map<std::string, std::string> known = environment;
  known["POD_IP"] = facts.pod_address;
  known["POD_NAME"] = string_at(facts.pod, {"metadata", "name"});
  known["POD_NAMESPACE"] = string_at(facts.pod, {"metadata", "namespace"});
  for (const auto& [name, value] : extra) environment[name] = known[name] = expand(value, known);

  for (const Json& source : array_at(container, {"envFrom"})) {
    Result<> added = add_from(source, objects, environment);
    if (!added) return fail(added);
  }
  for (const Json& variable : array_at(container, {"env"})) {
    const std::string name = string_at(variable, {"name"});
    if (const Json* source = find_path(variable, {"valueFrom"}); source != nullptr && source->is_object()) {
      bool absent = false;
      Result<std::string> value = value_from(facts, container, *source, objects, &absent);
      if (!value) return fail(value.error().while_doing("env " + name));
      if (!absent) environment[name] = *value;
    } else {
      environment[name] = expand(string_at(variable, {"value"}), environment);
    }
  }

  // A pod's command replaces the image's entrypoint and its command; its args only the latter.
  std::vector<std::string> own = strings_of(container, "command"), arguments = strings_of(container, "args");
  for (std::string& text : own) text = expand(text, environment);
  for (std::string& text : arguments) text = expand(text, environment);
  command.arguments = own.empty() ? image.entrypoint : own;
  const auto& rest = arguments.empty() && own.empty() ? image.command : arguments;
  command.arguments.insert(command.arguments.end(), rest.begin(), rest.end());
  command.working_directory = string_at(container, {"workingDir"});
  if (command.working_directory.empty()) command.working_directory = image.working_directory;
  if (command.working_directory.empty()) command.working_directory = "/";
  return command;
}

}  // namespace kube

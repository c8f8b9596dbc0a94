#include "kube/apiserver/validation.h"

#include <set>
#include <string>

#include "kube/core/dns_name.h"
#include "kube/core/quantity.h"

namespace kube::apiserver {

namespace {

using Problems = std::vector<FieldProblem>;
using Type = FieldProblem::Type;

constexpr std::size_t kMaxAnnotationBytes = 256 << 10;
constexpr std::size_t kMaxDataBytes = 1 << 20;

void add_faults(Problems& problems, const std::string& path, const Json& value,
                const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) problems.push_back({Type::Invalid, path, value, fault});
}

const Json* array_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(object, path);
  return found && found->is_array() ? found : nullptr;
}

std::vector<std::string> name_faults(std::string_view table, std::string_view name) {
  if (table == "namespaces") return dns1123_label_faults(name);
  if (table == "services") return dns1035_label_faults(name);
  if (table.ends_with(".rbac.authorization.k8s.io")) {
    if (name == "." || name == "..") return {"may not be '" + std::string(name) + "'"};
    for (char forbidden : {'/', '%'})
      if (name.find(forbidden) != std::string_view::npos)
        return {std::string("may not contain '") + forbidden + "'"};
    return {};
  }
  return dns1123_subdomain_faults(name);
}

// Names, images and resources of containers.
void check_containers(const Json& spec, std::string_view list, std::set<std::string>& names,
                      const std::set<std::string>& volumes, Problems& problems) {
  const Json* containers = array_at(spec, {list});
  if (!containers) return;
  for (std::size_t i = 0; i < containers->size(); ++i) {
    const Json& container = (*containers)[i];
    const std::string path = "spec." + std::string(list) + "[" + std::to_string(i) + "]";
    const std::string name = string_at(container, {"name"});
    if (name.empty())
      problems.push_back({Type::Required, path + ".name", {}, ""});
    else if (!names.insert(name).second)
      problems.push_back({Type::Duplicate, path + ".name", name, ""});
    else
      add_faults(problems, path + ".name", name, dns1123_label_faults(name));
    if (string_at(container, {"image"}).empty())
      problems.push_back({Type::Required, path + ".image", {}, ""});
    if (const Json* mounts = array_at(container, {"volumeMounts"})) {
      std::set<std::string> paths;
      for (std::size_t m = 0; m < mounts->size(); ++m) {
        const std::string at = path + ".volumeMounts[" + std::to_string(m) + "]";
        const std::string volume = string_at((*mounts)[m], {"name"}),
                          where = string_at((*mounts)[m], {"mountPath"});
        if (volume.empty())
          problems.push_back({Type::Required, at + ".name", {}, ""});
        else if (!volumes.contains(volume))
          problems.push_back({Type::NotFound, at + ".name", volume, ""});
        if (where.empty())
          problems.push_back({Type::Required, at + ".mountPath", {}, ""});
        else if (!paths.insert(where).second)
          problems.push_back({Type::Invalid, at + ".mountPath", where, "must be unique"});
      }
    }
    if (const Json* env = array_at(container, {"env"}))
      for (std::size_t e = 0; e < env->size(); ++e) {
        const std::string at = path + ".env[" + std::to_string(e) + "].name";
        const std::string variable = string_at((*env)[e], {"name"});
        if (variable.empty())
          problems.push_back({Type::Required, at, {}, ""});
        else
          add_faults(problems, at, variable, env_var_name_faults(variable));
      }
    if (const Json* ports = array_at(container, {"ports"}))
      for (std::size_t p = 0; p < ports->size(); ++p) {
        const std::string at = path + ".ports[" + std::to_string(p) + "]";
        const std::int64_t number = (*ports)[p].value("containerPort", std::int64_t{0});
        if (number < 1 || number > 65535)
          problems.push_back(
              {Type::Invalid, at + ".containerPort", number, "must be between 1 and 65535, inclusive"});
        if (string_at((*ports)[p], {"name"}).size() > 15)
          problems.push_back({Type::Invalid, at + ".name", string_at((*ports)[p], {"name"}),
                              "must be no more than 15 characters"});
      }
    auto quantity = [&](std::string_view kind, std::string_view resource, const Json& value) {
      const std::string at = path + ".resources." + std::string(kind) + "[" + std::string(resource) + "]";
      auto parsed = Quantity::parse(value.is_string() ? value.get<std::string>() : dump_json(value));
      if (!parsed || parsed->sign() < 0)
        problems.push_back({Type::Invalid, at, value, "must be greater than or equal to 0"});
      return parsed ? *parsed : Quantity();
    };
    const Json* limits = find_path(container, {"resources", "limits"});
    const Json* requests = find_path(container, {"resources", "requests"});
    if (limits && limits->is_object())
      for (auto& [resource, value] : limits->items()) (void)quantity("limits", resource, value);
    if (requests && requests->is_object())
      for (auto& [resource, value] : requests->items()) {
        const Quantity request = quantity("requests", resource, value);
        auto limit = limits && limits->is_object() ? limits->find(resource) : requests->end();
        if (!limits || !limits->is_object() || limit == limits->end()) continue;
        auto most = Quantity::parse(limit->is_string() ? limit->get<std::string>() : dump_json(*limit));
        if (most && request > *most)
          problems.push_back(
              {Type::Invalid, path + ".resources.requests", request.to_string(),
               "must be less than or equal to " + resource + " limit of " + most->to_string()});
      }
  }
}

void check_pod(const Json& pod, Problems& problems) {
  const Json* spec = find_path(pod, {"spec"});
  if (!spec || !spec->is_object()) {
    problems.push_back({Type::Required, "spec.containers", {}, ""});
    return;
  }
  std::set<std::string> volumes;
  if (const Json* list = array_at(*spec, {"volumes"}))
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string path = "spec.volumes[" + std::to_string(i) + "].name";
      const std::string name = string_at((*list)[i], {"name"});
      if (name.empty())
        problems.push_back({Type::Required, path, {}, ""});
      else if (!volumes.insert(name).second)
        problems.push_back({Type::Duplicate, path, name, ""});
      else
        add_faults(problems, path, name, dns1123_label_faults(name));
    }
  std::set<std::string> names;
  const Json* containers = array_at(*spec, {"containers"});
  if (!containers || containers->empty()) problems.push_back({Type::Required, "spec.containers", {}, ""});
  check_containers(*spec, "containers", names, volumes, problems);
  check_containers(*spec, "initContainers", names, volumes, problems);
  const std::string restart = string_at(*spec, {"restartPolicy"});
  if (!restart.empty() && restart != "Always" && restart != "OnFailure" && restart != "Never")
    problems.push_back({Type::NotSupported, "spec.restartPolicy", restart,
                        "supported values: \"Always\", \"OnFailure\", \"Never\""});
  if (std::string host = string_at(*spec, {"hostname"}); !host.empty())
    add_faults(problems, "spec.hostname", host, dns1123_label_faults(host));
  const std::int64_t grace = spec->value("terminationGracePeriodSeconds", std::int64_t{0});
  if (grace < 0)
    problems.push_back(
        {Type::Invalid, "spec.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0"});
}

void check_service(const Json& service, Problems& problems) {
  const Json* ports = array_at(service, {"spec", "ports"});
  const std::string type = string_at(service, {"spec", "type"});
  const bool headless = string_at(service, {"spec", "clusterIP"}) == "None";
  if ((!ports || ports->empty()) && !headless && type != "ExternalName")
    problems.push_back({Type::Required, "spec.ports", {}, ""});
  if (!ports) return;
  std::set<std::string> names, numbers;
  for (std::size_t i = 0; i < ports->size(); ++i) {
    const Json& port = (*ports)[i];
    const std::string path = "spec.ports[" + std::to_string(i) + "]";
    const std::string name = string_at(port, {"name"});
    if (name.empty() && ports->size() > 1) problems.push_back({Type::Required, path + ".name", {}, ""});
    if (!name.empty()) {
      add_faults(problems, path + ".name", name, dns1123_label_faults(name));
      if (!names.insert(name).second) problems.push_back({Type::Duplicate, path + ".name", name, ""});
    }
    const std::int64_t number = port.value("port", std::int64_t{0});
    if (number < 1 || number > 65535)
      problems.push_back({Type::Invalid, path + ".port", number, "must be between 1 and 65535, inclusive"});
    if (!numbers.insert(std::to_string(number) + string_at(port, {"protocol"})).second)
      problems.push_back(
          {Type::Duplicate, path, {{"port", number}, {"protocol", string_at(port, {"protocol"})}}, ""});
  }
}

void check_data(const Json& object, Problems& problems) {
  std::size_t bytes = 0;
  for (std::string_view member : {"data", "binaryData"}) {
    const Json* data = find_path(object, {member});
    if (!data || !data->is_object()) continue;
    for (auto& [key, value] : data->items()) {
      add_faults(problems, std::string(member) + "[" + key + "]", key, config_map_key_faults(key));
      if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    }
  }
  if (bytes > kMaxDataBytes)
    problems.push_back(
        {Type::TooLong, "", "", "may not be more than " + std::to_string(kMaxDataBytes) + " bytes"});
}

// Of custom resources and definitions any name will do, of the kinds of the core it must be somebody's.
void check_finalizers(const Json& object, Problems& problems) {
  const Json* finalizers = array_at(object, {"metadata", "finalizers"});
  for (std::size_t i = 0; finalizers && i < finalizers->size(); ++i) {
    const Json& finalizer = (*finalizers)[i];
    if (!finalizer.is_string() || finalizer.get_ref<const std::string&>().find('/') != std::string::npos)
      continue;
    if (finalizer != "orphan" && finalizer != "foregroundDeletion" && finalizer != "kubernetes")
      problems.push_back({Type::Invalid, "metadata.finalizers[" + std::to_string(i) + "]", finalizer,
                          "name is neither a standard finalizer name nor is it fully qualified"});
  }
}

void check_event(const Json& event, Problems& problems) {
  // What has no namespace itself is reported in the default one.
  const std::string about = string_at(event, {"involvedObject", "namespace"}),
                    ns = string_at(event, {"metadata", "namespace"});
  if (about.empty() ? ns != "default" && ns != "kube-system" : about != ns)
    problems.push_back({Type::Invalid, "involvedObject.namespace", about, "does not match event.namespace"});
}

void check_webhooks(const Json& configuration, Problems& problems) {
  const Json* webhooks = array_at(configuration, {"webhooks"});
  for (std::size_t i = 0; webhooks && i < webhooks->size(); ++i) {
    const std::string effects = string_at((*webhooks)[i], {"sideEffects"}),
                      path = "webhooks[" + std::to_string(i) + "].sideEffects";
    if (effects.empty())
      problems.push_back({Type::Required, path, {}, "must specify one of None, NoneOnDryRun"});
    else if (effects != "None" && effects != "NoneOnDryRun")
      problems.push_back({Type::NotSupported, path, effects, "supported values: \"None\", \"NoneOnDryRun\""});
  }
}

void check_lease(const Json& lease, Problems& problems) {
  for (std::string_view field : {"leaseDurationSeconds", "leaseTransitions"}) {
    const Json* number = find_path(lease, {"spec", field});
    const int least = field == "leaseTransitions" ? 0 : 1;
    if (number && number->is_number_integer() && number->get<std::int64_t>() < least)
      problems.push_back({Type::Invalid, "spec." + std::string(field), *number,
                          least ? "must be greater than 0" : "must be greater than or equal to 0"});
  }
}

void check_crd(const Json& crd, Problems& problems) {
  const std::string group = string_at(crd, {"spec", "group"}),
                    plural = string_at(crd, {"spec", "names", "plural"});
  if (group.empty()) problems.push_back({Type::Required, "spec.group", {}, ""});
  if (plural.empty()) problems.push_back({Type::Required, "spec.names.plural", {}, ""});
  if (string_at(crd, {"spec", "names", "kind"}).empty())
    problems.push_back({Type::Required, "spec.names.kind", {}, ""});
  const std::string name = string_at(crd, {"metadata", "name"});
  if (!group.empty() && !plural.empty() && name != plural + "." + group)
    problems.push_back({Type::Invalid, "metadata.name", name, "must be spec.names.plural+\".\"+spec.group"});
  const std::string scope = string_at(crd, {"spec", "scope"});
  if (scope != "Namespaced" && scope != "Cluster")
    problems.push_back(
        {Type::NotSupported, "spec.scope", scope, "supported values: \"Cluster\", \"Namespaced\""});
  const Json* versions = array_at(crd, {"spec", "versions"});
  int stored = 0;
  if (versions)
    for (std::size_t i = 0; i < versions->size(); ++i) {
      const Json& version = (*versions)[i];
      stored += version.value("storage", false);
      const std::string path = "spec.versions[" + std::to_string(i) + "]";
      if (string_at(version, {"name"}).empty()) problems.push_back({Type::Required, path + ".name", {}, ""});
      const Json* schema = find_path(version, {"schema", "openAPIV3Schema"});
      // What all versions have in common is judged under this name.
      const bool common = versions->size() == 1;
      if (!schema)
        problems.push_back({Type::Required, path + ".schema.openAPIV3Schema", {}, "schemas are required"});
      else if (string_at(*schema, {"type"}) != "object")
        problems.push_back(
            {Type::Required,
             common ? "spec.validation.openAPIV3Schema.type" : path + ".schema.openAPIV3Schema.type",
             {},
             "must not be empty at the root"});
    }
  if (stored != 1)
    problems.push_back({Type::Invalid, "spec.versions", versions ? *versions : Json::array(),
                        "must have exactly one version marked as storage version"});
}

}  // namespace

std::vector<FieldProblem> validate_metadata(std::string_view table, const Json& object) {
  Problems problems;
  const std::string name = string_at(object, {"metadata", "name"});
  if (name.empty())
    problems.push_back({Type::Required, "metadata.name", {}, "name or generateName is required"});
  else
    add_faults(problems, "metadata.name", name, name_faults(table, name));
  if (const Json* labels = find_path(object, {"metadata", "labels"}); labels && labels->is_object())
    for (auto& [key, value] : labels->items()) {
      add_faults(problems, "metadata.labels", key, qualified_name_faults(key));
      if (value.is_string())
        add_faults(problems, "metadata.labels", value,
                   label_value_faults(value.get_ref<const std::string&>()));
    }
  if (const Json* annotations = find_path(object, {"metadata", "annotations"});
      annotations && annotations->is_object()) {
    std::size_t bytes = 0;
    for (auto& [key, value] : annotations->items()) {
      add_faults(problems, "metadata.annotations", key, qualified_name_faults(key));
      bytes += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
    }
    if (bytes > kMaxAnnotationBytes)
      problems.push_back({Type::TooLong, "metadata.annotations", "",
                          "may not be more than " + std::to_string(kMaxAnnotationBytes) + " bytes"});
  }
  if (const Json* owners = array_at(object, {"metadata", "ownerReferences"})) {
    int controllers = 0;
    for (const Json& owner : *owners) {
      for (std::string_view field : {"apiVersion", "kind", "name", "uid"})
        if (string_at(owner, {field}).empty())
          problems.push_back(
              {Type::Invalid, "metadata.ownerReferences." + std::string(field), "", "must not be empty"});
      controllers += owner.is_object() && owner.value("controller", false);
    }
    if (controllers > 1)
      problems.push_back({Type::Invalid, "metadata.ownerReferences", *owners,
                          "Only one reference can have Controller set to true"});
  }
  if (const Json* finalizers = array_at(object, {"metadata", "finalizers"}))
    for (const Json& finalizer : *finalizers)
      if (finalizer.is_string())
        add_faults(problems, "metadata.finalizers", finalizer,
                   qualified_name_faults(finalizer.get_ref<const std::string&>()));
  return problems;
}

std::vector<FieldProblem> validate_builtin(std::string_view table, const Json& object) {
  Problems problems;
  if (table == "customresourcedefinitions.apiextensions.k8s.io")
    check_crd(object, problems);
  else
    check_finalizers(object, problems);
  if (table == "pods") check_pod(object, problems);
  if (table == "services") check_service(object, problems);
  if (table == "configmaps" || table == "secrets") check_data(object, problems);
  if (table == "events") check_event(object, problems);
  if (table == "leases.coordination.k8s.io") check_lease(object, problems);
  if (table.ends_with("webhookconfigurations.admissionregistration.k8s.io")) check_webhooks(object, problems);
  return problems;
}

std::vector<FieldProblem> validate_change(std::string_view table, const Json& before, const Json& after) {
  Problems problems;
  auto part = [](const Json& object, std::string_view name) {
    const Json* found = find_path(object, {name});
    return found ? *found : Json();
  };
  if (table == "pods") {
    // Of a pod's spec only these may change (and a container's image).
    Json old_spec = part(before, "spec"), new_spec = part(after, "spec");
    for (Json* spec : {&old_spec, &new_spec}) {
      if (!spec->is_object()) continue;
      for (std::string_view free :
           {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"})
        spec->erase(free);
      for (std::string_view list : {"containers", "initContainers", "ephemeralContainers"})
        if (auto found = spec->find(list); found != spec->end() && found->is_array())
          for (Json& container : *found)
            if (container.is_object()) container.erase("image");
    }
    if (old_spec != new_spec)
      problems.push_back(
          {Type::Forbidden,
           "spec",
           {},
           "pod updates may not change fields other than `spec.containers[*].image`,"
           "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
           "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
           "be set to 1 if it was previously negative)"});
  }
  if (table == "configmaps" || table == "secrets") {
    if (before.value("immutable", false)) {
      if (!after.value("immutable", false))
        problems.push_back({Type::Forbidden, "immutable", {}, "field is immutable when `immutable` is set"});
      for (std::string_view member : {"data", "binaryData"})
        if (part(before, member) != part(after, member))
          problems.push_back(
              {Type::Forbidden, std::string(member), {}, "field is immutable when `immutable` is set"});
    }
    if (table == "secrets" && part(before, "type") != part(after, "type"))
      problems.push_back({Type::Invalid, "type", part(after, "type"), "field is immutable"});
  }
  if (table == "services") {
    const std::string was = string_at(before, {"spec", "clusterIP"}),
                      is = string_at(after, {"spec", "clusterIP"});
    if (!was.empty() && was != is && string_at(after, {"spec", "type"}) != "ExternalName" &&
        string_at(before, {"spec", "type"}) != "ExternalName")
      problems.push_back({Type::Invalid, "spec.clusterIPs[0]", is, "may not change once set"});
  }
  if (table == "customresourcedefinitions.apiextensions.k8s.io") {
    for (std::string_view field : {"group", "scope"})
      if (string_at(before, {"spec", field}) != string_at(after, {"spec", field}))
        problems.push_back({Type::Invalid, "spec." + std::string(field), string_at(after, {"spec", field}),
                            "field is immutable"});
  }
  return problems;
}

}  // namespace kube::apiserver

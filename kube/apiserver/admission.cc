#include "kube/apiserver/admission.h"

#include "kube/apiserver/defaults.h"
#include "kube/apiserver/validation.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kTokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

bool mounts_token(const Json& pod, const Json& account) {
  if (const Json* own = find_path(pod, {"spec", "automountServiceAccountToken"}); own && own->is_boolean())
    return own->get<bool>();
  if (const Json* of_account = find_path(account, {"automountServiceAccountToken"});
      of_account && of_account->is_boolean())
    return of_account->get<bool>();
  return true;
}

Json token_volume(const std::string& name) {
  return {{"name", name},
          {"projected",
           {{"defaultMode", 420},
            {"sources",
             Json::array({{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
                          {{"configMap",
                            {{"name", "kube-root-ca.crt"},
                             {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}},
                          {{"downwardAPI",
                            {{"items", Json::array({{{"path", "namespace"},
                                                     {"fieldRef",
                                                      {{"apiVersion", "v1"},
                                                       {"fieldPath", "metadata.namespace"}}}}})}}}}})}}}};
}

}  // namespace

Granted<> Admission::namespace_is_open(const ServedResource& served, const Json& object) const {
  if (!served.resource.namespaced) return {};
  const std::string ns = string_at(object, {"metadata", "namespace"});
  ObjectRef found = cluster_.store.get("namespaces", {"", ns});
  if (!found) return refuse(Refusal::not_found(kNamespaces, ns));
  if (found->is_terminating()) {
    const std::string name = string_at(object, {"metadata", "name"});
    Refusal refusal = Refusal::forbidden(
        served.resource, name,
        "unable to create new content in namespace " + ns + " because it is being terminated");
    refusal.details()["causes"] = Json::array({{{"reason", "NamespaceTerminating"},
                                                {"message", "namespace " + ns + " is being terminated"},
                                                {"field", "metadata.namespace"}}});
    return refuse(std::move(refusal));
  }
  return {};
}

Granted<> Admission::add_service_account(Json& pod) {
  Json& spec = pod["spec"];
  if (!spec.is_object()) return {};
  const std::string ns = string_at(pod, {"metadata", "namespace"});
  std::string name = string_at(spec, {"serviceAccountName"});
  if (name.empty()) name = string_at(spec, {"serviceAccount"});
  if (name.empty()) name = "default";
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
  ObjectRef account = cluster_.store.get("serviceaccounts", {ns, name});
  if (!account) {
    const std::string pod_name = string_at(pod, {"metadata", "name"});
    return refuse(Refusal::forbidden(kPods, pod_name,
                                     "error looking up service account " + ns + "/" + name +
                                         ": serviceaccount \"" + name + "\" not found"));
  }
  if (const Json* secrets = find_path(account->json(), {"imagePullSecrets"});
      secrets && !spec.contains("imagePullSecrets"))
    spec["imagePullSecrets"] = *secrets;
  if (!mounts_token(pod, account->json())) return {};

  std::string volume;
  bool used = false;
  for (std::string_view list : {"containers", "initContainers"}) {
    auto containers = spec.find(list);
    if (containers == spec.end() || !containers->is_array()) continue;
    for (Json& container : *containers) {
      if (!container.is_object()) continue;
      bool mounted = false;
      if (auto mounts = container.find("volumeMounts"); mounts != container.end() && mounts->is_array())
        for (const Json& mount : *mounts) mounted = mounted || string_at(mount, {"mountPath"}) == kTokenPath;
      if (mounted) continue;
      if (volume.empty()) volume = "kube-api-access-" + cluster_.loop.random().name_suffix();
      container["volumeMounts"].push_back({{"name", volume}, {"mountPath", kTokenPath}, {"readOnly", true}});
      used = true;
    }
  }
  if (used) spec["volumes"].push_back(token_volume(volume));
  return {};
}

Granted<> Admission::check_priority(Json& pod) const {
  const std::string name = string_at(pod, {"spec", "priorityClassName"});
  if (name.empty()) return {};
  if (name == "system-cluster-critical" || name == "system-node-critical") {
    pod["spec"]["priority"] = name == "system-cluster-critical" ? 2000000000 : 2000001000;
    return {};
  }
  ObjectRef found = cluster_.store.get("priorityclasses.scheduling.k8s.io", {"", name});
  if (!found)
    return refuse(Refusal::forbidden(kPods, string_at(pod, {"metadata", "name"}),
                                     "no PriorityClass with name " + name + " was found"));
  pod["spec"]["priority"] = found->json().value("value", 0);
  if (std::string policy = string_at(found->json(), {"preemptionPolicy"}); !policy.empty())
    pod["spec"]["preemptionPolicy"] = policy;
  return {};
}

Granted<> Admission::prepare(const ServedResource& served, Json& object) {
  if (auto open = namespace_is_open(served, object); !open) return open;
  if (served.custom) return {};
  apply_builtin_defaults(served.table(), object);
  if (served.table() != "pods") return {};
  if (auto account = add_service_account(object); !account) return account;
  return check_priority(object);
}

Granted<> Admission::create(const ServedResource& served, Json& object) {
  const std::string& table = served.table();
  if (auto prepared = prepare(served, object); !prepared) return prepared;
  if (!served.custom) {
    if (table == "pods") {
      object["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(object)}};
    }
    if (table == "namespaces") object["status"] = {{"phase", "Active"}};
    if (table == "persistentvolumeclaims") object["status"] = {{"phase", "Pending"}};
    if (table == "services") {
      object["status"] = {{"loadBalancer", Json::object()}};
      if (auto assigned = addresses_.assign(object); !assigned) return assigned;
    }
  }
  auto problems = validate_metadata(table, object);
  if (!served.custom) {
    for (FieldProblem& problem : validate_builtin(table, object)) problems.push_back(std::move(problem));
  } else if (served.schema) {
    for (FieldProblem& problem : validate(object, *served.schema)) problems.push_back(std::move(problem));
  }
  if (!problems.empty())
    return refuse(Refusal::invalid(served.resource.gvk(), string_at(object, {"metadata", "name"}), problems));
  return {};
}

Granted<> Admission::update(const ServedResource& served, const Json& before, Json& after, bool status) {
  const std::string& table = served.table();
  std::vector<FieldProblem> problems;
  if (!served.custom && !status) {
    apply_builtin_defaults(table, after);
    if (table == "services") {
      // A client that leaves the address out means to keep it.
      if (string_at(after, {"spec", "clusterIP"}).empty() &&
          string_at(after, {"spec", "type"}) != "ExternalName") {
        if (std::string address = string_at(before, {"spec", "clusterIP"}); !address.empty())
          after["spec"]["clusterIP"] = address;
      }
      if (string_at(after, {"spec", "clusterIP"}) == string_at(before, {"spec", "clusterIP"}) ||
          string_at(before, {"spec", "clusterIP"}).empty())
        if (auto assigned = addresses_.assign(after); !assigned) return assigned;
    }
    problems = validate_change(table, before, after);
    for (FieldProblem& problem : validate_builtin(table, after)) problems.push_back(std::move(problem));
  }
  if (!status)
    for (FieldProblem& problem : validate_metadata(table, after)) problems.push_back(std::move(problem));
  if (served.custom && served.schema)
    for (FieldProblem& problem : validate(after, *served.schema)) problems.push_back(std::move(problem));
  const Json* terminating = find_path(before, {"metadata", "deletionTimestamp"});
  if (terminating) {
    const Json* old_list = find_path(before, {"metadata", "finalizers"});
    const Json* new_list = find_path(after, {"metadata", "finalizers"});
    if (new_list && new_list->is_array())
      for (const Json& finalizer : *new_list)
        if (!old_list || std::find(old_list->begin(), old_list->end(), finalizer) == old_list->end())
          problems.push_back(
              {FieldProblem::Type::Forbidden,
               "metadata.finalizers",
               {},
               "no new finalizers can be added if the object is being deleted, found new finalizers "
               "[]string{" +
                   dump_json(finalizer) + "}"});
  }
  if (!problems.empty())
    return refuse(Refusal::invalid(served.resource.gvk(), string_at(after, {"metadata", "name"}), problems));
  return {};
}

Granted<> Admission::remove(const ServedResource& served, const StoredObject& object) {
  if (served.table() == "namespaces") {
    const std::string& name = object.key().name;
    if (name == "default" || name == "kube-system" || name == "kube-public")
      return refuse(Refusal::forbidden(kNamespaces, name, "this namespace may not be deleted"));
  }
  return {};
}

}  // namespace kube::apiserver

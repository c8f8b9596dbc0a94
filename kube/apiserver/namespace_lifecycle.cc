#include "kube/apiserver/namespace_lifecycle.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kRootCa = "kube-root-ca.crt";

const RequestInfo& as_controller() {
  static const RequestInfo kRequest = [] {
    RequestInfo request;
    request.user.username = "system:serviceaccount:kube-system:namespace-controller";
    return request;
  }();
  return kRequest;
}

}  // namespace

NamespaceLifecycle::NamespaceLifecycle(Cluster& cluster, ObjectWriter& writer, std::string root_ca,
                                       Duration delay)
    : cluster_(cluster),
      writer_(writer),
      root_ca_(std::move(root_ca)),
      delay_(delay),
      timer_(cluster.loop, [this] { work(); }) {
  cluster_.on_commit(
      [this](std::string_view table, const Change& change, const RequestInfo&) { observe(table, change); });
}

bool NamespaceLifecycle::is_open(const std::string& ns) const {
  ObjectRef found = cluster_.store.get("namespaces", {"", ns});
  return found && !found->is_terminating();
}

void NamespaceLifecycle::observe(std::string_view table, const Change& change) {
  if (table == "namespaces") {
    if (!change.before) furnish(change.after->key().name);
    if (change.after && change.after->is_terminating()) {
      terminating_.insert(change.after->key().name);
      if (!timer_.is_set()) timer_.set(cluster_.loop.after(delay_));
    }
    return;
  }
  if (change.after) return;
  const ObjectKey& key = change.before->key();
  if (key.ns.empty()) return;
  if (is_open(key.ns)) {
    const bool furniture = (table == "serviceaccounts" && key.name == "default") ||
                           (table == "configmaps" && key.name == kRootCa);
    if (furniture) furnish(key.ns);
  } else if (cluster_.store.get("namespaces", {"", key.ns})) {
    terminating_.insert(key.ns);
    if (!timer_.is_set()) timer_.set(cluster_.loop.after(delay_));
  }
}

void NamespaceLifecycle::furnish(const std::string& ns) {
  auto writer = cluster_.writing_as(as_controller());
  auto make = [&](const char* table, const char* kind, std::string_view name, Json rest) {
    if (cluster_.store.get(table, {ns, std::string(name)})) return;
    rest["apiVersion"] = "v1";
    rest["kind"] = kind;
    rest["metadata"]["name"] = name;
    rest["metadata"]["namespace"] = ns;
    rest["metadata"]["uid"] = cluster_.new_uid();
    rest["metadata"]["creationTimestamp"] = cluster_.now();
    cluster_.store.put(table, std::move(rest));
  };
  make("serviceaccounts", "ServiceAccount", "default", Json::object());
  make("configmaps", "ConfigMap", kRootCa,
       {{"data", {{"ca.crt", root_ca_}}},
        {"metadata",
         {{"annotations",
           {{"kubernetes.io/description",
             "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
             "endpoints."}}}}}});
}

void NamespaceLifecycle::work() {
  std::set<std::string> round;
  round.swap(terminating_);
  for (const std::string& ns : round) empty(ns);
}

void NamespaceLifecycle::empty(const std::string& ns) {
  ObjectRef space = cluster_.store.get("namespaces", {"", ns});
  if (!space || !space->is_terminating()) return;
  std::set<std::string> tables;
  for (const ServedRef& served : cluster_.registry.all()) {
    if (!served->resource.namespaced || !tables.insert(served->table()).second) continue;
    for (const ObjectRef& object : cluster_.store.list(served->table(), ns)) {
      if (object->is_terminating()) continue;
      ApiCall call;
      call.info = as_controller();
      call.info.ns = ns;
      call.info.name = object->key().name;
      call.served = served;
      call.deletion.uid = object->uid();
      if (auto removed = writer_.remove(call, object->key()); !removed)
        cluster_.log.warn("object of a terminating namespace not deleted",
                          {{"object", object->key().to_string()}, {"why", removed.error().message()}});
    }
  }
  for (const std::string& table : tables)
    if (!cluster_.store.list(table, ns).empty()) return;  // looks again when one of them goes
  auto writer = cluster_.writing_as(as_controller());
  Json after = space->json();
  after["spec"].erase("finalizers");
  cluster_.store.put("namespaces", std::move(after));
  cluster_.store.remove("namespaces", {"", ns});
}

void NamespaceLifecycle::make_first_objects() {
  auto make = [&](const Resource& resource, const std::string& ns, Json object) {
    ApiCall call;
    call.info = as_controller();
    call.info.ns = ns;
    call.served = cluster_.registry.find(resource.group, resource.version, resource.plural);
    object["apiVersion"] = resource.api_version();
    object["kind"] = resource.kind;
    if (auto made = writer_.create_json(call, std::move(object)); !made)
      cluster_.log.error("first object not made", {{"kind", resource.kind}, {"why", made.error().message()}});
  };
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"})
    make(kNamespaces, "", {{"metadata", {{"name", name}}}});
  for (auto [name, value] :
       {std::pair{"system-cluster-critical", 2000000000}, std::pair{"system-node-critical", 2000001000}})
    make(kPriorityClasses, "", {{"metadata", {{"name", name}}}, {"value", value}});
}

}  // namespace kube::apiserver

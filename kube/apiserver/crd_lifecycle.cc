#include "kube/apiserver/crd_lifecycle.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kTable = "customresourcedefinitions.apiextensions.k8s.io";

const RequestInfo& as_controller() {
  static const RequestInfo kRequest = [] {
    RequestInfo request;
    request.user.username = "system:apiserver";
    return request;
  }();
  return kRequest;
}

}  // namespace

CrdLifecycle::CrdLifecycle(Cluster& cluster, WatchHub& hub)
    : cluster_(cluster), hub_(hub), timer_(cluster.loop, [this] { establish(); }) {
  cluster_.on_commit([this](std::string_view table, const Change& change, const RequestInfo&) {
    if (table == kTable) observe(change);
  });
}

void CrdLifecycle::observe(const Change& change) {
  if (change.after) {
    const bool same = change.before && change.before->json()["spec"] == change.after->json()["spec"];
    if (same) return;
    cluster_.registry.serve_crd(change.after->json());
    fresh_.insert(change.after->key().name);
    timer_.set(cluster_.loop.after({}));
    return;
  }
  const Json& crd = change.before->json();
  const std::string table =
      string_at(crd, {"spec", "names", "plural"}) + "." + string_at(crd, {"spec", "group"});
  auto writer = cluster_.writing_as(as_controller());
  for (const ObjectRef& object : cluster_.store.list(table)) cluster_.store.remove(table, object->key());
  hub_.end_table(table);
  cluster_.registry.drop_crd(change.before->key().name);
}

void CrdLifecycle::establish() {
  std::set<std::string> round;
  round.swap(fresh_);
  auto writer = cluster_.writing_as(as_controller());
  for (const std::string& name : round) {
    ObjectRef crd = cluster_.store.get(kTable, {"", name});
    if (!crd) continue;
    Json after = crd->json();
    Json stored = Json::array();
    for (const Json& version : after["spec"]["versions"])
      if (version.value("storage", false)) stored.push_back(version["name"]);
    const Json* before = find_path(after, {"status", "conditions"});
    std::string since = cluster_.now();
    if (before && before->is_array() && !before->empty())
      since = string_at((*before)[0], {"lastTransitionTime"});
    after["status"] = {{"acceptedNames", after["spec"]["names"]},
                       {"storedVersions", std::move(stored)},
                       {"conditions", Json::array({{{"type", "NamesAccepted"},
                                                    {"status", "True"},
                                                    {"lastTransitionTime", since},
                                                    {"reason", "NoConflicts"},
                                                    {"message", "no conflicts found"}},
                                                   {{"type", "Established"},
                                                    {"status", "True"},
                                                    {"lastTransitionTime", since},
                                                    {"reason", "InitialNamesAccepted"},
                                                    {"message", "the initial names have been accepted"}}})}};
    if (after != crd->json()) cluster_.store.put(kTable, std::move(after));
  }
}

}  // namespace kube::apiserver

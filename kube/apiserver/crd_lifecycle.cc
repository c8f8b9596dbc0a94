#include "kube/apiserver/crd_lifecycle.h"

#include <algorithm>

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

constexpr std::string_view kCleanUp = "customresourcecleanup.apiextensions.k8s.io";

std::string table_of(const Json& crd) {
  return string_at(crd, {"spec", "names", "plural"}) + "." + string_at(crd, {"spec", "group"});
}

}  // namespace

CrdLifecycle::CrdLifecycle(Cluster& cluster, ObjectWriter& writer, WatchHub& hub)
    : cluster_(cluster),
      writer_(writer),
      hub_(hub),
      timer_(cluster.loop, [this] { establish(); }),
      clean_timer_(cluster.loop, [this] { clean_up(); }) {
  cluster_.on_commit([this](std::string_view table, const Change& change, const RequestInfo&) {
    if (table == kTable) observe(change);
    if (!ending_.empty() && ending_.contains(std::string(table)) && !change.after)
      clean_timer_.set(cluster_.loop.after({}));
  });
}

void CrdLifecycle::observe(const Change& change) {
  if (change.after) {
    if (change.after->is_terminating()) {
      ending_[table_of(change.after->json())] = change.after->key().name;
      clean_timer_.set(cluster_.loop.after({}));
    }
    const bool same = change.before && change.before->json()["spec"] == change.after->json()["spec"];
    if (same) return;
    cluster_.registry.serve_crd(change.after->json());
    fresh_.insert(change.after->key().name);
    timer_.set(cluster_.loop.after({}));
    return;
  }
  const Json& crd = change.before->json();
  const std::string table = table_of(crd);
  ending_.erase(table);
  hub_.end_table(table);
  cluster_.registry.drop_crd(change.before->key().name);
}

void CrdLifecycle::clean_up() {
  const std::map<std::string, std::string> round = ending_;
  for (const auto& [table, name] : round) {
    ObjectRef crd = cluster_.store.get(kTable, {"", name});
    if (!crd) continue;
    const Json& names = crd->json()["spec"];
    ApiCall call;
    call.info = as_controller();
    call.info.verb = "delete";
    call.served =
        cluster_.registry.find(string_at(names, {"group"}), string_at(names["versions"][0], {"name"}),
                               string_at(names, {"names", "plural"}));
    for (const ObjectRef& object : cluster_.store.list(table)) {
      if (!call.served || object->is_terminating()) continue;
      call.info.ns = object->key().ns;
      call.info.name = object->key().name;
      if (auto removed = writer_.remove(call, object->key()); !removed)
        cluster_.log.warn("object of a deleted definition not removed",
                          {{"object", object->key().to_string()}, {"why", removed.error().message()}});
    }
    if (!cluster_.store.list(table).empty()) continue;
    ApiCall finish;
    finish.info = as_controller();
    finish.info.verb = "update";
    finish.info.name = name;
    finish.served = cluster_.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    auto done = writer_.change(finish, [](const Json& present) -> Granted<Json> {
      Json after = present;
      Json& finalizers = after["metadata"]["finalizers"];
      finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), kCleanUp), finalizers.end());
      return after;
    });
    if (!done)
      cluster_.log.warn("deleted definition not finished", {{"name", name}, {"why", done.error().message()}});
  }
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

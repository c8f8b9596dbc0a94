#include "kube/apiserver/garbage_collector.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";

const RequestInfo& as_collector() {
  static const RequestInfo kRequest = [] {
    RequestInfo request;
    request.user.username = "system:serviceaccount:kube-system:generic-garbage-collector";
    return request;
  }();
  return kRequest;
}

const Json& owners_of(const Json& object) {
  static const Json kNone = Json::array();
  const Json* owners = find_path(object, {"metadata", "ownerReferences"});
  return owners && owners->is_array() ? *owners : kNone;
}

bool has_finalizer(const Json& object, std::string_view name) {
  const Json* finalizers = find_path(object, {"metadata", "finalizers"});
  if (!finalizers || !finalizers->is_array()) return false;
  for (const Json& finalizer : *finalizers)
    if (finalizer == name) return true;
  return false;
}

}  // namespace

GarbageCollector::GarbageCollector(Cluster& cluster, ObjectWriter& writer, Duration delay)
    : cluster_(cluster), writer_(writer), delay_(delay), timer_(cluster.loop, [this] { collect(); }) {
  cluster_.on_commit(
      [this](std::string_view table, const Change& change, const RequestInfo&) { observe(table, change); });
}

void GarbageCollector::observe(std::string_view table, const Change& change) {
  const ObjectRef& shown = change.after ? change.after : change.before;
  Place place{std::string(table), shown->key()};
  if (change.before)
    for (const Json& owner : owners_of(change.before->json())) {
      auto found = dependents_.find(string_at(owner, {"uid"}));
      if (found == dependents_.end()) continue;
      found->second.erase(place);
      if (found->second.empty()) dependents_.erase(found);
    }
  if (change.after) {
    const Json& owners = owners_of(change.after->json());
    for (const Json& owner : owners) dependents_[string_at(owner, {"uid"})].insert(place);
    // An owner may be gone already when its dependent comes.
    if (!owners.empty() && (!change.before || owners_of(change.before->json()) != owners)) enqueue(place);
    if (change.after->is_terminating() &&
        (has_finalizer(change.after->json(), kForeground) || has_finalizer(change.after->json(), kOrphan)))
      enqueue(place);
  }
  const bool was_waiting = change.before && change.before->is_terminating();
  const bool starts_waiting = change.after && change.after->is_terminating() && !was_waiting;
  if (!change.after || starts_waiting)
    if (auto found = dependents_.find(change.before ? change.before->uid() : ""); found != dependents_.end())
      for (const Place& dependent : found->second) enqueue(dependent);
  // An owner that waits for its dependents looks again when one of them goes.
  if (!change.after)
    for (const Json& owner : owners_of(change.before->json())) {
      auto group_version = GroupVersion::parse(string_at(owner, {"apiVersion"}));
      if (!group_version) continue;
      ServedRef served =
          cluster_.registry.find_kind_any_version(group_version->group, string_at(owner, {"kind"}));
      if (!served) continue;
      const std::string ns = served->resource.namespaced ? place.second.ns : "";
      ObjectRef waiting = cluster_.store.get(served->table(), {ns, string_at(owner, {"name"})});
      if (waiting && has_finalizer(waiting->json(), kForeground)) enqueue({served->table(), waiting->key()});
    }
}

void GarbageCollector::enqueue(Place place) {
  queue_.insert(std::move(place));
  if (!timer_.is_set()) timer_.set(cluster_.loop.after(delay_));
}

void GarbageCollector::collect() {
  // What falls due while this runs is for the next round, so that one round ends.
  std::set<Place> round;
  round.swap(queue_);
  for (const Place& place : round) examine(place);
}

GarbageCollector::Owner GarbageCollector::state_of(const Json& reference, const std::string& ns) const {
  auto group_version = GroupVersion::parse(string_at(reference, {"apiVersion"}));
  if (!group_version) return Owner::Unknown;
  ServedRef served =
      cluster_.registry.find_kind_any_version(group_version->group, string_at(reference, {"kind"}));
  if (!served) return Owner::Unknown;
  ObjectRef owner = cluster_.store.get(
      served->table(), {served->resource.namespaced ? ns : "", string_at(reference, {"name"})});
  if (!owner || owner->uid() != string_at(reference, {"uid"})) return Owner::Gone;
  if (owner->is_terminating() && has_finalizer(owner->json(), kForeground)) return Owner::Waiting;
  return Owner::Solid;
}

void GarbageCollector::examine(const Place& place) {
  ObjectRef object = cluster_.store.get(place.first, place.second);
  if (!object) return;
  if (object->is_terminating()) {
    if (has_finalizer(object->json(), kOrphan)) return orphan_dependents(place, object);
    if (has_finalizer(object->json(), kForeground)) return finish_foreground(place, object);
    return;
  }
  const Json& owners = owners_of(object->json());
  if (owners.empty()) return;
  int solid = 0, waiting = 0;
  bool waits_blocked = false;
  Json kept = Json::array();
  for (const Json& owner : owners) {
    switch (state_of(owner, place.second.ns)) {
      case Owner::Solid:
      case Owner::Unknown:
        // An owner of a kind that is not served cannot be looked up, so it is not believed gone.
        ++solid;
        kept.push_back(owner);
        break;
      case Owner::Waiting:
        ++waiting;
        waits_blocked = waits_blocked || owner.value("blockOwnerDeletion", false);
        break;
      case Owner::Gone:
        break;
    }
  }
  if (solid) {
    if (kept.size() == owners.size()) return;
    Json after = object->json();
    after["metadata"]["ownerReferences"] = std::move(kept);
    auto writer = cluster_.writing_as(as_collector());
    cluster_.store.put(place.first, std::move(after));
    return;
  }
  const bool has_dependents = dependents_.contains(object->uid());
  Propagation propagation = Propagation::Background;
  if (waiting && waits_blocked && has_dependents) propagation = Propagation::Foreground;
  if (has_finalizer(object->json(), kOrphan)) propagation = Propagation::Orphan;
  if (has_finalizer(object->json(), kForeground)) propagation = Propagation::Foreground;
  remove(place, object, propagation);
}

void GarbageCollector::finish_foreground(const Place& place, const ObjectRef& object) {
  auto found = dependents_.find(object->uid());
  bool blocked = false;
  if (found != dependents_.end()) {
    const std::set<Place> dependents = found->second;
    for (const Place& dependent : dependents) {
      ObjectRef below = cluster_.store.get(dependent.first, dependent.second);
      if (!below) continue;
      for (const Json& owner : owners_of(below->json()))
        if (string_at(owner, {"uid"}) == object->uid() && owner.value("blockOwnerDeletion", false))
          blocked = true;
      if (!below->is_terminating()) enqueue(dependent);
    }
  }
  if (!blocked) remove_finalizer(place, object, kForeground);
}

void GarbageCollector::orphan_dependents(const Place& place, const ObjectRef& object) {
  if (auto found = dependents_.find(object->uid()); found != dependents_.end()) {
    const std::set<Place> dependents = found->second;
    for (const Place& dependent : dependents) {
      ObjectRef below = cluster_.store.get(dependent.first, dependent.second);
      if (!below) continue;
      Json after = below->json();
      Json kept = Json::array();
      for (const Json& owner : owners_of(after))
        if (string_at(owner, {"uid"}) != object->uid()) kept.push_back(owner);
      if (kept.empty())
        after["metadata"].erase("ownerReferences");
      else
        after["metadata"]["ownerReferences"] = std::move(kept);
      auto writer = cluster_.writing_as(as_collector());
      cluster_.store.put(dependent.first, std::move(after));
    }
  }
  remove_finalizer(place, object, kOrphan);
}

void GarbageCollector::remove_finalizer(const Place& place, const ObjectRef& object,
                                        std::string_view finalizer) {
  auto served = cluster_.registry.of_table(place.first);
  if (served.empty()) return;
  ApiCall call;
  call.info = as_collector();
  call.info.ns = place.second.ns;
  call.info.name = place.second.name;
  call.served = served.front();
  auto changed = writer_.change(call, [&](const Json& present) -> Granted<Json> {
    Json after = present;
    Json kept = Json::array();
    for (const Json& one : present["metadata"]["finalizers"])
      if (one != finalizer) kept.push_back(one);
    after["metadata"]["finalizers"] = std::move(kept);
    return after;
  });
  if (!changed)
    cluster_.log.warn("finalizer not removed",
                      {{"object", place.second.to_string()}, {"why", changed.error().message()}});
}

void GarbageCollector::remove(const Place& place, const ObjectRef& object, Propagation propagation) {
  auto served = cluster_.registry.of_table(place.first);
  if (served.empty()) return;
  ApiCall call;
  call.info = as_collector();
  call.info.verb = "";
  call.info.ns = place.second.ns;
  call.info.name = place.second.name;
  call.served = served.front();
  call.deletion.uid = object->uid();
  call.deletion.propagation = propagation;
  auto removed = writer_.remove(call, place.second);
  if (!removed && removed.error().code() != 404)
    cluster_.log.warn("dependent not deleted",
                      {{"object", place.second.to_string()}, {"why", removed.error().message()}});
}

}  // namespace kube::apiserver

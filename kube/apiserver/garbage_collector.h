// GarbageCollector deletes what owners leave behind: an object all of whose owners are gone (by UID, read
// from the store) goes too; foreground deletion waits for dependents, orphaning cuts them loose.
//
// It learns of changes from the store's commits, keeps an index of dependents by owner UID, and works off a
// queue a `delay` later, as the real one does some time after the fact. Nothing is deleted within the call
// that caused it.
//
// Thread: the loop's only. Lifetime: cluster and writer outlive it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "kube/apiserver/object_writer.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

class GarbageCollector {
 public:
  GarbageCollector(Cluster& cluster, ObjectWriter& writer, Duration delay);

  // All that is due, now.
  void collect();

 private:
  using Place = std::pair<std::string, ObjectKey>;  // table, key

  void observe(std::string_view table, const Change& change);
  void enqueue(Place place);
  void examine(const Place& place);
  void finish_foreground(const Place& place, const ObjectRef& object);
  void orphan_dependents(const Place& place, const ObjectRef& object);
  enum class Owner { Solid, Waiting, Gone, Unknown };
  Owner state_of(const Json& reference, const std::string& ns) const;
  void remove_finalizer(const Place& place, const ObjectRef& object, std::string_view finalizer);
  void remove(const Place& place, const ObjectRef& object, Propagation propagation);

  Cluster& cluster_;
  ObjectWriter& writer_;
  Duration delay_;
  Timer timer_;
  std::map<std::string, std::set<Place>> dependents_;  // by owner UID
  std::set<Place> queue_;
};

}  // namespace kube::apiserver

// CrdLifecycle makes the registry serve what custom resource definitions define, tells so in their status,
// and deletes the objects of a definition that is being deleted before it goes. Thread: the loop's only.
// Lifetime: cluster, writer and hub outlive it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "kube/apiserver/cluster.h"
#include "kube/apiserver/object_writer.h"
#include "kube/apiserver/watch_stream.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

class CrdLifecycle {
 public:
  CrdLifecycle(Cluster& cluster, ObjectWriter& writer, WatchHub& hub);

 private:
  void observe(const Change& change);
  void establish();
  void clean_up();

  Cluster& cluster_;
  ObjectWriter& writer_;
  WatchHub& hub_;
  Timer timer_, clean_timer_;
  std::set<std::string> fresh_;                // whose status is not yet written
  std::map<std::string, std::string> ending_;  // being deleted: the table of their objects, and their name
};

}  // namespace kube::apiserver

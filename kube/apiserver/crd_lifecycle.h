// CrdLifecycle makes the registry serve what custom resource definitions define, tells so in their status,
// and removes the objects of a definition that is deleted. Thread: the loop's only. Lifetime: cluster and hub
// outlive it.
#pragma once

#include <set>
#include <string>

#include "kube/apiserver/cluster.h"
#include "kube/apiserver/watch_stream.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

class CrdLifecycle {
 public:
  CrdLifecycle(Cluster& cluster, WatchHub& hub);

 private:
  void observe(const Change& change);
  void establish();

  Cluster& cluster_;
  WatchHub& hub_;
  Timer timer_;
  std::set<std::string> fresh_;  // whose status is not yet written
};

}  // namespace kube::apiserver

// EventExpiry forgets events an hour after their last change, as the real server does.
// Thread: the loop's only. Lifetime: cluster outlives it.
#pragma once

#include <deque>

#include "kube/apiserver/cluster.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

class EventExpiry {
 public:
  explicit EventExpiry(Cluster& cluster);

 private:
  struct Written {
    SteadyTime at;
    ObjectKey key;
    std::uint64_t version;
  };
  void expire();

  Cluster& cluster_;
  Timer timer_;
  std::deque<Written> written_;  // oldest first
};

}  // namespace kube::apiserver

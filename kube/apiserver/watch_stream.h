// WatchStream says what happens to a selection of objects, as lines of a watch: from a version on, or
// beginning with what is there. WatchHub knows all open ones, so that they can be ended.
//
//   auto stream = hub.open(call, selection);         // refused: 410, 504, 400
//   while (auto line = co_await (*stream)->next()) …
//
// A change that brings an object into the selection is ADDED, one that takes it out is DELETED. When the
// history no longer reaches back to where a slow watcher stands, it gets an ERROR with status 410, and the
// stream ends.
//
// Thread: the loop's only. Lifetime: cluster and hub outlive the streams.
#pragma once

#include <deque>
#include <list>
#include <memory>

#include "kube/apiserver/api_server.h"
#include "kube/apiserver/cluster.h"
#include "kube/apiserver/object_reader.h"

namespace kube::apiserver {

class WatchStream;

class WatchHub {
 public:
  WatchHub(Cluster& cluster, Duration bookmark_interval)
      : cluster_(cluster), bookmark_interval_(bookmark_interval) {}

  Granted<std::unique_ptr<AnswerStream>> open(const ApiCall& call, FaultAction fault);
  // Properly, or by a cut.
  void end_all(bool cut);
  // Those of one table, properly: its CRD is gone.
  void end_table(std::string_view table);
  std::size_t open_streams() const { return streams_.size(); }

 private:
  friend class WatchStream;

  Cluster& cluster_;
  Duration bookmark_interval_;
  std::list<WatchStream*> streams_;
};

}  // namespace kube::apiserver

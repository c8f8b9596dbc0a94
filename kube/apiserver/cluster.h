// Cluster is what all parts of the server share: the loop, the store, the registry, and who is writing just
// now.
//
//   Cluster cluster(loop, store_options);
//   auto writer = cluster.writing_as(request_info);   // commits until its end count as that request's
//
// Thread: the loop's only. Lifetime: outlives every part.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kube/apiserver/faults.h"
#include "kube/apiserver/resource_registry.h"
#include "kube/apiserver/store.h"
#include "kube/base/log.h"

namespace kube::apiserver {

class Cluster {
 public:
  Cluster(Loop& loop, StoreOptions options, Log log);

  Loop& loop;
  Store store;
  ResourceRegistry registry;
  Log log;

  std::string now() const { return to_rfc3339(loop.now()); }
  std::string new_uid() { return loop.random().uuid_v4(); }

  using CommitHook = std::function<void(std::string_view table, const Change&, const RequestInfo&)>;
  void on_commit(CommitHook hook) { hooks_.push_back(std::move(hook)); }

  class Writer {
   public:
    Writer(Cluster& cluster, const RequestInfo& request) : cluster_(cluster), before_(cluster.writer_) {
      cluster.writer_ = &request;
    }
    ~Writer() { cluster_.writer_ = before_; }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

   private:
    Cluster& cluster_;
    const RequestInfo* before_;
  };
  // `request` must outlive the Writer, and no co_await may lie between.
  Writer writing_as(const RequestInfo& request) { return Writer(*this, request); }

 private:
  const RequestInfo* writer_ = nullptr;
  std::vector<CommitHook> hooks_;
};

}  // namespace kube::apiserver

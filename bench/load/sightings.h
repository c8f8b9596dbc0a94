// Sightings are the moments at which a client that watches gets to know what others did: the driver pod of
// each application, and its status SUBMITTED or any later one. Applications are known by their names,
// <prefix>-<number>.
//
//   Sightings seen(client, "load", 1000);
//   if (auto open = co_await seen.open(group); !open) …        // both watches are there: nothing is missed
//   … create applications load-000000 to load-000999 …
//   co_await seen.wait_until_all_submitted(loop.after(5min));
//   seen.pod(17), seen.submitted(17)                           // SteadyTime, kNever: not yet
//
// Thread: the loop's only. Lifetime: the client outlives it; the group's tasks end before it.
#pragma once

#include <string>
#include <vector>

#include "kube/async/task_group.h"
#include "kube/client/api.h"
#include "kube/core/watch_event.h"

namespace bench {

class Sightings {
 public:
  Sightings(kube::Client& client, std::string prefix, int count);

  // From now on. The watches run in `group`, which the caller cancels. The name of application `i` is
  // name(i).
  kube::Task<kube::Result<>> open(kube::TaskGroup& group);
  std::string name(int index) const;

  kube::SteadyTime pod(int index) const { return pods_[static_cast<std::size_t>(index)]; }
  kube::SteadyTime submitted(int index) const { return submitted_[static_cast<std::size_t>(index)]; }
  int pods_seen() const { return pods_seen_; }
  int submitted_seen() const { return submitted_seen_; }
  // One whose creation failed will never come. False: not all until the deadline.
  void give_up_one();
  kube::Task<bool> wait_until_all_submitted(kube::SteadyTime deadline);

 private:
  enum class Kind { Pods, Applications };
  kube::Task<kube::Result<std::string>> version_now(kube::Resource resource);
  kube::Task<> follow(Kind kind, kube::Resource resource, std::string selector, std::string version);
  kube::Task<> follow_once(Kind kind, kube::JsonApi& api, const std::string& selector, std::string& version);
  void see(Kind kind, const kube::WatchEvent& event);
  int index_of(std::string_view name) const;  // -1: none of ours

  kube::Client& client_;
  kube::Loop& loop_;
  const std::string prefix_;
  std::vector<kube::SteadyTime> pods_, submitted_;
  int pods_seen_ = 0;
  int submitted_seen_ = 0;
  int given_up_ = 0;
  kube::WaitList changed_;
};

}  // namespace bench

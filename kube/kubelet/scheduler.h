// Scheduler binds pods that wait for a node to one of the nodes there are: the smallest that a cluster of a
// few local nodes needs.
//
//   Scheduler scheduler(client, {.names = {"default-scheduler"}});
//   group.spawn("scheduler", scheduler.run());
//
// A node fits when its labels match nodeSelector and its pod count is not exhausted; the one with the fewest
// pods is taken. A pod that fits nowhere gets the condition PodScheduled=False, reason Unschedulable, with
// the reason why, and is looked at again when pods or nodes change. CPU and memory are not counted: processes
// share the machine. Thread: the loop's only. Lifetime: the client outlives it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "kube/kubelet/whole_object.h"
#include "kube/runtime/informer.h"

namespace kube {

struct SchedulerOptions {
  std::vector<std::string> names = {"default-scheduler"};  // spec.schedulerName; empty: every pod
  Log log = {};
};

class Scheduler {
 public:
  Scheduler(Client& client, SchedulerOptions options = {});

  Task<Result<>> run();  // until stop()
  void stop();

 private:
  bool is_ours(const Json& pod) const;
  Task<> schedule(Json pod);
  // The node to take, or why there is none.
  Result<std::string> choose(const Json& pod) const;
  Task<> work();

  Client& client_;
  Loop& loop_;
  const SchedulerOptions options_;
  Informer<WholeObject> pods_, nodes_;
  TaskGroup parts_;
  WaitList changed_;
  std::set<ObjectKey> waiting_;
  std::set<std::string> bound_;  // uids on their way: bound by us, not yet seen as bound
  bool stopped_ = false;
};

}  // namespace kube

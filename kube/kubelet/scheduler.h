// Scheduler binds pods without a node to a node that fits: enough for one machine, and for simulated ones.
//
//   Scheduler scheduler(client, {.names = {"default-scheduler"}});
//   group.spawn("scheduler", scheduler.run());          // until stop()
//
// Beside a cluster's own scheduler, it binds only pods that name it, and only to nodes of its own:
//   Scheduler scheduler(client, {.names = {"mine"}, .any_name = false, .nodes = {"laptop"}});
//
// A node fits when it is Ready and schedulable, has the labels of the pod's nodeSelector, no taint
// (NoSchedule, NoExecute) that the pod does not tolerate, and room for the pod's requests (cpu, memory,
// number of pods) beside those already bound to it. Among fitting nodes the one with fewest pods wins, then
// the first name. A pod that fits nowhere gets condition PodScheduled=False, reason Unschedulable, with the
// counts of reasons, and is looked at again when pods or nodes change. Pods with scheduling gates wait.
// Affinity, topology spread and preemption are not looked at. Thread: the loop's only. Lifetime: the client
// outlives run().
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kube/base/log.h"
#include "kube/client/client.h"
#include "kube/core/json.h"
#include "kube/core/json_reader.h"
#include "kube/kubelet/taint.h"

namespace kube {

struct SchedulerOptions {
  std::set<std::string> names = {"default-scheduler"};  // of spec.schedulerName; none there means this one
  bool any_name = true;               // pods of every scheduler's name: there is no other one
  std::set<std::string> nodes = {};   // the only nodes that pods are bound to; none: all
  std::vector<Taint> tolerated = {};  // taints that do not count: who names this scheduler wants these nodes
  Log log = {};
};

// What scheduling reads of a pod and of a node.
struct SchedulablePod {
  std::string ns, name, uid, node, scheduler;
  std::map<std::string, std::string> node_selector;
  std::vector<Toleration> tolerations;
  std::int64_t cpu_milli = 0, memory = 0;  // requests, as the API server sums them
  bool terminal = false;                   // takes no room any more
  bool gated = false;
  bool deleting = false;
  std::string unschedulable_message;  // of the condition it has

  static Result<SchedulablePod> project(JsonView pod);
};
struct SchedulableNode {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;  // those that keep new pods away
  std::int64_t cpu_milli = 0, memory = 0, pods = 0;
  bool ready = false, unschedulable = false;

  static Result<SchedulableNode> project(JsonView node);
};
struct NodeUse {
  std::int64_t cpu_milli = 0, memory = 0, pods = 0;
};

// The node for a pod, or why there is none ("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't
// match …").
struct Placement {
  std::string node;
  std::string why_not;
};
Placement place(const SchedulablePod& pod, const std::vector<std::shared_ptr<const SchedulableNode>>& nodes,
                const std::map<std::string, NodeUse>& used);

class Scheduler {
 public:
  Scheduler(Client& client, SchedulerOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Task<Result<>> run();
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube

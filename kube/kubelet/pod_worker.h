// PodWorker lives one pod: volumes, init containers, sidecars, containers, restarts, probes, status,
// deletion.
//
//   auto worker = std::make_shared<PodWorker>(context, pod);
//   group.spawn("pod", worker->run());          // ends when the pod is gone from the API server
//   worker->update(newer);                      // as watched
//   worker->removed();                          // DELETED: everything ends at once
//
// Cancelling run() ends the pod's containers without grace and writes nothing.
// Thread: the loop's only. Lifetime: what the context refers to outlives run().
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/kubelet/kubelet.h"
#include "kube/kubelet/pod_status.h"

namespace kube {

struct PodContext {
  Loop& loop;
  Network& network;
  Client& client;
  PodRuntime& runtime;
  const KubeletOptions& options;
};

class PodWorker {
 public:
  // What an earlier kubelet left: such a pod is failed instead of run.
  enum class Origin { Fresh, LeftBehind };
  PodWorker(PodContext context, std::shared_ptr<const Json> pod, Origin origin = Origin::Fresh);
  ~PodWorker();

  Task<> run();
  void update(std::shared_ptr<const Json> pod);
  void removed();
  // The node goes: the containers are ended within `grace`, and the pod is reported as Failed.
  void shut_down(Duration grace);
  // The end of the pod has been reported (or nobody wants to hear of it any more).
  bool is_reported() const { return gone_ || (is_over() && written_ == version_); }

  const std::string& uid() const { return uid_; }
  const std::string& ns() const { return ns_; }
  const std::string& name() const { return name_; }
  const std::string& address() const { return report_.pod_address; }
  bool is_over() const { return report_.phase == "Succeeded" || report_.phase == "Failed"; }
  std::shared_ptr<const Json> pod() const { return pod_; }
  // Null when the pod has no such container.
  const ContainerReport* container(const std::string& name) const;

 private:
  struct Container {
    Json spec;
    std::size_t index;  // in report_.containers
    std::unique_ptr<RunningContainer> running;
    bool done = false;
  };
  enum class Restart { Never, OnFailure, Always };

  Task<> live();
  Task<bool> prepare();
  Task<bool> initialize();
  Task<> supervise(Container& container, Restart restart);
  Task<ContainerExit> run_once(Container& container, bool* waiting);
  enum class Probe { Startup, Readiness, Liveness };
  Task<> probe(Container& container, Json spec, Probe kind);
  Task<bool> probe_once(Container& container, Json spec, Duration limit);
  Task<> terminate(Duration grace);
  Task<> terminate_one(Container& container, SteadyTime deadline);
  Task<> write_statuses();
  Task<> flush();
  Task<> delete_finally();
  void begin_stop(Duration grace);
  void publish();
  ContainerReport& report_of(const Container& container) { return report_.containers[container.index]; }
  bool main_done() const;
  std::string final_phase() const;

  const PodContext context_;
  Loop& loop_;
  std::shared_ptr<const Json> pod_;
  const Origin origin_;
  const std::string uid_, ns_, name_;
  std::list<Container> containers_;  // in the order of the report
  PodReport report_;
  WaitList changed_;
  TaskGroup supervisors_, others_;
  Timer deadline_;
  bool stopping_ = false;  // nothing more is started
  bool deleting_ = false;
  bool gone_ = false;
  bool failed_ = false;  // for a reason of its own: deadline, init container
  Json published_;       // the status to be written …
  std::uint64_t version_ = 0, written_ = 0;
};

}  // namespace kube

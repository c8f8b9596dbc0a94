// PodWorker is one pod's life on this machine: volumes, containers in order, status, and the end.
//
//   PodWorker worker(context, pod);                 // the object as bound to this node
//   group.spawn("pod", worker.run());
//   worker.update(pod);                             // each later version: a deletion timestamp ends it in
//   grace worker.gone();                                  // the object is gone: kill at once
//
// It retries what a real kubelet retries (config maps and secrets that are not there yet, tokens), and
// reports what a real one reports; containers are PodProcesses. Thread: the loop's only. Lifetime: outlives
// run().
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/async/task_group.h"
#include "kube/client/client.h"
#include "kube/kubelet/container_state.h"
#include "kube/kubelet/environment.h"
#include "kube/kubelet/image_store.h"
#include "kube/kubelet/pod_process.h"
#include "kube/kubelet/volumes.h"

namespace kube {

// What all workers of a kubelet share.
struct PodWorkerContext {
  Client& client;
  Network& network;  // for probes
  const ImageStore& images;
  std::filesystem::path pods_folder;  // <here>/<uid>/…
  std::filesystem::path claims_folder;
  std::string node_name, host_ip;
  Variables service_environment;          // KUBERNETES_SERVICE_HOST …
  Variables extra_environment;            // $(POD_IP) is the pod's; the pod's own env wins
  std::vector<std::string> host_folders;  // see ContainerRoot
  std::size_t max_log_bytes = 64u << 20;
  // The pod's hosts file, as far as it can be known now.
  std::function<std::string(const Json& pod, const std::string& pod_ip)> hosts;
  Log log;
};

class PodWorker {
 public:
  PodWorker(const PodWorkerContext& context, Json pod, std::string pod_ip);
  ~PodWorker();

  Task<> run();
  void update(Json pod);
  void gone();
  // The kubelet stops: everything is killed, status stays as it is.
  void abandon();

  const std::string& uid() const { return uid_; }
  const std::string& ip() const { return ip_; }
  const Json& pod() const { return pod_; }
  bool over() const { return over_; }
  // Writes the hosts file anew, in place.
  void refresh_hosts();
  static std::filesystem::path log_file(const std::filesystem::path& pod_folder, const std::string& container,
                                        bool previous);

 private:
  struct Container;

  Task<> live();
  Task<bool> prepare();
  Task<Result<>> fetch_sources();
  Task<Result<Tokens>> fetch_tokens();
  Task<bool> run_init(Container& container);
  Task<> run_container(Container& container);
  Task<Result<int>> run_once(Container& container);
  Result<LaunchPlan> plan(const Container& container) const;
  Task<> copy_output(Container& container, UniqueFd output);
  Task<> probe_readiness(Container& container);
  Task<bool> probe_once(const Container& container, const Json& probe);
  Task<> end_on_deletion();
  Task<> write_statuses();
  Task<> refresh_tokens();
  Task<Result<>> write_status();
  void changed();
  void stop_containers();
  bool stopping() const { return gone_ || abandoned_ || deleting_; }

  const PodWorkerContext& context_;
  Loop& loop_;
  Json pod_;
  const std::string ns_, name_, uid_, ip_;
  const std::filesystem::path folder_;
  Log log_;
  std::vector<std::unique_ptr<Container>> containers_;
  PodSources sources_;
  VolumeFolders volumes_;
  PodFacts facts_;
  TimePoint started_{};
  TaskGroup tasks_;  // containers, probes
  WaitList state_changed_;
  std::uint64_t version_ = 1, written_version_ = 0;
  std::optional<std::string> failed_reason_;
  std::string failed_message_;
  Json last_status_ = Json::object();
  bool deleting_ = false, gone_ = false, abandoned_ = false, over_ = false, prepared_ = false;
};

}  // namespace kube

// Kubelet runs the pods of one node as processes of this machine; an ordinary client of any API server.
//
//   Kubelet kubelet(client, network, {.node = "local", .folder = "/var/lib/pods", .images = {…}});
//   group.spawn("kubelet", kubelet.run());            // registers the node, then runs what is bound to it
//   kubelet.stop();                                   // kills everything it started, then run() ends
//
// Each pod has an address of 127.0.0.0/8 of its own (they need no set-up), names of headless services stand
// in its hosts file, its log is served where the API server asks for it. See kube/kubelet/README.md for what
// differs from containers. Nothing it started outlives it, not even when it is killed
// (kube/kubelet/pod_process.h). A pod that was bound and had started under an earlier kubelet of this folder
// is failed: its processes are gone. Thread: the loop's only. Lifetime: client and network outlive it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "kube/http/server.h"
#include "kube/kubelet/pod_worker.h"
#include "kube/kubelet/whole_object.h"
#include "kube/runtime/informer.h"

namespace kube {

struct KubeletOptions {
  std::string node = "local";
  std::filesystem::path folder;  // pods, claims, the address counter
  ImageStoreOptions images;
  // Where pods find the API server: address and port of kubernetes.default.svc.
  Endpoint api_address{"127.7.0.1", 443};
  std::string address_prefix = "127.7";  // pods get <prefix>.x.y
  Variables extra_environment = {};      // for every container; $(POD_IP) is replaced
  std::vector<std::string> host_folders = {};
  Endpoint listen{"127.0.0.1", 0};        // of the log server
  std::shared_ptr<TlsServerContext> tls;  // null: plain HTTP
  int max_pods = 500;
  Duration heartbeat = 60s;
  Log log = {};
};

class Kubelet {
 public:
  Kubelet(Client& client, Network& network, KubeletOptions options);
  ~Kubelet();

  // Error: the node cannot be registered, the log server's address is in use, namespaces cannot be made.
  Task<Result<>> run();
  void stop();
  bool is_ready() const { return ready_; }
  std::size_t running_pods() const;

 private:
  struct Slot;

  Task<Result<>> register_node();
  Task<> heartbeat();
  Task<> serve_log(HttpExchange& exchange);
  Task<> follow_log(HttpExchange& exchange, std::filesystem::path file, std::string uid, std::size_t sent);
  void pod_changed(const Change<WholeObject>& change);
  void start_pod(const Json& pod);
  Task<> run_pod(std::shared_ptr<Slot> slot);
  Task<> fail_left_over(Json pod);
  std::string next_address();
  std::string hosts_file(const Json& pod, const std::string& pod_ip) const;
  void refresh_hosts();
  Json node_status() const;

  Client& client_;
  Network& network_;
  Loop& loop_;
  const KubeletOptions options_;
  const ImageStore images_;
  std::unique_ptr<PodWorkerContext> context_;
  Informer<WholeObject> pods_, services_;
  TaskGroup parts_, workers_;
  WaitList stopping_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;  // by uid
  std::uint32_t last_address_ = 1;
  std::uint16_t log_port_ = 0;
  bool ready_ = false, stopped_ = false;
};

}  // namespace kube

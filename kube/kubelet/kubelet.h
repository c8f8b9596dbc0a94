// Kubelet runs the pods that are bound to its node, as an ordinary client of the API server.
//
//   ProcessRuntime runtime(client, {.folder = data, .images = images, …});
//   Kubelet kubelet(loop, network, client, {.node_name = "local"}, runtime);
//   group.spawn("kubelet", kubelet.run());            // until stop()
//   Scheduler scheduler(client, {});                   // kube/kubelet/scheduler.h: binds pods to nodes
//
// It registers the node and keeps it Ready; watches pods with spec.nodeName = the node and runs one PodWorker
// each; keeps the names of services in step for pods (headless lookups); and answers the API server's
// questions for logs and pods' ports on a port of its own. stop() (and cancellation) ends all that it
// started, without waiting for grace, unless stop_grace says otherwise. A pod that an earlier kubelet of this
// node had started is failed: its processes ended with that kubelet.
//
// Joining a control plane that others use, it also wants `lease` (or the node counts as lost after 40 s),
// `taints` (or it is given others' pods), `stop_grace` and `remove_node` (or it leaves a node and pods behind
// that nobody runs).
//
// Errors of run(): what the runtime cannot do without (no right to make namespaces), a log port in use.
// Thread: the loop's only. Lifetime: loop, network, client and runtime outlive run().
#pragma once

#include <map>
#include <memory>
#include <string>

#include "kube/async/stream.h"
#include "kube/base/log.h"
#include "kube/client/client.h"
#include "kube/http/tls.h"
#include "kube/kubelet/pod_runtime.h"
#include "kube/kubelet/taint.h"

namespace kube {

struct KubeletOptions {
  std::string node_name = "local";
  std::string address = "127.0.0.1";  // of the node: InternalIP, hostIP
  std::map<std::string, std::string> node_labels = {};
  std::vector<Taint> taints = {};
  std::map<std::string, std::string> node_info = {};  // status.nodeInfo beside what is known here
  std::string cpu = "64";  // capacity as quantities: what a scheduler fits pods into
  std::string memory = "256Gi";
  int max_pods = 1000;

  Endpoint log_listen{"127.0.0.1", 0};  // where the API server asks for logs and pods' ports; port 0: any
  std::shared_ptr<TlsServerContext> log_tls = nullptr;  // null: plain HTTP
  bool serve_logs = true;

  Duration heartbeat = 10s;
  bool lease = false;  // renew kube-node-lease/<node> with every heartbeat
  // When stopped: how long containers have to end before their pods are reported as Failed, reason
  // NodeShutdown. 0: they are ended at once and nothing is reported.
  Duration stop_grace = 0s;
  bool remove_node = false;        // when stopped: delete the node and its lease
  Duration volume_retry = 150ms;   // while a config map, secret or image is missing
  Duration restart_backoff = 10s;  // doubles up to restart_backoff_max
  Duration restart_backoff_max = 5min;
  Log log = {};
};

class Kubelet {
 public:
  Kubelet(Loop& loop, Network& network, Client& client, KubeletOptions options, PodRuntime& runtime);
  ~Kubelet();
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;

  Task<Result<>> run();
  void stop();

  bool is_ready() const;  // the node is registered and its pods are known
  std::size_t pods() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube

// LocalCluster is a whole cluster in one process: API server, controller, kubelet and scheduler on one loop,
// speaking TLS over loopback as they would over a network.
//
//   LocalCluster cluster(loop, network, folder, log);
//   co_await cluster.run(stop, [&](Result<> ready) { … });   // until stop, and the end of all it started
//
// Pods are processes of this machine (kube/kubelet), the API server's state is memory: when it ends, all is
// gone but the folder with the log. Thread: the loop's only.
#pragma once

#include <functional>

#include "cmd/local/state_folder.h"
#include "kube/async/stream.h"
#include "kube/base/log.h"

namespace cmd {

// Runs until `stopped` ends (a signal, in production). `ready` is told once: success when the cluster answers
// and its kubeconfig is written, or why it could not start.
kube::Task<> run_local_cluster(kube::Loop& loop, kube::Network& network, StateFolder folder, kube::Log log,
                               std::function<kube::Task<>()> stopped,
                               std::function<void(kube::Result<>)> ready);

}  // namespace cmd

// `sparkctl local kubelet`: this machine as a node of an API server that runs elsewhere, real or embedded.
// Pods bound to the node run as processes, as in the local cluster.
//
//   Result<JoinOptions> options = parse_join_flags({"--kubeconfig", "admin.conf", "--node", "laptop"});
//   Result<> ended = co_await join_cluster(loop, network, *options, log, stopped, ready);
//
// The node is there as long as the process: at its end the pods are reported as Failed (reason NodeShutdown)
// and node and lease are deleted. Thread: the loop's only.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "kube/base/log.h"
#include "kube/kubelet/kubelet.h"

namespace cmd {

struct JoinOptions {
  std::string kubeconfig = "";  // "": as every client finds it
  std::string context = "";
  std::string node = "local";
  std::map<std::string, std::string> labels = {};
  std::vector<kube::Taint> taints = {};
  std::set<std::string> schedulers = {};  // whose pods this process binds to the node itself
  std::string folder = "";                // "": beside the local cluster's, by the node's name
  std::string cpu = "64", memory = "256Gi";
  int max_pods = 1000;
};

// Error InvalidInput; the message for "--help" is join_usage().
kube::Result<JoinOptions> parse_join_flags(const std::vector<std::string>& arguments);
std::string join_usage();

// `ready` is told once: "node NAME is ready …" as a line to print, or why it never will be.
kube::Task<> join_cluster(kube::Loop& loop, kube::Network& network, JoinOptions options, kube::Log log,
                          std::function<kube::Task<>()> stopped,
                          std::function<void(kube::Result<std::string>)> ready);

}  // namespace cmd

// How Spark's containers run as processes of this machine: which Java they see, and what Spark must be told
// of a network of loopback addresses.
//
//   auto options = spark_runtime_options({.folder = …, .api_server = {"127.7.0.1", 443},
//                                         .address_prefix = "127.7", .log = log});
//   kube::ProcessRuntime runtime(client, std::move(options));
//
// Thread: any; looks at the file system.
#pragma once

#include "kube/kubelet/process_runtime.h"

namespace cmd {

struct SparkRuntime {
  std::string folder;
  std::string node_name = "local";
  std::string node_address = "127.0.0.1";
  std::string address_prefix = "127.7";
  // Where pods find the API server. Drivers dial port 443 unless told otherwise, which only a privileged
  // server can listen on; for any other port they are told ($SPARK_DRIVER_MASTER,
  // deploy/lib/spark_entrypoint.sh).
  kube::Endpoint api_server = {};
  kube::Log log = {};
};

kube::ProcessRuntimeOptions spark_runtime_options(const SparkRuntime& spark);

}  // namespace cmd

// The controller as a part that any process can run: `spark-operator controller start` and `sparkctl local`.
//
//   auto controller = ControllerProcess::create(loop, network, flags, client_config, log);
//   group.spawn("controller", …(*controller)->run());
//   (*controller)->stop();                     // ordered: no new work, work in flight, events, lease
//
// Thread: the loop's only. Lifetime: outlives run().
#pragma once

#include <memory>

#include "cmd/controller_flags.h"
#include "kube/async/stream.h"
#include "kube/client/config.h"

namespace cmd {

class ControllerProcess {
 public:
  virtual ~ControllerProcess() = default;
  // Error: something cannot be built from these settings (kubeconfig, addresses, a port in use).
  static kube::Result<std::unique_ptr<ControllerProcess>> create(kube::Loop& loop, kube::Network& network,
                                                                 const ControllerFlags& flags,
                                                                 const kube::ClientConfig& config,
                                                                 kube::Log log);
  virtual kube::Task<kube::Result<>> run() = 0;
  virtual void stop() = 0;
  // Caches are filled and reconciles run.
  virtual bool started() const = 0;
};

}  // namespace cmd

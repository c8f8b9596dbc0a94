// The admission webhook as a part that any process can run: `spark-operator webhook start`, tests and
// laptops.
//
//   auto webhook = WebhookProcess::create(loop, network, flags, client_config, log);
//   group.spawn("webhook", …(*webhook)->run());
//   (*webhook)->stop();                        // reviews in progress are answered, the lease is released
//
// Thread: the loop's only; reviews are answered on threads of its own. Lifetime: outlives run().
#pragma once

#include <memory>
#include <optional>

#include "cmd/webhook_flags.h"
#include "kube/async/stream.h"
#include "kube/client/config.h"

namespace cmd {

class WebhookProcess {
 public:
  virtual ~WebhookProcess() = default;
  // Error: something cannot be built from these settings (kubeconfig, addresses, a port in use).
  static kube::Result<std::unique_ptr<WebhookProcess>> create(kube::Loop& loop, kube::Network& network,
                                                              const WebhookFlags& flags,
                                                              const kube::ClientConfig& config,
                                                              kube::Log log);
  // Until stop(). Error: no certificate to be had, the port is in use.
  virtual kube::Task<kube::Result<>> run() = 0;
  virtual void stop() = 0;
  // A review would be answered.
  virtual bool ready() const = 0;
  // Where reviews are answered, with the real port; nothing before.
  virtual std::optional<kube::Endpoint> address() const = 0;
};

}  // namespace cmd

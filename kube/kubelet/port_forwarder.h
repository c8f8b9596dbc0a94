// PortForwarder joins every connection to one address with one to another: pods dial port 443 of a name, the
// API server listens elsewhere.
//
//   PortForwarder forwarder(loop, network, {"127.7.0.1", 443}, server.endpoint());
//   Result<> bound = forwarder.listen();             // Io: the address is in use, or < 1024 without the
//   right group.spawn("forwarder", forwarder.run());       // until cancelled
//
// Bytes pass unchanged, so TLS is between the two ends. Thread: the loop's only.
#pragma once

#include <memory>

#include "kube/async/stream.h"
#include "kube/async/task_group.h"
#include "kube/base/log.h"

namespace kube {

class PortForwarder {
 public:
  PortForwarder(Loop& loop, Network& network, Endpoint listen, Endpoint to, Log log = {});

  Result<> listen();
  Task<> run();
  Endpoint local() const;  // after listen()

 private:
  Task<> serve(std::unique_ptr<Stream> client);

  Loop& loop_;
  Network& network_;
  const Endpoint at_, to_;
  Log log_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace kube

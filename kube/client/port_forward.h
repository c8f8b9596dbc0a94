// connect_to_pod() makes a Stream to a port of a pod, through the API server: the subresource portforward.
// PortForwarder gives each connection to a local port one of these.
//
//   auto stream = co_await connect_to_pod(client, {"ns", "web-1"}, 8080);
//   co_await (*stream)->write("GET / HTTP/1.0\r\n\r\n");
//
//   PortForwarder forwarder(client, network, {.pod = {"ns", "web-1"}, .port = 8080});
//   Result<> bound = forwarder.listen();           // Io: the address is in use
//   group.spawn("forwarder", forwarder.run());     // until cancelled; at forwarder.local()
//
// Spoken is v4.channel.k8s.io over a websocket, which kubelets and container runtimes have understood since
// Kubernetes 1.6, and API servers pass on untouched. One websocket is one connection: each message begins
// with its channel, 0 for data, 1 for what went wrong, and the kubelet's first two bytes on each are the
// port, little-endian. Who asks needs the verb `get` on pods/portforward, from Kubernetes 1.35 on also
// `create`.
//
// The protocol has no word for "nothing more will be written". After shutdown() the pod is not told, and ten
// seconds of its silence are the end.
//
// Errors of connect_to_pod: those of the API server, as of any call. That nobody listens at the port is known
// to the kubelet later: it is the error of a read (Unavailable, in the kubelet's words).
// Thread: the loop's only. Lifetime: a stream stands alone, a forwarder is outlived by client and network.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "kube/async/wait_list.h"
#include "kube/client/client.h"
#include "kube/core/object_key.h"

namespace kube {

// The deadline, the client's own when absent, is for opening it.
Task<Result<std::unique_ptr<Stream>>> connect_to_pod(Client& client, ObjectKey pod, std::uint16_t port,
                                                     std::optional<Duration> deadline = {});

struct PortForwarderOptions {
  Endpoint listen{"127.0.0.1", 0};
  ObjectKey pod{};
  std::uint16_t port = 0;
  int max_connections = 32;                         // at once; further ones wait in the kernel's backlog
  std::function<void(const Error&)> on_error = {};  // a connection found nobody, or was cut on the pod's side
};

class PortForwarder {
 public:
  PortForwarder(Client& client, Network& network, PortForwarderOptions options);

  Result<> listen();
  Endpoint local() const;  // after listen()
  Task<> run();

 private:
  Task<> serve(std::unique_ptr<Stream> local);
  Task<> ask(Stream& local, Stream& pod);
  Task<> answer(Stream& pod, Stream& local);
  void tell(const Error& error) const;

  Client& client_;
  Network& network_;
  const PortForwarderOptions options_;
  std::unique_ptr<Listener> listener_;
  int connections_ = 0;
  WaitList one_ended_;
};

}  // namespace kube

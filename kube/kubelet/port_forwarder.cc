#include "kube/kubelet/port_forwarder.h"

#include <array>

namespace kube {
namespace {

// One direction; at its end the other side hears that nothing more comes.
Task<> copy(Stream& from, Stream& to) {
  std::array<char, 16384> buffer;
  while (true) {
    Result<std::size_t> n = co_await from.read_some(buffer);
    if (!n || *n == 0) break;
    Result<> written = co_await to.write(std::string_view(buffer.data(), *n));
    if (!written) {
      from.close();
      break;
    }
  }
  (void)co_await to.shutdown();
}

}  // namespace

PortForwarder::PortForwarder(Loop& loop, Network& network, Endpoint listen, Endpoint to, Log log)
    : loop_(loop), network_(network), at_(std::move(listen)), to_(std::move(to)), log_(std::move(log)) {}

Result<> PortForwarder::listen() {
  if (listener_) return {};
  auto listener = network_.listen(at_);
  if (!listener)
    return fail(listener.error().while_doing("forward " + at_.to_string() + " to " + to_.to_string()));
  listener_ = std::move(*listener);
  return {};
}

Endpoint PortForwarder::local() const {
  return listener_ ? listener_->local() : at_;
}

Task<> PortForwarder::run() {
  Result<> bound = listen();
  if (!bound) {
    log_.error("port cannot be forwarded", {{"error", bound.error()}});
    co_return;
  }
  TaskGroup connections(loop_, log_);
  std::exception_ptr thrown;
  try {
    while (true) {
      auto client = co_await listener_->accept();
      if (!client) break;
      connections.spawn("forwarded connection", serve(std::move(*client)));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  co_await connections.cancel_and_join();
  if (thrown) std::rethrow_exception(thrown);
}

Task<> PortForwarder::serve(std::unique_ptr<Stream> client) {
  auto server = co_await network_.connect(to_, loop_.after(10s));
  if (!server) {
    log_.warn("forwarded connection has nobody to go to", {{"error", server.error()}});
    co_return;
  }
  TaskGroup directions(loop_, log_);
  directions.spawn("to server", copy(*client, **server));
  directions.spawn("to client", copy(**server, *client));
  co_await directions.join_or_cancel();
}

}  // namespace kube

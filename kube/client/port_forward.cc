#include "kube/client/port_forward.h"

#include <algorithm>
#include <array>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/core/gvk.h"
#include "kube/core/port_channels.h"

namespace kube {

namespace {

using port_channels::kData, port_channels::kError, port_channels::kPortBytes;

constexpr std::size_t kPiece = 32u << 10;
// A pod that reads nothing for so long holds up its client for good.
constexpr Duration kWriteWithin = 60s;
// How long one side may go on when the other has nothing more to say.
constexpr Duration kLastWords = 10s;
constexpr Duration kAcceptPause = 100ms;

class PodStream final : public Stream {
 public:
  PodStream(Loop& loop, std::unique_ptr<WebSocket> socket, Endpoint pod)
      : loop_(loop), socket_(std::move(socket)), pod_(std::move(pod)) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    while (at_ == received_.size()) {
      receiving_ = true;
      limit();
      auto message = co_await socket_->receive();
      receiving_ = false;
      limit();
      if (!message) co_return fail(std::move(message));
      if (!*message) co_return std::size_t{0};
      if (Result<> taken = take(std::move(**message)); !taken) co_return fail(taken);
    }
    const std::size_t count = std::min(into.size(), received_.size() - at_);
    std::copy_n(received_.data() + at_, count, into.data());
    at_ += count;
    co_return count;
  }

  Task<Result<>> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kPiece);
      const std::string message = kData + std::string(piece);
      Result<> sent = co_await socket_->send_binary(message, loop_.after(kWriteWithin));
      if (!sent) co_return sent;
      bytes.remove_prefix(piece.size());
    }
    co_return Result<>{};
  }

  Task<Result<>> shutdown() override {
    shut_ = true;
    limit();
    co_return Result<>{};
  }
  void close() override { socket_->cut(); }
  void set_deadline(SteadyTime deadline) override {
    deadline_ = deadline;
    limit();
  }
  Endpoint peer() const override { return pod_; }
  Endpoint local() const override { return {}; }

 private:
  void limit() {
    socket_->set_deadline(shut_ && receiving_ ? std::min(deadline_, loop_.after(kLastWords)) : deadline_);
  }
  // Messages of channels that nobody opened are nothing to us.
  Result<> take(std::string message) {
    if (message.empty() || (message[0] != kData && message[0] != kError)) return {};
    std::size_t& ports = message[0] == kData ? data_port_ : error_port_;
    const std::size_t of_port = std::min(kPortBytes - ports, message.size() - 1);
    ports += of_port;
    const bool is_error = message[0] == kError;
    message.erase(0, 1 + of_port);
    if (is_error && !message.empty()) return fail(ErrorKind::Unavailable, std::move(message));
    if (is_error) return {};
    received_ = std::move(message);
    at_ = 0;
    return {};
  }

  Loop& loop_;
  std::unique_ptr<WebSocket> socket_;
  const Endpoint pod_;
  SteadyTime deadline_ = kNever;
  bool shut_ = false, receiving_ = false;
  std::string received_;
  std::size_t at_ = 0;                          // of received_, what has been read
  std::size_t data_port_ = 0, error_port_ = 0;  // how much of the port each channel has told
};

// One direction; at its end the other side hears that nothing more comes.
struct Copied {
  Result<> read, written;
};
Task<Copied> copy(Stream& from, Stream& to) {
  std::array<char, 16384> buffer;
  Copied ended;
  while (true) {
    Result<std::size_t> count = co_await from.read_some(buffer);
    if (!count) ended.read = fail(count);
    if (!count || *count == 0) break;
    ended.written = co_await to.write(std::string_view(buffer.data(), *count));
    if (!ended.written) break;
  }
  (void)co_await to.shutdown();
  co_return ended;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect_to_pod(Client& client, ObjectKey pod, std::uint16_t port,
                                                     std::optional<Duration> deadline) {
  ApiRequest request{.path = kPods.object_path(pod, "portforward"),
                     .query = {{"ports", std::to_string(port)}},
                     .accept = "*/*",
                     .websocket_protocol = port_channels::kProtocol,
                     .deadline = deadline};
  auto socket = co_await client.open_websocket(std::move(request), port_channels::kMaxMessage);
  if (!socket) co_return fail(std::move(socket));
  co_return std::make_unique<PodStream>(client.loop(), std::move(*socket), Endpoint{pod.to_string(), port});
}

PortForwarder::PortForwarder(Client& client, Network& network, PortForwarderOptions options)
    : client_(client), network_(network), options_(std::move(options)), one_ended_(client.loop()) {}

Result<> PortForwarder::listen() {
  if (listener_) return {};
  auto listener = network_.listen(options_.listen);
  if (!listener) return fail(std::move(listener));
  listener_ = std::move(*listener);
  return {};
}

Endpoint PortForwarder::local() const {
  return listener_ ? listener_->local() : options_.listen;
}

Task<> PortForwarder::run() {
  if (Result<> bound = listen(); !bound) {
    tell(bound.error());
    co_return;
  }
  TaskGroup group(client_.loop());
  std::exception_ptr thrown;
  try {
    while (true) {
      while (connections_ >= options_.max_connections) co_await one_ended_.wait();
      auto local = co_await listener_->accept();
      if (!local) {
        tell(local.error());
        co_await sleep(client_.loop(), kAcceptPause);
        continue;
      }
      ++connections_;
      group.spawn("forwarded connection", serve(std::move(*local)));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  co_await group.cancel_and_join();
  if (thrown) std::rethrow_exception(thrown);
}

Task<> PortForwarder::serve(std::unique_ptr<Stream> local) {
  struct Ending {
    PortForwarder& forwarder;
    ~Ending() {
      --forwarder.connections_;
      forwarder.one_ended_.wake_one();
    }
  } ending{*this};
  auto pod = co_await connect_to_pod(client_, options_.pod, options_.port);
  if (!pod) {
    tell(pod.error());
    co_return;
  }
  TaskGroup directions(client_.loop());
  directions.spawn("to pod", ask(*local, **pod));
  directions.spawn("from pod", answer(**pod, *local));
  co_await directions.join_or_cancel();
}

Task<> PortForwarder::ask(Stream& local, Stream& pod) {
  Copied copied = co_await copy(local, pod);
  // That the pod takes nothing is told here: answer() takes a Timeout for the end of its last words.
  if (!copied.written && copied.written.error().kind() == ErrorKind::Timeout) tell(copied.written.error());
  // A pod may answer before it has heard everything. Closed with bytes unread, the client's connection would
  // be reset, and the answer lost; answer() says how long this may take.
  std::array<char, 4096> unheard;
  while (auto count = co_await local.read_some(unheard))
    if (*count == 0) break;
}

Task<> PortForwarder::answer(Stream& pod, Stream& local) {
  Copied copied = co_await copy(pod, local);
  // Timeout: the client had said its last, and the pod did not end.
  if (!copied.read && copied.read.error().kind() != ErrorKind::Timeout) tell(copied.read.error());
  if (!copied.written) pod.close();
  // What the client still says has nobody to go to.
  local.set_deadline(client_.loop().after(kLastWords));
}

void PortForwarder::tell(const Error& error) const {
  if (options_.on_error) options_.on_error(error);
}

}  // namespace kube

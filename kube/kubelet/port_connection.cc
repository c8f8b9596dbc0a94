#include "kube/kubelet/port_connection.h"

#include <array>
#include <charconv>

#include "kube/async/task_group.h"
#include "kube/core/port_channels.h"

namespace kube {
namespace {

using port_channels::kData, port_channels::kError, port_channels::kMaxMessage, port_channels::kProtocol;

constexpr Duration kConnectWithin = 10s;
// Whoever reads at the other end may pause; who is gone is found by the keep-alive of TCP.
constexpr Duration kSendWithin = 10min;

Task<Result<>> send_on(Loop& loop, WebSocket& socket, char channel, std::string_view bytes) {
  const std::string message = channel + std::string(bytes);
  co_return co_await socket.send_binary(message, loop.after(kSendWithin));
}

Task<> to_pod(Loop* loop, WebSocket* socket, Stream* pod, TaskGroup* both) {
  while (true) {
    auto message = co_await socket->receive();
    if (!message || !*message) break;
    if ((*message)->empty() || (**message)[0] != kData) continue;
    pod->set_deadline(loop->after(kSendWithin));
    if (!co_await pod->write(std::string_view(**message).substr(1))) {
      co_await socket->wait_closed();  // from_pod() hears what the pod still says, then ends both
      break;
    }
    pod->set_deadline(kNever);
  }
  both->cancel();
}

Task<> from_pod(Loop* loop, Stream* pod, WebSocket* socket, TaskGroup* both, std::string what) {
  std::array<char, 16384> buffer;
  while (true) {
    auto count = co_await pod->read_some(buffer);
    if (!count) (void)co_await send_on(*loop, *socket, kError, what + count.error().message());
    if (!count || *count == 0) break;
    if (!co_await send_on(*loop, *socket, kData, {buffer.data(), *count})) break;
  }
  both->cancel();
}

}  // namespace

Result<std::uint16_t> parse_port_query(std::string_view query) {
  std::string asked;
  for (const auto& [name, value] : parse_query(query).value_or(QueryParameters()))
    if (name == "port") asked += (asked.empty() ? "" : ",") + value;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), port);
  if (error != std::errc() || end != asked.data() + asked.size() || port == 0)
    return fail(ErrorKind::BadRequest, "port: expected one number from 1 to 65535, got \"" + asked + "\"");
  return port;
}

Task<> join_port(HttpExchange& exchange, Loop& loop, Network& network, Endpoint to, std::string pod) {
  const Headers& headers = exchange.request().headers;
  const auto offered = headers.get("Sec-WebSocket-Protocol");
  if (offered && !headers.has_token("Sec-WebSocket-Protocol", kProtocol)) {
    HttpResponse response{.status = 403, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
    response.body = "protocol " + std::string(*offered) + " is not spoken here, only " + kProtocol + "\n";
    (void)co_await exchange.respond(std::move(response));
    co_return;
  }
  auto socket = co_await exchange.accept_websocket(offered ? kProtocol : "", kMaxMessage);
  if (!socket) co_return;
  const std::string port{static_cast<char>(to.port & 0xff), static_cast<char>(to.port >> 8)};
  for (const char channel : {kData, kError})
    if (!co_await send_on(loop, **socket, channel, port)) co_return;
  const std::string what = "error forwarding port " + std::to_string(to.port) + " to pod " + pod + ": ";
  auto connected = co_await network.connect(to, loop.after(kConnectWithin));
  if (connected) {
    TaskGroup both(loop);
    both.spawn("to pod", to_pod(&loop, socket->get(), connected->get(), &both));
    both.spawn("from pod", from_pod(&loop, connected->get(), socket->get(), &both, what));
    co_await both.join_or_cancel();
  } else {
    (void)co_await send_on(loop, **socket, kError, what + connected.error().message());
  }
  co_await (*socket)->close(1000);
}

}  // namespace kube

#include "kube/kubelet/port_connection.h"

#include <array>
#include <charconv>

#include "kube/async/task_group.h"

namespace kube {
namespace {

constexpr const char* kProtocol = "v4.channel.k8s.io";
constexpr char kData = 0, kError = 1;  // channels
constexpr std::size_t kMaxMessage = 1u << 20;
constexpr Duration kConnectWithin = 10s;
// An API server that takes nothing for so long is gone.
constexpr Duration kSendWithin = 60s;

Task<Result<>> send_on(Loop& loop, WebSocket& socket, char channel, std::string_view bytes) {
  const std::string message = channel + std::string(bytes);
  co_return co_await socket.send_binary(message, loop.after(kSendWithin));
}

Task<> to_pod(WebSocket* socket, Stream* pod, TaskGroup* both) {
  while (true) {
    auto message = co_await socket->receive();
    if (!message || !*message) break;
    if ((*message)->empty() || (**message)[0] != kData) continue;
    if (!co_await pod->write(std::string_view(**message).substr(1))) break;
  }
  both->cancel();
}

Task<> from_pod(Loop* loop, Stream* pod, WebSocket* socket, TaskGroup* both) {
  std::array<char, 16384> buffer;
  while (true) {
    auto count = co_await pod->read_some(buffer);
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
  auto connected = co_await network.connect(to, loop.after(kConnectWithin));
  if (connected) {
    TaskGroup both(loop);
    both.spawn("to pod", to_pod(socket->get(), connected->get(), &both));
    both.spawn("from pod", from_pod(&loop, connected->get(), socket->get(), &both));
    co_await both.join_or_cancel();
  } else {
    const std::string why = "error forwarding port " + std::to_string(to.port) + " to pod " + pod + ": " +
                            connected.error().message();
    (void)co_await send_on(loop, **socket, kError, why);
  }
  co_await (*socket)->close(1000);
}

}  // namespace kube

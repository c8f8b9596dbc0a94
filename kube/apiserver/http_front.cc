#include "kube/apiserver/http_front.h"

#include <boost/asio/this_coro.hpp>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/core/port_channels.h"

namespace kube::apiserver {

namespace {

// A client that takes so long for one event is gone.
constexpr Duration kSendWithin = 60s;
// Whoever reads a pod's words may pause; who is gone is found by the keep-alive of TCP.
constexpr Duration kForwardWithin = 10min;

HttpResponse whole(const ApiAnswer& answer) {
  HttpResponse response;
  response.status = answer.status;
  response.headers = answer.headers;
  response.headers.set("Content-Type", answer.content_type);
  response.headers.set("Cache-Control", "no-cache, private");
  response.body = answer.body;
  return response;
}

ApiAnswer unauthorized() {
  ApiAnswer answer;
  const Refusal refusal = Refusal::unauthorized();
  answer.status = refusal.code();
  answer.body = dump_json(refusal.body());
  return answer;
}

// Runs beside the sender: when the peer goes, the sender is cancelled at once instead of at its next event.
Task<> watch_peer(HttpExchange* exchange, TaskGroup* sending) {
  co_await exchange->wait_peer_gone();
  sending->cancel();
}
Task<> watch_socket(WebSocket* socket, TaskGroup* sending) {
  co_await socket->wait_closed();
  sending->cancel();
}

Task<> write_chunks(HttpExchange* exchange, AnswerStream* stream, bool* ended) {
  while (auto piece = co_await stream->next()) {
    if (piece->empty()) continue;
    if (!co_await exchange->write_chunk(*piece)) co_return;
  }
  *ended = true;
}

Task<> write_frames(Loop* loop, WebSocket* socket, AnswerStream* stream, bool* ended) {
  while (auto piece = co_await stream->next()) {
    std::string_view text = *piece;
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.empty()) continue;
    if (!co_await socket->send_text(text, loop->after(kSendWithin))) co_return;
  }
  *ended = true;
}

// One direction, until it ends or the other side takes nothing more.
Task<> copy_messages(Loop* loop, WebSocket* from, WebSocket* to) {
  while (true) {
    auto message = co_await from->receive();
    if (!message || !*message) co_return;
    if (!co_await to->send_binary(**message, loop->after(kForwardWithin))) {
      co_await from->wait_closed();  // the other direction still has its rest to say, and ends both
      co_return;
    }
  }
}

// A task that is cancelled before its first real pause would throw out of the loop (Asio 1.81 awaits once
// more after it, unprotected), so both begin with a pause that no cancellation disturbs.
Task<> later(Loop* loop, Task<> task) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_await sleep(*loop, {});
  co_await boost::asio::this_coro::throw_if_cancelled(true);
  co_await std::move(task);
}

Task<> then_cancel(Task<> first, TaskGroup* other) {
  co_await std::move(first);
  other->cancel();
}

}  // namespace

HttpFront::HttpFront(Loop& loop, HttpServerOptions options, RequestHandler& handler,
                     Authenticator& authenticator, Log log)
    : loop_(loop),
      handler_(handler),
      authenticator_(authenticator),
      log_(log),
      server_(loop, std::move(options), [this](HttpExchange& exchange) { return answer(exchange); }, log) {}

Task<> HttpFront::answer(HttpExchange& exchange) {
  ApiRequest request;
  HttpRequest& came = exchange.request();
  request.method = came.method;
  request.target = came.target;
  auto user = authenticator_.authenticate(came.headers, exchange.tls_peer());
  if (!user && !RequestHandler::is_public(came.target)) {
    (void)co_await exchange.respond(whole(unauthorized()));
    co_return;
  }
  request.user = user ? std::move(*user) : UserInfo{"system:anonymous", "", {"system:unauthenticated"}, {}};
  const bool upgrade = exchange.wants_websocket();
  request.headers = came.headers;  // a copy: an upgrade is accepted by what they say
  request.body = std::move(came.body);
  const bool head = request.method == "HEAD";

  ApiAnswer answer = co_await handler_.handle(std::move(request));
  if (answer.cut) {
    exchange.abort();
    co_return;
  }
  if (answer.socket) {
    co_await join_websockets(exchange, answer);
  } else if (answer.stream && upgrade && answer.status == 200) {
    co_await send_websocket(exchange, answer);
  } else if (answer.stream) {
    co_await send_stream(exchange, answer);
  } else {
    if (head) answer.body.clear();
    (void)co_await exchange.respond(whole(answer));
  }
}

Task<> HttpFront::send_stream(HttpExchange& exchange, ApiAnswer& answer) {
  if (!co_await exchange.start(whole(answer))) co_return;
  bool ended = false;
  TaskGroup both(loop_, log_);
  both.spawn("watch",
             later(&loop_, then_cancel(write_chunks(&exchange, answer.stream.get(), &ended), &both)));
  both.spawn("peer", later(&loop_, watch_peer(&exchange, &both)));
  co_await both.join_or_cancel();
  if (!ended || answer.stream->was_cut()) {
    exchange.abort();
    co_return;
  }
  (void)co_await exchange.finish();
}

Task<> HttpFront::send_websocket(HttpExchange& exchange, ApiAnswer& answer) {
  auto socket = co_await exchange.accept_websocket("");
  if (!socket) co_return;
  bool ended = false;
  TaskGroup both(loop_, log_);
  both.spawn(
      "watch",
      later(&loop_, then_cancel(write_frames(&loop_, socket->get(), answer.stream.get(), &ended), &both)));
  both.spawn("peer", later(&loop_, watch_socket(socket->get(), &both)));
  co_await both.join_or_cancel();
  if (ended && !answer.stream->was_cut())
    co_await (*socket)->close(1000);
  else if (answer.stream->was_cut())
    exchange.abort();
}

Task<> HttpFront::join_websockets(HttpExchange& exchange, ApiAnswer& answer) {
  auto socket = co_await exchange.accept_websocket(
      std::string(answer.headers.get("Sec-WebSocket-Protocol").value_or("")), port_channels::kMaxMessage);
  if (!socket) co_return;
  TaskGroup both(loop_, log_);
  both.spawn("to kubelet",
             later(&loop_, then_cancel(copy_messages(&loop_, socket->get(), answer.socket.get()), &both)));
  both.spawn("from kubelet",
             later(&loop_, then_cancel(copy_messages(&loop_, answer.socket.get(), socket->get()), &both)));
  co_await both.join_or_cancel();
  co_await answer.socket->close(1000);
  co_await (*socket)->close(1000);
}

}  // namespace kube::apiserver

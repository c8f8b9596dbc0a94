// HttpServer answers HTTP/1.1 over plain or TLS streams: whole answers, chunked streams, and websockets.
//
//   HttpServer server(loop, {.tls = context}, [](HttpExchange& exchange) -> Task<> {
//     (void)co_await exchange.respond({.status = 200, .body = "hello"});
//   });
//   co_await server.serve(std::move(listener));         // until stop() or cancellation
//
// The handler runs as a task of its connection; requests of one connection come one after another. A handler
// that returns without having answered yields 500 (or a cut connection, when it called abort() or had begun a
// chunked answer). Without reaching the handler: malformed requests get 400, a body over the limit 413,
// header fields over the limit 431, an expectation other than 100-continue 417. Thread: the loop's only.
// Lifetime: outlives serve().
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "kube/async/stream.h"
#include "kube/async/task_group.h"
#include "kube/http/message.h"
#include "kube/http/tls.h"
#include "kube/http/websocket.h"

namespace kube {

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;
  virtual HttpRequest& request() = 0;
  virtual const std::optional<TlsPeer>& tls_peer() const = 0;
  virtual Endpoint peer() const = 0;

  // Errors of all answers: Unavailable or Timeout (the client is gone or too slow: nothing more can be sent),
  // InvalidInput (a header that cannot be written), InternalError (out of order, such as a second answer).
  virtual Task<Result<>> respond(HttpResponse response) = 0;

  // A chunked answer: head once, then chunks, then finish().
  virtual Task<Result<>> start(HttpResponse head) = 0;
  virtual Task<Result<>> write_chunk(std::string_view bytes) = 0;  // bounded by the server's write time-out
  virtual Task<Result<>> finish() = 0;
  // Ends when the client goes away (only between start() and finish()). For a task beside the one that
  // writes; when it is cancelled the connection stays as it was.
  virtual Task<> wait_peer_gone() = 0;

  bool wants_websocket() const;
  // Upgrades; nothing but the WebSocket may be used afterwards. `protocol` "" = none is named; the longest
  // message that receive() gives, 0 = messages of the client are dropped. After an error the request has been
  // answered (400, or 426 for another version).
  virtual Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(std::string protocol,
                                                                    std::size_t max_message = 0) = 0;

  // Cuts the connection without an answer.
  virtual void abort() = 0;
};

struct HttpServerOptions {
  std::shared_ptr<TlsServerContext> tls{};  // null: plain text
  std::size_t max_body_bytes = 3u << 20;    // kube-apiserver's default request limit
  std::size_t max_header_bytes = 64u << 10;
  int max_connections = 10'000;  // further ones wait in the kernel's backlog
  // When every place is taken, a new connection gets that of the client that has kept us waiting longest (for
  // a handshake, a request or the rest of one, for an answer to be read), if that is at least so long; first
  // come those that have never been answered. Absent: none.
  std::optional<Duration> replace_after{};
  // Of requests that are being read or answered, all connections together: beyond it, one that goes on
  // sending gets 503. 0: no bound but those of each request.
  std::size_t max_buffered_bytes = 0;
  Duration read_timeout = 60s;  // for one request, from its first byte; also for the TLS handshake
  Duration idle_timeout = 180s;
  Duration write_timeout = 60s;  // for every 256 KiB of an answer
};

class HttpServer {
 public:
  using Handler = std::function<Task<>(HttpExchange&)>;

  HttpServer(Loop& loop, HttpServerOptions options, Handler handler, Log log = {});
  ~HttpServer();

  // Accepts until stop(); then idle connections are closed once nothing has come on them for a moment, those
  // in use get `grace` to finish their request, and are cancelled. Cancelling the caller cancels all
  // connections at once. Returns when the last one has ended; may be called once.
  Task<> serve(std::unique_ptr<Listener> listener);
  void stop(Duration grace = 5s);
  // Before stop(): goes on accepting and answering, but each answer ends its connection, so that clients
  // which keep theirs go elsewhere without ever meeting a closed one.
  void drain();
  // From the next connection on.
  void set_tls(std::shared_ptr<TlsServerContext> tls);

  int connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace kube

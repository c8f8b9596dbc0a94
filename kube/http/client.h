// HttpClient keeps a bounded pool of HTTP/1.1 connections to one origin.
//
//   HttpClient client(loop, network, {.origin = {"127.0.0.1", 6443}, .tls = context});
//   Result<HttpResponse> answer = co_await client.send({.method = "GET", .target = "/api"}, loop.after(10s));
//   auto watch = co_await client.open(request, loop.after(10s));      // until the head has come
//   while (true) {
//     Result<std::optional<std::string>> line = co_await (*watch)->read_line(loop.after(5min));
//     if (!line || !*line) break;                             // broken | ended properly
//   }
//
// Any status code is a success here; Result fails only when no full answer came. Error: Unavailable, Timeout,
// Protocol (an answer that is no HTTP, or beyond the limits), InvalidInput (a request that cannot be
// written). is_ambiguous(): a request with an effect (not GET, HEAD, OPTIONS) had at least partly been handed
// to the network, so that it may have been carried out. False means: it certainly was not.
//
// A kept-alive connection that the server had closed meanwhile is replaced silently when that is safe: its
// end was noticed before anything was sent, or nothing was answered and the method has no effect. PUT and
// DELETE are not repeated although HTTP calls them idempotent: a second try would answer 409 or 404 for what
// the first has done, and hide that it was done.
//
// Thread: the loop's only. Lifetime: outlives its calls and bodies.
#pragma once

#include <memory>
#include <optional>

#include "kube/async/stream.h"
#include "kube/http/message.h"
#include "kube/http/tls.h"
#include "kube/http/websocket.h"

namespace kube {

struct HttpClientOptions {
  Endpoint origin{};
  std::shared_ptr<TlsClientContext> tls{};  // null: plain text
  std::string host_header{};                // "" = origin
  int max_connections = 64;                 // of send(); further ones wait (within their deadline)
  Duration idle_timeout = 60s;              // a connection idle for longer is closed
  std::size_t max_response_bytes = 1u << 30;
};

// An answer whose body arrives bit by bit, on a connection of its own. Destroying it before its end closes
// that. Errors: Unavailable (cut before its proper end), Timeout (a deadline; nothing can be read
// afterwards), Protocol.
class HttpBody {
 public:
  // Longest line of read_line(): an object of the API server is at most a few MiB.
  static constexpr std::size_t kMaxLine = 64u << 20;

  virtual ~HttpBody() = default;
  virtual const HttpResponse& head() const = 0;  // status and headers; body empty
  // The next line without its end; nullopt when the body has ended properly. `deadline` is for this line.
  virtual Task<Result<std::optional<std::string>>> read_line(SteadyTime deadline = kNever) = 0;
  // Whatever has come, never empty; nullopt at the end.
  virtual Task<Result<std::optional<std::string>>> read_some(SteadyTime deadline = kNever) = 0;
  // All the rest, at most `limit` bytes.
  virtual Task<Result<std::string>> read_all(std::size_t limit, SteadyTime deadline) = 0;
};

// What became of the wish for a websocket.
struct WebSocketAnswer {
  HttpResponse head;                  // 101; any other status refused it, and brings its body
  std::unique_ptr<WebSocket> socket;  // null when refused
};

class HttpClient {
 public:
  HttpClient(Loop& loop, Network& network, HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Task<Result<HttpResponse>> send(HttpRequest request, SteadyTime deadline);
  // Does not count against max_connections, so that long watches never starve calls.
  Task<Result<std::unique_ptr<HttpBody>>> open(HttpRequest request, SteadyTime deadline);
  // A GET that asks for a websocket; its field Sec-WebSocket-Protocol may name protocols, of which the server
  // takes one. The deadline is for the answer. `max_message`: the longest that the socket receives. Counts as
  // little as open(). Error Protocol also: an answer that RFC 6455 does not allow.
  Task<Result<WebSocketAnswer>> open_websocket(HttpRequest request, std::size_t max_message,
                                               SteadyTime deadline);
  // Closes idle connections; those in use close when they come back (used after credentials have changed).
  void drop_connections();
  // Later connections use it; drop_connections() ends those of before.
  void set_tls(std::shared_ptr<TlsClientContext> tls);

  int connections() const;  // idle and in use, of send() and open()

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace kube

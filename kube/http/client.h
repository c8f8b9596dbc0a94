// HttpClient keeps a bounded pool of HTTP/1.1 connections to one origin.
//
//   HttpClient client(loop, network, {.origin = {"127.0.0.1", 6443}, .tls = context});
//   Result<HttpResponse> answer = co_await client.send({.method = "GET", .target = "/api"}, loop.after(10s));
//   Result<HttpBody> watch = co_await client.open(request, loop.after(10s));   // deadline until the header has come
//   while (auto line = co_await (*watch).read_line()) …
//
// Any status code is a success here; Result fails only when no full answer came. Error: Unavailable or Timeout;
// is_ambiguous() when the request had (partly) been sent, so that it may have been carried out. A kept-alive
// connection that the server had closed meanwhile is replaced silently when that is safe (nothing was answered and the
// method is idempotent, or nothing was sent).
// Thread: the loop's only. Lifetime: outlives its calls and bodies.
#pragma once

#include <memory>
#include <optional>

#include "kube/async/stream.h"
#include "kube/http/message.h"
#include "kube/http/tls.h"

namespace kube {

struct HttpClientOptions {
  Endpoint origin;
  std::shared_ptr<TlsClientContext> tls;   // null: plain text
  std::string host_header;                 // "" = origin
  int max_connections = 64;                // further sends wait (within their deadline)
  Duration idle_timeout = 60s;             // a connection idle for longer is closed
  std::size_t max_response_bytes = 1u << 30;
};

// An answer whose body arrives bit by bit, on a connection of its own.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  virtual const HttpResponse& head() const = 0;   // status and headers; body empty
  // The next line without its end; nullopt when the body has ended properly. `deadline` is for this line.
  virtual Task<Result<std::optional<std::string>>> read_line(SteadyTime deadline = kNever) = 0;
  virtual Task<Result<std::optional<std::string>>> read_some(SteadyTime deadline = kNever) = 0;
  // All the rest, at most `limit` bytes.
  virtual Task<Result<std::string>> read_all(std::size_t limit, SteadyTime deadline) = 0;
};

class HttpClient {
 public:
  HttpClient(Loop& loop, Network& network, HttpClientOptions options);
  ~HttpClient();

  Task<Result<HttpResponse>> send(HttpRequest request, SteadyTime deadline);
  Task<Result<std::unique_ptr<HttpBody>>> open(HttpRequest request, SteadyTime deadline);
  // Closes idle connections; those in use close when they come back (used after credentials have changed).
  void drop_connections();

  int connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace kube

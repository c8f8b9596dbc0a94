// ReviewServer answers admission reviews over HTTPS on one loop.
//
//   ReviewRoutes routes;
//   routes.add("/validate--v1-pod", validate_pod);
//   ReviewServer server(loop, routes, {.tls = context, .metrics = &metrics, .log = log});
//   co_await server.serve(std::move(*network.listen({"", 9443})));          // until stop() or cancellation
//
// What can be answered is answered with HTTP status 200; failures lie inside the review: 400 for what is no
// review (another Content-Type than application/json, an empty body, malformed text), 413 for a body over the
// limit, 500 for a handler that failed, 504 for one that did not come back in time. A path that nobody serves
// is 404. Works over any Listener: sockets, or a simulated network.
// Several cores: ReviewThreads (review_threads.h). Thread: the loop's only. Lifetime: outlives serve().
#pragma once

#include <memory>

#include "kube/admission/review_metrics.h"
#include "kube/admission/review_routes.h"
#include "kube/base/log.h"
#include "kube/http/server.h"

namespace kube {

struct ReviewServerOptions {
  std::shared_ptr<TlsServerContext> tls{};  // null: plain text (an API server refuses to call that)
  // An API server accepts objects of 3 MiB, and a review carries two of them and some more.
  std::size_t max_body_bytes = 7u << 20;
  // For a handler that is a task; a shorter time-out in the review's URL ("?timeout=5s") wins.
  Duration deadline = 10s;
  // An API server has one for each review that it waits for. When all places are taken, a new connection gets
  // that of the client that has been silent for longest.
  int max_connections = 1'000;
  // Of all reviews that are being read or decided; beyond it HTTP status 503.
  std::size_t max_buffered_bytes = 64u << 20;
  ReviewMetrics* metrics = nullptr;
  Log log{};
};

class ReviewServer {
 public:
  ReviewServer(Loop& loop, const ReviewRoutes& routes, ReviewServerOptions options);
  ~ReviewServer();

  // Accepts until stop(); then idle connections are closed once nothing has come on them for a moment,
  // reviews in progress get `grace`, and are cancelled. May be called once.
  Task<> serve(std::unique_ptr<Listener> listener);
  void stop(Duration grace = 5s);
  // Before stop(): each answer ends its connection, so that no API server sends a review into a closed one.
  void drain();
  // From the next connection on; those that are open stay.
  void set_tls(std::shared_ptr<TlsServerContext> tls);

  int connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace kube

// ReviewThreads answers admission reviews on several cores: one thread, one loop and one ReviewServer each,
// all on one port. They share nothing that changes.
//
//   ReviewThreads threads(loop, {.listen = {"", 9443}, .threads = 2, .server = {.tls = context}},
//                         [snapshot](Loop& loop) { return routes_of(snapshot, loop); });
//   if (auto started = threads.start(); !started) …             // Io: the address is in use
//   co_await threads.run();                                     // until stop(), or until cancelled
//
// A connection goes to whichever thread is free first, and stays there. `make_routes` is called once on each
// thread: what its handlers need besides immutable snapshots is made there, on that thread's loop.
// Thread: members on the home loop's only. Lifetime: run() must have ended before it is destroyed.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kube/admission/review_server.h"
#include "kube/async/wait_list.h"

namespace kube {

struct ReviewThreadsOptions {
  Endpoint listen{"", 9443};
  int threads = 0;               // 0: one a core
  ReviewServerOptions server{};  // its metrics and log are shared by all threads
};

class ReviewThreads {
 public:
  using MakeRoutes = std::function<ReviewRoutes(Loop&)>;

  ReviewThreads(Loop& home, ReviewThreadsOptions options, MakeRoutes make_routes);
  ~ReviewThreads();
  ReviewThreads(const ReviewThreads&) = delete;
  ReviewThreads& operator=(const ReviewThreads&) = delete;

  // Binds the port and starts the threads. Error: Io.
  Result<> start();
  // With the real port when 0 was asked for; after start().
  Endpoint local() const;
  // Returns when all threads have ended. Calls start() when nobody has.
  Task<Result<>> run();
  // Open connections get `grace` to finish their review.
  void stop(Duration grace = 5s);
  void drain();  // as ReviewServer's
  void set_tls(std::shared_ptr<TlsServerContext> tls);

 private:
  class Worker;

  Loop& home_;
  ReviewThreadsOptions options_;
  MakeRoutes make_routes_;
  Endpoint local_;
  std::vector<std::unique_ptr<Worker>> workers_;
  int running_ = 0;
  WaitList ended_;
};

}  // namespace kube

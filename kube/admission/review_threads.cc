#include "kube/admission/review_threads.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "kube/async/real_loop.h"

namespace kube {

// One thread with its loop and its server. Made and joined on the home loop's thread; the server is made,
// used and destroyed on its own.
class ReviewThreads::Worker {
 public:
  Worker() = default;
  ~Worker() {
    if (thread_.joinable()) thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Loop& loop() { return loop_; }

  void start(std::unique_ptr<Listener> listener, const ReviewServerOptions& options,
             const MakeRoutes& make_routes, std::move_only_function<void()> ended) {
    thread_ = std::thread(
        [this, listener = std::move(listener), options, &make_routes, ended = std::move(ended)]() mutable {
          loop_.run(serve(this, std::move(listener), std::move(options), &make_routes));
          ended();
        });
  }

  void stop(Duration grace) {
    loop_.post_from_any_thread([this, grace] {
      if (server_) server_->stop(grace);
      stopped_ = true;
    });
  }

  void drain() {
    loop_.post_from_any_thread([this] {
      if (server_) server_->drain();
    });
  }

  void set_tls(std::shared_ptr<TlsServerContext> tls) {
    loop_.post_from_any_thread([this, tls = std::move(tls)]() mutable {
      if (server_) server_->set_tls(std::move(tls));
    });
  }

 private:
  static Task<> serve(Worker* self, std::unique_ptr<Listener> listener, ReviewServerOptions options,
                      const MakeRoutes* make_routes) {
    // Nothing posted runs between these two steps: there is no co_await.
    if (self->stopped_) co_return;
    self->server_.emplace(self->loop_, (*make_routes)(self->loop_), std::move(options));
    co_await self->server_->serve(std::move(listener));
    self->server_.reset();
  }

  RealLoop loop_{1};
  std::optional<ReviewServer> server_;
  bool stopped_ = false;
  std::thread thread_;
};

ReviewThreads::ReviewThreads(Loop& home, ReviewThreadsOptions options, MakeRoutes make_routes)
    : home_(home), options_(std::move(options)), make_routes_(std::move(make_routes)), ended_(home) {}

ReviewThreads::~ReviewThreads() {
  stop(Duration::zero());  // for those who started it and never came to run()
}

Result<> ReviewThreads::start() {
  if (!workers_.empty()) return {};
  auto bound = TcpNetwork(home_).listen(options_.listen);
  if (!bound) return fail(bound);
  local_ = (*bound)->local();
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const int wanted = options_.threads > 0 ? options_.threads : std::max(cores, 1);
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < wanted; ++i) {
    workers.push_back(std::make_unique<Worker>());
    auto shared = share_listener(**bound, workers.back()->loop());
    if (!shared) return fail(shared);
    listeners.push_back(std::move(*shared));
  }
  workers_ = std::move(workers);
  running_ = wanted;
  for (int i = 0; i < wanted; ++i) {
    const auto at = static_cast<std::size_t>(i);
    workers_[at]->start(std::move(listeners[at]), options_.server, make_routes_, [this] {
      home_.post_from_any_thread([this] {
        --running_;
        ended_.wake_all();
      });
    });
  }
  return {};
}

Endpoint ReviewThreads::local() const {
  return local_;
}

Task<Result<>> ReviewThreads::run() {
  if (auto started = start(); !started) co_return started;
  // A caller that is cancelled still has to await the threads, which use what it owns.
  bool cancelled = false;
  try {
    while (running_ > 0) co_await ended_.wait();
  } catch (...) {
    if (!is_cancellation(std::current_exception())) throw;
    cancelled = true;
  }
  if (cancelled) {
    co_await shield();
    stop(Duration::zero());
    while (running_ > 0) co_await ended_.wait_shielded();
  }
  co_return Result<>{};
}

void ReviewThreads::stop(Duration grace) {
  for (const auto& worker : workers_) worker->stop(grace);
}

void ReviewThreads::drain() {
  for (const auto& worker : workers_) worker->drain();
}

void ReviewThreads::set_tls(std::shared_ptr<TlsServerContext> tls) {
  options_.server.tls = tls;
  for (const auto& worker : workers_) worker->set_tls(tls);
}

}  // namespace kube

#include "test/sim/process_loop.h"

#include <exception>
#include <optional>

#include <boost/asio/io_context.hpp>

#include "kube/async/wait_list.h"

namespace sim {

using kube::Endpoint;
using kube::Result;
using kube::SteadyTime;
using kube::Task;

namespace {

// A simulated stream wakes whoever waits on it in the world's loop. From there the caller, whose code runs on
// `loop`, must not go on before its process does.
template <class T>
Task<T> at_home(kube::Loop& loop, Task<T> task) {
  const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
  std::optional<T> result;
  std::exception_ptr thrown;
  try {
    result = co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await kube::shield();
  kube::WaitList home(loop);
  loop.post([&home] { home.wake_all(); });
  co_await home.wait_shielded();
  co_await boost::asio::this_coro::throw_if_cancelled(throwing);
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(*result);
}

class HomeStream final : public kube::Stream {
 public:
  HomeStream(kube::Loop& loop, std::unique_ptr<kube::Stream> stream)
      : loop_(loop),
        stream_(std::move(stream)),
        deadline_(loop, [this] { stream_->set_deadline(loop_.steady()); }) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    return at_home(loop_, stream_->read_some(into));
  }
  Task<Result<>> write(std::string_view bytes) override { return at_home(loop_, stream_->write(bytes)); }
  Task<Result<>> shutdown() override { return at_home(loop_, stream_->shutdown()); }
  void close() override { stream_->close(); }
  // The process keeps its deadlines itself: frozen, it misses them.
  void set_deadline(SteadyTime deadline) override { deadline_.set(deadline); }
  Endpoint peer() const override { return stream_->peer(); }
  Endpoint local() const override { return stream_->local(); }

 private:
  kube::Loop& loop_;
  std::unique_ptr<kube::Stream> stream_;
  kube::Timer deadline_;
};

}  // namespace

class ProcessLoop::HomeNetwork final : public kube::Network {
 public:
  HomeNetwork(kube::Loop& loop, kube::Network& host) : loop_(loop), host_(host) {}

  Task<Result<std::unique_ptr<kube::Stream>>> connect(Endpoint to, SteadyTime deadline) override {
    auto stream = co_await at_home(loop_, host_.connect(std::move(to), deadline));
    if (!stream) co_return stream;
    co_return std::unique_ptr<kube::Stream>(std::make_unique<HomeStream>(loop_, std::move(*stream)));
  }
  Result<std::unique_ptr<kube::Listener>> listen(Endpoint at) override {
    return kube::fail(kube::ErrorKind::Io, "listen on " + at.to_string() + ": simulated processes only call");
  }

 private:
  kube::Loop& loop_;
  kube::Network& host_;
};

ProcessLoop::ProcessLoop(kube::Loop& world, kube::Network& host, std::uint64_t seed)
    : Loop(world.clock(), kube::Random(seed)),
      world_(world),
      network_(std::make_unique<HomeNetwork>(*this, host)),
      alarm_(world, [] {}) {}

ProcessLoop::~ProcessLoop() = default;

kube::Network& ProcessLoop::network() {
  return *network_;
}

void ProcessLoop::next_timer_changed() {
  if (!frozen_) alarm_.set(next_timer());
}

void ProcessLoop::freeze_after(int steps) {
  if (!frozen_) steps_left_ = steps;
}

void ProcessLoop::thaw(bool arrivals_first) {
  frozen_ = false;
  steps_left_ = -1;
  arrivals_first_ = arrivals_first;
  alarm_.set(world_.steady());
}

bool ProcessLoop::run_due_timers() {
  if (next_timer() > steady()) return false;
  fire_due_timers();
  return true;
}

bool ProcessLoop::run_posted() {
  bool ran = false;
  context().restart();
  while (steps_left_ != 0 && context().poll_one() > 0) {
    ran = true;
    if (steps_left_ > 0) --steps_left_;
    // A context without work says "stopped" and runs nothing more.
    if (context().stopped()) context().restart();
  }
  return ran;
}

bool ProcessLoop::run_ready() {
  if (frozen_) return false;
  bool ran = false;
  if (std::exchange(arrivals_first_, false)) ran = run_posted();
  ran |= run_due_timers();
  ran |= run_posted();
  if (steps_left_ == 0) {
    frozen_ = true;
    alarm_.cancel();
    on_frozen();
  } else {
    alarm_.set(next_timer());
  }
  return ran;
}

void ProcessLoop::submit_blocking(std::move_only_function<void()> work,
                                  std::move_only_function<void()> done) {
  post([work = std::move(work), done = std::move(done)]() mutable {
    work();
    done();
  });
}

}  // namespace sim

#include "kube/async/real_loop.h"

#include <chrono>
#include <exception>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "kube/async/task_group.h"

namespace kube {

namespace asio = boost::asio;

struct RealLoop::State {
  State(asio::io_context& context, int threads) : alarm(context), pool(static_cast<std::size_t>(threads)) {}

  asio::steady_timer alarm;  // for the earliest of the loop's timers, or earlier
  SteadyTime alarm_at = kNever;
  asio::thread_pool pool;
  std::function<void()> rearm;
};

RealLoop::RealLoop(int blocking_threads)
    : Loop(std::make_shared<SystemClock>(), Random::from_kernel()),
      state_(std::make_unique<State>(context(), blocking_threads)) {
  state_->rearm = [this] {
    // Most timers are deadlines that never pass: an alarm that goes off too early now and then costs less
    // than one that is moved, by a system call, with each of them.
    if (next_timer() >= state_->alarm_at) return;
    state_->alarm_at = next_timer();
    state_->alarm.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(next_timer().time_since_epoch())));
    state_->alarm.async_wait([this](boost::system::error_code error) {
      if (error) return;  // re-armed for an earlier timer
      state_->alarm_at = kNever;
      fire_due_timers();
      state_->rearm();
    });
  };
}

RealLoop::~RealLoop() {
  state_->pool.join();
}

void RealLoop::next_timer_changed() {
  state_->rearm();
}

void RealLoop::run(Task<> main) {
  std::exception_ptr thrown;
  auto body = [](Task<> inner, std::exception_ptr* out, asio::io_context* context) -> Task<> {
    try {
      co_await std::move(inner);
    } catch (...) {
      *out = std::current_exception();
    }
    context->stop();
  };
  TaskGroup group(*this);
  auto work = asio::make_work_guard(context());
  group.spawn("main", body(std::move(main), &thrown, &context()));
  context().restart();
  context().run();
  // The main task has ended; its own completion may still be queued.
  context().restart();
  while (!group.empty()) context().run_one();
  if (thrown) std::rethrow_exception(thrown);
}

void RealLoop::submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) {
  // The guard keeps run() waiting for the answer.
  asio::post(state_->pool, [this, guard = asio::make_work_guard(context()), work = std::move(work),
                            done = std::move(done)]() mutable {
    work();
    post_from_any_thread(std::move(done));
  });
}

Task<int> wait_for_signal(Loop& loop, std::initializer_list<int> signals) {
  asio::signal_set set(loop.context());
  for (int signal : signals) set.add(signal);
  co_return co_await set.async_wait(asio::use_awaitable);
}

Task<Result<>> wait_readable(Loop& loop, int fd) {
  asio::posix::stream_descriptor descriptor(loop.context(), fd);
  // Released, not closed: the descriptor is the caller's.
  struct Release {
    asio::posix::stream_descriptor& held;
    ~Release() { held.release(); }
  } release{descriptor};
  auto [error] = co_await descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                                asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  if (error) co_return fail(ErrorKind::Io, "wait for descriptor: " + error.message());
  co_return Result<>{};
}

}  // namespace kube

// Loop is one thread's world: its clock, its timers, its chance, its way to run blocking work.
//
// Production has a RealLoop a thread (kube/async/real_loop.h); tests and simulations have a SimLoop
// (kube/async/sim_loop.h) whose time passes only when nothing is left to do, so a whole world of servers and
// clients runs deterministically in one process. Code takes `Loop&` and cannot tell which one it is on.
//
//   Task<> tick(Loop& loop) { co_await sleep(loop, 10s); … loop.now() … loop.random().unit() … }
//
// Thread: every member on the loop's own thread, except post_from_any_thread().
// Lifetime: outlives every object and task that was given it.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "kube/async/task.h"
#include "kube/base/clock.h"
#include "kube/base/random.h"

namespace boost::asio {
class io_context;
}

namespace kube {

class Timer;

// A deadline that never comes.
inline constexpr SteadyTime kNever = SteadyTime::max();

class Loop {
 public:
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  TimePoint now() const { return clock_->now(); }
  SteadyTime steady() const { return clock_->steady(); }
  // steady() + delta; kNever when that overflows.
  SteadyTime after(Duration delta) const;
  const std::shared_ptr<const Clock>& clock() const { return clock_; }
  Random& random() { return random_; }

  // Runs `fn` soon, after what is already waiting, never inside this call.
  void post(std::move_only_function<void()> fn);
  void post_from_any_thread(std::move_only_function<void()> fn) { post(std::move(fn)); }

  // Runs `work` where blocking is allowed (a pool thread; inline in simulation), then `done` on the loop.
  // Callers use run_blocking() of kube/async/blocking.h.
  virtual void submit_blocking(std::move_only_function<void()> work,
                               std::move_only_function<void()> done) = 0;

  // For kube/async and kube/http only: what Asio objects are built on.
  boost::asio::io_context& context() { return *context_; }

 protected:
  Loop(std::shared_ptr<const Clock> clock, Random random);

  // Timers, earliest first; equal times in the order they were set.
  using TimerQueue = std::multimap<SteadyTime, Timer*>;
  SteadyTime next_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }
  void fire_due_timers();
  // The earliest timer changed: a RealLoop re-arms its one Asio timer.
  virtual void next_timer_changed() = 0;

 private:
  friend class Timer;

  std::shared_ptr<const Clock> clock_;
  Random random_;
  std::unique_ptr<boost::asio::io_context> context_;
  TimerQueue timers_;
};

}  // namespace kube

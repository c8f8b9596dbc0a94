#include "kube/async/loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "kube/async/timer.h"

namespace kube {

// A hint of 1 tells Asio that one thread runs the context. Locking stays on: pool threads post results back.
Loop::Loop(std::shared_ptr<const Clock> clock, Random random)
    : clock_(std::move(clock)), random_(random), context_(std::make_unique<boost::asio::io_context>(1)) {}

Loop::~Loop() = default;

SteadyTime Loop::after(Duration delta) const {
  const SteadyTime now = steady();
  return delta > kNever - now ? kNever : now + delta;
}

void Loop::post(std::move_only_function<void()> fn) {
  boost::asio::post(*context_, [fn = std::move(fn)]() mutable { fn(); });
}

void Loop::fire_due_timers() {
  // Only what is due now: a callback that sets a timer for "now" waits for the next round, so that this ends.
  const SteadyTime now = steady();
  const auto end = timers_.upper_bound(now);
  std::size_t count = 0;
  for (auto it = timers_.begin(); it != end; ++it) ++count;
  while (count-- > 0 && !timers_.empty() && timers_.begin()->first <= now) {
    timers_.begin()->second->fire();
  }
}

}  // namespace kube

#include "kube/async/timer.h"

#include <memory>

#include "kube/async/wait_list.h"

namespace kube {

Timer::Timer(Loop& loop, std::move_only_function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {}

Timer::~Timer() {
  cancel();
}

void Timer::set(SteadyTime at) {
  if (at == kNever) return cancel();
  if (set_) {
    // The same place in the queue, elsewhere: deadlines move with every request.
    auto place = loop_.timers_.extract(position_);
    place.key() = at;
    position_ = loop_.timers_.insert(std::move(place));
  } else {
    position_ = loop_.timers_.emplace(at, this);
    set_ = true;
  }
  if (position_ == loop_.timers_.begin()) loop_.next_timer_changed();
}

void Timer::cancel() {
  if (!set_) return;
  loop_.timers_.erase(position_);
  set_ = false;
}

void Timer::fire() {
  loop_.timers_.erase(position_);
  set_ = false;
  // The callback may destroy this timer, and with it the function that runs: it is kept alive by a local, and
  // put back only while the timer lives.
  auto alive = std::make_shared<bool>(true);
  alive_ = alive;
  auto callback = std::move(callback_);
  callback();
  if (alive.use_count() > 1) {
    alive_.reset();
    callback_ = std::move(callback);
  }
}

Task<> sleep_until(Loop& loop, SteadyTime at) {
  WaitList woken(loop);
  co_await woken.wait_until(at);
}

Task<> sleep(Loop& loop, Duration duration) {
  return sleep_until(loop, loop.after(duration));
}

}  // namespace kube

// Timer calls back once, on the loop, at a time; sleep() suspends a task until one.
//
//   Timer resync(loop, [&] { queue.add(key); });
//   resync.set(loop.after(30s));          // replaces an earlier setting
//   resync.cancel();                      // also what the destructor does
//
//   co_await sleep(loop, 5s);
//
// Thread: the loop's only. The callback may set, cancel, or destroy the timer.
#pragma once

#include <functional>
#include <memory>

#include "kube/async/loop.h"

namespace kube {

class Timer {
 public:
  Timer(Loop& loop, std::move_only_function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void set(SteadyTime at);  // kNever: same as cancel()
  void cancel();
  bool is_set() const { return set_; }

 private:
  friend class Loop;
  void fire();

  Loop& loop_;
  std::move_only_function<void()> callback_;
  bool set_ = false;
  Loop::TimerQueue::iterator position_;
  std::shared_ptr<bool> alive_;  // shared with a running fire()
};

Task<> sleep(Loop& loop, Duration duration);
Task<> sleep_until(Loop& loop, SteadyTime at);

}  // namespace kube

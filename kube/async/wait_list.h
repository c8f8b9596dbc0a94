// WaitList is where tasks wait for something to change: the one primitive under channels, queues and gates.
//
//   while (queue_.empty()) co_await waiting_.wait();        // consumer
//   queue_.push(x); waiting_.wake_one();                    // producer
//
// Waiters are woken first come, first served. A woken task runs later, not inside wake: re-check the
// condition. A task that is cancelled while it waits leaves the list.
//
// Thread: the loop's only. Lifetime: must be empty when destroyed (asserted).
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "kube/async/loop.h"

namespace kube {

class WaitList {
 public:
  explicit WaitList(Loop& loop);
  ~WaitList();
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  Task<> wait();
  // False when the deadline passed first; then it took no wake-up.
  Task<bool> wait_until(SteadyTime deadline);
  // Not cancellable: for owners who must await what they own.
  Task<> wait_shielded();

  bool wake_one();  // false: nobody waited
  void wake_all();
  bool empty() const { return waiters_.empty(); }

 private:
  struct Waiter;
  Loop& loop_;
  std::list<std::shared_ptr<Waiter>> waiters_;

  enum class Shield { No, Yes };
  Task<bool> suspend(SteadyTime deadline, Shield shield);
};

}  // namespace kube

#include "kube/async/wait_list.h"

#include <algorithm>
#include <cassert>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include "kube/async/timer.h"

namespace kube {

namespace asio = boost::asio;
using boost::system::error_code;

// One suspended task. resume is called at most once: by a wake-up, the deadline, or cancellation.
struct WaitList::Waiter {
  std::move_only_function<void(error_code)> resume;
  asio::cancellation_slot slot;
  bool timed_out = false;

  void finish(error_code error) {
    if (!resume) return;
    if (slot.is_connected()) slot.clear();
    std::exchange(resume, nullptr)(error);
  }
};

WaitList::WaitList(Loop& loop) : loop_(loop) {}

WaitList::~WaitList() {
  assert(waiters_.empty() && "somebody still waits on a destroyed WaitList");
}

Task<> WaitList::wait() {
  co_await suspend(kNever, Shield::No);
}
Task<bool> WaitList::wait_until(SteadyTime deadline) {
  return suspend(deadline, Shield::No);
}
Task<> WaitList::wait_shielded() {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await suspend(kNever, Shield::Yes);
  co_await asio::this_coro::throw_if_cancelled(throwing);
}

Task<bool> WaitList::suspend(SteadyTime deadline, Shield shield) {
  auto waiter = std::make_shared<Waiter>();
  Timer timer(loop_, [this, waiter] {
    // Woken already, it only has not run yet: it took a wake-up that nobody else gets, so it was in time.
    if (!waiter->resume) return;
    waiter->timed_out = true;
    std::erase(waiters_, waiter);
    waiter->finish({});
  });
  timer.set(deadline);
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(error_code)>(
      [this, waiter, shield](auto handler) {
        asio::cancellation_slot slot = asio::get_associated_cancellation_slot(handler);
        waiter->resume = [this, handler = std::move(handler)](error_code error) mutable {
          asio::post(loop_.context(),
                     [handler = std::move(handler), error]() mutable { std::move(handler)(error); });
        };
        if (shield == Shield::No && slot.is_connected()) {
          waiter->slot = slot;
          // A copy of the pointer keeps the waiter alive while finish() clears the slot that holds this
          // lambda.
          slot.assign([this, waiter](asio::cancellation_type type) {
            if (type == asio::cancellation_type::none) return;
            auto self = waiter;
            std::erase(waiters_, self);
            self->finish(asio::error::operation_aborted);
          });
        }
        waiters_.push_back(waiter);
      },
      asio::use_awaitable);
  co_return !waiter->timed_out;
}

bool WaitList::wake_one() {
  if (waiters_.empty()) return false;
  auto waiter = std::move(waiters_.front());
  waiters_.pop_front();
  waiter->finish({});
  return true;
}

void WaitList::wake_all() {
  while (wake_one()) {
  }
}

}  // namespace kube

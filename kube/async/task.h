// Task<T> is a coroutine that starts when it is awaited and runs on its loop's thread only.
//
//   Task<Result<Pod>> read(ObjectKey key) { … co_return pod; }
//   Result<Pod> pod = co_await read(key);
//
// Habits that keep it safe: parameters by value (unless the caller awaits on the spot and owns the referent);
// a lambda coroutine captures nothing; nobody starts one except by co_await or TaskGroup::spawn.
//
// Cancellation is an exception: after TaskGroup::cancel() the task's current or next co_await throws
// boost::system::system_error(operation_aborted). Do not catch it except to rethrow; is_cancellation() tells
// it apart. Errors that callers deal with are values: Result<T>.
#pragma once

#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include "kube/base/result.h"

namespace kube {

template <class T = void>
using Task = boost::asio::awaitable<T>;

// True for the exception that ends a cancelled task.
bool is_cancellation(std::exception_ptr thrown);

// `co_await shield();` before clean-up that awaits: from there on this task runs to its end although it was
// or gets cancelled. Bounded work only.
//
//   } catch (...) { thrown = std::current_exception(); }
//   co_await shield();
//   co_await lease.release();
//   if (thrown) std::rethrow_exception(thrown);
inline auto shield() {
  return boost::asio::this_coro::throw_if_cancelled(false);
}

}  // namespace kube

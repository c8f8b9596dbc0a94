// retry() is the one retry loop: it tries until success, until the error says never, or until the deadline.
//
//   auto pod = co_await retry(loop, Backoff{}, loop.after(30s), [&] { return pods.get(key); });
//
// Retry::Now and Backoff wait by the policy, After waits as the server said. The last error comes back with
// the number of tries in front. The callable must outlive the call (it is awaited on the spot).
#pragma once

#include <string>
#include <utility>

#include "kube/async/timer.h"

namespace kube {

// Exponential, with jitter so that clients which failed together do not come back together.
struct Backoff {
  Duration initial = 100ms;
  double factor = 2.0;
  Duration max = 10s;
  double jitter = 0.2;

  // Wait before try number `attempt` (1 = the first retry).
  Duration delay(int attempt, Random& random) const;
};

template <class Op>
auto retry(Loop& loop, Backoff backoff, SteadyTime deadline, Op op) -> decltype(op()) {
  for (int attempt = 1;; ++attempt) {
    auto result = co_await op();
    if (result || result.error().retry() == Retry::Never) co_return result;
    Duration wait = result.error().retry_after().value_or(backoff.delay(attempt, loop.random()));
    if (loop.after(wait) >= deadline) {
      co_return fail(std::move(result).error().while_doing("gave up after try " + std::to_string(attempt)));
    }
    co_await sleep(loop, wait);
  }
}

}  // namespace kube

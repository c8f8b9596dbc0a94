// run_blocking() runs work that blocks or burns CPU off the loop; only its result comes back.
//
//   Result<std::string> text = co_await run_blocking(loop, [path] { return read_file(path); });
//
// `work` runs on a pool thread in production (inline in simulation): it may touch only what it captured by
// value. It cannot be cancelled, so it must be bounded in time; the caller waits for it even when cancelled.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>

#include "kube/async/wait_list.h"

namespace kube {

template <class Work>
Task<std::invoke_result_t<Work>> run_blocking(Loop& loop, Work work) {
  std::optional<std::invoke_result_t<Work>> result;
  WaitList finished(loop);
  loop.submit_blocking([&] { result.emplace(work()); }, [&] { finished.wake_all(); });
  co_await finished.wait_shielded();
  co_return std::move(*result);
}

}  // namespace kube

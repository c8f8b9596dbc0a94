// with_deadline() gives any task a deadline: when it passes the task is cancelled, awaited, and Timeout is
// the result.
//
//   Result<Pod> pod = co_await with_deadline(loop, loop.after(5s), read(key));
//
// Streams have deadlines of their own (Stream::set_deadline), which cost less; this is for everything else.
#pragma once

#include <optional>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"

namespace kube {

template <class T>
Task<Result<T>> with_deadline(Loop& loop, SteadyTime deadline, Task<Result<T>> task) {
  std::optional<Result<T>> result;
  bool expired = false;
  TaskGroup group(loop);
  Timer timer(loop, [&] {
    expired = true;
    group.cancel();
  });
  auto run = [](Task<Result<T>> inner, std::optional<Result<T>>* out) -> Task<> {
    out->emplace(co_await std::move(inner));
  };
  group.spawn("with_deadline", run(std::move(task), &result));
  timer.set(deadline);
  co_await group.join_or_cancel();
  if (result) co_return std::move(*result);
  if (expired) co_return fail(Error(ErrorKind::Timeout, "deadline exceeded").with_ambiguous(true));
  co_return fail(ErrorKind::InternalError, "task ended without a result");
}

}  // namespace kube

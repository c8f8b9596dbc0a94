// TaskGroup owns the tasks spawned into it: a gate (who is still inside) and a way to say "please stop".
//
//   TaskGroup workers(loop, log);
//   for (int i = 0; i < n; ++i) workers.spawn("worker", work());
//   co_await stop_requested();
//   co_await workers.stop(30s);                 // waits; after 30 s cancels; waits for the last
//
// An exception that escapes a task is logged with the task's name, counted, and ends that task alone;
// cancellation is silent. stop(), cancel_and_join() and join() are not cancellable themselves, so an owner
// always gets to the end; an owner that may itself have been cancelled says `co_await shield();` first
// (task.h).
//
// Thread: the loop's only. Lifetime: the destructor asserts that the group is empty.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "kube/async/loop.h"
#include "kube/async/wait_list.h"
#include "kube/base/log.h"

namespace kube {

class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop, Log log = {});
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts soon, not inside this call. After cancel(), a new task is cancelled at its first co_await.
  void spawn(std::string name, Task<> task);

  std::size_t size() const { return tasks_.size(); }
  bool empty() const { return tasks_.empty(); }
  std::size_t failures() const { return failures_; }  // tasks that ended by an exception

  void cancel();
  Task<> join();
  // Waits for the last task; when the caller is cancelled meanwhile, the tasks are too, and still awaited.
  Task<> join_or_cancel();
  Task<> cancel_and_join();
  Task<> stop(Duration grace);

 private:
  struct Entry;
  void finished(std::shared_ptr<Entry> entry, std::exception_ptr thrown);

  Loop& loop_;
  Log log_;
  std::list<std::shared_ptr<Entry>> tasks_;
  WaitList ended_;
  bool cancelled_ = false;
  std::size_t failures_ = 0;
};

}  // namespace kube

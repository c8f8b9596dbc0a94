#include "kube/async/task_group.h"

#include <cassert>
#include <exception>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "kube/async/timer.h"

namespace kube {

namespace asio = boost::asio;

struct TaskGroup::Entry {
  std::string name;
  asio::cancellation_signal stop;
  std::list<std::shared_ptr<Entry>>::iterator position;
};

namespace {

// co_spawn would run the task inline up to its first suspension, and Asio 1.81 lets a cancellation that comes
// before that escape from the loop. One pause that cannot be cancelled mends both; cancelled meanwhile, the
// task's first co_await throws inside it.
Task<> after_a_pause(asio::io_context& context, Task<> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(context, asio::use_awaitable);
  co_await asio::this_coro::throw_if_cancelled(true);
  co_await std::move(task);
}

}  // namespace

TaskGroup::TaskGroup(Loop& loop, Log log) : loop_(loop), log_(std::move(log)), ended_(loop) {}

TaskGroup::~TaskGroup() {
  assert(tasks_.empty() && "a task outlives its group");
}

void TaskGroup::spawn(std::string name, Task<> task) {
  auto entry = std::make_shared<Entry>();
  entry->name = std::move(name);
  entry->position = tasks_.insert(tasks_.end(), entry);
  asio::co_spawn(loop_.context(), after_a_pause(loop_.context(), std::move(task)),
                 asio::bind_cancellation_slot(entry->stop.slot(), [this, entry](std::exception_ptr thrown) {
                   finished(entry, thrown);
                 }));
  if (cancelled_) entry->stop.emit(asio::cancellation_type::terminal);
}

void TaskGroup::finished(std::shared_ptr<Entry> entry, std::exception_ptr thrown) {
  if (thrown && !is_cancellation(thrown)) {
    ++failures_;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      log_.error("task ended by an exception", {{"task", entry->name}, {"exception", exception.what()}});
    } catch (...) {
      log_.error("task ended by an exception", {{"task", entry->name}, {"exception", "of unknown type"}});
    }
  }
  tasks_.erase(entry->position);
  // Asio 1.81 delivers a cancellation that was emitted outside the running loop by a posted function that
  // points into the signal: the signal stays until what is posted by now has run.
  loop_.post([entry] {});
  if (tasks_.empty()) ended_.wake_all();
}

void TaskGroup::cancel() {
  cancelled_ = true;
  const std::vector<std::shared_ptr<Entry>> running(tasks_.begin(), tasks_.end());
  for (const auto& entry : running) entry->stop.emit(asio::cancellation_type::terminal);
}

Task<> TaskGroup::join() {
  while (!tasks_.empty()) co_await ended_.wait_shielded();
}

Task<> TaskGroup::join_or_cancel() {
  std::exception_ptr cancelled;
  try {
    while (!tasks_.empty()) co_await ended_.wait();
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await cancel_and_join();
  co_await asio::this_coro::throw_if_cancelled(throwing);
  std::rethrow_exception(cancelled);
}

Task<> TaskGroup::cancel_and_join() {
  cancel();
  return join();
}

Task<> TaskGroup::stop(Duration grace) {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  Timer timer(loop_, [this] { cancel(); });
  timer.set(loop_.after(grace));
  co_await join();
  co_await asio::this_coro::throw_if_cancelled(throwing);
}

}  // namespace kube

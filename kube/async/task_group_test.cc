#include "kube/async/task_group.h"

#include <catch2/catch.hpp>

#include "kube/async/blocking.h"
#include "kube/async/deadline.h"
#include "kube/async/sim_loop.h"
#include "kube/async/timer.h"

using namespace kube;

namespace {

Task<> note_after(Loop& loop, Duration wait, std::vector<int>* notes, int value) {
  co_await sleep(loop, wait);
  notes->push_back(value);
}

Task<> note_cancellation(Loop& loop, bool* cancelled) {
  try {
    co_await sleep(loop, 1h);
  } catch (...) {
    *cancelled = is_cancellation(std::current_exception());
    throw;
  }
}

Task<Result<int>> answer_after(Loop& loop, Duration wait) {
  co_await sleep(loop, wait);
  co_return 42;
}

}  // namespace

TEST_CASE("tasks run interleaved by time and the group waits for the last") {
  SimLoop loop;
  std::vector<int> notes;
  TaskGroup group(loop);
  group.spawn("b", note_after(loop, 2s, &notes, 2));
  group.spawn("a", note_after(loop, 1s, &notes, 1));
  CHECK(notes.empty());
  loop.run(group.join());
  CHECK(notes == std::vector{1, 2});
}

TEST_CASE("cancel makes a waiting task throw and takes no simulated time") {
  SimLoop loop;
  bool cancelled = false;
  TaskGroup group(loop);
  group.spawn("sleeper", note_cancellation(loop, &cancelled));
  loop.settle();
  const SteadyTime before = loop.steady();
  loop.run(group.cancel_and_join());
  CHECK(cancelled);
  CHECK(loop.steady() == before);
  CHECK(group.failures() == 0);
}

TEST_CASE("a task spawned into a cancelled group ends at its first wait") {
  SimLoop loop;
  std::vector<int> notes;
  TaskGroup group(loop);
  group.cancel();
  group.spawn("late", note_after(loop, 1s, &notes, 1));
  loop.run(group.join());
  CHECK(notes.empty());
}

TEST_CASE(
    "a task does not start inside spawn, and one that never suspends can be cancelled before it starts") {
  SimLoop loop;
  int steps = 0;
  auto two_steps = [](int* count) -> Task<> {
    ++*count;
    co_await [](int* inner) -> Task<> {
      ++*inner;
      co_return;
    }(count);
  };
  TaskGroup group(loop);
  group.spawn("quick", two_steps(&steps));
  CHECK(steps == 0);
  group.cancel();
  loop.run(group.join());
  CHECK(steps == 0);
  CHECK(group.failures() == 0);
}

TEST_CASE("stop lets tasks finish within the grace and cancels those that do not") {
  SimLoop loop;
  std::vector<int> notes;
  TaskGroup group(loop);
  group.spawn("quick", note_after(loop, 1s, &notes, 1));
  group.spawn("slow", note_after(loop, 1min, &notes, 2));
  const SteadyTime start = loop.steady();
  loop.run(group.stop(5s));
  CHECK(notes == std::vector{1});
  CHECK(loop.steady() - start == 5s);
}

TEST_CASE("an exception ends its task alone and is counted") {
  SimLoop loop;
  std::vector<int> notes;
  TaskGroup group(loop);
  auto throwing = []() -> Task<> {
    throw std::runtime_error("broken");
    co_return;
  };
  group.spawn("bad", throwing());
  group.spawn("good", note_after(loop, 1s, &notes, 1));
  loop.run(group.join());
  CHECK(notes == std::vector{1});
  CHECK(group.failures() == 1);
}

TEST_CASE("a cancelled owner still awaits its tasks") {
  SimLoop loop;
  bool cancelled = false;
  auto owner = [](Loop& l, bool* flag) -> Task<> {
    TaskGroup inner(l);
    inner.spawn("inner", note_cancellation(l, flag));
    co_await inner.join_or_cancel();
  };
  TaskGroup group(loop);
  group.spawn("owner", owner(loop, &cancelled));
  loop.settle();
  loop.run(group.cancel_and_join());
  CHECK(cancelled);
}

TEST_CASE("shielded clean-up that awaits runs to its end in a cancelled task") {
  SimLoop loop;
  std::vector<int> notes;
  auto with_cleanup = [](Loop& l, std::vector<int>* out) -> Task<> {
    std::exception_ptr thrown;
    try {
      co_await sleep(l, 1h);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await shield();
    co_await note_after(l, 3s, out, 7);
    if (thrown) std::rethrow_exception(thrown);
  };
  TaskGroup group(loop);
  group.spawn("task", with_cleanup(loop, &notes));
  loop.settle();
  loop.run(group.cancel_and_join());
  CHECK(notes == std::vector{7});
}

TEST_CASE("with_deadline gives the result in time and Timeout after it") {
  SimLoop loop;
  auto check = [](Loop& l) -> Task<> {
    Result<int> in_time = co_await with_deadline(l, l.after(2s), answer_after(l, 1s));
    CHECK(in_time.value() == 42);
    Result<int> late = co_await with_deadline(l, l.after(1s), answer_after(l, 2s));
    REQUIRE_FALSE(late);
    CHECK(late.error().kind() == ErrorKind::Timeout);
    CHECK(late.error().is_ambiguous());
  };
  loop.run(check(loop));
}

TEST_CASE("blocking work gives its result back on the loop") {
  SimLoop loop;
  auto check = [](Loop& l) -> Task<> {
    auto work = [] { return std::string("read"); };
    CHECK(co_await run_blocking(l, work) == "read");
  };
  loop.run(check(loop));
}

TEST_CASE("the same seed gives the same run, another seed another") {
  auto trace = [](std::uint64_t seed) {
    SimLoop loop(seed);
    std::vector<int> notes;
    TaskGroup group(loop);
    for (int i = 0; i < 20; ++i) {
      group.spawn("n", note_after(loop, Duration(loop.random().below(1'000'000)), &notes, i));
    }
    loop.run(group.join());
    return notes;
  };
  CHECK(trace(1) == trace(1));
  CHECK(trace(1) != trace(2));
}

TEST_CASE("a simulated task that can never end is reported instead of hanging") {
  SimLoop loop;
  auto never = [](Loop& l) -> Task<> {
    WaitList nobody_wakes(l);
    co_await nobody_wakes.wait();
  };
  CHECK_THROWS_WITH(loop.run(never(loop)), Catch::Contains("can never happen"));
}

#include "kube/async/wait_list.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"

using namespace kube;

namespace {

Task<> wait(WaitList* list, SteadyTime deadline, int* woken, int* timed_out) {
  ++*(co_await list->wait_until(deadline) ? woken : timed_out);
}

}  // namespace

TEST_CASE("a waiter that is woken just when its deadline comes was woken, and swallows nobody's turn") {
  SimLoop loop;
  WaitList places(loop);
  int woken = 0, timed_out = 0;
  // Set before the waiters' own timers, so that it goes off before them in the round of that time.
  Timer frees_a_place(loop, [&] { places.wake_one(); });
  frees_a_place.set(loop.after(1s));
  TaskGroup group(loop);
  group.spawn("first", wait(&places, loop.after(1s), &woken, &timed_out));
  group.spawn("second", wait(&places, loop.after(1min), &woken, &timed_out));
  loop.run_for(2s);
  CHECK(woken == 1);
  CHECK(timed_out == 0);
  CHECK_FALSE(places.empty());  // the second waits for the next place
  loop.run(group.join());
  CHECK(timed_out == 1);
}

TEST_CASE("a waiter whose deadline has passed leaves the wake-up to the next one") {
  SimLoop loop;
  WaitList places(loop);
  int woken = 0, timed_out = 0;
  TaskGroup group(loop);
  group.spawn("first", wait(&places, loop.after(1s), &woken, &timed_out));
  group.spawn("second", wait(&places, loop.after(1min), &woken, &timed_out));
  loop.settle();
  Timer frees_a_place(loop, [&] { places.wake_one(); });
  frees_a_place.set(loop.after(1s));
  loop.run_for(2s);
  CHECK(timed_out == 1);
  CHECK(woken == 1);
  loop.run(group.join());
}

#include "kube/async/timer.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"

using namespace kube;

TEST_CASE("a timer fires once at its time, and setting it again replaces the time") {
  SimLoop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.set(loop.after(1s));
  timer.set(loop.after(3s));
  loop.run_for(2s);
  CHECK(fired == 0);
  loop.run_for(10s);
  CHECK(fired == 1);
  CHECK_FALSE(timer.is_set());
}

TEST_CASE("a cancelled or destroyed timer never fires") {
  SimLoop loop;
  int fired = 0;
  Timer cancelled(loop, [&] { ++fired; });
  cancelled.set(loop.after(1s));
  cancelled.cancel();
  {
    Timer gone(loop, [&] { ++fired; });
    gone.set(loop.after(1s));
  }
  loop.run_for(1min);
  CHECK(fired == 0);
}

TEST_CASE("a callback may set its timer again and may destroy it") {
  SimLoop loop;
  int ticks = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++ticks < 5) {
      timer->set(loop.after(1s));
    } else {
      timer.reset();
    }
  });
  timer->set(loop.after(1s));
  loop.run_for(1min);
  CHECK(ticks == 5);
  CHECK(timer == nullptr);
}

TEST_CASE("timers of the same time fire in the order they were set") {
  SimLoop loop;
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(std::make_unique<Timer>(loop, [&order, i] { order.push_back(i); }));
    timers.back()->set(loop.after(1s));
  }
  loop.run_for(1s);
  CHECK(order == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a timer that is set again goes behind those of the same time") {
  SimLoop loop;
  std::vector<char> order;
  Timer a(loop, [&] { order.push_back('a'); });
  Timer b(loop, [&] { order.push_back('b'); });
  a.set(loop.after(1s));
  b.set(loop.after(1s));
  a.set(loop.after(1s));
  loop.run_for(1s);
  CHECK(order == std::vector{'b', 'a'});
  a.set(loop.after(1s));
  b.set(loop.after(2s));
  b.cancel();
  b.set(loop.after(1s));
  a.set(kNever);
  loop.run_for(1s);
  CHECK(order == std::vector{'b', 'a', 'b'});
}

TEST_CASE("deadlines that would overflow never come") {
  SimLoop loop;
  CHECK(loop.after(Duration::max()) == kNever);
}

TEST_CASE("the wall clock jumps without touching the steady clock") {
  SimLoop loop;
  const TimePoint wall = loop.now();
  const SteadyTime steady = loop.steady();
  loop.jump_wall_clock(-1h);
  CHECK(loop.now() == wall - 1h);
  CHECK(loop.steady() == steady);
}

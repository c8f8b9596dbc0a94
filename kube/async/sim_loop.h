// SimLoop runs a whole world in one thread, deterministically: time passes only when nothing is left to do,
// chance comes from the seed, blocking work runs inline. The same seed gives the same run, step for step.
//
//   SimLoop loop(seed);
//   TaskGroup group(loop);
//   group.spawn("operator", run_operator(loop));
//   loop.run_for(10min);                            // simulated; takes milliseconds
//   CHECK(loop.run_until([&] { return done; }, 1h));
//
// Thread: the one that made it.
#pragma once

#include <functional>

#include "kube/async/loop.h"

namespace kube {

class SimLoop final : public Loop {
 public:
  // Simulated time starts at 2026-01-01T00:00:00Z.
  explicit SimLoop(std::uint64_t seed = 1);
  ~SimLoop() override;

  // Runs what is ready, now, without letting time pass. Returns when nothing is ready.
  void settle();
  // Lets `duration` pass, running all that falls due.
  void run_for(Duration duration);
  // Until `done()` holds (true) or `limit` has passed or nothing can ever happen again (false).
  bool run_until(const std::function<bool()>& done, Duration limit);
  // Runs a task to its end and returns; its exception is rethrown.
  void run(Task<> task);

  // Called after each step (each time nothing is ready any more): where invariants are checked.
  void on_step(std::function<void()> check) { on_step_ = std::move(check); }
  // Moves the wall clock alone, as NTP or an operator of the machine would.
  void jump_wall_clock(Duration by);

  void submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) override;

 private:
  class SimClock;
  explicit SimLoop(std::shared_ptr<SimClock> clock, std::uint64_t seed);
  void next_timer_changed() override {}
  bool advance(SteadyTime limit);

  std::shared_ptr<SimClock> sim_clock_;
  std::function<void()> on_step_;
};

}  // namespace kube

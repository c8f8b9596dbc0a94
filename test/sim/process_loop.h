// ProcessLoop is the loop of one process inside a world: timers and ready work of its own, on the world's
// clock and network, so that one process can stand still while the others go on.
//
//   ProcessLoop loop(world, net.host("operator-0-1"), seed);
//   auto client = Client::create(loop, loop.network(), …);
//   loop.freeze_after(7);            // as SIGSTOP would: seven steps of its code later, in mid-work
//   loop.thaw(true);                 // as SIGCONT: first what has arrived meanwhile, then timers long due
//   while (loop.run_ready()) {}      // the world does this after each step of its own
//
// Bytes on their way out when it freezes still arrive; bytes to it wait, as in a kernel's buffer. Its clock
// goes on, and its deadlines pass without anybody noticing before it is thawed.
//
// Thread: the world's only. Lifetime: outlives everything that was given it; world and host outlive it.
#pragma once

#include <functional>
#include <memory>

#include "kube/async/loop.h"
#include "kube/async/stream.h"
#include "kube/async/timer.h"

namespace sim {

class ProcessLoop final : public kube::Loop {
 public:
  ProcessLoop(kube::Loop& world, kube::Network& host, std::uint64_t seed);
  ~ProcessLoop() override;

  // The host's ways to others; who waits on them waits on this loop.
  kube::Network& network();

  // Runs what is ready, if it is not frozen; whether anything was.
  bool run_ready();

  void freeze_after(int steps);
  void thaw(bool arrivals_first = false);
  bool is_frozen() const { return frozen_; }
  // Told when a freeze takes hold.
  std::function<void()> on_frozen = [] {};

  void submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) override;

 private:
  class HomeNetwork;
  void next_timer_changed() override;
  bool run_due_timers();
  bool run_posted();

  kube::Loop& world_;
  std::unique_ptr<HomeNetwork> network_;
  kube::Timer alarm_;  // lets the world's time stop where a timer of ours is due
  bool frozen_ = false;
  int steps_left_ = -1;  // before it freezes; -1: it does not
  bool arrivals_first_ = false;
};

}  // namespace sim

// Disasters are what happens to whole processes and to time: crashes, roll-outs, freezes, cut networks,
// jumping clocks. FailOvers takes leaders away and measures how long it takes until another works.
//
//   Disasters disasters(loop, plan, fleet, chaos);
//   tasks.spawn("crashes", disasters.crash_now_and_then());   …
//   FailOvers fail_overs(loop, server, plan, fleet, invariants, trace, chaos);
//   tasks.spawn("fail-overs", fail_overs.now_and_then());
//   fail_overs.planned().longest
//
// `chaos` false ends them. Thread: the loop's only. Lifetime: all that is given outlives the tasks.
#pragma once

#include "test/sim/direct_client.h"
#include "test/sim/fleet.h"

namespace sim {

inline constexpr const char* kLease = "default/spark-operator";
inline constexpr kube::Duration kLeaseDuration = std::chrono::seconds(15);
// The promises: after a stop in order, and after anything else.
inline constexpr kube::Duration kPlannedBound = std::chrono::seconds(2);
inline constexpr kube::Duration kUnplannedBound = kLeaseDuration + std::chrono::seconds(2);
// Longer than a lease: who wakes up is no leader any more.
inline constexpr kube::Duration kFreeze = std::chrono::seconds(30);

class Disasters {
 public:
  Disasters(kube::SimLoop& loop, const Plan& plan, Fleet& fleet, const bool& chaos)
      : loop_(loop), plan_(plan), fleet_(fleet), chaos_(chaos) {}

  kube::Task<> crash_now_and_then();
  kube::Task<> partition_now_and_then();
  kube::Task<> jump_clock_now_and_then();
  // Freezes it after some steps of its code, and lets it go on later.
  kube::Task<> freeze_for_a_while(std::string name, int after_steps);

 private:
  OperatorProcess* any_process(kube::Random& random) {
    return fleet_.process(static_cast<int>(random.below(static_cast<std::uint64_t>(fleet_.size()))));
  }

  kube::SimLoop& loop_;
  const Plan& plan_;
  Fleet& fleet_;
  const bool& chaos_;
};

class FailOvers {
 public:
  FailOvers(kube::SimLoop& loop, kube::apiserver::ApiServer& server, const Plan& plan, Fleet& fleet,
            Invariants& invariants, Trace& trace, const bool& chaos);

  struct Measured {
    int count = 0;
    kube::Duration longest{};
    void add(const Measured& others) {
      count += others.count;
      longest = std::max(longest, others.longest);
    }
  };
  const Measured& planned() const { return planned_; }
  const Measured& unplanned() const { return unplanned_; }

  kube::Task<> now_and_then();

 private:
  enum class Kind { Kill, Freeze, Roll, CutOff, DeleteLease, StealLease };
  kube::Task<> take_away(std::string leader, Kind kind);
  kube::Task<> await_successor(std::string leader, Kind kind, bool undisturbed);
  bool standby_is_ready(const std::string& leader);

  kube::SimLoop& loop_;
  const Plan& plan_;
  Fleet& fleet_;
  Invariants& invariants_;
  Trace& trace_;
  const bool& chaos_;
  DirectClient admin_;
  kube::Random random_;
  Measured planned_, unplanned_;
};

}  // namespace sim

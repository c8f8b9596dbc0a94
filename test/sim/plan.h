// Plan is what a seed means: how many applications, schedules, Connect servers and operators, how much goes
// wrong and for how long. Drawn once, before anything runs, so that a seed can be described in one line.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kube/base/random.h"
#include "kube/core/json.h"

namespace sim {

// Who starts drivers: the operators themselves, a spark-submit that they run, or a submission service.
enum class StartedBy { Native, SparkSubmit, Rest };

struct Plan {
  explicit Plan(std::uint64_t seed);
  // One application, one operator, nothing that goes wrong.
  static Plan quiet(std::uint64_t seed);

  std::uint64_t seed;
  int applications;
  int operators;
  bool lease;  // two compete for it; without one they work beside each other
  StartedBy started_by = StartedBy::Native;
  kube::Duration chaos;  // how long things go wrong

  // Chances per request of an operator.
  double call_fault;   // fails, hangs, is cut, loses its answer, is delayed
  double late_post;    // a driver's POST that lands after its sender has given up
  double watch_fault;  // cut, stalled, told 410
  double crash_at_call;
  double freeze_at_call;
  // No call of an operator is disturbed: a standby has to follow within its bounds.
  bool calm;

  // Mean pauses between events; zero: never.
  kube::Duration crash_every{};
  kube::Duration partition_every{};
  kube::Duration fail_over_every{};  // the leader is killed, frozen, rolled, cut off, or robbed of its lease
  kube::Duration vandal_every{};     // somebody deletes a pod
  kube::Duration clock_jump_every{};

  bool foreign_pods;      // somebody else's pods lie under our names
  double driver_success;  // chance of a driver to succeed
  // Between the end of an operator and the start of the next; zero: drawn.
  kube::Duration restart_pause{};
  // Nothing is drawn: a driver runs until its annotation kExitCode says how it has ended.
  bool drivers_are_told = false;
  kube::Duration longest_run;
  int user_actions;  // at most, for each application

  int schedules = 0;
  int connects = 0;
  // Since 2026 began, by the clock on the wall, when the world begins: nights on which clocks change.
  kube::Duration begins{};
  bool clock_jumps_hours = false;  // an hour forward or back, each time

  std::string to_string() const;
};

// The manifest of an application, as its user first writes it.
kube::Json draw_application(const std::string& name, kube::Random& random);

inline constexpr const char* kNamespace = "default";
inline constexpr const char* kExitCode = "sim/exit-code";

// A pause of the given mean, never longer than four times that.
kube::Duration draw_pause(kube::Random& random, kube::Duration mean);

}  // namespace sim

// Clock is where time comes from: the machine's, or a simulation's. Nothing else in the project reads a
// clock.
//
//   TimePoint now = clock.now();                // wall clock, for API timestamps
//   SteadyTime start = clock.steady();          // never jumps, for deadlines and durations
//   std::string text = to_rfc3339(now);         // "2026-11-21T03:51:07Z"
//
// Durations are std::chrono values; units never appear in names.
// Thread: SystemClock from any thread; a simulated clock on its loop's thread only.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace kube {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::sys_time<Duration>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using namespace std::chrono_literals;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  SteadyTime steady() const override;
};

// RFC 3339 in UTC. metav1.Time has whole seconds ("…:07Z"), metav1.MicroTime six digits ("…:07.000000Z").
std::string to_rfc3339(TimePoint time);
std::string to_rfc3339_micro(TimePoint time);
std::string to_rfc3339_milli(TimePoint time);  // log lines
// Accepts any fraction and any offset; times that a TimePoint cannot hold (before 1678, after 2262) become
// its ends. Error: InvalidInput.
Result<TimePoint> parse_rfc3339(std::string_view text);

// Go's time.Duration syntax, as all of upstream's flags use it: "300ms", "1h30m", "-1.5s", "0". Error:
// InvalidInput.
Result<Duration> parse_go_duration(std::string_view text);
std::string to_go_duration(Duration duration);

// now + delta without wrapping: far away means "never", not the past.
TimePoint saturating_add(TimePoint time, Duration delta);

}  // namespace kube

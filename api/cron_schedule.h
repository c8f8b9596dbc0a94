// CronSchedule: when a ScheduledSparkApplication is due.
//
//   auto cron = CronSchedule::parse("30 2 * * mon-fri", {.zone = "Europe/Berlin", .local = local});
//   std::optional<TimePoint> due = cron->next_after(now);      // strictly later, on a whole second
//
// Grammar, that of the Go operator: five fields — minute (0-59), hour (0-23), day of month (1-31), month
// (1-12 or jan-dec), day of week (0-6 or sun-sat; 7 is no day) — of lists `a,b`, ranges `a-b`, steps `*/n`,
// `a-b/n`, `a/n` (from a to the end), `*` and `?`, names in any case; or @yearly, @annually, @monthly,
// @weekly, @daily, @midnight, @hourly; or `@every 1h30m` (whole seconds, one at least; zones do not matter).
// `TZ=Zone` or `CRON_TZ=Zone` and a space in front name a zone and win over `zone`. Empty items of a list say
// nothing: "20," is "20", and a field of commas alone has no value, which no time matches.
//
// Days: where one of the two day fields is `*` or `?`, the other one decides; where neither is, either may
// match (cron's old rule; `*/n` with n > 1 is no star in this sense, so "0 0 */2 * MON" means odd days *or*
// Mondays).
//
// When clocks change, a schedule follows the clock on the wall: a local time that is skipped has no run that
// day, and one that is shown twice has two. Who wants neither uses UTC.
//
// Errors are InvalidInput in the words that the Go operator put into status.reason. Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/time_zone.h"
#include "kube/base/clock.h"

namespace api {

class CronSchedule {
 public:
  struct Zones {
    std::string_view zone = "";  // spec.timeZone: "" or "Local" mean `local`
    TimeZone local;              // of the operator
  };
  static kube::Result<CronSchedule> parse(std::string_view text, const Zones& zones);

  // Nothing: never again (a 30th of February), as far as the next five years go. Of an `@every` that leads
  // beyond what a TimePoint can hold: its end, in 2262.
  std::optional<kube::TimePoint> next_after(kube::TimePoint time) const;
  // Whether `time` is one of its times. For `@every` each is.
  bool names(kube::TimePoint time) const;
  // The distance of an `@every`; nothing for the others.
  std::optional<std::chrono::seconds> period() const { return period_; }

 private:
  explicit CronSchedule(TimeZone zone) : zone_(zone) {}
  kube::Result<> read_fields(std::string_view text);
  kube::Result<> read_descriptor(std::string_view text);
  bool is_day(std::chrono::local_days day) const;
  std::optional<std::chrono::local_seconds> first_from(std::chrono::local_seconds from,
                                                       std::chrono::year last_year) const;

  // A bit for each value.
  struct Field {
    std::uint64_t values = 0;
    bool star = false;
    bool has(unsigned value) const { return ((values >> value) & 1U) != 0; }
  };
  struct FieldRule;
  static const std::array<FieldRule, 5> kFieldRules;
  static kube::Result<Field> read_field(std::string_view text, const FieldRule& rule);
  static kube::Result<> read_range(std::string_view text, const FieldRule& rule, Field& into);

  TimeZone zone_;
  std::optional<std::chrono::seconds> period_;
  std::array<Field, 5> fields_;
};

}  // namespace api

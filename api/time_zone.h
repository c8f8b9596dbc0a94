// TimeZone is a named zone of the IANA database: how far local clocks are from UTC, and until when.
//
//   Result<TimeZone> zone = TimeZone::find("Europe/Berlin");
//   TimeZone::Span span = zone->span_at(time);           // local time = time + span.offset until span.end
//
// The database is the machine's (/usr/share/zoneinfo). Thread: any; values may be shared. Lifetime: a zone is
// never unloaded.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace api {

class TimeZone {
 public:
  // "UTC", or a name such as "America/New_York". Error InvalidInput: no such zone.
  static kube::Result<TimeZone> find(std::string_view name);
  // The zone that a process is in: `tz` is the text of its environment variable TZ, "" when it has none (then
  // the machine's own zone counts). What cannot be understood is UTC, as in Go.
  static TimeZone local(std::string_view tz);

  // A stretch of time in which the offset does not change.
  struct Span {
    std::chrono::seconds offset{};
    std::chrono::sys_seconds end{};  // first second that is not in it; far in the future if there is none
  };
  Span span_at(std::chrono::sys_seconds time) const;
  std::string name() const;

  bool operator==(const TimeZone&) const = default;

 private:
  explicit TimeZone(const void* zone) : zone_(zone) {}
  const void* zone_;  // of the time zone library, whose header is heavy
};

}  // namespace api

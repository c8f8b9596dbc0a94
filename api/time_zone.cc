#include "api/time_zone.h"

#include <date/tz.h>

#include <exception>
#include <mutex>

namespace api {

namespace {

const date::time_zone& zone_of(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

}  // namespace

kube::Result<TimeZone> TimeZone::find(std::string_view name) {
  // The library loads its list, and each zone, when first asked.
  static std::mutex loading;
  const std::lock_guard lock(loading);
  try {
    return TimeZone(date::locate_zone(std::string(name)));
  } catch (const std::exception&) {
    return kube::fail(kube::ErrorKind::InvalidInput, "unknown time zone " + std::string(name));
  }
}

TimeZone TimeZone::local(std::string_view tz) {
  if (tz.starts_with(':')) tz.remove_prefix(1);
  if (!tz.empty()) {
    if (auto named = find(tz)) return *named;
  } else {
    try {
      return TimeZone(date::current_zone());
    } catch (const std::exception&) {  // a machine without /etc/localtime
    }
  }
  return TimeZone(date::locate_zone("UTC"));
}

TimeZone::Span TimeZone::span_at(std::chrono::sys_seconds time) const {
  const date::sys_info info = zone_of(zone_).get_info(time);
  return {info.offset, info.end};
}

std::string TimeZone::name() const {
  return zone_of(zone_).name();
}

}  // namespace api

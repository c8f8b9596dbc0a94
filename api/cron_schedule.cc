#include "api/cron_schedule.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "kube/base/white_space.h"

namespace api {

using kube::fail;
using kube::Result;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// Names of values, in their order from the field's lowest value on.
struct CronSchedule::FieldRule {
  int lowest;
  int highest;
  std::string_view names;  // three letters each, without a gap
};

constexpr std::array<CronSchedule::FieldRule, 5> CronSchedule::kFieldRules{{
    {0, 59, ""},
    {0, 23, ""},
    {1, 31, ""},
    {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {0, 6, "sunmontuewedthufrisat"},
}};

namespace {

enum FieldIndex { kMinute, kHour, kDayOfMonth, kMonth, kDayOfWeek };

// How many calendar years ahead a time is looked for: every weekday falls on every day of the year, leap days
// aside.
constexpr std::chrono::years kHorizon{5};

std::unexpected<kube::Error> bad(std::string message) {
  return fail(kube::ErrorKind::InvalidInput, std::move(message));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text.find_first_of(separators, at);
    parts.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words = split(text, " \t\n\r\v\f");
  std::erase(words, "");
  return words;
}

Result<int> read_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return bad("failed to parse int from " + std::string(text) + ": not a whole number");
  if (number < 0)
    return bad("negative number (" + std::to_string(number) + ") not allowed: " + std::string(text));
  return number;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text, const Zones& zones) {
  const auto find_zone = [&](std::string_view name) -> Result<TimeZone> {
    if (name == "Local") return zones.local;
    return TimeZone::find(name.empty() ? "UTC" : name);
  };
  TimeZone zone = zones.local;
  // Wrong is wrong, also where the schedule brings its own.
  if (!zones.zone.empty()) {
    auto found = find_zone(zones.zone);
    if (!found) return bad("Invalid timezone: " + found.error().message());
    zone = *found;
  }
  if (text.starts_with("TZ=") || text.starts_with("CRON_TZ=")) {
    const std::size_t begin = text.find('=') + 1;
    const std::size_t end = text.find(' ', begin);
    const std::string name(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return bad("no schedule after the time zone " + name);
    auto found = find_zone(name);
    if (!found) return bad("provided bad location " + name + ": " + found.error().message());
    zone = *found;
    text.remove_prefix(end);
  }
  text = kube::trimmed(text);
  CronSchedule schedule(zone);
  auto read = text.starts_with('@') ? schedule.read_descriptor(text) : schedule.read_fields(text);
  if (!read) return fail(std::move(read));
  return schedule;
}

Result<> CronSchedule::read_descriptor(std::string_view text) {
  constexpr std::string_view kEvery = "@every ";
  struct Descriptor {
    std::string_view name, fields;
  };
  static constexpr std::array<Descriptor, 7> kDescriptors{{{"@yearly", "0 0 1 1 *"},
                                                           {"@annually", "0 0 1 1 *"},
                                                           {"@monthly", "0 0 1 * *"},
                                                           {"@weekly", "0 0 * * 0"},
                                                           {"@daily", "0 0 * * *"},
                                                           {"@midnight", "0 0 * * *"},
                                                           {"@hourly", "0 * * * *"}}};
  if (text.starts_with(kEvery)) {
    auto period = kube::parse_go_duration(text.substr(kEvery.size()));
    if (!period)
      return bad("failed to parse duration " + std::string(text) + ": " + period.error().message());
    if (*period <= kube::Duration::zero())
      return bad("failed to parse duration " + std::string(text) + ": it must be positive");
    period_ = std::max(seconds(1), floor<seconds>(*period));
    return {};
  }
  for (const Descriptor& descriptor : kDescriptors) {
    if (descriptor.name == text) return read_fields(descriptor.fields);
  }
  return bad("unrecognized descriptor: " + std::string(text));
}

Result<> CronSchedule::read_fields(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != fields_.size()) {
    std::string listed;
    for (const std::string_view word : words) listed += (listed.empty() ? "" : " ") + std::string(word);
    return bad("expected exactly 5 fields, found " + std::to_string(words.size()) + ": [" + listed + "]");
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    auto field = read_field(words[i], kFieldRules[i]);
    if (!field) return fail(std::move(field));
    fields_[i] = *field;
  }
  return {};
}

Result<CronSchedule::Field> CronSchedule::read_field(std::string_view text, const FieldRule& rule) {
  Field field;
  for (const std::string_view range : split(text, ",")) {
    if (range.empty()) continue;
    if (auto read = read_range(range, rule, field); !read) return fail(std::move(read));
  }
  return field;
}

Result<> CronSchedule::read_range(std::string_view text, const FieldRule& rule, Field& into) {
  const std::string whole(text);
  const auto read_value = [&](std::string_view word) -> Result<int> {
    std::string name(word);
    std::ranges::transform(name, name.begin(), lower);
    for (std::size_t at = 0; at < rule.names.size(); at += 3) {
      if (rule.names.substr(at, 3) == name) return rule.lowest + static_cast<int>(at / 3);
    }
    return read_number(word);
  };

  const std::vector<std::string_view> range_and_step = split(text, "/");
  if (range_and_step.size() > 2) return bad("too many slashes: " + whole);
  const std::vector<std::string_view> ends = split(range_and_step[0], "-");
  if (ends.size() > 2) return bad("too many hyphens: " + whole);

  int first = rule.lowest;
  int last = rule.highest;
  int step = 1;
  const bool star = range_and_step[0] == "*" || range_and_step[0] == "?";
  if (!star) {
    auto low = read_value(ends[0]);
    if (!low) return fail(std::move(low));
    auto high = ends.size() == 2 ? read_value(ends[1]) : low;
    if (!high) return fail(std::move(high));
    first = *low;
    last = *high;
  }
  if (range_and_step.size() == 2) {
    auto number = read_number(range_and_step[1]);
    if (!number) return fail(std::move(number));
    step = *number;
    if (!star && ends.size() == 1) last = rule.highest;
  }
  if (first < rule.lowest)
    return bad("beginning of range (" + std::to_string(first) + ") below minimum (" +
               std::to_string(rule.lowest) + "): " + whole);
  if (last > rule.highest)
    return bad("end of range (" + std::to_string(last) + ") above maximum (" + std::to_string(rule.highest) +
               "): " + whole);
  if (first > last)
    return bad("beginning of range (" + std::to_string(first) + ") beyond end of range (" +
               std::to_string(last) + "): " + whole);
  if (step == 0) return bad("step of range should be a positive number: " + whole);

  if (star && step == 1) into.star = true;
  for (int value = first; value <= last; value += step) {
    into.values |= std::uint64_t{1} << value;
    if (step > last) break;  // and no overflow
  }
  return {};
}

bool CronSchedule::is_day(local_days day) const {
  const std::chrono::year_month_day date(day);
  if (!fields_[kMonth].has(static_cast<unsigned>(date.month()))) return false;
  const bool by_date = fields_[kDayOfMonth].has(static_cast<unsigned>(date.day()));
  const bool by_weekday = fields_[kDayOfWeek].has(std::chrono::weekday(day).c_encoding());
  if (fields_[kDayOfMonth].star || fields_[kDayOfWeek].star) return by_date && by_weekday;
  return by_date || by_weekday;
}

// The first matching time on a clock that is never changed.
std::optional<local_seconds> CronSchedule::first_from(local_seconds from, std::chrono::year last_year) const {
  const auto start = std::chrono::ceil<minutes>(from);
  for (auto day = floor<days>(start);; day += days(1)) {
    if (std::chrono::year_month_day(day).year() > last_year) return std::nullopt;
    if (!is_day(day)) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if (!fields_[kHour].has(static_cast<unsigned>(hour))) continue;
      for (int minute = 0; minute < 60; ++minute) {
        const auto time = day + hours(hour) + minutes(minute);
        if (fields_[kMinute].has(static_cast<unsigned>(minute)) && time >= start) return time;
      }
    }
  }
}

std::optional<kube::TimePoint> CronSchedule::next_after(kube::TimePoint time) const {
  const sys_seconds now = floor<seconds>(time);
  if (period_) return floor<seconds>(kube::saturating_add(now, *period_));
  sys_seconds from = now + seconds(1);
  std::optional<std::chrono::year> last_year;
  // Within a span of one offset the clock on the wall runs evenly; beyond its end is looked for anew from
  // there.
  while (true) {
    const TimeZone::Span span = zone_.span_at(from);
    const local_seconds local((from + span.offset).time_since_epoch());
    if (!last_year) last_year = std::chrono::year_month_day(floor<days>(local)).year() + kHorizon;
    const auto found = first_from(local, *last_year);
    if (!found) return std::nullopt;
    const sys_seconds candidate = sys_seconds(found->time_since_epoch()) - span.offset;
    if (candidate < span.end) return candidate;
    from = span.end;
  }
}

bool CronSchedule::names(kube::TimePoint time) const {
  return period_ || next_after(time - seconds(1)) == time;
}

}  // namespace api

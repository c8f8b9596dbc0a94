#include "kube/base/clock.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>

namespace kube {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Consumes exactly `count` digits.
bool take_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

struct CivilTime {
  int year, month, day, hour, minute, second;
  std::int64_t nanosecond;
};

CivilTime civil(TimePoint time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss<Duration> clock(time - days);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          clock.subseconds().count()};
}

TimePoint saturated(std::chrono::sys_seconds seconds, std::int64_t nanoseconds) {
  constexpr auto kMax = std::chrono::floor<std::chrono::seconds>(TimePoint::max());
  constexpr auto kMin = std::chrono::ceil<std::chrono::seconds>(TimePoint::min());
  if (seconds >= kMax) return TimePoint::max();
  if (seconds <= kMin) return TimePoint::min();
  return TimePoint(seconds) + Duration(nanoseconds);
}

}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

std::string to_rfc3339(TimePoint time) {
  const CivilTime t = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year, t.month, t.day, t.hour, t.minute,
                     t.second);
}

std::string to_rfc3339_milli(TimePoint time) {
  const CivilTime t = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.year, t.month, t.day, t.hour, t.minute,
                     t.second, t.nanosecond / 1'000'000);
}

std::string to_rfc3339_micro(TimePoint time) {
  const CivilTime t = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.year, t.month, t.day, t.hour, t.minute,
                     t.second, t.nanosecond / 1'000);
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
  const auto bad = [whole = text] {
    return fail(ErrorKind::InvalidInput,
                fmt::format("expected RFC 3339 time such as 2026-11-21T03:51:07Z, got \"{}\"", whole));
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) || !take(text, '-') ||
      !take_digits(text, 2, day))
    return bad();
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return bad();
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute) || !take(text, ':') ||
      !take_digits(text, 2, second))
    return bad();

  std::int64_t nanoseconds = 0;
  if (take(text, '.')) {
    if (text.empty() || !is_digit(text.front())) return bad();
    for (std::int64_t unit = 100'000'000; !text.empty() && is_digit(text.front()); unit /= 10) {
      nanoseconds += unit * (text.front() - '0');
      text.remove_prefix(1);
    }
  }

  std::chrono::minutes offset{0};
  if (!take(text, 'Z') && !take(text, 'z')) {
    const bool east = take(text, '+');
    if (!east && !take(text, '-')) return bad();
    int hours = 0, minutes = 0;
    if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes)) return bad();
    if (hours > 23 || minutes > 59) return bad();
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (!east) offset = -offset;
  }
  if (!text.empty()) return bad();

  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // 60 is a leap second, which the next second stands for.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  const std::chrono::sys_seconds seconds = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                                           std::chrono::minutes(minute) + std::chrono::seconds(second) -
                                           offset;
  return saturated(seconds, nanoseconds);
}

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array kUnits{
    Unit{"ns", 1},         Unit{"us", 1'000},        Unit{"\u00b5s", 1'000},    Unit{"\u03bcs", 1'000},
    Unit{"ms", 1'000'000}, Unit{"s", 1'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000}};

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  const std::string_view whole = text;
  // The words are those of Go's time package, which users of the flags know.
  const auto bad = [whole](std::string_view what) {
    return fail(ErrorKind::InvalidInput, fmt::format("time: {} \"{}\"", what, whole));
  };
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  if (text == "0") return Duration(0);
  if (text.empty()) return bad("invalid duration");

  // Magnitudes go up to 2^63, because the smallest duration has no positive counterpart.
  constexpr unsigned __int128 kLimit = static_cast<unsigned __int128>(1) << 63;
  unsigned __int128 total = 0;
  while (!text.empty()) {
    unsigned __int128 integer = 0;
    double fraction = 0, scale = 1;
    bool digits = false;
    while (!text.empty() && is_digit(text.front())) {
      integer = integer * 10 + static_cast<unsigned>(text.front() - '0');
      if (integer > kLimit) return bad("invalid duration");
      digits = true;
      text.remove_prefix(1);
    }
    if (take(text, '.')) {
      while (!text.empty() && is_digit(text.front())) {
        if (scale < 1e18) {
          fraction = fraction * 10 + (text.front() - '0');
          scale *= 10;
        }
        digits = true;
        text.remove_prefix(1);
      }
    }
    if (!digits) return bad("invalid duration");

    std::size_t length = 0;
    while (length < text.size() && text[length] != '.' && !is_digit(text[length])) ++length;
    if (length == 0) return bad("missing unit in duration");
    const std::string_view name = text.substr(0, length);
    text.remove_prefix(length);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits)
      if (candidate.name == name) unit = &candidate;
    if (unit == nullptr) return bad(fmt::format("unknown unit \"{}\" in duration", name));

    total += integer * static_cast<unsigned __int128>(unit->nanoseconds);
    total += static_cast<unsigned __int128>(fraction * (static_cast<double>(unit->nanoseconds) / scale));
    if (total > kLimit) return bad("invalid duration");
  }
  if (negative) return Duration(static_cast<std::int64_t>(-static_cast<__int128>(total)));
  if (total == kLimit) return bad("invalid duration");
  return Duration(static_cast<std::int64_t>(total));
}

namespace {

// "1.5", "300": value / 10^places without trailing zeros.
std::string decimal(std::uint64_t value, int places) {
  std::string fraction;
  for (int i = 0; i < places; ++i, value /= 10)
    fraction.insert(fraction.begin(), static_cast<char>('0' + value % 10));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return std::to_string(value) + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace

std::string to_go_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  // Negating in unsigned arithmetic is defined for the smallest value too.
  const std::uint64_t value =
      count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (value < 1'000) return sign + decimal(value, 0) + "ns";
  if (value < 1'000'000) return sign + decimal(value, 3) + "\u00b5s";
  if (value < 1'000'000'000) return sign + decimal(value, 6) + "ms";
  const std::uint64_t minutes = value / 60'000'000'000, rest = value % 60'000'000'000;
  std::string text = sign;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + decimal(rest, 9) + "s";
}

TimePoint saturating_add(TimePoint time, Duration delta) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(time.time_since_epoch().count(), delta.count(), &sum))
    return TimePoint(Duration(sum));
  return delta > Duration::zero() ? TimePoint::max() : TimePoint::min();
}

}  // namespace kube

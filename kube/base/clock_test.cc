#include "kube/base/clock.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace kube;

TEST_CASE("times are written as Kubernetes writes them", "[clock]") {
  const TimePoint time(Duration(1795233067'123456789));
  CHECK(to_rfc3339(time) == "2026-11-21T03:51:07Z");
  CHECK(to_rfc3339_milli(time) == "2026-11-21T03:51:07.123Z");
  CHECK(to_rfc3339_micro(time) == "2026-11-21T03:51:07.123456Z");
  CHECK(to_rfc3339(TimePoint{}) == "1970-01-01T00:00:00Z");
  CHECK(to_rfc3339_micro(TimePoint(Duration(-1))) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("times with fractions and offsets are read", "[clock]") {
  struct Row {
    const char* text;
    std::int64_t nanoseconds;
  };
  auto row = GENERATE(values<Row>({
      {"2026-11-21T03:51:07Z", 1795233067'000000000},
      {"2026-11-21t03:51:07z", 1795233067'000000000},
      {"2026-11-21T03:51:07.5Z", 1795233067'500000000},
      {"2026-11-21T03:51:07.123456789123Z", 1795233067'123456789},
      {"2026-11-21T05:51:07+02:00", 1795233067'000000000},
      {"2026-11-20T22:21:07-05:30", 1795233067'000000000},
      {"1969-12-31T23:59:59.9Z", -100000000},
      {"2024-02-29T00:00:00Z", 1709164800'000000000},
  }));
  INFO(row.text);
  auto parsed = parse_rfc3339(row.text);
  REQUIRE(parsed);
  CHECK(parsed->time_since_epoch().count() == row.nanoseconds);
}

TEST_CASE("times beyond the range of the clock become its ends", "[clock]") {
  CHECK(*parse_rfc3339("9999-12-31T23:59:59Z") == TimePoint::max());
  CHECK(*parse_rfc3339("0001-01-01T00:00:00Z") == TimePoint::min());
}

TEST_CASE("malformed times are refused with what was expected", "[clock]") {
  auto text =
      GENERATE("", "now", "2026-11-21", "2026-11-21T03:51Z", "2026-11-21T03:51:07", "2026-13-21T03:51:07Z",
               "2023-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T03:51:07.Z",
               "2026-11-21T03:51:07Zx", "2026-11-21T03:51:07+2:00", "2026-11-21T03:60:07Z");
  INFO(text);
  auto parsed = parse_rfc3339(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind() == ErrorKind::InvalidInput);
  CHECK(parsed.error().message().find("got \"" + std::string(text) + "\"") != std::string::npos);
}

TEST_CASE("durations follow Go's syntax", "[clock]") {
  struct Row {
    const char* text;
    Duration duration;
    const char* canonical;
  };
  auto row = GENERATE(values<Row>({
      {"0", 0s, "0s"},
      {"+5s", 5s, "5s"},
      {"300ms", 300ms, "300ms"},
      {"1h30m", 90min, "1h30m0s"},
      {"-1.5s", -1500ms, "-1.5s"},
      {"1.5h", 90min, "1h30m0s"},
      {".5m", 30s, "30s"},
      {"10us", 10us, "10\u00b5s"},
      {"10\u00b5s", 10us, "10\u00b5s"},
      {"10\u03bcs", 10us, "10\u00b5s"},
      {"7ns", 7ns, "7ns"},
      {"1h0m10s", 3610s, "1h0m10s"},
      {"1m0.000000001s", Duration(60'000'000'001), "1m0.000000001s"},
      {"1.001ms", 1001us, "1.001ms"},
      {"-9223372036854775808ns", Duration::min(), "-2562047h47m16.854775808s"},
      {"9223372036854775807ns", Duration::max(), "2562047h47m16.854775807s"},
  }));
  INFO(row.text);
  auto parsed = parse_go_duration(row.text);
  REQUIRE(parsed);
  CHECK(*parsed == row.duration);
  CHECK(to_go_duration(*parsed) == row.canonical);
  CHECK(*parse_go_duration(row.canonical) == row.duration);
}

TEST_CASE("malformed durations are refused in Go's words", "[clock]") {
  struct Row {
    const char* text;
    const char* message;
  };
  auto row = GENERATE(values<Row>({
      {"", "time: invalid duration \"\""},
      {"-", "time: invalid duration \"-\""},
      {"s", "time: invalid duration \"s\""},
      {".s", "time: invalid duration \".s\""},
      {"5", "time: missing unit in duration \"5\""},
      {"1x", "time: unknown unit \"x\" in duration \"1x\""},
      {"1h 5m", "time: unknown unit \"h \" in duration \"1h 5m\""},
      {"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""},
      {"99999999999999999999h", "time: invalid duration \"99999999999999999999h\""},
  }));
  auto parsed = parse_go_duration(row.text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message() == row.message);
}

TEST_CASE("adding never wraps round", "[clock]") {
  const TimePoint now(1795233067s);
  CHECK(saturating_add(now, 5s) == now + 5s);
  CHECK(saturating_add(now, Duration::max()) == TimePoint::max());
  CHECK(saturating_add(TimePoint(-1795233067s), Duration::min()) == TimePoint::min());
}

TEST_CASE("the machine's clocks do not run backwards between two reads", "[clock]") {
  const SystemClock clock;
  const SteadyTime first = clock.steady();
  CHECK(clock.steady() >= first);
  CHECK(clock.now() > TimePoint(1'700'000'000s));
}

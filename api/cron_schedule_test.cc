#include "api/cron_schedule.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

using api::CronSchedule;
using api::TimeZone;
using kube::TimePoint;
using std::chrono::seconds;

namespace {

CronSchedule::Zones in(std::string_view zone) {
  return {.zone = zone, .local = *TimeZone::find("UTC")};
}

TimePoint at(const char* rfc3339) {
  return *kube::parse_rfc3339(rfc3339);
}

std::string next(std::string_view schedule, std::string_view zone, const char* after) {
  const auto cron = CronSchedule::parse(schedule, in(zone));
  REQUIRE(cron);
  const auto found = cron->next_after(at(after));
  return found ? kube::to_rfc3339(*found) : "never";
}

std::string fault(std::string_view schedule, std::string_view zone = "") {
  const auto cron = CronSchedule::parse(schedule, in(zone));
  return cron ? "" : cron.error().message();
}

}  // namespace

TEST_CASE("the next times are those of an independent implementation", "[api]") {
  std::ifstream table(SOURCE_DIR "/api/testdata/cron/times.tsv");
  std::string line;
  int rows = 0;
  while (std::getline(table, line)) {
    std::istringstream row(line);
    std::string zone, schedule, word;
    std::getline(row, zone, '\t');
    std::getline(row, schedule, '\t');
    std::getline(row, word, '\t');
    TimePoint time{seconds(std::stoll(word))};
    const auto cron = CronSchedule::parse(schedule, in(zone));
    INFO(line);
    REQUIRE(cron);
    while (std::getline(row, word, '\t')) {
      const auto found = cron->next_after(time);
      if (word == "-") {
        REQUIRE_FALSE(found);
        break;
      }
      REQUIRE(found);
      REQUIRE((*found - time) / seconds(1) == std::stoll(word));
      REQUIRE(cron->names(*found));
      time = *found;
    }
    ++rows;
  }
  CHECK(rows == 4928);
}

TEST_CASE("a skipped local time has no run, one that is shown twice has two", "[api]") {
  CHECK(next("30 2 * * *", "America/New_York", "2024-03-10T00:00:00Z") == "2024-03-11T06:30:00Z");
  CHECK(next("30 1 * * *", "America/New_York", "2024-11-03T04:00:00Z") == "2024-11-03T05:30:00Z");
  CHECK(next("30 1 * * *", "America/New_York", "2024-11-03T05:30:00Z") == "2024-11-03T06:30:00Z");
  CHECK(next("30 1 * * *", "America/New_York", "2024-11-03T06:30:00Z") == "2024-11-04T06:30:00Z");
}

TEST_CASE("clocks that change by half an hour are followed too", "[api]") {
  // 2024-04-07 02:00 +11:00 became 01:30 +10:30.
  CHECK(next("45 1 * * *", "Australia/Lord_Howe", "2024-04-06T14:00:00Z") == "2024-04-06T14:45:00Z");
  CHECK(next("45 1 * * *", "Australia/Lord_Howe", "2024-04-06T14:45:00Z") == "2024-04-06T15:15:00Z");
}

TEST_CASE("where clocks skip midnight, the times are still those minutes that match", "[api]") {
  struct Case {
    const char* schedule;
    bool (*matches)(std::chrono::year_month_day, std::chrono::weekday, int hour, int minute);
  };
  using std::chrono::year_month_day;
  const Case cases[] = {
      {"0 12 * * mon-fri", [](year_month_day, std::chrono::weekday day, int hour,
                              int minute) { return day.iso_encoding() < 6 && hour == 12 && minute == 0; }},
      {"0 0 * * *",
       [](year_month_day, std::chrono::weekday, int hour, int minute) { return hour == 0 && minute == 0; }},
      {"59 23 28-31 * *",
       [](year_month_day date, std::chrono::weekday, int hour, int minute) {
         return unsigned(date.day()) >= 28 && hour == 23 && minute == 59;
       }},
      {"*/20 0-1 1-7 * 1",
       [](year_month_day date, std::chrono::weekday day, int hour, int minute) {
         return (unsigned(date.day()) <= 7 || day.c_encoding() == 1) && hour < 2 && minute % 20 == 0;
       }},
  };
  for (const char* name : {"Asia/Tehran", "Asia/Beirut", "America/Havana", "America/Sao_Paulo"}) {
    const TimeZone zone = *TimeZone::find(name);
    for (const Case& row : cases) {
      INFO(name << " " << row.schedule);
      const auto cron = CronSchedule::parse(row.schedule, in(name));
      REQUIRE(cron);
      for (const char* start : {"2018-03-15T00:00:00Z", "2018-10-20T00:00:00Z"}) {
        auto expected = cron->next_after(at(start));
        for (int minute = 1; minute < 30 * 24 * 60; ++minute) {
          const auto now = std::chrono::floor<seconds>(at(start)) + std::chrono::minutes(minute);
          const auto local = now + zone.span_at(now).offset;
          const auto day = std::chrono::floor<std::chrono::days>(local);
          const auto of_day = std::chrono::hh_mm_ss(local - day);
          if (!row.matches(day, std::chrono::weekday(day), static_cast<int>(of_day.hours().count()),
                           static_cast<int>(of_day.minutes().count())))
            continue;
          REQUIRE(expected == TimePoint(now));
          expected = cron->next_after(now);
        }
      }
    }
  }
}

TEST_CASE("the next time is strictly later, on a whole second", "[api]") {
  CHECK(next("0 * * * *", "", "2024-01-01T10:00:00Z") == "2024-01-01T11:00:00Z");
  CHECK(next("0 * * * *", "", "2024-01-01T09:59:59.999Z") == "2024-01-01T10:00:00Z");
  CHECK(next("@every 90s", "", "2024-01-01T10:00:00.5Z") == "2024-01-01T10:01:30Z");
  CHECK(next("0 0 30 2 *", "", "2024-01-01T10:00:00Z") == "never");
}

TEST_CASE("a zone in the schedule wins over the field, and a wrong field is wrong all the same", "[api]") {
  CHECK(next("0 9 * * *", "Asia/Kolkata", "2024-01-01T00:00:00Z") == "2024-01-01T03:30:00Z");
  CHECK(next("TZ=America/New_York 0 9 * * *", "Asia/Kolkata", "2024-01-01T00:00:00Z") ==
        "2024-01-01T14:00:00Z");
  CHECK(next("CRON_TZ=UTC   0 9 * * *", "Asia/Kolkata", "2024-01-01T00:00:00Z") == "2024-01-01T09:00:00Z");
  CHECK(fault("TZ=UTC 0 9 * * *", "Mars/Olympus") == "Invalid timezone: unknown time zone Mars/Olympus");
  CHECK(fault("TZ=Mars/Olympus 0 9 * * *") ==
        "provided bad location Mars/Olympus: unknown time zone Mars/Olympus");
  CHECK(fault("0 9 * * *", "../../etc/passwd") == "Invalid timezone: unknown time zone ../../etc/passwd");
}

TEST_CASE("a time zone alone is no schedule (fault 16 of the Go operator)", "[api]") {
  CHECK(fault("TZ=UTC") == "no schedule after the time zone UTC");
  CHECK(fault("CRON_TZ=UTC") == "no schedule after the time zone UTC");
}

TEST_CASE("the operator's own zone counts where none is named", "[api]") {
  const CronSchedule::Zones zones{.zone = "", .local = *TimeZone::find("Asia/Tokyo")};
  CHECK(*CronSchedule::parse("0 9 * * *", zones)->next_after(at("2024-01-01T01:00:00Z")) ==
        at("2024-01-02T00:00:00Z"));
  const CronSchedule::Zones local{.zone = "Local", .local = *TimeZone::find("Asia/Tokyo")};
  CHECK(*CronSchedule::parse("0 9 * * *", local)->next_after(at("2024-01-01T01:00:00Z")) ==
        at("2024-01-02T00:00:00Z"));
}

TEST_CASE("the zone of a process is that of TZ, and UTC when it cannot be understood", "[api]") {
  CHECK(TimeZone::local("Europe/Berlin").name() == "Europe/Berlin");
  CHECK(TimeZone::local(":Europe/Berlin").name() == "Europe/Berlin");
  CHECK(TimeZone::local("EST5EDT,M3.2.0,M11.1.0").span_at({}).offset == seconds(0));
}

TEST_CASE("a schedule that is wrong says what is wrong", "[api]") {
  CHECK(fault("* * * * * *") == "expected exactly 5 fields, found 6: [* * * * * *]");
  CHECK(fault("") == "expected exactly 5 fields, found 0: []");
  CHECK(fault("@reboot") == "unrecognized descriptor: @reboot");
  CHECK(fault("@Daily") == "unrecognized descriptor: @Daily");
  CHECK(fault("0-60 * * * *") == "end of range (60) above maximum (59): 0-60");
  CHECK(fault("60 * * * *") == "end of range (60) above maximum (59): 60");
  CHECK(fault("0 24 * * *") == "end of range (24) above maximum (23): 24");
  CHECK(fault("0 0 * * 7") == "end of range (7) above maximum (6): 7");
  CHECK(fault("0 0 0 * *") == "beginning of range (0) below minimum (1): 0");
  CHECK(fault("5-3 * * * *") == "beginning of range (5) beyond end of range (3): 5-3");
  CHECK(fault("*/0 * * * *") == "step of range should be a positive number: */0");
  CHECK(fault("1-2-3 * * * *") == "too many hyphens: 1-2-3");
  CHECK(fault("1/2/3 * * * *") == "too many slashes: 1/2/3");
  CHECK(fault("x * * * *") == "failed to parse int from x: not a whole number");
  CHECK(fault("99999999999 * * * *") == "failed to parse int from 99999999999: not a whole number");
  CHECK(fault("*/-2 * * * *") == "negative number (-2) not allowed: -2");
  CHECK(fault("@every soon").starts_with("failed to parse duration @every soon: "));
  CHECK(fault("@every -5m") == "failed to parse duration @every -5m: it must be positive");
  CHECK(fault("0 0 1 janfeb *") == "failed to parse int from janfeb: not a whole number");
}

TEST_CASE("a step may be larger than its range", "[api]") {
  CHECK(next("*/2147483647 * * * *", "", "2024-01-01T10:30:00Z") == "2024-01-01T11:00:00Z");
}

TEST_CASE("white space around a schedule says nothing", "[api]") {
  for (const char* daily : {"@daily ", " @daily", "@daily\n", "CRON_TZ=UTC \t@daily\n", " 0 0 * * *\n"}) {
    INFO(daily);
    CHECK(next(daily, "", "2024-01-01T10:00:00Z") == "2024-01-02T00:00:00Z");
  }
  CHECK(next("@every 1h\n", "", "2024-01-01T10:00:00Z") == "2024-01-01T11:00:00Z");
  // A zone is one only at the very beginning.
  CHECK(fault(" TZ=UTC 0 9 * * *") == "expected exactly 5 fields, found 6: [TZ=UTC 0 9 * * *]");
}

TEST_CASE("empty items of a list say nothing", "[api]") {
  CHECK(next("0 8,20, * * *", "", "2024-01-01T20:00:00Z") == "2024-01-02T08:00:00Z");
  CHECK(next(",1,,2 * * * *", "", "2024-01-01T10:01:00Z") == "2024-01-01T10:02:00Z");
  CHECK(next(", * * * *", "", "2024-01-01T10:00:00Z") == "never");
  CHECK(next("0 0 , * *", "", "2024-01-01T10:00:00Z") == "never");
  CHECK(next("0 0 , * mon", "", "2024-01-01T10:00:00Z") == "2024-01-08T00:00:00Z");
}

TEST_CASE("a period that leads beyond all times is never over", "[api]") {
  const char* kEnd = "2262-04-11T23:47:16Z";
  CHECK(next("@every 2070000h", "", "2024-01-01T10:00:00Z") == "2260-02-23T10:00:00Z");
  CHECK(next("@every 2562047h", "", "2024-01-01T10:00:00Z") == kEnd);
  CHECK(next("@every 1h", "", kEnd) == kEnd);
}

#include "cmd/ctl/output.h"

#include <catch2/catch.hpp>

using namespace ctl;
using namespace std::chrono_literals;

TEST_CASE("durations are as short as kubectl's", "[ctl]") {
  struct Row {
    kube::Duration duration;
    const char* text;
  };
  const Row rows[] = {{-5s, "0s"},         {0s, "0s"},          {119s, "119s"},       {2min, "2m"},
                      {192s, "3m12s"},     {10min + 5s, "10m"}, {179min, "179m"},     {3h, "3h"},
                      {5h + 9min, "5h9m"}, {9h + 9min, "9h"},   {47h, "47h"},         {48h, "2d"},
                      {51h, "2d3h"},       {200 * 24h, "200d"}, {800 * 24h, "2y70d"}, {24h * 365 * 9, "9y"}};
  for (const Row& row : rows) CHECK(short_duration(row.duration) == row.text);
  CHECK(age_of("", kube::TimePoint()) == "N.A.");
  CHECK(age_of("yesterday", kube::TimePoint()) == "N.A.");
  CHECK(age_of("1970-01-01T00:00:00Z", kube::TimePoint(90s)) == "90s");
}

TEST_CASE("a table lines up what is shown, not bytes or colours", "[ctl]") {
  Table table({"NAME", "STATE", "AGE"});
  table.add({{"pi"}, {"RUNNING", Colour::Good}, {"3m"}});
  table.add({{"größer"}, {"FAILED"}, {"two\nlines"}});
  CHECK(table.text(false) ==
        "NAME     STATE     AGE\n"
        "pi       RUNNING   3m\n"
        "größer   FAILED    two lines\n");
  CHECK(table.text(true) ==
        "NAME     STATE     AGE\n"
        "pi       \x1b[32mRUNNING\x1b[0m   3m\n"
        "größer   FAILED    two lines\n");
}

#include "kube/base/log.h"

#include <catch2/catch.hpp>

using namespace kube;

namespace {

const TimePoint kTime = TimePoint(1795233067408ms);

std::string json_line(std::vector<LogField> fields) {
  return format_log_line(LogFormat::Json, LogLevel::Info, kTime, "controller", "state changed", fields);
}

}  // namespace

TEST_CASE("a JSON line has upstream's keys, then the fields in order", "[log]") {
  CHECK(json_line({{"from", "SUBMITTED"}, {"attempt", 2}, {"ready", true}, {"share", 0.5}}) ==
        R"({"level":"INFO","ts":"2026-11-21T03:51:07.408Z","logger":"controller","msg":"state changed",)"
        R"("from":"SUBMITTED","attempt":2,"ready":true,"share":0.5})");
}

TEST_CASE("a console line is tab-separated with the fields as JSON", "[log]") {
  CHECK(format_log_line(LogFormat::Console, LogLevel::Error, kTime, "", "state changed",
                        {{"a", "b"}, {"n", 1}}) ==
        "2026-11-21T03:51:07.408Z\tERROR\tstate changed\t{\"a\": \"b\", \"n\": 1}");
  CHECK(format_log_line(LogFormat::Console, LogLevel::Info, kTime, "x.y", "hello", {}) ==
        "2026-11-21T03:51:07.408Z\tINFO\tx.y\thello");
}

TEST_CASE("hostile values cannot break a line", "[log]") {
  CHECK(json_line({{"v", "a\"b\\c\nd\te\x01\x7f"}}).ends_with("\"v\":\"a\\\"b\\\\c\\nd\\te\\u0001\x7f\"}"));
  CHECK(json_line({{"v", "caf\xc3\xa9"}}).ends_with("\"v\":\"caf\xc3\xa9\"}"));
  CHECK(json_line({{"v", "\xff\xc3"}}).ends_with("\"v\":\"\\ufffd\\ufffd\"}"));
  CHECK(json_line({{"v", "\xed\xa0\x80"}}).ends_with("\"v\":\"\\ufffd\\ufffd\\ufffd\"}"));
}

TEST_CASE("durations and errors are written as people read them", "[log]") {
  CHECK(json_line({{"after", 90s}, {"error", Error(ErrorKind::NotFound, "no pod")}})
            .ends_with("\"after\":\"1m30s\",\"error\":\"no pod\"}"));
}

TEST_CASE("bound context travels with the log and the inner value wins", "[log]") {
  auto sink = std::make_shared<RecordingSink>();
  const Log root(sink, LogLevel::Info);
  const Log log = root.named("controller").named("application").with("app", "ns/pi").with("attempt", 1);
  log.info("state changed", {{"to", "RUNNING"}, {"attempt", 2}});
  root.info("plain");

  REQUIRE(sink->lines.size() == 2);
  const auto& line = sink->lines[0];
  CHECK(line.logger == "controller.application");
  CHECK(line.sentence == "state changed");
  REQUIRE(line.fields.size() == 3);
  CHECK(line.fields[0].key == "app");
  CHECK(*line.find("attempt") == LogValue(std::int64_t{2}));
  CHECK(line.find("absent") == nullptr);
  CHECK(sink->lines[1].fields.empty());
  CHECK(std::get<std::string>(*line.find("app")) == "ns/pi");
  CHECK(root.with("k", 1).with("k", "x").enabled(LogLevel::Error));
}

TEST_CASE("lines below the threshold are dropped", "[log]") {
  auto sink = std::make_shared<RecordingSink>();
  const Log log(sink, LogLevel::Warn);
  log.debug("d");
  log.info("i");
  log.warn("w");
  log.error("e");
  CHECK(sink->lines.size() == 2);
  CHECK(sink->contains("w"));
  CHECK_FALSE(sink->contains("i"));
  CHECK_FALSE(log.enabled(LogLevel::Info));
}

TEST_CASE("a log without a sink drops everything", "[log]") {
  const Log log;
  log.with("a", "b").named("x").error("nobody hears");
  CHECK_FALSE(log.enabled(LogLevel::Error));
}

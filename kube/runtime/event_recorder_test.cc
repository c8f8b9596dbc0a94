#include "kube/runtime/event_recorder.h"

#include <catch2/catch.hpp>

#include "kube/runtime/test_api.h"

using namespace kube;

namespace {

struct World {
  explicit World(EventRecorderOptions options = {}) {
    options.component = "web-operator";
    options.metrics = &metrics;
    recorder = std::make_unique<EventRecorder>(*client, std::move(options));
    auto run = [](World& world) -> Task<> {
      (void)co_await world.recorder->run();
      world.ended = true;
    };
    tasks.spawn("events", run(*this));
  }
  ~World() {
    tasks.cancel();
    api.loop.run(tasks.join());
  }

  TestApi api;
  MetricsRegistry metrics;
  std::unique_ptr<Client> client = api.client("operator");
  std::unique_ptr<EventRecorder> recorder;
  TaskGroup tasks{api.loop};
  bool ended = false;
};

const ObjectReference kWeb{"example.org/v1", "Web", "ns", "a", "uid-1"};

}  // namespace

TEST_CASE("an event is an events.k8s.io/v1 Event about its object") {
  World world;
  world.recorder->event(kWeb, EventType::Normal, "Started", "Web a started", "Start");
  world.api.loop.run_for(1s);
  auto events = world.api.all("events");
  REQUIRE(events.size() == 1);
  const Json& event = events[0];
  CHECK(event["apiVersion"] == "events.k8s.io/v1");
  CHECK(string_at(event, {"metadata", "namespace"}) == "ns");
  CHECK(string_at(event, {"metadata", "name"}).starts_with("a."));
  CHECK(event["regarding"] == Json{{"apiVersion", "example.org/v1"},
                                   {"kind", "Web"},
                                   {"namespace", "ns"},
                                   {"name", "a"},
                                   {"uid", "uid-1"}});
  CHECK(event["type"] == "Normal");
  CHECK(event["reason"] == "Started");
  CHECK(event["action"] == "Start");
  CHECK(event["note"] == "Web a started");
  CHECK(event["eventTime"] == "2026-01-01T00:00:00.000000Z");
  CHECK(event["reportingController"] == "web-operator");
  CHECK(event["reportingInstance"] == "web-operator");
}

TEST_CASE("roles that know core events only get core events") {
  World world;
  world.api.fault = [](const std::string& request) {
    return request.find("events.k8s.io") != std::string::npos ? Fault::Forbid : Fault::None;
  };
  world.recorder->normal(kWeb, "Started", "Web a started");
  world.recorder->normal(kWeb, "Started", "Web a started");
  world.api.loop.run_for(1min);
  auto events = world.api.all("events");
  REQUIRE(events.size() == 1);
  CHECK(events[0]["apiVersion"] == "v1");
  CHECK(events[0]["message"] == "Web a started");
  CHECK(events[0]["involvedObject"]["uid"] == "uid-1");
  CHECK(events[0]["firstTimestamp"] == "2026-01-01T00:00:00Z");
  CHECK(events[0]["source"]["component"] == "web-operator");
  CHECK(events[0]["count"] == 2);
  CHECK(world.recorder->dropped() == 0);
}

TEST_CASE("an event that repeats is a series, written each interval; after the window it is a new one") {
  World world({.window = 10min, .series_interval = 30s});
  int requests = 0;
  world.api.fault = [&](const std::string&) { return ++requests, Fault::None; };
  for (int i = 0; i < 120; ++i) {
    world.recorder->warning(kWeb, "Failed", "no luck");
    world.api.loop.run_for(1s);
  }
  world.api.loop.run_for(1min);
  auto events = world.api.all("events");
  REQUIRE(events.size() == 1);
  CHECK(events[0]["series"]["count"] == 120);
  CHECK(events[0]["series"]["lastObservedTime"] == "2026-01-01T00:01:59.000000Z");
  CHECK(requests <= 6);
  world.api.loop.run_for(20min);
  world.recorder->warning(kWeb, "Failed", "no luck");
  world.api.loop.run_for(1s);
  CHECK(world.api.all("events").size() == 2);
}

TEST_CASE("an event that was deleted meanwhile is written anew") {
  World world;
  world.recorder->normal(kWeb, "Started", "x");
  world.api.loop.run_for(1s);
  world.api.erase("events", "ns", string_at(world.api.all("events")[0], {"metadata", "name"}));
  world.recorder->normal(kWeb, "Started", "x");
  world.api.loop.run_for(1min);
  world.recorder->normal(kWeb, "Started", "x");
  world.api.loop.run_for(1s);
  REQUIRE(world.api.all("events").size() == 1);
  CHECK_FALSE(world.api.all("events")[0].contains("series"));
}

TEST_CASE("many variations of one theme become one combined event") {
  World world({.similar_limit = 3});
  for (int i = 0; i < 10; ++i)
    world.recorder->normal(kWeb, "ExecutorPending", "executor " + std::to_string(i));
  world.recorder->normal(kWeb, "Other", "not similar");
  world.api.loop.run_for(1min);
  const auto events = world.api.all("events");
  CHECK(events.size() == 5);
  int combined = 0;
  for (const Json& event : events) {
    if (!string_at(event, {"note"}).starts_with("(combined from similar events): ")) continue;
    ++combined;
    CHECK(event["series"]["count"] == 7);
    CHECK(event["note"] == "(combined from similar events): executor 3");
  }
  CHECK(combined == 1);
}

TEST_CASE("one object in trouble costs some ten events a reason, and others nothing") {
  World world({.series_interval = 30s});
  ObjectReference other = kWeb;
  other.uid = "uid-2";
  int requests = 0;
  world.api.fault = [&](const std::string&) { return ++requests, Fault::None; };
  for (int i = 0; i < 10'000; ++i) world.recorder->warning(kWeb, "PartFailed", std::to_string(i));
  world.recorder->warning(kWeb, "Failed", "x");
  world.recorder->warning(other, "Failed", "x");
  world.api.loop.run_for(1min);
  CHECK(world.api.all("events").size() == 13);
  CHECK(requests == 14);
  CHECK(world.recorder->dropped() == 0);
}

TEST_CASE(
    "a server that hangs or refuses holds nobody up: the queue is bounded, the rest is dropped and counted") {
  World world({.queue_limit = 20});
  world.api.fault = [](const std::string&) { return Fault::Hang; };
  for (int i = 0; i < 100; ++i) world.recorder->normal(kWeb, "R" + std::to_string(i), "x");
  CHECK(world.recorder->waiting() == 20);
  CHECK(world.recorder->dropped() == 80);
  CHECK(world.metrics.text().find("event_recorder_dropped_total 80") != std::string::npos);
  world.api.loop.run_for(1s);
  world.api.fault = [](const std::string&) { return Fault::Forbid; };
  world.api.loop.run_for(1min);
  CHECK(world.recorder->waiting() == 0);
  CHECK(world.api.all("events").empty());
}

TEST_CASE("stop writes what waits, but not for longer than its deadline") {
  {
    World world;
    for (int i = 0; i < 5; ++i) world.recorder->normal(kWeb, "R" + std::to_string(i), "x");
    world.recorder->stop();
    world.recorder->normal(kWeb, "TooLate", "x");
    world.api.loop.run_for(1s);
    CHECK(world.ended);
    CHECK(world.api.all("events").size() == 5);
  }
  World world({.flush_deadline = 5s});
  world.api.fault = [](const std::string&) { return Fault::Hang; };
  for (int i = 0; i < 5; ++i) world.recorder->normal(kWeb, "R" + std::to_string(i), "x");
  world.recorder->stop();
  world.api.loop.run_for(6s);
  CHECK(world.ended);
  CHECK(world.recorder->waiting() == 0);
}

TEST_CASE("a note is cut at a character's boundary") {
  CHECK(cut_utf8("abc", 5) == "abc");
  CHECK(cut_utf8("abc", 2) == "ab");
  CHECK(cut_utf8("a\xC3\xA4", 2) == "a");
  CHECK(cut_utf8("\xE2\x82\xAC\xE2\x82\xAC", 5) == "\xE2\x82\xAC");
  CHECK(cut_note("abcdef", 5) == "a \xE2\x80\xA6");
  World world;
  std::string note;
  for (int i = 0; i < 600; ++i) note += "\xC3\xA4";
  world.recorder->normal(kWeb, "Long", "x" + note);
  world.api.loop.run_for(1s);
  const std::string written = string_at(world.api.all("events")[0], {"note"});
  CHECK(written.size() <= 1024);
  CHECK(written.size() >= 1020);
  CHECK(written.ends_with("\xC3\xA4 \xE2\x80\xA6"));
}

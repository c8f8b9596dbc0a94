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

TEST_CASE("an event is a core/v1 Event about its object") {
  World world;
  world.recorder->normal(kWeb, "Started", "Web a started");
  world.api.loop.run_for(1s);
  auto events = world.api.all("events");
  REQUIRE(events.size() == 1);
  const Json& event = events[0];
  CHECK(string_at(event, {"metadata", "namespace"}) == "ns");
  CHECK(string_at(event, {"metadata", "name"}).starts_with("a."));
  CHECK(event["involvedObject"] == Json{{"apiVersion", "example.org/v1"},
                                        {"kind", "Web"},
                                        {"namespace", "ns"},
                                        {"name", "a"},
                                        {"uid", "uid-1"}});
  CHECK(event["type"] == "Normal");
  CHECK(event["reason"] == "Started");
  CHECK(event["message"] == "Web a started");
  CHECK(event["count"] == 1);
  CHECK(event["firstTimestamp"] == "2026-01-01T00:00:00Z");
  CHECK(event["source"]["component"] == "web-operator");
}

TEST_CASE("an event that repeats is counted up; after the window it is a new one") {
  World world({.window = 10min});
  for (int i = 0; i < 3; ++i) {
    world.recorder->warning(kWeb, "Failed", "no luck");
    world.api.loop.run_for(1min);
  }
  auto events = world.api.all("events");
  REQUIRE(events.size() == 1);
  CHECK(events[0]["count"] == 3);
  CHECK(events[0]["lastTimestamp"] == "2026-01-01T00:02:00Z");
  CHECK(events[0]["firstTimestamp"] == "2026-01-01T00:00:00Z");
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
  world.api.loop.run_for(1s);
  REQUIRE(world.api.all("events").size() == 1);
  CHECK(world.api.all("events")[0]["count"] == 1);
}

TEST_CASE("many variations of one theme become one combined event") {
  World world({.similar_limit = 3, .object_burst = 100});
  for (int i = 0; i < 10; ++i)
    world.recorder->normal(kWeb, "ExecutorPending", "executor " + std::to_string(i));
  world.recorder->normal(kWeb, "Other", "not similar");
  world.api.loop.run_for(10s);
  const auto events = world.api.all("events");
  CHECK(events.size() == 5);
  int combined = 0;
  for (const Json& event : events) {
    if (!string_at(event, {"message"}).starts_with("(combined from similar events): ")) continue;
    ++combined;
    CHECK(event["count"] == 7);
    CHECK(event["message"] == "(combined from similar events): executor 9");
  }
  CHECK(combined == 1);
}

TEST_CASE("one object in trouble does not drown the others") {
  World world({.similar_limit = 1000, .object_burst = 5, .object_qps = 1.0 / 60});
  ObjectReference other = kWeb;
  other.uid = "uid-2";
  for (int i = 0; i < 50; ++i) world.recorder->warning(kWeb, "Failed", std::to_string(i));
  world.recorder->warning(other, "Failed", "x");
  world.api.loop.run_for(10s);
  CHECK(world.api.all("events").size() == 6);
  CHECK(world.recorder->dropped() == 45);
  world.api.loop.run_for(1min);
  world.recorder->warning(kWeb, "Failed", "later");
  world.api.loop.run_for(1s);
  CHECK(world.api.all("events").size() == 7);
}

TEST_CASE(
    "a server that hangs or refuses holds nobody up: the queue is bounded, the rest is dropped and counted") {
  World world({.queue_limit = 20, .object_burst = 1000});
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
  World world;
  std::string note;
  for (int i = 0; i < 600; ++i) note += "\xC3\xA4";
  world.recorder->normal(kWeb, "Long", "x" + note);
  world.api.loop.run_for(1s);
  CHECK(string_at(world.api.all("events")[0], {"message"}).size() == 1023);
}

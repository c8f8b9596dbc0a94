#include "controller/schedule/schedule_controller.h"

#include <catch2/catch.hpp>
#include <set>

#include "api/constants.h"
#include "controller/application/fake_api.h"
#include "controller/application/running_manager.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

std::string schedule_path(const std::string& name) {
  return "/apis/sparkoperator.k8s.io/v1beta2/namespaces/ns/scheduledsparkapplications/" + name;
}

Json every_minute() {
  Json schedule = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                   {"kind", "ScheduledSparkApplication"},
                   {"metadata", {{"name", "etl"}, {"namespace", "ns"}, {"labels", {{"team", "data"}}}}},
                   {"spec", {{"schedule", "* * * * *"}, {"concurrencyPolicy", "Allow"}}}};
  schedule["spec"]["template"] = application_json()["spec"];
  schedule["spec"]["template"]["fieldOfTomorrow"] = "kept";
  return schedule;
}

// An operator for schedules alone. A minute is a run; who makes runs end is the test.
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  RunningManager running{api};

  World() { start(); }

  void start() {
    running.start(*client, {}, [](kube::Manager& manager) {
      ScheduleController::add_to(manager, {.policy = {.precision = api::TimestampPrecision::Seconds,
                                                      .local = *api::TimeZone::find("UTC")}});
    });
  }
  void stop() { running.stop(); }
  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void to_minute() {
    const auto now = api.server.loop.now();
    pass(std::chrono::ceil<std::chrono::minutes>(now) - now + 1s);
  }
  void apply(const Json& schedule = every_minute()) {
    api.put(schedule_path("etl"), schedule);
    pass(1s);
  }
  void edit(const std::function<void(Json& spec)>& how) {
    api.change(schedule_path("etl"), [&](Json& object) { how(object["spec"]); });
    pass(1s);
  }
  Json status() const { return api.at(schedule_path("etl")).value("status", Json::object()); }
  std::vector<std::string> runs() const { return api.paths("sparkapplications"); }
  void end_all(const std::string& state) {
    for (const std::string& path : runs()) {
      api.change(path, [&](Json& object) { object["status"]["applicationState"]["state"] = state; });
    }
    pass(1s);
  }
};

}  // namespace

TEST_CASE("a schedule makes an application a minute, each with its template, labels and owner",
          "[schedule]") {
  World world;
  world.apply();
  CHECK(world.status()["scheduleState"] == "Scheduled");
  CHECK(world.runs().empty());
  world.to_minute();
  REQUIRE(world.runs().size() == 1);
  const Json& run = world.api.at(world.runs()[0]);
  const Json& schedule = world.api.at(schedule_path("etl"));
  CHECK(run["spec"] == schedule["spec"]["template"]);
  CHECK(run["metadata"]["labels"] == Json{{api::label::kScheduledAppName, "etl"}, {"team", "data"}});
  const Json& owner = run["metadata"]["ownerReferences"][0];
  CHECK(owner["uid"] == schedule["metadata"]["uid"]);
  CHECK(owner["blockOwnerDeletion"] == true);
  CHECK_FALSE(owner.contains("controller"));
  CHECK(world.status()["lastRunName"] == run["metadata"]["name"]);
  world.pass(3min);
  CHECK(world.runs().size() == 4);
}

TEST_CASE("ended runs are pruned when they end, not when the next one starts (fault 18 of the Go operator)",
          "[schedule]") {
  World world;
  world.apply();
  world.to_minute();
  world.pass(3min);
  REQUIRE(world.runs().size() == 4);
  world.end_all("COMPLETED");
  CHECK(world.runs().size() == 1);
  CHECK(world.status()["pastSuccessfulRunNames"].size() == 1);
  CHECK(world.status()["pastSuccessfulRunNames"][0] == world.status()["lastRunName"]);
}

TEST_CASE("a settled schedule writes nothing", "[schedule]") {
  World world;
  world.apply();
  world.edit([](Json& spec) { spec["suspend"] = true; });
  world.pass(2min);
  world.api.asked.clear();
  world.pass(1h);
  for (const std::string& request : world.api.asked) CHECK(request.starts_with("WATCH"));
}

TEST_CASE("Forbid sees runs that the cache has not heard of", "[schedule]") {
  World world;
  world.apply();
  world.edit([](Json& spec) { spec["concurrencyPolicy"] = "Forbid"; });
  world.to_minute();
  REQUIRE(world.runs().size() == 1);
  const std::string first = world.runs()[0];
  // The cache believes that it has ended, the server knows that it was started again.
  world.api.change(first, [](Json& object) { object["status"]["applicationState"]["state"] = "COMPLETED"; });
  world.pass(1s);
  world.api.watches_are_silent = true;
  world.api.change(first, [](Json& object) { object["status"]["applicationState"]["state"] = "RUNNING"; });
  world.pass(1min);
  CHECK(world.runs().size() == 1);
}

TEST_CASE("Forbid does not skip for a run whose end the cache has not heard of", "[schedule]") {
  World world;
  world.apply();
  world.edit([](Json& spec) { spec["concurrencyPolicy"] = "Forbid"; });
  world.to_minute();
  REQUIRE(world.runs().size() == 1);
  world.api.watches_are_silent = true;
  world.api.change(world.runs()[0],
                   [](Json& object) { object["status"]["applicationState"]["state"] = "COMPLETED"; });
  world.pass(1min);
  CHECK(world.runs().size() == 2);
}

// The event of the run comes before that of the status that tells of it, as if its watch were the quicker
// one.
TEST_CASE("Replace spares the run that an old view takes for one to be replaced", "[schedule]") {
  World world;
  world.apply();
  world.edit([](Json& spec) { spec["concurrencyPolicy"] = "Replace"; });
  world.api.before = [&](const std::string& request) {
    // From now on the cache shows the schedule as due.
    if (request == "POST sparkapplications") world.api.silent_plural = "scheduledsparkapplications";
    return FakeFault{};
  };
  world.to_minute();
  REQUIRE(world.runs().size() == 1);
  const std::string first = world.runs()[0];
  const Json uid = world.api.at(first)["metadata"]["uid"];
  world.api.change(first, [](Json& object) { object["status"]["applicationState"]["state"] = "RUNNING"; });
  world.pass(40s);
  REQUIRE(world.api.has(first));
  CHECK(world.api.at(first)["metadata"]["uid"] == uid);
  CHECK(world.api.count("POST sparkapplications") == 1);
  // And its successor replaces it, on time.
  world.pass(20s);
  CHECK_FALSE(world.api.has(first));
  CHECK(world.runs().size() == 1);
}

TEST_CASE("runs are made on time while the watches are silent", "[schedule]") {
  World world;
  world.apply();
  world.to_minute();
  world.api.watches_are_silent = true;
  for (std::size_t minute = 2; minute <= 4; ++minute) {
    world.pass(1min);
    CHECK(world.runs().size() == minute);
  }
}

TEST_CASE("a run that a silent watch still shows after its deletion does not cost the next one",
          "[schedule]") {
  World world;
  const auto pass_to_next_run = [&] {
    const auto due = *kube::parse_rfc3339(world.status()["nextRun"].get<std::string>());
    world.pass(due - world.api.server.loop.now() + 1s);
  };
  Json schedule = every_minute();
  schedule["spec"]["schedule"] = "*/3 * * * *";
  schedule["spec"]["successfulRunHistoryLimit"] = 0;
  world.apply(schedule);
  pass_to_next_run();
  REQUIRE(world.runs().size() == 1);
  world.api.before = [&](const std::string& request) {
    if (request == "DELETE sparkapplications") world.api.silent_plural = "sparkapplications";
    return FakeFault{};
  };
  world.end_all("COMPLETED");
  REQUIRE(world.runs().empty());
  pass_to_next_run();
  CHECK(world.runs().size() == 1);
}

TEST_CASE("a clock that is set forward makes a run late by a minute at most", "[schedule]") {
  World world;
  Json schedule = every_minute();
  schedule["spec"]["schedule"] = "0 * * * *";
  world.apply(schedule);
  world.api.server.loop.jump_wall_clock(1h);
  world.pass(61s);
  CHECK(world.runs().size() == 1);
}

TEST_CASE("a run that was edited after its end is running again, and is not pruned", "[schedule]") {
  World world;
  Json schedule = every_minute();
  schedule["spec"]["successfulRunHistoryLimit"] = 0;
  world.apply(schedule);
  world.to_minute();
  REQUIRE(world.runs().size() == 1);
  const std::string run = world.runs()[0];
  // The operator is told of the end, and the edit comes before it acts.
  world.api.before = [&](const std::string& request) {
    if (request == "DELETE sparkapplications" &&
        world.api.at(run)["status"]["applicationState"]["state"] == "COMPLETED")
      world.api.change(run,
                       [](Json& object) { object["status"]["applicationState"]["state"] = "INVALIDATING"; });
    return FakeFault{};
  };
  world.edit([](Json& spec) { spec["suspend"] = true; });
  world.end_all("COMPLETED");
  CHECK(world.api.count("DELETE sparkapplications") == 1);
  REQUIRE(world.api.has(run));
  world.api.before = nullptr;
  world.end_all("COMPLETED");
  CHECK_FALSE(world.api.has(run));
}

TEST_CASE("a name that is somebody else's is left alone, and the run skipped", "[schedule]") {
  World world;
  world.apply();
  const auto due = *kube::parse_rfc3339(world.status()["nextRun"].get<std::string>());
  const std::string name = api::scheduled_run_name("etl", due, api::TimestampPrecision::Seconds);
  Json foreign = application_json();
  foreign["metadata"]["name"] = name;
  world.api.put(app_path(name), foreign);
  world.to_minute();
  CHECK(world.status().value("lastRunName", "") == "");
  CHECK(*kube::parse_rfc3339(world.status()["nextRun"].get<std::string>()) == due + 1min);
  world.pass(1min);
  CHECK(world.runs().size() == 2);
}

TEST_CASE("a run that is refused says why in status, and is made once it may be", "[schedule]") {
  World world;
  world.apply();
  world.api.before = [](const std::string& request) {
    return request == "POST sparkapplications" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"}
                                               : FakeFault{};
  };
  world.to_minute();
  CHECK(world.runs().empty());
  CHECK(world.status()["reason"].get<std::string>().starts_with("could not start a run: "));
  world.api.before = nullptr;
  world.pass(5min);
  CHECK_FALSE(world.runs().empty());
  CHECK_FALSE(world.status().contains("reason"));
}

TEST_CASE("a live read stops a run that was suspended a moment ago", "[schedule]") {
  World world;
  world.apply();
  world.api.watches_are_silent = true;
  world.api.change(schedule_path("etl"), [](Json& object) { object["spec"]["suspend"] = true; });
  world.to_minute();
  CHECK(world.runs().empty());
  CHECK(world.api.count("POST sparkapplications") == 0);
}

// The operator is killed at each of its writes in turn, before it reaches the server and after it was carried
// out. Each minute must still have its run, and no more than one.
TEST_CASE("a kill at any write neither loses a run nor makes one twice (fault 15 of the Go operator)",
          "[schedule]") {
  for (const bool carried_out : {false, true}) {
    for (int kill_at = 1;; ++kill_at) {
      INFO("killed " << (carried_out ? "after" : "before") << " write " << kill_at);
      World world;
      int writes = 0;
      bool killed = false;
      std::set<std::string> made;
      world.api.before = [&](const std::string& request) {
        if (request == "POST sparkapplications" || request.starts_with("PATCH scheduled") ||
            request.starts_with("DELETE")) {
          if (++writes == kill_at) {
            killed = true;
            world.running.manager().stop();
            return carried_out ? FakeFault{.lose_answer = true}
                               : FakeFault{.refuse_with = 503, .reason = "ServiceUnavailable"};
          }
        }
        return FakeFault{};
      };
      Json schedule = every_minute();
      const char* const policies[] = {"Allow", "Forbid", "Replace"};
      schedule["spec"]["concurrencyPolicy"] = policies[kill_at % 3];
      schedule["spec"]["successfulRunHistoryLimit"] = 0;
      world.apply(schedule);
      bool restarted = false;
      for (int minute = 0; minute < 4; ++minute) {
        world.to_minute();
        if (killed && !restarted) {
          restarted = true;
          world.stop();
          world.start();
          world.pass(1s);
        }
        for (const std::string& path : world.runs()) {
          made.insert(world.api.at(path)["metadata"]["name"].get<std::string>());
        }
        world.end_all("COMPLETED");
      }
      // One run for each minute from the first to the last; the test's own minutes are four, of which the
      // first passes while nobody works when the kill comes before it.
      std::set<kube::TimePoint> minutes;
      for (const std::string& name : made) {
        minutes.insert(std::chrono::floor<std::chrono::minutes>(*api::scheduled_run_time("etl", name)));
      }
      CHECK(minutes.size() == made.size());
      CHECK(minutes.size() >= 3);
      CHECK(*minutes.rbegin() - *minutes.begin() == (minutes.size() - 1) * 1min);
      CHECK(world.api.count("POST sparkapplications") <= made.size() + 1);
      if (!killed) {
        CHECK(made.size() == 4);
        break;
      }
    }
  }
}

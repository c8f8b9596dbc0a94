#include "controller/application/audit.h"

#include <catch2/catch.hpp>

#include "controller/application/attempt_status.h"
#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::ObjectKey;

namespace {

struct Fake final : Audited {
  std::map<ObjectKey, std::optional<std::string>> standing;
  std::vector<ObjectKey> woken;
  std::vector<ObjectKey> keys() const override {
    std::vector<ObjectKey> all;
    for (const auto& [key, version] : standing) all.push_back(key);
    return all;
  }
  std::optional<std::string> stands_still(const ObjectKey& key) const override { return standing.at(key); }
  void wake(const ObjectKey& key) override {
    woken.push_back(key);
    standing[key] = std::nullopt;
  }
};

struct World {
  kube::SimLoop loop;
  Fake fake;
  kube::MetricsRegistry metrics;
  Audit audit{loop, fake, {}, &metrics};
  kube::TaskGroup tasks{loop};
  World() {
    const auto body = [](Audit* audit) -> kube::Task<> { (void)co_await audit->run(); };
    tasks.spawn("audit", body(&audit));
  }
  ~World() {
    audit.stop();
    loop.run(tasks.join());
  }
  bool counted(int number) const {
    return metrics.text().find("spark_operator_stuck_applications_total " + std::to_string(number) + "\n") !=
           std::string::npos;
  }
};

const ObjectKey kPi{"ns", "pi"};

}  // namespace

TEST_CASE("an application that stands still is counted and woken, once", "[audit]") {
  World world;
  world.fake.standing = {{kPi, "7"}, {{"ns", "well"}, std::nullopt}};
  CHECK(world.counted(0));
  world.loop.run_for(2min);
  CHECK(world.fake.woken == std::vector{kPi});
  CHECK(world.counted(1));
  world.loop.run_for(10min);
  CHECK(world.counted(1));
}

TEST_CASE("one that moves on between two looks was only between an effect and its event", "[audit]") {
  World world;
  SECTION("by itself") {
    world.fake.standing = {{kPi, "7"}};
    world.loop.run_for(61s);
    world.fake.standing[kPi] = std::nullopt;
  }
  SECTION("to another version") {
    world.fake.standing = {{kPi, "7"}};
    world.loop.run_for(61s);
    world.fake.standing[kPi] = "8";
  }
  world.loop.run_for(20s);
  CHECK(world.fake.woken.empty());
  CHECK(world.counted(0));
}

TEST_CASE("many are looked at without holding the loop", "[audit]") {
  World world;
  for (int i = 0; i < 100; ++i) world.fake.standing[{"ns", std::to_string(1000 + i)}] = "1";
  world.loop.run_for(2min);
  CHECK(world.fake.woken.size() == 100);
}

TEST_CASE("no application waits without a timer, unless somebody else has the next move", "[audit]") {
  const kube::TimePoint now = kube::parse_rfc3339("2026-01-01T12:00:00Z").value();
  struct Pod {
    const char* what;
    std::optional<PodPhase> phase;
    bool terminating;
  };
  const Pod pods[] = {{"no driver", {}, false},
                      {"driver pending", PodPhase::Pending, false},
                      {"driver running", PodPhase::Running, false},
                      {"driver succeeded", PodPhase::Succeeded, false},
                      {"driver failed", PodPhase::Failed, false},
                      {"driver unknown", PodPhase::Unknown, false},
                      {"driver terminating", PodPhase::Running, true}};
  for (const auto& known : api::kStates) {
    for (const bool suspend : {false, true}) {
      for (const bool retries : {false, true}) {
        for (const Pod& pod : pods) {
          api::SparkApplication app;
          app.metadata.name = "pi";
          app.metadata.namespace_ = "ns";
          app.metadata.uid = "app";
          app.spec.suspend = suspend;
          if (retries) app.spec.restart_policy.type = api::RestartPolicyType::Always;
          app.status.application_state.state = known.value;
          Observation seen;
          if (known.value != State::New) {
            app.status.submission_id = next_id(app, {});
            app.status.last_submission_attempt_time = now;
            app.status.submission_attempts = 1;
            app.status.driver_info.pod_name = "pi-driver";
          }
          if (pod.phase && known.value != State::New) {
            PodView driver;
            driver.key = {"ns", "pi-driver"};
            driver.uid = "pod";
            driver.owner_uid = "app";
            driver.role = "driver";
            driver.submission_id = app.status.submission_id;
            driver.created = now;
            driver.phase = *pod.phase;
            driver.terminating = pod.terminating;
            seen.drivers.push_back(driver);
          }
          INFO(known.name << ", " << pod.what << (suspend ? ", suspended" : "")
                          << (retries ? ", restarted always" : ""));
          const Decision decision = decide(app, seen, now, {});
          const auto* wait = std::get_if<Wait>(&decision.step);
          const bool asleep = wait != nullptr && !wait->at_most && !decision.status;
          const bool driver_has_the_move = !seen.drivers.empty();
          const bool user_has_the_move =
              api::is_terminal(known.value) || (known.value == State::Suspended && suspend);
          if (asleep) CHECK((driver_has_the_move || user_has_the_move));
        }
      }
    }
  }
}

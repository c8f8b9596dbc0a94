// What the Go operator does wrong, by the numbers of the list that this project keeps of it: each has a test
// here that shows that ours does not. Those that are not here stand beside the code that they are about.
#include <catch2/catch.hpp>

#include "controller/application/controller_world.h"
#include "controller/application/decision_case.h"
#include "controller/application/launcher.h"
#include "controller/application/retry_policy.h"
#include "controller/submit/spark_submit_submitter.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

constexpr const char* kStatusPatch = "PATCH sparkapplications/status";

// A start whose status patch fails in the given way: whether the driver that was made is the one that stays.
bool keeps_its_driver_although(FakeFault fault) {
  World world;
  std::string made;
  world.api.before = [&](const std::string& asked) {
    if (asked != kStatusPatch || !made.empty()) return FakeFault{};
    made = world.uid();
    return fault;
  };
  world.apply();
  world.pass(1min);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_attempts == 1);
  CHECK(world.status().execution_attempts == 1);
  CHECK(world.api.paths("pods").size() == 1);
  return world.uid() == made;
}

std::size_t writes(const FakeApi& api) {
  return static_cast<std::size_t>(std::ranges::count_if(api.asked, [](const std::string& asked) {
    return !asked.starts_with("GET") && !asked.starts_with("LIST") && !asked.starts_with("WATCH");
  }));
}

}  // namespace

TEST_CASE("fault 2 of the Go operator: a submission whose status was not written is not made twice",
          "[faults]") {
  CHECK(keeps_its_driver_although({.refuse_with = 409, .reason = "Conflict"}));
  CHECK(keeps_its_driver_although({.refuse_with = 500, .reason = "InternalError"}));
  CHECK(keeps_its_driver_although({.lose_answer = true}));
}

TEST_CASE("fault 3 of the Go operator: a pod is ours by UID and attempt, not by its name", "[faults]") {
  Case c;
  c.in(State::Running).with_driver(PodPhase::Succeeded);
  // Under the name, but of another application, or of an earlier attempt: looked at live, not believed.
  SECTION("another owner") {
    c.seen.drivers[0].owner_uid = "somebody";
  }
  SECTION("another attempt") {
    c.seen.drivers[0].submission_id = "an-earlier-one";
  }
  CHECK_FALSE(is_current_driver(c.app, c.seen.drivers[0]));
  CHECK(!c.decide().status);
}

TEST_CASE("fault 3 of the Go operator: a delete names the UID, and spares who has taken the name",
          "[faults]") {
  World world;
  world.apply();
  world.meanwhile("DELETE pods", [&] {
    Json stranger = world.api.at(pod_path("pi-driver"));
    stranger["metadata"] = {{"name", "pi-driver"}, {"namespace", "ns"}};
    world.api.erase(pod_path("pi-driver"));
    world.api.put(pod_path("pi-driver"), std::move(stranger));
  });
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
  world.pass(1min);
  CHECK(world.state() == "SUSPENDED");
  CHECK(world.api.has(pod_path("pi-driver")));
}

TEST_CASE("fault 4 of the Go operator: no template file outlives its spark-submit", "[faults]") {
  // The application names no template of its own: it is then that the files stay.
  class Runner final : public kube::ChildRunner {
   public:
    kube::Task<kube::Result<kube::ChildExit>> run(kube::ChildCommand command) override {
      folder = command.folder;
      kube::ChildExit exit;
      exit.code = 1;
      co_return exit;
    }
    kube::ChildFolder folder;
  };
  FakeApi api;
  const auto client = api.server.client();
  Runner runner;
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  SparkSubmitOptions process;
  process.program = "/bin/true";
  SparkSubmitSubmitter submitter(*client, runner, options, process);
  const auto app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), application_json())).value();
  const std::string id = kube::Random::from_kernel().uuid_v4();
  auto start = submitter.begin(app, {id, api.server.loop.now()}).value();
  (void)api.server.run(start->create_driver([] { return std::optional<kube::Duration>(10s); }));
  // Both files are the folder's that the runner makes for one child, and takes away with it (kube/async).
  CHECK(runner.folder.path == "/tmp/spark/" + id);
  CHECK(runner.folder.files.size() == 2);
}

TEST_CASE("fault 6 of the Go operator: an edit is not lost with the write that tells of it", "[faults]") {
  World world;
  world.apply();
  const std::string first = world.status().submission_id;
  int refused = 0;
  world.api.before = [&](const std::string& asked) {
    const bool refuse = asked == kStatusPatch && refused < 3;
    if (refuse) ++refused;
    return refuse ? FakeFault{.refuse_with = 500, .reason = "InternalError"} : FakeFault{};
  };
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"20"}; });
  world.pass(1min);
  CHECK(refused == 3);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_id != first);
}

TEST_CASE("fault 6 of the Go operator: an edit is seen by whoever starts after it", "[faults]") {
  World world;
  world.apply();
  world.phase("Succeeded");
  world.stop();
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"20"}; });
  world.start();
  world.pass(1min);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.count("POST pods") == 2);
}

TEST_CASE("an edit is seen whoever has begun the run, once it has been looked at", "[faults]") {
  World world;
  world.stop();
  const std::string now = world.api.now();
  const char* state = GENERATE("RUNNING", "FAILED", "COMPLETED", "FAILING", "SUBMISSION_FAILED");
  CAPTURE(state);
  Json app = application_json();
  app["metadata"]["uid"] = "app-1";
  app["spec"]["restartPolicy"] = {{"type", "OnFailure"},
                                  {"onFailureRetries", 3},
                                  {"onFailureRetryInterval", 3600},
                                  {"onSubmissionFailureRetries", 3},
                                  {"onSubmissionFailureRetryInterval", 3600}};
  // Of the Go operator, whose ids tell nothing, or of ours before its format changed.
  const api::SpecHash other_format = api::spec_hash(kube::decode<api::SparkApplication>(app).value().spec,
                                                    api::HashScope::WithoutExecutorScheduling);
  const std::string submitted = GENERATE_COPY(std::string("2f1c1b6e-6a0f-4c39-9d5e-0f6a7a0c9d11"),
                                              api::next_attempt_id("app-1", "", other_format));
  app["status"] = {{"applicationState", {{"state", state}}},
                   {"submissionID", submitted},
                   {"submissionAttempts", 1},
                   {"executionAttempts", 1},
                   {"lastSubmissionAttemptTime", now},
                   {"terminationTime", std::string(state) == "RUNNING" ? Json() : Json(now)},
                   {"driverInfo", {{"podName", "pi-driver"}}}};
  if (std::string(state) == "RUNNING") {
    world.api.put(pod_path("pi-driver"), {{"apiVersion", "v1"},
                                          {"kind", "Pod"},
                                          {"metadata",
                                           {{"name", "pi-driver"},
                                            {"namespace", "ns"},
                                            {"creationTimestamp", now},
                                            {"labels",
                                             {{"sparkoperator.k8s.io/app-name", "pi"},
                                              {"sparkoperator.k8s.io/launched-by-spark-operator", "true"},
                                              {"sparkoperator.k8s.io/submission-id", submitted},
                                              {"spark-role", "driver"}}},
                                            {"ownerReferences",
                                             {{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                               {"kind", "SparkApplication"},
                                               {"name", "pi"},
                                               {"uid", "app-1"},
                                               {"controller", true}}}}}},
                                          {"status", {{"phase", "Running"}}}});
  }
  world.api.put(app_path("pi"), app);
  world.start();
  world.pass(1min);
  CHECK(world.state() == state);  // taken over as it is
  CHECK(world.status().submission_id == submitted);
  world.api.change(app_path("pi"), [](Json& object) { object["spec"]["arguments"] = {"20"}; });
  world.pass(2min);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_id != submitted);
  const Json driver = world.api.at(pod_path("pi-driver"));
  CHECK(driver["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"] == world.status().submission_id);
}

TEST_CASE("fault 7 of the Go operator: a delete that fails is tried again", "[faults]") {
  World world;
  world.apply();
  int refused = 0;
  world.api.before = [&](const std::string& asked) {
    const bool refuse = asked == "DELETE pods" && refused < 3;
    if (refuse) ++refused;
    return refuse ? FakeFault{.refuse_with = 500, .reason = "InternalError"} : FakeFault{};
  };
  SECTION("edited") {
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"20"}; });
    world.pass(1min);
    CHECK(world.state() == "SUBMITTED");
    CHECK(world.api.count("POST pods") == 2);
  }
  SECTION("suspended") {
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
    world.pass(1min);
    CHECK(world.state() == "SUSPENDED");
    CHECK(world.api.paths("pods").empty());
  }
  CHECK(refused == 3);
}

TEST_CASE("fault 8 of the Go operator: an edit of executors does not swallow suspend or time to live",
          "[faults]") {
  Policy partial;
  partial.hash_scope = api::HashScope::WithoutExecutorScheduling;
  Case c;
  c.app.status.submission_id = next_id(c.app, partial);
  c.in(State::Running).with_driver(PodPhase::Running);
  c.app.status.driver_info.pod_name = "pi-driver";
  c.app.status.last_submission_attempt_time = c.seen.drivers[0].created = kNow - 1min;
  c.app.spec.executor.priority_class_name = "high";
  // Alone it restarts nothing …
  const Decision alone = decide(c.app, c.seen, kNow, partial);
  CHECK((!alone.status || alone.status->application_state.state == State::Running));
  // … and beside it suspend is heard.
  c.app.spec.suspend = true;
  CHECK(decide(c.app, c.seen, kNow, partial).status.value().application_state.state == State::Suspending);
}

TEST_CASE("fault 11 of the Go operator: a policy without intervals waits for the default ones", "[faults]") {
  Case c;
  c.app.spec.restart_policy = on_failure(3);
  c.app.spec.restart_policy.on_failure_retry_interval.reset();
  c.app.spec.restart_policy.on_submission_failure_retry_interval.reset();
  const auto state = GENERATE(State::Failing, State::SubmissionFailed);
  c.in(state);
  c.app.status.last_submission_attempt_time = kNow;
  const Decision decision = c.decide();
  REQUIRE(is<Wait>(decision));
  CHECK(std::get<Wait>(decision.step).at_most == kube::Duration(5s));
}

TEST_CASE("fault 28 of the Go operator: a malformed template holds up no other application", "[faults]") {
  World world;
  Json malformed = application_json();
  malformed["metadata"]["name"] = "malformed";
  malformed["spec"]["driver"]["template"] = {{"spec", {{"containers", "not a list"}}}};
  world.api.put(app_path("malformed"), std::move(malformed));
  world.apply();
  CHECK(world.state() == "SUBMITTED");
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
}

TEST_CASE("fault 29 of the Go operator: an application of many executors does not slow itself down",
          "[faults]") {
  World world;
  world.apply();
  world.phase("Running");
  const Json driver = world.api.at(pod_path("pi-driver"));
  for (int round = 0; round < 3; ++round) {
    for (int number = 1; number <= 300; ++number) {
      const std::string name = "pi-exec-" + std::to_string(number);
      if (round == 0) {
        Json executor = driver;
        executor["metadata"] = {
            {"name", name}, {"namespace", "ns"}, {"labels", driver["metadata"]["labels"]}};
        executor["metadata"]["labels"]["spark-role"] = "executor";
        executor["metadata"]["labels"]["spark-exec-id"] = std::to_string(number);
        world.api.put(pod_path(name), std::move(executor));
      } else {
        world.api.change(pod_path(name),
                         [&](Json& pod) { pod["status"]["phase"] = round == 1 ? "Running" : "Failed"; });
      }
      world.pass(1ms);
    }
  }
  // 900 events in a second; what matters is known in the next.
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
}

TEST_CASE("fault 30 of the Go operator: what has finished is left alone", "[faults]") {
  World world;
  world.apply();
  world.phase("Running");
  world.phase("Succeeded");
  REQUIRE(world.state() == "COMPLETED");
  const std::size_t before = writes(world.api);
  world.api.change(app_path("pi"), [](Json& app) { app["metadata"]["labels"] = {{"seen", "yes"}}; });
  world.pass(2h);
  CHECK(writes(world.api) == before);
}

TEST_CASE("fault 33 of the Go operator: a resumed run does not inherit the end of the one before",
          "[faults]") {
  const auto state = GENERATE(State::Failing, State::Succeeding);
  Case c;
  c.app.spec.suspend = true;
  c.in(state);
  c.app.status.termination_time = kNow - 10h;
  for (int step = 0; step < 2; ++step) c.app.status = c.decide().status.value();
  CHECK(c.app.status.application_state.state == State::Suspended);
  CHECK(!c.app.status.termination_time);
  CHECK(!time_to_live_left(c.app.spec, c.app.status, kNow, 60));
}

TEST_CASE("fault 34 of the Go operator: huge times to live and intervals are long, not over", "[faults]") {
  const std::int64_t seconds = GENERATE(9'223'372'037, std::numeric_limits<std::int64_t>::max());
  Case c;
  c.in(State::Completed);
  c.app.status.termination_time = kNow - 1h;
  c.app.spec.time_to_live_seconds = seconds;
  CHECK_FALSE(is<DeleteApplication>(c.decide()));

  Case failing;
  failing.app.spec.restart_policy = on_failure(3);
  failing.app.spec.restart_policy.on_failure_retry_interval = seconds;
  failing.in(State::Failing);
  failing.app.status.submission_attempts = 3;
  const Decision decision = failing.decide();
  REQUIRE(is<Wait>(decision));
  CHECK(std::get<Wait>(decision.step).at_most.value() > kube::Duration(24h * 365));
}

TEST_CASE("fault 35 of the Go operator: a renamed driver waits for the end of the one before", "[faults]") {
  World world;
  world.api.pods_terminate_slowly = true;
  world.apply();
  world.phase("Running");
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["driver"]["podName"] = "pi-renamed"; });
  world.pass(10min);
  CHECK(world.state() == "PENDING_RERUN");
  CHECK_FALSE(world.api.has(pod_path("pi-renamed")));
  world.api.erase(pod_path("pi-driver"));
  world.pass(1min);
  CHECK(world.api.has(pod_path("pi-renamed")));
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("fault 36 of the Go operator: suspending does not take back an end that came first", "[faults]") {
  World world;
  world.apply();
  world.phase("Running");
  // Another operator, or this one before it lost the lease, has written the end that our cache does not show.
  world.meanwhile(kStatusPatch, [&] {
    world.api.change(app_path("pi"),
                     [](Json& app) { app["status"]["applicationState"]["state"] = "COMPLETED"; });
  });
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
  world.pass(1min);
  CHECK(world.state() == "COMPLETED");
}

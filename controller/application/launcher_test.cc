#include "controller/application/launcher.h"

#include <catch2/catch.hpp>

#include "api/names.h"
#include "controller/application/fake_api.h"
#include "controller/submit/native_submitter.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

class TestLease final : public kube::Leadership {
 public:
  std::uint64_t held_term = 1;
  kube::Duration left = 15s;
  std::uint64_t term() const override { return held_term; }
  bool valid_for(kube::Duration duration) const override { return duration < left; }
};

spark::SubmitOptions submit_options() {
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  return options;
}

// One operator's launcher in front of an API server that holds the application "pi".
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  kube::EventRecorder events{*client, {}};
  StatusWriter writer{*client, events};
  TestLease lease;
  NativeSubmitter submitter{*client, submit_options()};
  Policy policy;
  Launcher launcher{*client, lease, writer, submitter, policy};

  explicit World(Json application = application_json()) { api.put(app_path("pi"), std::move(application)); }

  api::SparkApplication app() const {
    return kube::decode<api::SparkApplication>(api.at(app_path("pi"))).value();
  }
  api::SparkApplicationStatus status() const { return app().status; }
  State state() const { return status().application_state.state; }
  PodView pod(const std::string& name = "pi-driver") const {
    return project_pod(api.at(pod_path(name))).value();
  }
  std::size_t pods() const { return api.paths("pods").size(); }

  Launcher::Reconciled launch(const api::SparkApplication& cached, const Observation& seen = {}) {
    return api.server.run(launcher.launch(cached, seen, {}, {}));
  }
  Launcher::Reconciled launch() { return launch(app()); }
  Launcher::Reconciled look_at(const api::SparkApplication& cached, const PodView& stray) {
    return api.server.run(launcher.look_at_stray(cached, stray, {}));
  }

  void edit(const std::function<void(Json& spec)>& how) {
    api.change(app_path("pi"), [&](Json& app) { how(app["spec"]); });
  }
  // The next request of that kind meets this fault; or the world changes right before it.
  void once(const std::string& request, FakeFault fault, std::function<void()> also = [] {}) {
    api.before = [=, done = false](const std::string& asked) mutable {
      if (done || asked != request) return FakeFault{};
      done = true;
      also();
      return fault;
    };
  }
  void meanwhile(const std::string& request, std::function<void()> change) {
    once(request, {}, std::move(change));
  }

  // A driver pod as somebody else left it.
  void put_driver(const std::string& name, const std::string& id, const std::string& owner_uid,
                  const std::string& owner = "pi") {
    api.put(pod_path(name), {{"kind", "Pod"},
                             {"metadata",
                              {{"name", name},
                               {"namespace", "ns"},
                               {"labels",
                                {{"sparkoperator.k8s.io/app-name", owner},
                                 {"sparkoperator.k8s.io/submission-id", id},
                                 {"spark-role", "driver"}}},
                               {"ownerReferences",
                                {{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                  {"kind", "SparkApplication"},
                                  {"name", owner},
                                  {"uid", owner_uid},
                                  {"controller", true}}}}}},
                             {"status", {{"phase", "Running"}}}});
  }
};

const std::string kGoId = "7c6e2e0c-3f3e-4a6b-9d7e-111111111111";

}  // namespace

TEST_CASE("a launch reads the application, makes driver and children, and writes status last", "[launcher]") {
  World world;
  REQUIRE(world.launch());
  REQUIRE(world.api.asked.size() >= 4);
  CHECK(world.api.asked[0] == "GET sparkapplications");
  CHECK(world.api.asked[1] == "POST pods");
  CHECK(world.api.asked.back() == "PATCH sparkapplications/status");
  const auto status = world.status();
  CHECK(status.application_state.state == State::Submitted);
  CHECK(status.submission_id == world.pod().submission_id);
  CHECK(status.driver_info.pod_name == "pi-driver");
  CHECK(status.last_submission_attempt_time == world.pod().created);
  CHECK(status.submission_attempts == 1);
  CHECK(status.execution_attempts == 1);
}

TEST_CASE("no driver is made for what the live read shows", "[launcher]") {
  World world;
  const api::SparkApplication cached = world.app();
  SECTION("suspended meanwhile") {
    world.edit([](Json& spec) { spec["suspend"] = true; });
  }
  SECTION("being deleted") {
    world.api.change(app_path("pi"),
                     [](Json& app) { app["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"; });
  }
  SECTION("submitted by another operator") {
    world.api.change(app_path("pi"), [](Json& app) {
      app["status"] = {{"applicationState", {{"state", "SUBMITTED"}}}, {"submissionID", kGoId}};
    });
  }
  SECTION("gone") {
    world.api.erase(app_path("pi"));
  }
  SECTION("another one of that name") {
    world.api.erase(app_path("pi"));
    world.api.put(app_path("pi"), application_json());
  }
  const auto result = world.launch(cached);
  REQUIRE(result);
  CHECK(result->requeue);
  CHECK(world.api.count("POST pods") == 0);
}

TEST_CASE("an edit that the cache has not seen is in the driver that is made", "[launcher]") {
  World world;
  const api::SparkApplication cached = world.app();
  world.edit([](Json& spec) { spec["arguments"] = {"10"}; });
  REQUIRE(world.launch(cached));
  CHECK(api::spec_part(world.pod().submission_id) == api::spec_hash(world.app().spec));
}

TEST_CASE("a lease lost between the live read and the POST voids the launch, won back or not", "[launcher]") {
  World world;
  SECTION("lost") {
    world.meanwhile("GET sparkapplications", [&] { world.lease.held_term = 0; });
  }
  SECTION("lost and won back") {
    world.meanwhile("GET sparkapplications", [&] { world.lease.held_term = 2; });
  }
  SECTION("about to end") {
    world.lease.left = 500ms;
  }
  const auto result = world.launch();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind() == kube::ErrorKind::ShuttingDown);
  CHECK(world.api.count("POST pods") == 0);
}

TEST_CASE("a POST is given up before the lease can end", "[launcher]") {
  for (const auto& [left, most] : {std::pair{15s, 10s}, std::pair{8s, 5s}, std::pair{3s, 2s}}) {
    World world;
    world.lease.left = left;
    world.once("POST pods", {.hang = true});
    const kube::SteadyTime start = world.api.server.loop.steady();
    REQUIRE_FALSE(world.launch());
    CHECK(world.api.server.loop.steady() - start < most + 1s);
    CHECK(world.state() == State::New);
  }
}

TEST_CASE("an answer that was lost is no failure: the driver is found and adopted", "[launcher]") {
  World world;
  world.once("POST pods", {.lose_answer = true});
  CHECK_FALSE(world.launch());
  CHECK(world.state() == State::New);
  CHECK(world.status().submission_attempts == 0);
  const std::string uid = world.pod().uid;
  REQUIRE(world.launch());
  CHECK(world.state() == State::Submitted);
  CHECK(world.status().submission_attempts == 1);
  CHECK(world.pods() == 1);
  CHECK(world.pod().uid == uid);
}

TEST_CASE("a server that is in trouble has not refused", "[launcher]") {
  World world;
  const auto fault = GENERATE(values<FakeFault>({{.refuse_with = 500, .reason = "InternalError"},
                                                 {.refuse_with = 503, .reason = "ServiceUnavailable"},
                                                 {.refuse_with = 401, .reason = "Unauthorized"},
                                                 {.refuse_with = 429, .reason = "TooManyRequests"},
                                                 {.refuse_with = 409, .reason = "Conflict"}}));
  INFO(fault.reason);
  world.once("POST pods", fault);
  CHECK_FALSE(world.launch());
  CHECK(world.state() == State::New);
  CHECK(world.status().submission_attempts == 0);
}

TEST_CASE("a refusal is counted once, with its id, time and reason in one patch", "[launcher]") {
  World world;
  world.once("POST pods", {.refuse_with = 403, .reason = "Forbidden"});
  REQUIRE(world.launch());
  const auto status = world.status();
  CHECK(status.application_state.state == State::SubmissionFailed);
  CHECK_THAT(status.application_state.error_message, Catch::Contains("Forbidden by the test"));
  CHECK(api::is_ours(status.submission_id));
  CHECK(status.submission_attempts == 1);
  CHECK(status.execution_attempts == 0);
  CHECK(status.last_submission_attempt_time);
  CHECK(world.api.count("PATCH sparkapplications/status") == 1);
}

TEST_CASE("a refusal is not lost to an edit of metadata, and is to one of the spec", "[launcher]") {
  World world;
  bool edited = false;
  const bool of_spec = GENERATE(false, true);
  world.api.before = [&](const std::string& request) {
    if (request == "POST pods") return FakeFault{.refuse_with = 403, .reason = "Forbidden"};
    if (request == "PATCH sparkapplications/status" && !edited) {
      edited = true;
      world.api.change(app_path("pi"), [&](Json& app) {
        if (of_spec) app["spec"]["arguments"] = {"7"};
        app["metadata"]["labels"]["team"] = "a";
      });
    }
    return FakeFault{};
  };
  const auto launched = world.launch();
  REQUIRE(launched);
  CHECK(edited);
  CHECK(world.api.count("POST pods") == 1);
  if (of_spec) {
    CHECK(launched->requeue);
    CHECK(world.state() == State::New);
    CHECK(world.status().submission_attempts == 0);
  } else {
    CHECK(world.state() == State::SubmissionFailed);
    CHECK(world.status().submission_attempts == 1);
  }
}

TEST_CASE("any refusal looks for the pod before it is believed", "[launcher]") {
  World world;
  world.once("POST pods", {.lose_answer = true});
  CHECK_FALSE(world.launch());
  // The quota is used up by the very pod that the first try has made.
  world.once("POST pods", {.refuse_with = 403, .reason = "Forbidden"});
  REQUIRE(world.launch());
  CHECK(world.state() == State::Submitted);
  CHECK(world.pods() == 1);
}

TEST_CASE("a launch cut at any call and repeated leaves one driver and one attempt", "[launcher]") {
  const std::size_t calls = [] {
    World world;
    (void)world.launch();
    return world.api.asked.size();
  }();
  REQUIRE(calls >= 4);
  for (const FakeFault& fault : {FakeFault{.lose_answer = true}, FakeFault{.refuse_with = 503}}) {
    for (std::size_t cut = 0; cut < calls; ++cut) {
      World world;
      std::size_t call = 0;
      world.api.before = [&](const std::string&) { return call++ == cut ? fault : FakeFault{}; };
      INFO("call " << cut << (fault.lose_answer ? ", answer lost" : ", refused"));
      for (int tries = 0; tries < 3 && world.state() != State::Submitted; ++tries) (void)world.launch();
      CHECK(world.state() == State::Submitted);
      CHECK(world.pods() == 1);
      CHECK(world.status().submission_attempts == 1);
      CHECK(world.status().submission_id == world.pod().submission_id);
    }
  }
}

TEST_CASE("a status patch on an older version changes nothing", "[launcher]") {
  World world;
  world.meanwhile("PATCH sparkapplications/status", [&] {
    world.api.change(app_path("pi"), [](Json& app) {
      app["status"] = {{"applicationState", {{"state", ""}}}, {"submissionAttempts", 5}};
    });
  });
  const auto result = world.launch();
  REQUIRE(result);
  CHECK(result->requeue);
  CHECK(world.state() == State::New);
  CHECK(world.status().submission_attempts == 5);
}

TEST_CASE("a name of its own is recorded before a driver is made under it", "[launcher]") {
  World world;
  world.edit([](Json& spec) { spec["driver"]["podName"] = "mine"; });
  REQUIRE(world.launch());
  CHECK(world.pods() == 0);
  CHECK(world.app().metadata.annotations.at("sparkoperator.k8s.io/driver-pod-name") == "mine");
  REQUIRE(world.launch());
  CHECK(world.state() == State::Submitted);
  CHECK(world.pod("mine").submission_id == world.status().submission_id);
}

TEST_CASE("a name that may not be recorded fails the submission", "[launcher]") {
  World world;
  world.edit([](Json& spec) { spec["driver"]["podName"] = "mine"; });
  world.once("PATCH sparkapplications", {.refuse_with = 403, .reason = "Forbidden"});
  REQUIRE(world.launch());
  CHECK(world.pods() == 0);
  CHECK(world.state() == State::SubmissionFailed);
  CHECK_THAT(world.status().application_state.error_message,
             Catch::Contains("record the driver pod's name") && Catch::Contains("Forbidden by the test"));
}

TEST_CASE("after a rename the driver under the earlier name is found first", "[launcher]") {
  World world;
  // Between recorded names, and between the default name and another.
  const std::string first = GENERATE(values<std::string>({"", "mine"}));
  const std::string second = GENERATE(values<std::string>({"", "yours"}));
  if (first == second) return;
  INFO("'" << first << "' to '" << second << "'");
  const auto name_it = [&](const std::string& name) {
    world.edit([&](Json& spec) { spec["driver"]["podName"] = name; });
  };
  name_it(first);
  if (!first.empty()) REQUIRE(world.launch());
  world.once("POST pods", {.lose_answer = true});
  REQUIRE_FALSE(world.launch());
  REQUIRE(world.pods() == 1);
  const std::string id = project_pod(world.api.at(world.api.paths("pods")[0])).value().submission_id;

  name_it(second);
  REQUIRE(world.launch());
  CHECK(world.pods() == 1);
  CHECK(world.api.count("POST pods") == 1);
  CHECK(world.status().submission_id == id);  // used up, to be deleted next
  for (int i = 0; i < 4; ++i) REQUIRE(world.launch());
  CHECK(world.pods() == 1);
  CHECK(world.state() == State::Submitted);
  CHECK(world.status().driver_info.pod_name == (second.empty() ? "pi-driver" : second));
}

TEST_CASE("a driver made before an edit is not completed: its id is used up, then it is deleted",
          "[launcher]") {
  World world;
  world.once("POST pods", {.lose_answer = true});
  CHECK_FALSE(world.launch());
  const PodView before = world.pod();
  world.edit([](Json& spec) { spec["arguments"] = {"10"}; });

  REQUIRE(world.launch());
  CHECK(world.state() == State::New);
  CHECK(world.status().submission_id == before.submission_id);
  CHECK(world.status().submission_attempts == 0);
  CHECK(world.pods() == 1);
  CHECK(world.api.count("DELETE pods") == 0);

  REQUIRE(world.launch());
  CHECK(world.pods() == 0);
  REQUIRE(world.launch());
  CHECK(world.state() == State::Submitted);
  CHECK(world.pod().submission_id != before.submission_id);
  CHECK(api::spec_part(world.pod().submission_id) == api::spec_hash(world.app().spec));
}

TEST_CASE("a delete names the pod's UID: another one under the name is spared", "[launcher]") {
  World world;
  world.api.change(app_path("pi"), [](Json& app) { app["status"]["submissionID"] = kGoId; });
  world.put_driver("pi-driver", kGoId, world.app().metadata.uid);
  world.meanwhile("DELETE pods", [&] {
    world.api.erase(pod_path("pi-driver"));
    world.put_driver("pi-driver", "another", "another app", "another");
  });
  REQUIRE(world.launch());
  CHECK(world.api.count("DELETE pods") == 1);
  REQUIRE(world.pods() == 1);
  CHECK(world.pod().owner_name == "another");
}

TEST_CASE("a predecessor's driver makes room without costing an attempt", "[launcher]") {
  World world;
  world.put_driver("pi-driver", kGoId, "uid of a deleted pi");
  REQUIRE(world.launch());
  CHECK(world.pods() == 0);
  CHECK(world.state() == State::New);
  REQUIRE(world.launch());
  CHECK(world.state() == State::Submitted);
  CHECK(world.status().submission_attempts == 1);
}

TEST_CASE("a stranger's pod is never deleted, and the message says whose it is", "[launcher]") {
  World world;
  world.put_driver("pi-driver", kGoId, "uid of other", "other");
  REQUIRE(world.launch());
  CHECK(world.pods() == 1);
  CHECK(world.state() == State::SubmissionFailed);
  CHECK_THAT(world.status().application_state.error_message, Catch::Contains("SparkApplication other"));
}

TEST_CASE("what terminates under the name is waited for, not believed to be a failure", "[launcher]") {
  World world;
  world.once("POST pods", {.lose_answer = true});
  CHECK_FALSE(world.launch());
  world.api.change(pod_path("pi-driver"),
                   [](Json& pod) { pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"; });
  const auto result = world.launch();
  REQUIRE(result);
  CHECK(result->requeue_after);
  CHECK(world.state() == State::New);
  CHECK(world.api.count("DELETE pods") == 0);
}

TEST_CASE("children that are refused end the attempt, under the id of the driver that waits for them",
          "[launcher]") {
  World world;
  world.once("POST configmaps", {.refuse_with = 403, .reason = "Forbidden"});
  REQUIRE(world.launch());
  CHECK(world.state() == State::SubmissionFailed);
  CHECK(world.status().submission_id == world.pod().submission_id);
}

TEST_CASE("an unknown driver is touched only when the view of its application was current", "[stray]") {
  World world;
  world.api.change(app_path("pi"), [](Json& app) {
    app["status"] = {{"applicationState", {{"state", "PENDING_RERUN"}}}, {"submissionID", "earlier"}};
  });
  world.put_driver("other", kGoId, world.app().metadata.uid);
  api::SparkApplication cached = world.app();
  SECTION("stale") {
    cached.status.submission_id = "even earlier";
    REQUIRE(world.look_at(cached, world.pod("other")));
    CHECK(world.pods() == 1);
  }
  SECTION("current") {
    REQUIRE(world.look_at(cached, world.pod("other")));
    CHECK(world.pods() == 0);
  }
  SECTION("current, but another pod has taken the name") {
    const PodView seen = world.pod("other");
    world.api.erase(pod_path("other"));
    world.put_driver("other", kGoId, world.app().metadata.uid);
    REQUIRE(world.look_at(cached, seen));
    CHECK(world.pods() == 1);
  }
}

TEST_CASE("another operator's driver of a new application goes on as ours", "[stray]") {
  World world;
  SECTION("under the default name") {
    world.put_driver("pi-driver", kGoId, world.app().metadata.uid);
    REQUIRE(world.launch());
    CHECK(world.state() == State::Submitted);
    CHECK(world.status().submission_id == kGoId);
    CHECK(world.pods() == 1);
  }
  SECTION("under another name, which is recorded first") {
    world.put_driver("go", kGoId, world.app().metadata.uid);
    REQUIRE(world.look_at(world.app(), world.pod("go")));
    CHECK(world.state() == State::New);
    CHECK(world.app().metadata.annotations.at("sparkoperator.k8s.io/driver-pod-name") == "go");
    REQUIRE(world.look_at(world.app(), world.pod("go")));
    CHECK(world.state() == State::Submitted);
    CHECK(world.status().driver_info.pod_name == "go");
  }
  SECTION("unless it has gone since the cache saw it") {
    world.put_driver("pi-driver", kGoId, world.app().metadata.uid);
    const PodView seen = world.pod();
    world.api.erase(pod_path("pi-driver"));
    REQUIRE(world.look_at(world.app(), seen));
    CHECK(world.state() == State::New);
  }
}

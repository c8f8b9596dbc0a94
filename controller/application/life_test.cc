// Lives of applications that take a turn: what users, schedulers and clusters do to them.
#include <catch2/catch.hpp>

#include "controller/application/controller_world.h"
#include "controller/application/failure_reason.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

// Two retries at once, so that the second attempt follows soon.
Json soon_again(int retries = 2) {
  Json application = application_json();
  application["spec"]["restartPolicy"] = {
      {"type", "OnFailure"}, {"onFailureRetries", retries}, {"onFailureRetryInterval", 1}};
  return application;
}

void edit(World& world, const std::function<void(Json& spec)>& how) {
  world.api.change(app_path("pi"), [&](Json& app) {
    how(app["spec"]);
    app["metadata"]["generation"] = app["metadata"].value("generation", 1) + 1;
  });
  world.pass(3s);
}

std::optional<FailureReason> reason(const World& world) {
  return reason_in(world.status().application_state.error_message);
}

void put_executor(World& world, const std::string& name, const std::string& phase, int id = 1) {
  const Json driver = world.api.at(pod_path("pi-driver"));
  Json labels = driver["metadata"]["labels"];
  labels["spark-role"] = "executor";
  labels["spark-exec-id"] = std::to_string(id);
  world.api.put(pod_path(name), {{"kind", "Pod"},
                                 {"metadata",
                                  {{"name", name},
                                   {"namespace", "ns"},
                                   {"labels", labels},
                                   {"ownerReferences", driver["metadata"]["ownerReferences"]}}},
                                 {"status", {{"phase", phase}}}});
  world.pass(1s);
}

void container_ended(World& world, const std::string& phase, int exit_code) {
  world.api.change(pod_path("pi-driver"), [&](Json& pod) {
    pod["status"] = {{"phase", phase},
                     {"containerStatuses",
                      {{{"name", "spark-kubernetes-driver"},
                        {"state", {{"terminated", {{"exitCode", exit_code}, {"reason", "Error"}}}}}}}}};
  });
  world.pass(2s);
}

}  // namespace

TEST_CASE("a driver that does not start in time is taken away and tried again", "[life]") {
  World world;
  Json application = soon_again(1);
  application["spec"]["driver"]["startTimeoutSeconds"] = 60;
  world.apply(std::move(application));
  world.pass(55s);
  CHECK(world.state() == "SUBMITTED");
  world.pass(10s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().execution_attempts == 2);
  CHECK(world.api.count("POST pods") == 2);
  CHECK(world.api.paths("pods").size() == 1);
  world.pass(65s);
  CHECK(world.state() == "FAILED");
  CHECK(reason(world) == FailureReason::DriverStartTimeout);
  CHECK(world.api.paths("pods").empty());
  world.pass(5min);
  CHECK(world.stuck(0));
}

TEST_CASE("a run past its deadline ends", "[life]") {
  World world;
  Json application = application_json();
  application["spec"]["activeDeadlineSeconds"] = 100;
  world.apply(std::move(application));
  world.phase("Running");
  world.pass(90s);
  CHECK(world.state() == "RUNNING");
  world.pass(20s);
  CHECK(world.state() == "FAILED");
  CHECK(reason(world) == FailureReason::DeadlineExceeded);
  CHECK(world.api.paths("pods").empty());
}

TEST_CASE("a new deadline counts at once and restarts nothing", "[life]") {
  World world;
  world.apply();
  world.phase("Running");
  edit(world, [](Json& spec) { spec["activeDeadlineSeconds"] = 60; });
  CHECK(world.state() == "RUNNING");
  CHECK(world.status().execution_attempts == 1);
  world.pass(60s);
  CHECK(world.state() == "FAILED");
}

TEST_CASE("toggling the disruption budget of a running application does not restart it", "[life]") {
  World world;
  world.apply();
  world.phase("Running");
  const std::string uid = world.uid();
  edit(world, [](Json& spec) { spec["driverPodDisruptionBudget"] = true; });
  edit(world, [](Json& spec) { spec["driverPodDisruptionBudget"] = false; });
  CHECK(world.state() == "RUNNING");
  CHECK(world.uid() == uid);
}

TEST_CASE("a missing driver has its grace only while it may still come", "[life]") {
  ApplicationControllerOptions options;
  options.policy.driver_pod_creation_grace = 30s;
  World world(std::move(options));
  world.apply();
  SECTION("submitted") {
    world.api.erase(pod_path("pi-driver"));
    world.pass(20s);
    CHECK(world.state() == "SUBMITTED");
    world.pass(10s);
    CHECK(world.state() == "FAILED");
  }
  SECTION("running") {
    world.phase("Running");
    world.api.erase(pod_path("pi-driver"));
    world.pass(3s);
    CHECK(world.state() == "FAILED");
  }
}

TEST_CASE("in a namespace that is being deleted nothing fails, and few ask", "[life]") {
  World world;
  world.api.before = [](const std::string& asked) {
    return asked == "POST pods"
               ? FakeFault{.refuse_with = 403, .reason = "Forbidden", .cause = "NamespaceTerminating"}
               : FakeFault{};
  };
  world.apply();
  world.pass(5min);
  CHECK(world.state() == "");
  CHECK(world.api.count("POST pods") <= 12);
  CHECK(world.stuck(0));
  world.api.before = nullptr;
  world.pass(1min);
  CHECK(world.state() == "SUBMITTED");
}

// They came in before a webhook had these rules, or where there is none.
TEST_CASE("what only a webhook minds runs", "[life]") {
  World world;
  Json application = application_json();
  Json& spec = application["spec"];
  spec["sparkConf"] = {{"spark.kubernetes.driver.container.image", "mine:1"}, {"spark.master", "local"}};
  spec["driverIngressOptions"] = {{{"servicePort", 4041}}};
  spec["driver"]["template"] = {{"metadata", {{"labels", {{"kept", "yes"}}}}}};
  spec["sparkVersion"] = "latest";
  spec["image"] = "spark:3.5.7";
  world.apply(std::move(application));
  CHECK(world.state() == "SUBMITTED");
  const Json driver = world.api.at(pod_path("pi-driver"));
  CHECK(driver["spec"]["containers"][0]["image"] == "spark:3.5.7");  // fields win
  CHECK(driver["metadata"]["labels"]["kept"] == "yes");
}

TEST_CASE("executors do not outlive the run that they belong to (fault 9 of the Go operator)", "[life]") {
  World world;
  SECTION("that is repeated") {
    world.apply(soon_again());
    world.phase("Running");
    put_executor(world, "old-exec-1", "Pending");
    world.phase("Failed");
    world.pass(10s);
    CHECK(world.state() == "SUBMITTED");
    CHECK_FALSE(world.api.has(pod_path("old-exec-1")));
  }
  SECTION("that is suspended") {
    world.apply();
    world.phase("Running");
    put_executor(world, "old-exec-1", "Running");
    edit(world, [](Json& spec) { spec["suspend"] = true; });
    world.pass(5s);
    CHECK(world.state() == "SUSPENDED");
    CHECK_FALSE(world.api.has(pod_path("old-exec-1")));
  }
  SECTION("that has completed, when they never started") {
    world.apply();
    world.phase("Running");
    put_executor(world, "old-exec-1", "Pending");
    world.phase("Succeeded");
    CHECK(world.state() == "COMPLETED");
    world.pass(30s);
    CHECK(world.api.has(pod_path("old-exec-1")));
    world.pass(40s);
    CHECK_FALSE(world.api.has(pod_path("old-exec-1")));
    CHECK(world.api.has(pod_path("pi-driver")));
  }
  SECTION("however many there were") {
    world.apply();
    world.phase("Running");
    put_executor(world, "old-exec-1500", "Pending", 1500);
    world.phase("Failed");
    world.pass(2min);
    CHECK(world.state() == "FAILED");
    CHECK_FALSE(world.api.has(pod_path("old-exec-1500")));
  }
}

TEST_CASE("an impossible spec ends FAILED with path and rule, whatever the policy, and an edit repairs it",
          "[life]") {
  struct Row {
    const char* why;
    std::function<void(Json& spec)> how;
    const char* message;
  };
  const Row rows[] = {
      {"no executors", [](Json& spec) { spec["executor"]["instances"] = 0; },
       "spec.executor.instances: must be at least 1, is 0"},
      {"negative", [](Json& spec) { spec["driver"]["cores"] = -1; },
       "spec.driver.cores: must be at least 1, is -1"},
      {"malformed size", [](Json& spec) { spec["driver"]["memory"] = "2 gigs"; },
       "spec.driver.memory: expected"},
      {"malformed quantity", [](Json& spec) { spec["driver"]["coreLimit"] = "lots"; },
       "spec.driver.coreLimit: expected a quantity"},
      {"another namespace", [](Json& spec) { spec["sparkConf"] = {{"spark.kubernetes.namespace", "other"}}; },
       "spec.sparkConf[spark.kubernetes.namespace]: must be the object's namespace"},
      {"unknown word", [](Json& spec) { spec["restartPolicy"]["type"] = "Sometimes"; },
       "spec.restartPolicy.type: "},
      {"wrong type", [](Json& spec) { spec["executor"]["cores"] = "two"; }, "spec.executor.cores: "},
      {"not even an object", [](Json& spec) { spec = "none"; }, "spec: expected"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    World world;
    Json application = application_json();
    application["spec"]["restartPolicy"]["type"] = "Always";
    row.how(application["spec"]);
    world.apply(std::move(application));
    CHECK(world.api.at(app_path("pi"))["status"]["applicationState"]["state"] == "FAILED");
    const std::string message = world.api.at(app_path("pi"))["status"]["applicationState"]["errorMessage"];
    CHECK_THAT(message, Catch::Contains(row.message));
    CHECK(reason_in(message) == FailureReason::InvalidSpec);
    CHECK(world.api.count("POST pods") == 0);
    world.pass(5min);
    CHECK(world.api.count("PATCH sparkapplications/status") == 1);
    CHECK(world.stuck(0));

    edit(world, [](Json& spec) { spec = application_json()["spec"]; });
    CHECK(world.state() == "SUBMITTED");
    CHECK(world.status().submission_attempts == 1);
  }
}

TEST_CASE("a malformed application holds up no other", "[life]") {
  World world;
  Json broken = application_json();
  broken["metadata"]["name"] = "broken";
  SECTION("its template") {
    broken["spec"]["driver"]["template"] = {{"spec", {{"containers", "none"}}}};
  }
  SECTION("its template is a word") {
    broken["spec"]["driver"]["template"] = "none";
  }
  SECTION("its spec") {
    broken["spec"]["driver"] = 7;
  }
  SECTION("its status, by a later operator") {
    broken["status"] = {{"applicationState", {{"state", "ASCENDED"}}}, {"driverInfo", Json::object()}};
  }
  world.api.put(app_path("broken"), std::move(broken));
  world.apply();
  CHECK(world.state() == "SUBMITTED");
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
  world.pass(3min);
  CHECK(world.api.paths("pods").size() == 1);
  CHECK(world.stuck(0));
}

TEST_CASE("a scheduler's edits at admission and eviction cost no counters", "[life]") {
  World world;
  Json application = soon_again(5);
  application["spec"]["suspend"] = true;
  application["metadata"]["generation"] = 1;
  world.apply(std::move(application));
  CHECK(world.state() == "SUSPENDED");
  CHECK(world.api.count("POST pods") == 0);
  const auto admit = [](Json& spec) {
    spec["suspend"] = false;
    for (const char* role : {"driver", "executor"}) {
      spec[role]["nodeSelector"] = {{"pool", "spot"}};
      spec[role]["tolerations"] = {{{"key", "spot"}, {"operator", "Exists"}}};
      spec[role]["labels"] = {{"queue", "a"}};
    }
  };
  edit(world, admit);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.at(pod_path("pi-driver"))["spec"]["nodeSelector"]["pool"] == "spot");
  world.phase("Failed");
  world.pass(5s);
  CHECK(world.status().execution_attempts == 2);
  world.phase("Running");
  edit(world, [](Json& spec) {
    spec["suspend"] = true;
    for (const char* role : {"driver", "executor"})
      for (const char* field : {"nodeSelector", "tolerations", "labels"}) spec[role].erase(field);
  });
  CHECK(world.state() == "SUSPENDED");
  CHECK(world.status().execution_attempts == 2);
  edit(world, admit);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().execution_attempts == 3);
}

TEST_CASE("an edit while an attempt is pending starts the counters over, once", "[life]") {
  World world;
  world.api.pods_terminate_slowly = true;
  world.apply(soon_again());
  world.phase("Failed");
  world.pass(5s);
  REQUIRE(world.state() == "PENDING_RERUN");
  edit(world, [](Json& spec) { spec["arguments"] = {"10"}; });
  CHECK(world.state() == "PENDING_RERUN");
  CHECK(world.status().execution_attempts == 0);
  const auto writes = world.api.count("PATCH sparkapplications/status");
  world.pass(1min);
  CHECK(world.api.count("PATCH sparkapplications/status") == writes);
  world.api.erase(pod_path("pi-driver"));
  world.pass(3s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().execution_attempts == 1);
}

TEST_CASE("an edit made while no operator ran is seen by the next one", "[life]") {
  World world;
  world.apply();
  world.phase("Running");
  world.stop();
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"10"}; });
  world.start();
  world.pass(3s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.at(pod_path("pi-driver")).dump().find("\"10\"") != std::string::npos);
}

TEST_CASE("status says which generation of the spec it answers", "[life]") {
  World world;
  Json application = application_json();
  application["metadata"]["generation"] = 1;
  world.apply(std::move(application));
  CHECK(world.status().observed_generation == 1);
  world.phase("Succeeded");
  edit(world, [](Json& spec) { spec["timeToLiveSeconds"] = 3600; });
  CHECK(world.state() == "COMPLETED");
  CHECK(world.status().observed_generation == 2);
  const auto writes = world.api.count("PATCH sparkapplications/status");
  world.pass(5min);
  CHECK(world.api.count("PATCH sparkapplications/status") == writes);

  SECTION("where the CRD keeps the field") {
    world.api.change(app_path("pi"), [](Json& app) { app["status"].erase("observedGeneration"); });
    edit(world, [](Json& spec) { spec["timeToLiveSeconds"] = 7200; });
    CHECK(world.api.count("PATCH sparkapplications/status") == writes);
  }
}

TEST_CASE("the end of Spark's container is the end of the run, whatever else is in the pod", "[life]") {
  World world;
  world.apply();
  world.phase("Running");
  SECTION("a sidecar keeps the pod running") {
    container_ended(world, "Running", 0);
    CHECK(world.state() == "COMPLETED");
  }
  SECTION("a sidecar keeps the pod of a failed driver running") {
    container_ended(world, "Running", 1);
    CHECK(world.state() == "FAILED");
  }
  SECTION("a sidecar failed after it") {
    container_ended(world, "Failed", 0);
    CHECK(world.state() == "COMPLETED");
  }
}

#include "controller/application/application_controller.h"

#include <catch2/catch.hpp>

#include "controller/application/controller_world.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

TEST_CASE("an application lives from New to COMPLETED", "[controller]") {
  World world;
  world.apply();
  CHECK(world.state() == "SUBMITTED");
  world.phase("Running");
  CHECK(world.state() == "RUNNING");
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
  CHECK(world.status().termination_time);
  CHECK(world.api.paths("pods").size() == 1);
  CHECK(world.api.count("POST pods") == 1);
  world.pass(10min);
  CHECK(world.stuck(0));
}

TEST_CASE("one submission costs one live read: our own writes are not decided on twice", "[controller]") {
  World world;
  // The pod's event is there before the status is written, the status's own comes late.
  world.meanwhile("PATCH sparkapplications/status", [&] { world.api.watches_are_silent = true; });
  world.apply();
  CHECK(world.api.count("GET sparkapplications") == 1);
  CHECK(world.api.count("PATCH sparkapplications/status") == 1);
}

TEST_CASE("a failed run is repeated after its wait, and the last failure is the end", "[controller]") {
  World world;
  world.apply(retrying());
  const std::string first = world.status().submission_id;
  world.phase("Failed");
  CHECK(world.state() == "FAILING");
  world.pass(20s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_id != first);
  CHECK(world.status().execution_attempts == 2);
  CHECK(world.api.paths("pods").size() == 1);
  world.phase("Failed");
  CHECK(world.state() == "FAILED");
  world.pass(10min);
  CHECK(world.stuck(0));
}

TEST_CASE("a rerun waits until the driver before it has gone", "[controller]") {
  World world;
  world.api.pods_terminate_slowly = true;
  world.apply(retrying());
  world.phase("Failed");
  world.pass(5min);
  CHECK(world.state() == "PENDING_RERUN");
  CHECK(world.api.count("POST pods") == 1);
  CHECK(world.stuck(0));
  world.api.erase(pod_path("pi-driver"));
  world.pass(1s);
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("the end of an attempt deletes its driver by UID", "[controller]") {
  World world;
  world.apply(retrying());
  world.phase("Failed");
  std::string other;
  world.meanwhile("DELETE pods", [&] {
    Json pod = world.api.at(pod_path("pi-driver"));
    pod["metadata"].erase("uid");
    pod["metadata"].erase("ownerReferences");
    world.api.erase(pod_path("pi-driver"));
    other = world.api.put(pod_path("pi-driver"), std::move(pod))["metadata"]["uid"];
  });
  world.pass(1min);
  REQUIRE_FALSE(other.empty());
  REQUIRE(world.api.has(pod_path("pi-driver")));
  CHECK(world.uid() == other);
}

TEST_CASE("a status decided on an older version is decided on again", "[controller]") {
  World world;
  world.apply();
  world.meanwhile("PATCH sparkapplications/status", [&] {
    world.api.change(app_path("pi"), [](Json& app) { app["status"]["executionAttempts"] = 7; });
  });
  world.phase("Running");
  CHECK(world.state() == "RUNNING");
  CHECK(world.status().execution_attempts == 7);
}

TEST_CASE("a crash between the driver's POST and the status is healed by the next operator", "[controller]") {
  World world;
  world.api.before = [](const std::string& asked) {
    return FakeFault{.refuse_with = asked == "PATCH sparkapplications/status" ? 503 : 0};
  };
  world.apply();
  CHECK(world.state() == "");
  const std::string uid = world.uid();
  world.stop();
  world.api.before = nullptr;
  world.start();
  world.pass(5s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.uid() == uid);
  CHECK(world.api.paths("pods").size() == 1);
  CHECK(world.status().submission_attempts == 1);
}

TEST_CASE("a driver's last words are in the reason of its failure, where logs may be read", "[application]") {
  World world;
  world.apply();
  world.phase("Running");
  const auto fail = [&] {
    world.api.change(pod_path("pi-driver"), [&](Json& pod) {
      pod["status"] = {
          {"phase", "Failed"},
          {"containerStatuses",
           Json::array({{{"name", "spark-kubernetes-driver"},
                         {"state", {{"terminated", {{"exitCode", 1}, {"reason", "Error"}}}}}}})}};
    });
    world.pass(10s);
    CHECK(world.state() == "FAILED");
    return world.status().application_state.error_message;
  };
  SECTION("they may") {
    world.api.logs[pod_path("pi-driver")] =
        "Traceback (most recent call last):\n  File\nValueError: no such day\n";
    CHECK(fail() ==
          "driver container failed with ExitCode: 1, Reason: Error [ExitCode] exit code 1: the application "
          "ended "
          "with an error: ValueError: no such day");
    CHECK(world.api.count("GET pods/log") == 1);
  }
  SECTION("they may not") {
    world.api.before = [](const std::string& request) {
      return request == "GET pods/log" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"} : FakeFault{};
    };
    CHECK(fail() ==
          "driver container failed with ExitCode: 1, Reason: Error [ExitCode] exit code 1: the application "
          "ended "
          "with an error");
  }
  SECTION("its node does not answer") {
    world.api.before = [](const std::string& request) {
      return FakeFault{.hang = request == "GET pods/log"};
    };
    CHECK(reason_in(fail()) == FailureReason::ExitCode);
  }
}

TEST_CASE("a driver that the cache does not show is asked for before it counts as gone", "[controller]") {
  World world;
  world.apply();
  SECTION("it has only lost the label that we watch, and is tracked without") {
    world.api.change(pod_path("pi-driver"), [](Json& pod) {
      pod["metadata"]["labels"].erase("sparkoperator.k8s.io/launched-by-spark-operator");
    });
    // The watch of a real server tells it as a deletion.
    world.stop();
    world.start();
    world.pass(10s);
    CHECK(world.state() == "SUBMITTED");
    world.phase("Succeeded");
    world.pass(10s);
    CHECK(world.state() == "COMPLETED");
  }
  SECTION("it has gone") {
    world.api.erase(pod_path("pi-driver"));
    world.pass(5s);
    CHECK(world.state() == "FAILED");
    CHECK(
        world.status().application_state.error_message.starts_with("driver pod not found [DriverNotFound]"));
  }
  SECTION("another pod of the same id is not it") {
    Json pod = world.api.at(pod_path("pi-driver"));
    pod["metadata"].erase("uid");
    pod["metadata"]["creationTimestamp"] = "2026-01-01T11:00:00Z";
    world.api.erase(pod_path("pi-driver"));
    world.api.put(pod_path("pi-driver"), std::move(pod));
    world.pass(10s);
    CHECK(world.state() == "FAILED");
    CHECK_FALSE(world.api.has(pod_path("pi-driver")));
  }
}

TEST_CASE("an active application that names no driver has it all the same", "[controller]") {
  World world;
  world.apply();
  world.api.change(app_path("pi"), [](Json& app) { app["status"].erase("driverInfo"); });
  world.pass(10s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.has(pod_path("pi-driver")));
  world.phase("Running");
  CHECK(world.state() == "RUNNING");
  world.api.change(app_path("pi"), [](Json& app) { app["status"].erase("driverInfo"); });
  world.api.erase(pod_path("pi-driver"));
  world.pass(10s);
  CHECK(world.state() == "FAILED");
}

TEST_CASE("a driver whose children are refused is taken away again", "[controller]") {
  World world;
  world.api.before = [](const std::string& asked) {
    return FakeFault{.refuse_with = asked == "POST configmaps" ? 403 : 0, .reason = "Forbidden"};
  };
  world.apply();
  world.pass(5s);
  CHECK(world.state() == "FAILED");
  CHECK(world.api.count("POST pods") == 1);
  CHECK(world.api.paths("pods").empty());
}

TEST_CASE("an application hears of a driver that was relabelled to another", "[controller]") {
  World world;
  world.apply();
  world.api.change(pod_path("pi-driver"), [](Json& pod) {
    pod["metadata"]["labels"]["sparkoperator.k8s.io/app-name"] = "other";
    pod["status"]["phase"] = "Running";
  });
  world.pass(1s);
  CHECK(world.state() == "RUNNING");
}

TEST_CASE("suspend takes the driver away and resume brings another", "[controller]") {
  World world;
  world.apply();
  world.phase("Running");
  const auto suspend = [&](bool yes) {
    world.api.change(app_path("pi"), [&](Json& app) { app["spec"]["suspend"] = yes; });
    world.pass(2s);
  };
  suspend(true);
  CHECK(world.state() == "SUSPENDED");
  CHECK(world.api.paths("pods").empty());
  suspend(false);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.paths("pods").size() == 1);
}

TEST_CASE("an edit runs again what has finished", "[controller]") {
  World world;
  world.apply();
  world.phase("Succeeded");
  const std::string first = world.status().submission_id;
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"10"}; });
  world.pass(2s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_id != first);
  CHECK(world.status().execution_attempts == 1);
}

TEST_CASE("an application past its time to live goes", "[controller]") {
  World world;
  Json application = application_json();
  application["spec"]["timeToLiveSeconds"] = 60;
  world.apply(std::move(application));
  world.phase("Succeeded");
  world.pass(50s);
  CHECK(world.api.has(app_path("pi")));
  world.pass(20s);
  CHECK_FALSE(world.api.has(app_path("pi")));
}

TEST_CASE("an application whose event is lost is woken by the audit", "[controller]") {
  World world;
  world.api.watches_are_silent = true;
  Json application = application_json();
  world.stop();
  world.api.put(app_path("pi"), std::move(application));
  // Found by the first list; our own status write is never told.
  world.start();
  REQUIRE(world.state() == "SUBMITTED");
  CHECK(world.stuck(0));
  world.pass(80s);
  CHECK(world.stuck(1));
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.paths("pods").size() == 1);
  world.api.watches_are_silent = false;
  world.phase("Running");
  world.pass(30s);
  CHECK(world.state() == "RUNNING");
}

TEST_CASE(
    "no secret of an application reaches status, events or the log, whoever repeats it (fault 5 of the Go "
    "operator)",
    "[application][secrets]") {
  World world;
  Json app = application_json();
  app["spec"]["sparkConf"] = {{"spark.hadoop.fs.s3a.secret.key", "hunter22"}};
  world.api.before = [](const std::string& request) {
    if (request != "POST pods") return FakeFault{};
    return FakeFault{.refuse_with = 403, .reason = "hunter22 and db.password=swordfish"};
  };
  world.apply(std::move(app));
  world.pass(1min);
  CHECK(world.state() == "FAILED");
  const std::string message = world.status().application_state.error_message;
  CHECK(message.find("(hidden) and db.password=(hidden)") != std::string::npos);
  const auto events = world.api.paths("events");
  REQUIRE_FALSE(events.empty());
  for (const std::string& event : events) {
    CHECK(world.api.at(event).dump().find("hunter22") == std::string::npos);
    CHECK(world.api.at(event).dump().find("swordfish") == std::string::npos);
  }
}

TEST_CASE("events tell the life of an application, each once (faults 1 and 31 of the Go operator)",
          "[application][events]") {
  World world;
  // {reason: [note …]}, in the order of their writing within a reason.
  const auto told = [&] {
    std::map<std::string, std::vector<std::string>> notes;
    for (const std::string& path : world.api.paths("events")) {
      const Json& event = world.api.at(path);
      CHECK(event.at("apiVersion") == "events.k8s.io/v1");
      CHECK(event.at("reportingController") == "spark-application-controller");
      CHECK(event.at("regarding").at("kind") == "SparkApplication");
      // A resumed application is submitted twice, and rightly so.
      CHECK((!event.contains("series") || event.at("reason") == "SparkApplicationSubmitted"));
      notes[event.at("reason")].push_back(event.at("note"));
    }
    return notes;
  };
  using Notes = std::vector<std::string>;
  SECTION("to its good end") {
    world.apply();
    world.phase("Running");
    world.phase("Succeeded");
    world.pass(1min);
    CHECK(told() ==
          std::map<std::string, Notes>{
              {"SparkApplicationAdded", {"SparkApplication pi was added, enqueuing it for submission"}},
              {"SparkApplicationSubmitted", {"SparkApplication pi was submitted successfully"}},
              {"SparkDriverRunning", {"Driver pi-driver is running"}},
              {"SparkDriverCompleted", {"Driver pi-driver completed"}},
              {"SparkApplicationCompleted", {"SparkApplication pi completed"}}});
  }
  SECTION("to its bad end") {
    world.apply();
    world.phase("Failed");
    world.pass(1min);
    auto notes = told();
    CHECK(notes["SparkDriverFailed"] ==
          Notes{"Driver pi-driver failed [Unknown] the driver's pod failed and does not say why"});
    CHECK(notes["SparkApplicationFailed"] == Notes{"SparkApplication pi failed: driver container status "
                                                   "missing [Unknown] the driver's pod failed and "
                                                   "does not say why"});
  }
  SECTION("suspended and resumed") {
    world.apply();
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
    world.pass(1min);
    CHECK(world.state() == "SUSPENDED");
    // Whatever brings it to mind again tells nobody a second time.
    for (int i = 0; i < 3; ++i) {
      world.api.change(app_path("pi"),
                       [&](Json& app) { app["metadata"]["labels"]["round"] = std::to_string(i); });
      world.pass(1min);
    }
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = false; });
    world.pass(1min);
    auto notes = told();
    CHECK(notes["SparkApplicationSuspending"] == Notes{"SparkApplication pi is suspending"});
    CHECK(notes["SparkApplicationSuspended"] == Notes{"SparkApplication pi is suspended"});
    CHECK(notes["SparkApplicationResuming"] == Notes{"SparkApplication pi is resuming"});
  }
}

TEST_CASE("an edit that the gate PartialRestart leaves to the webhook is told", "[application][events]") {
  World world;
  world.stop();
  world.controller_options.policy.hash_scope = api::HashScope::WithoutExecutorScheduling;
  world.start();
  Json app = application_json();
  app["metadata"]["generation"] = 1;
  world.apply(std::move(app));
  world.phase("Running");
  const auto told = [&] {
    return std::ranges::count_if(world.api.paths("events"), [&](const std::string& path) {
      return world.api.at(path).at("reason") == "SparkApplicationWebhookFieldsUpdated";
    });
  };
  world.api.change(app_path("pi"), [](Json& edited) {
    edited["metadata"]["generation"] = 2;
    edited["spec"]["executor"]["priorityClassName"] = "high";
  });
  world.pass(1s);
  CHECK(told() == 1);
  CHECK(world.state() == "RUNNING");
  world.api.change(app_path("pi"), [](Json& edited) {
    edited["metadata"]["generation"] = 3;
    edited["spec"]["arguments"] = Json::array({"10"});
  });
  world.pass(1s);
  CHECK(told() == 1);
}

TEST_CASE("a CRD that does not know conditions prunes them, and nothing is written because of that",
          "[application][conditions]") {
  World world;
  world.apply();
  world.phase("Running");
  const auto ready = [&] {
    const auto conditions = world.status().conditions;
    return conditions.empty() ? "" : kube::string_at(conditions[0], {"status"});
  };
  CHECK(ready() == "True");
  const std::size_t writes = world.api.count("PATCH sparkapplications/status");
  world.api.change(app_path("pi"), [](Json& app) {
    app["status"].erase("conditions");
    app["status"].erase("observedGeneration");
  });
  world.pass(10min);
  CHECK(world.api.count("PATCH sparkapplications/status") == writes);
  CHECK(ready().empty());
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
  CHECK(ready() == "True");
}

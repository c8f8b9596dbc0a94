// Submissions that take long (spark-submit), in a whole operator: they hold up nobody, and end with what they
// are for.
#include <catch2/catch.hpp>

#include "controller/application/application_controller.h"
#include "controller/application/running_manager.h"
#include "controller/submit/fake_spark_submit.h"
#include "controller/submit/submitter_choice.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

struct World {
  FakeApi api;
  kube::MetricsRegistry metrics;
  std::unique_ptr<kube::Client> client = api.server.client();
  FakeSparkSubmit process{api};
  NativeSubmitter native{*client, submit_options()};
  SparkSubmitSubmitter spark_submit{*client, process, submit_options(), settings()};
  SubmitterChoice choice{SubmitterMode::Auto, native, spark_submit};
  int workers = 2, long_workers = 2;
  RunningManager running{api};

  explicit World(int ordinary_workers = 2, int patient_workers = 2)
      : workers(ordinary_workers), long_workers(patient_workers) {
    start();
  }

  static spark::SubmitOptions submit_options() {
    spark::SubmitOptions options;
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    return options;
  }
  static SparkSubmitOptions settings() {
    return {.program = "/opt/spark/bin/spark-submit", .unavailable = "", .timeout = 3min, .lease = 15s};
  }
  void start() {
    running.start(*client, {.grace = 2s, .metrics = &metrics}, [&](kube::Manager& manager) {
      ApplicationControllerOptions queues;
      queues.workers = workers;
      queues.long_workers = long_workers;
      queues.grace = 2s;
      ApplicationController::add_to(manager, choice, std::move(queues));
    });
  }
  void stop() { running.stop(); }
  void crash() { running.crash(); }

  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void apply(const std::string& name, bool needs_jvm = true) {
    Json application = application_json();
    application["metadata"]["name"] = name;
    if (needs_jvm) application["spec"]["deps"] = {{"jars", {"file:///opt/a.jar"}}};
    api.put(app_path(name), std::move(application));
  }
  api::SparkApplicationStatus status(const std::string& name = "pi") const {
    return kube::decode<api::SparkApplication>(api.at(app_path(name))).value().status;
  }
  std::string state(const std::string& name = "pi") const {
    return std::string(api::to_string(status(name).application_state.state));
  }
  void phase(const std::string& phase, const std::string& name) {
    api.change(pod_path(name + "-driver"), [&](Json& pod) { pod["status"] = {{"phase", phase}}; });
  }
  bool has_driver(const std::string& name = "pi") const { return api.has(pod_path(name + "-driver")); }
  std::vector<std::string> events() const {
    std::vector<std::string> texts;
    for (const std::string& path : api.paths("events"))
      texts.push_back(api.at(path)["reason"].get<std::string>() + ": " +
                      api.at(path)["note"].get<std::string>());
    return texts;
  }
  bool stuck(int number) const {
    return metrics.text().find("spark_operator_stuck_applications_total " + std::to_string(number) + "\n") !=
           std::string::npos;
  }
};

bool has_text(const std::vector<std::string>& texts, const std::string& part) {
  return std::ranges::any_of(texts,
                             [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("an application that only a JVM can submit lives from New to COMPLETED", "[long]") {
  World world;
  world.apply("pi");
  world.pass(5s);
  CHECK(world.has_driver());
  CHECK(world.state() == "");  // not before all is there
  world.pass(5s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().driver_info.pod_name == "pi-driver");
  world.phase("Running", "pi");
  world.pass(1s);
  CHECK(world.state() == "RUNNING");
  world.phase("Succeeded", "pi");
  world.pass(1s);
  CHECK(world.state() == "COMPLETED");
  CHECK(world.process.started.size() == 1);
  const auto events = world.events();
  CHECK(has_text(events, "SparkSubmitStarted: spark-submit starts the driver: spark.jars holds a file"));
  CHECK(has_text(events, "SparkApplicationSubmitted: "));
  world.pass(10min);
  CHECK(world.stuck(0));
}

TEST_CASE("processes that hang hold up nobody else", "[long]") {
  World world(1, 2);
  world.process.script.hangs = true;
  for (int i = 0; i < 10; ++i) world.apply("slow-" + std::to_string(i));
  world.pass(5s);
  CHECK(world.process.running == 2);
  // New ones that need no process, and known ones.
  world.apply("quick", false);
  world.pass(1s);
  CHECK(world.state("quick") == "SUBMITTED");
  world.phase("Running", "quick");
  world.pass(1s);
  CHECK(world.state("quick") == "RUNNING");
  world.phase("Succeeded", "quick");
  world.pass(1s);
  CHECK(world.state("quick") == "COMPLETED");
  CHECK(world.process.most == 2);
  world.pass(1h);
  CHECK(world.process.most == 2);
  CHECK(world.stuck(0));
  // Those whose process was ended at its time-out have a complete driver, as it happens.
  for (int i = 0; i < 10; ++i) CHECK(world.state("slow-" + std::to_string(i)) == "SUBMITTED");
}

TEST_CASE("a process whose submission is not due any more is ended", "[long]") {
  World world;
  world.process.script.hangs = true;
  world.process.script.makes_pod = GENERATE(true, false);
  const bool made = world.process.script.makes_pod;
  world.apply("pi");
  world.pass(6s);
  REQUIRE(world.process.running == 1);
  SECTION("suspended") {
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
    world.pass(3s);
    CHECK(world.process.running == 0);
    CHECK(world.process.killed == 1);
    world.pass(1min);
    CHECK(world.state() == "SUSPENDED");
    CHECK_FALSE(world.has_driver());
  }
  SECTION("deleted") {
    world.api.erase(app_path("pi"));
    world.pass(3s);
    CHECK(world.process.running == 0);
    CHECK(world.process.killed == 1);
  }
  SECTION("edited") {
    world.process.script.hangs = false;
    world.process.script.makes_pod = true;
    world.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"7"}; });
    world.pass(1min);
    CHECK(world.process.killed == 1);
    CHECK(world.process.started.size() == 2);
    CHECK(world.process.started.back().arguments.back() == "7");
    CHECK(world.state() == "SUBMITTED");
    CHECK(world.status().submission_id == project_pod(world.api.at(pod_path("pi-driver")))->submission_id);
    CHECK(world.status().execution_attempts == 1);
  }
  SECTION("labelled: nothing that a submission depends on") {
    world.api.change(app_path("pi"), [](Json& app) { app["metadata"]["labels"]["team"] = "a"; });
    world.pass(3s);
    CHECK(world.process.running == 1);
    world.pass(5min);
    CHECK(world.state() == (made ? "SUBMITTED" : "FAILED"));
    CHECK(world.process.started.size() == 1);
  }
  world.pass(10min);
  CHECK(world.stuck(0));
}

TEST_CASE("no process outlives its operator", "[long]") {
  World world;
  world.process.script.hangs = true;
  world.apply("pi");
  world.pass(3s);
  REQUIRE(world.process.running == 1);
  world.stop();
  CHECK(world.process.running == 0);
  CHECK(world.process.killed == 1);
}

TEST_CASE("an operator that stops lets a process end that is about to", "[long]") {
  World world;
  world.apply("pi");
  world.pass(7s);
  REQUIRE(world.process.running == 1);
  world.stop();
  CHECK(world.process.killed == 0);
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("after a crash the driver of a process is adopted once complete", "[long]") {
  World world;
  world.apply("pi");
  world.pass(6s);
  REQUIRE(world.has_driver());
  world.crash();
  world.start();
  world.pass(2s);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.process.started.size() == 1);
}

TEST_CASE(
    "after a crash a driver that never gets its config map is replaced, when nobody can make it any more",
    "[long]") {
  World world;
  world.process.script.makes_config_map = false;
  world.apply("pi");
  world.pass(6s);
  REQUIRE(world.has_driver());
  const std::string first = world.api.at(pod_path("pi-driver"))["metadata"]["uid"];
  world.crash();
  world.process.script.makes_config_map = true;
  world.start();
  world.pass(3min);
  CHECK(world.state() == "");
  CHECK(world.api.at(pod_path("pi-driver"))["metadata"]["uid"] == first);
  CHECK(world.process.started.size() == 1);
  world.pass(1min);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.at(pod_path("pi-driver"))["metadata"]["uid"] != first);
  CHECK(world.status().execution_attempts == 1);
  CHECK(world.process.started.size() == 2);
  CHECK(world.api.paths("pods").size() == 1);
  world.pass(10min);
  CHECK(world.stuck(0));
}

TEST_CASE("a refusal of spark-submit is SUBMISSION_FAILED with its words, under the retry policy", "[long]") {
  World world;
  world.process.script = {.makes_pod = false, .exit_code = 1, .errors = "no such bucket"};
  world.apply("pi");
  world.api.change(app_path("pi"), [](Json& app) {
    app["spec"]["restartPolicy"] = {
        {"type", "OnFailure"}, {"onSubmissionFailureRetries", 1}, {"onSubmissionFailureRetryInterval", 60}};
  });
  world.pass(20s);
  CHECK(world.state() == "SUBMISSION_FAILED");
  CHECK(
      world.status().application_state.error_message ==
      "failed to submit spark application: [SubmissionRejected] failed to run spark-submit: no such bucket");
  world.pass(5min);
  CHECK(world.state() == "FAILED");
  CHECK(world.status().submission_attempts == 2);
  CHECK(world.process.started.size() == 2);
  CHECK(world.process.started[0].folder.path != world.process.started[1].folder.path);
}

TEST_CASE("an answer that got lost is asked for again, and one driver comes of it", "[long]") {
  bool lost = false;
  World world;
  world.api.before = [&](const std::string& request) {
    if (lost || request != "GET pods" || !world.has_driver()) return FakeFault{};
    lost = true;
    return FakeFault{.refuse_with = 500, .reason = "InternalError"};
  };
  world.apply("pi");
  world.pass(30s);
  CHECK(lost);
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.process.started.size() == 1);
}

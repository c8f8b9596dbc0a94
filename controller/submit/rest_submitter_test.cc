#include "controller/submit/rest_submitter.h"

#include <catch2/catch.hpp>

#include <set>

#include "controller/application/application_controller.h"
#include "controller/application/running_manager.h"
#include "controller/submit/fake_submission_service.h"
#include "controller/submit/submitter_choice.h"
#include "spark/pod_mutation.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::ErrorKind;
using kube::Json;

namespace {

std::string refusal_body(const std::string& code, const std::string& message) {
  return kube::dump_json({{"error_code", code}, {"message", message}});
}

// One attempt through the submitter alone.
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  FakeSubmissionService fake{api};
  spark::SubmitOptions options;
  std::unique_ptr<SubmissionService> service;
  std::unique_ptr<RestSubmitter> submitter;
  api::SparkApplication app;
  spark::Attempt attempt{"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", api.server.loop.now()};
  bool permit = true;
  std::unique_ptr<DriverStart> start;

  explicit World(Json application = application_json()) {
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    service = SubmissionService::create(api.server.loop, api.server.net.host("operator"),
                                        {.url = FakeSubmissionService::kUrl})
                  .value();
    app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), std::move(application))).value();
  }
  kube::Result<PodView> create_driver() {
    submitter = std::make_unique<RestSubmitter>(*client, *service, options, RestOptions{});
    auto begun = submitter->begin(app, attempt, "because");
    if (!begun) return kube::fail(std::move(begun));
    start = std::move(*begun);
    return api.server.run(
        start->create_driver([this] { return permit ? std::optional<kube::Duration>(10s) : std::nullopt; }));
  }
  Completion complete(const PodView& driver) { return api.server.run(start->complete(driver)).value(); }
};

// A whole operator with the gate on, in front of a service.
struct Operator {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  FakeSubmissionService fake{api};
  std::unique_ptr<SubmissionService> service =
      SubmissionService::create(api.server.loop, api.server.net.host("operator"),
                                {.url = FakeSubmissionService::kUrl, .request_timeout = 30s})
          .value();
  FakeSparkSubmit process{api};
  NativeSubmitter native{*client, submit_options()};
  SparkSubmitSubmitter spark_submit{
      *client, process, submit_options(), {.program = "", .unavailable = "not here"}};
  RestSubmitter rest{*client, *service, submit_options(), {}};
  SubmitterChoice choice{SubmitterMode::Rest, native, spark_submit, &rest};
  RunningManager running{api};

  Operator() { start(); }

  static spark::SubmitOptions submit_options() {
    spark::SubmitOptions options;
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    return options;
  }
  void start() {
    running.start(*client, {.grace = 2s}, [&](kube::Manager& manager) {
      ApplicationControllerOptions queues;
      queues.grace = 2s;
      ApplicationController::add_to(manager, choice, std::move(queues));
    });
  }
  void crash() { running.crash(); }
  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void apply() { api.put(app_path("pi"), application_json()); }
  api::SparkApplicationStatus status() const {
    return kube::decode<api::SparkApplication>(api.at(app_path("pi"))).value().status;
  }
  std::string state() const { return std::string(api::to_string(status().application_state.state)); }
  std::string driver_id() const { return project_pod(api.at(pod_path("pi-driver")))->submission_id; }
  bool has_event(const std::string& text) const {
    return std::ranges::any_of(api.paths("events"), [&](const std::string& path) {
      const Json& event = api.at(path);
      return (event["reason"].get<std::string>() + ": " + event["note"].get<std::string>()).find(text) !=
             std::string::npos;
    });
  }
};

}  // namespace

TEST_CASE("a service gets spark-submit's arguments without template files, and both templates", "[rest]") {
  World world;
  const auto made = world.create_driver();
  REQUIRE(made);
  CHECK(made->submission_id == world.attempt.submission_id);
  CHECK(made->belongs_to(world.app.metadata.uid));
  CHECK(made->submitted_by == "rest");
  REQUIRE(world.fake.asked.size() == 1);
  const Json& asked = world.fake.asked[0];
  CHECK(asked["submission_id"] == world.attempt.submission_id);
  auto prepared = spark::prepare_application(world.app, world.options, world.attempt).value();
  CHECK(
      asked["spark_submit_args"] ==
      Json(spark::spark_submit_arguments(prepared, world.options, world.attempt, spark::PodTemplates::Beside)
               .value()));
  const std::string words = kube::dump_json(asked["spark_submit_args"]);
  CHECK(words.find("podTemplateFile") == std::string::npos);
  CHECK(words.find("podTemplateContainerName") == std::string::npos);
  CHECK(asked["driver_pod_template"]["metadata"]["ownerReferences"][0]["controller"] == true);
  CHECK(asked["driver_pod_template"]["spec"]["containers"][0]["name"] == "spark-kubernetes-driver");
  CHECK(asked["executor_pod_template"]["spec"]["containers"][0]["name"] == "spark-kubernetes-executor");
  REQUIRE(world.start->announcement().size() == 1);
  CHECK(world.start->announcement()[0].message == "the submission service starts the driver: because");
  CHECK(world.start->takes_long());
  world.api.asked.clear();
  CHECK(world.complete(*made).state == Completion::State::Done);
  CHECK(world.api.asked.empty());
}

TEST_CASE("no service is asked where a pod stands, or without a permit", "[rest]") {
  World world;
  SECTION("a pod stands") {
    world.api.put(pod_path("pi-driver"), {{"kind", "Pod"}, {"metadata", {{"name", "pi-driver"}}}});
    CHECK(world.create_driver().error().is_already_exists());
  }
  SECTION("no permit") {
    world.permit = false;
    CHECK(world.create_driver().error().kind() == ErrorKind::ShuttingDown);
  }
  SECTION("mode client") {
    world.app.spec.mode = api::DeployMode::Client;
    CHECK_THAT(world.create_driver().error().message(), Catch::StartsWith("spec.mode is not cluster"));
  }
  CHECK(world.fake.asked.empty());
}

TEST_CASE("a success is believed once the driver is there", "[rest]") {
  World world;
  SECTION("a little later than the answer") {
    world.fake.script.takes = 0s;
    world.fake.script.makes_pod = false;
    world.api.server.tasks.spawn("later", [](World* w) -> kube::Task<> {
      co_await kube::sleep(w->api.server.loop, 20s);
      kube::ChildCommand command;
      command.arguments = w->fake.asked[0]["spark_submit_args"].get<std::vector<std::string>>();
      command.folder.files["driver-pod-template.yaml"] =
          kube::dump_json(w->fake.asked[0]["driver_pod_template"]);
      FakeSparkSubmit::make_pod(w->api, command, 1);
    }(&world));
    const auto made = world.create_driver();
    REQUIRE(made);
    // Such a service may still be at it.
    CHECK(world.complete(*made).state == Completion::State::NotYet);
    FakeSparkSubmit::make_config_map(world.api, pod_path("pi-driver"));
    CHECK(world.complete(*made).state == Completion::State::Done);
  }
  SECTION("it never comes") {
    world.fake.script.makes_pod = false;
    const auto made = world.create_driver();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind() == ErrorKind::InvalidInput);
    CHECK(made.error().message() ==
          "failed to submit Spark application ns/pi: submitter service says that it has, but there is no "
          "driver pod ns/pi-driver");
  }
}

TEST_CASE("a refusal is believed once no driver is there", "[rest]") {
  World world;
  world.fake.script.status = 500;
  world.fake.script.body = refusal_body("INTERNAL_SERVER_ERROR", "boom");
  SECTION("none") {
    world.fake.script.makes_pod = false;
    const auto made = world.create_driver();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind() == ErrorKind::InvalidInput);
    CHECK_FALSE(made.error().is_ambiguous());
    CHECK(made.error().message() ==
          "failed to submit Spark application ns/pi: submitter service returned error: boom (HTTP 500, error "
          "code: INTERNAL_SERVER_ERROR)");
    CHECK(refusal(made.error()).reason == FailureReason::SubmissionRejected);
  }
  SECTION("a driver of this attempt is there: it is complete once its config map is") {
    world.fake.script.makes_config_map = false;
    const auto made = world.create_driver();
    REQUIRE(made);
    CHECK(world.complete(*made).state == Completion::State::NotYet);
    FakeSparkSubmit::make_config_map(world.api, pod_path("pi-driver"));
    CHECK(world.complete(*made).state == Completion::State::Done);
  }
  SECTION("one that was taken back is waited for") {
    world.fake.script.takes_pod_back = true;
    world.fake.script.makes_config_map = false;
    world.api.server.tasks.spawn("end", [](World* w) -> kube::Task<> {
      co_await kube::sleep(w->api.server.loop, 45s);
      w->api.erase(pod_path("pi-driver"));
    }(&world));
    const auto made = world.create_driver();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind() == ErrorKind::InvalidInput);
    CHECK_FALSE(world.api.has(pod_path("pi-driver")));
  }
}

TEST_CASE("a driver whose config map does not come is given up after the request's time and the lease",
          "[rest]") {
  World world;
  world.fake.script.makes_config_map = false;
  const PodView driver = world.create_driver().value();
  world.start = world.submitter->resume(world.app, world.attempt, driver).value();
  world.api.server.loop.run_for(*driver.created + 134s - world.api.server.loop.now());
  CHECK(world.complete(driver).state == Completion::State::NotYet);
  world.api.server.loop.run_for(1s);
  CHECK(world.complete(driver).state == Completion::State::Never);
}

TEST_CASE("no clear answer is no failure", "[rest]") {
  World world;
  world.fake.script.makes_pod = false;
  world.fake.script.loses_answer = true;
  world.fake.script.status = 502;
  world.fake.script.body = "bad gateway";
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().is_ambiguous());
  CHECK(made.error().kind() == ErrorKind::Unavailable);
  CHECK(world.fake.asked.size() == 3);
  for (const Json& asked : world.fake.asked) CHECK(asked["submission_id"] == world.attempt.submission_id);
}

TEST_CASE("with the gate an application lives from New to COMPLETED through the service", "[rest]") {
  Operator one;
  one.apply();
  one.pass(6s);
  CHECK(one.api.has(pod_path("pi-driver")));
  CHECK(one.state() == "");  // not before all is there
  one.pass(5s);
  CHECK(one.state() == "SUBMITTED");
  CHECK(one.has_event(
      "SparkSubmissionRequested: the submission service starts the driver: the feature gate RestSubmitter"));
  one.api.change(pod_path("pi-driver"), [](Json& pod) { pod["status"] = {{"phase", "Succeeded"}}; });
  one.pass(2s);
  CHECK(one.state() == "COMPLETED");
  CHECK(one.fake.asked.size() == 1);
  CHECK(one.process.started.empty());
}

TEST_CASE("what the service refuses is SUBMISSION_FAILED with its words", "[rest]") {
  Operator one;
  one.fake.script.makes_pod = false;
  one.fake.script.status = 422;
  one.fake.script.body = refusal_body("INVALID_POD_TEMPLATE", "two containers of one name");
  one.apply();
  one.pass(20s);
  CHECK(one.status().submission_attempts == 1);
  CHECK_THAT(one.status().application_state.error_message,
             Catch::Contains("two containers of one name") && Catch::Contains("ns/pi"));
}

TEST_CASE("lost answers lead to one driver, under one id", "[rest]") {
  Operator one;
  one.fake.script.loses_answer = true;
  one.apply();
  one.pass(30s);
  CHECK(one.state() == "SUBMITTED");
  CHECK(one.status().execution_attempts == 1);
  CHECK(one.api.paths("pods").size() == 1);
  CHECK(one.status().submission_id == one.driver_id());
}

TEST_CASE("after a crash the service goes on, and its driver is adopted", "[rest]") {
  Operator one;
  one.fake.script.takes = 20s;
  one.apply();
  SECTION("the driver is not there yet: the same id is asked for again") {
    one.pass(1s);
    REQUIRE_FALSE(one.api.has(pod_path("pi-driver")));
  }
  SECTION("it is there, and half-way") {
    one.pass(7s);
    REQUIRE(one.api.has(pod_path("pi-driver")));
  }
  one.crash();
  one.start();
  one.pass(40s);
  CHECK(one.state() == "SUBMITTED");
  CHECK(one.status().execution_attempts == 1);
  CHECK(one.api.paths("pods").size() == 1);
  std::set<std::string> ids;
  for (const Json& asked : one.fake.asked) ids.insert(asked["submission_id"]);
  CHECK(ids.size() == 1);
}

TEST_CASE("a driver that comes although nobody wants it any more is removed", "[rest]") {
  Operator one;
  one.fake.script.takes = 20s;
  one.apply();
  one.pass(2s);
  REQUIRE(one.fake.asked.size() == 1);
  REQUIRE_FALSE(one.api.has(pod_path("pi-driver")));
  SECTION("suspended meanwhile") {
    one.api.change(app_path("pi"), [](Json& app) { app["spec"]["suspend"] = true; });
    one.pass(1min);
    CHECK(one.state() == "SUSPENDED");
    CHECK_FALSE(one.api.has(pod_path("pi-driver")));
    CHECK(one.fake.asked.size() == 1);
  }
  SECTION("edited meanwhile: the next id's driver follows it") {
    one.api.change(app_path("pi"), [](Json& app) { app["spec"]["arguments"] = {"7"}; });
    one.pass(3min);
    CHECK(one.state() == "SUBMITTED");
    CHECK(one.fake.asked.back()["spark_submit_args"].back() == "7");
    CHECK(one.api.paths("pods").size() == 1);
    CHECK(one.fake.asked.back()["submission_id"] == one.driver_id());
    CHECK(one.status().submission_id == one.driver_id());
    CHECK(one.status().execution_attempts == 1);
  }
}

TEST_CASE("the gate's default gives way to an annotation; without the gate there is no service", "[rest]") {
  Operator one;
  SECTION("natively, by annotation") {
    Json application = application_json();
    application["metadata"]["annotations"] = {{"sparkoperator.k8s.io/submitter", "native"}};
    one.api.put(app_path("pi"), std::move(application));
    one.pass(2s);
    CHECK(one.state() == "SUBMITTED");
    CHECK(one.fake.asked.empty());
  }
  SECTION("no gate") {
    SubmitterChoice without(SubmitterMode::Auto, one.native, one.spark_submit);
    Json application = application_json();
    application["metadata"]["annotations"] = {{"sparkoperator.k8s.io/submitter", "rest"}};
    const auto app = kube::decode<api::SparkApplication>(application).value();
    const spark::Attempt attempt{"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", one.api.server.loop.now()};
    CHECK(without.begin(app, attempt).error().message() ==
          "annotation sparkoperator.k8s.io/submitter: rest needs the operator's feature gate RestSubmitter");
    PodView driver;
    driver.key = {"ns", "pi-driver"};
    driver.submitted_by = "rest";
    CHECK(without.resume(app, attempt, driver).value()->submitter() == "spark-submit");
    CHECK(one.choice.resume(app, attempt, driver).value()->submitter() == "rest");
  }
}

#include "controller/submit/native_submitter.h"

#include <catch2/catch.hpp>

#include "controller/application/fake_api.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  NativeSubmitter submitter{*client, [] {
                              spark::SubmitOptions options;
                              options.master_url = "k8s://https://kubernetes.default.svc:443";
                              return options;
                            }()};
  api::SparkApplication app;
  spark::Attempt attempt{"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", api.server.loop.now()};

  World() { app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), application_json())).value(); }
  kube::Result<PodView> create_driver(std::optional<kube::Duration> permit = 10s) {
    auto start = submitter.begin(app, attempt);
    if (!start) return kube::fail(std::move(start));
    return api.server.run((*start)->create_driver([permit] { return permit; }));
  }
  // As somebody who has not made the driver, for instance after a crash.
  kube::Result<> complete(const PodView& driver) {
    const auto start = submitter.resume(app, attempt, driver).value();
    auto completed = api.server.run(start->complete(driver));
    if (!completed) return kube::fail(std::move(completed));
    CHECK(completed->state == Completion::State::Done);
    return {};
  }
  std::vector<std::string> children() const {
    std::vector<std::string> paths = api.paths("configmaps");
    for (std::string& path : api.paths("services")) paths.push_back(std::move(path));
    return paths;
  }
  std::string owner_uid(const std::string& path) const {
    return api.at(path)["metadata"]["ownerReferences"][0]["uid"];
  }
  // The driver's name goes to another pod.
  PodView replace_driver() {
    api.erase(pod_path("pi-driver"));
    return create_driver().value();
  }
};

}  // namespace

TEST_CASE("without a permit nothing is sent", "[native]") {
  World world;
  const auto made = world.create_driver(std::nullopt);
  REQUIRE_FALSE(made);
  CHECK(made.error().kind() == kube::ErrorKind::ShuttingDown);
  CHECK(world.api.asked.empty());
}

TEST_CASE("the driver belongs to its application, and its children to the driver, by UID", "[native]") {
  World world;
  const auto driver = world.create_driver();
  REQUIRE(driver);
  CHECK(driver->belongs_to(world.app.metadata.uid));
  CHECK(driver->submission_id == world.attempt.submission_id);
  CHECK(world.children().empty());
  REQUIRE(world.complete(*driver));
  REQUIRE(world.children().size() >= 2);
  for (const std::string& path : world.children()) {
    INFO(path);
    const Json& owner = world.api.at(path)["metadata"]["ownerReferences"][0];
    CHECK(owner["kind"] == "Pod");
    CHECK(owner["name"] == "pi-driver");
    CHECK(owner["uid"] == driver->uid);
    CHECK(owner["controller"] == true);
  }
}

TEST_CASE("completing a driver twice finds the first children", "[native]") {
  World world;
  const PodView driver = world.create_driver().value();
  REQUIRE(world.complete(driver));
  const std::size_t children = world.children().size();
  REQUIRE(world.complete(driver));
  CHECK(world.children().size() == children);
  CHECK(world.api.count("DELETE configmaps") + world.api.count("DELETE services") == 0);
}

TEST_CASE("a refusal that comes before the name is looked at does not hide a child that is there",
          "[native]") {
  World world;
  const PodView driver = world.create_driver().value();
  REQUIRE(world.complete(driver));
  world.api.before = [](const std::string& request) {
    return request == "POST configmaps" ? FakeFault{403, "Forbidden"} : FakeFault{};
  };
  CHECK(world.complete(driver));
  world.api.erase(world.api.paths("configmaps").front());
  const auto completed = world.complete(driver);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().kind() == kube::ErrorKind::Forbidden);
}

TEST_CASE("a refused look at a child is no refusal of the submission", "[native]") {
  World world;
  const PodView driver = world.create_driver().value();
  REQUIRE(world.complete(driver));
  world.api.before = [](const std::string& request) {
    return request == "GET configmaps" ? FakeFault{403, "Forbidden"} : FakeFault{};
  };
  const auto completed = world.complete(driver);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().is_ambiguous());
}

TEST_CASE("a child that may be neither created nor looked at is refused for good", "[native]") {
  World world;
  const PodView driver = world.create_driver().value();
  world.api.before = [](const std::string& request) {
    return request == "POST configmaps" || request == "GET configmaps" ? FakeFault{403, "Forbidden"}
                                                                       : FakeFault{};
  };
  const auto completed = world.complete(driver);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().kind() == kube::ErrorKind::Forbidden);
  CHECK_FALSE(completed.error().is_ambiguous());
  CHECK(completed.error().message().find("create ConfigMap ns/") != std::string::npos);
}

TEST_CASE("children of a driver that has gone are made anew", "[native]") {
  World world;
  const PodView first = world.create_driver().value();
  REQUIRE(world.complete(first));
  const PodView second = world.replace_driver();
  REQUIRE(world.complete(second));
  for (const std::string& path : world.children()) CHECK(world.owner_uid(path) == second.uid);
}

TEST_CASE("children whose driver still exists are left alone", "[native]") {
  World world;
  const PodView first = world.create_driver().value();
  REQUIRE(world.complete(first));
  PodView late = first;
  late.uid = "a driver of long ago";
  const auto completed = world.complete(late);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().is_conflict());
  for (const std::string& path : world.children()) CHECK(world.owner_uid(path) == first.uid);
}

TEST_CASE("what nobody owns is in the way and stays", "[native]") {
  World world;
  const PodView driver = world.create_driver().value();
  REQUIRE(world.complete(driver));
  const std::string path = world.api.paths("configmaps").at(0);
  world.api.change(path, [](Json& map) { map["metadata"].erase("ownerReferences"); });
  const auto completed = world.complete(driver);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().is_conflict());
  CHECK(world.api.has(path));
}

TEST_CASE("a child is deleted by UID: one made meanwhile under its name is spared", "[native]") {
  World world;
  const PodView first = world.create_driver().value();
  REQUIRE(world.complete(first));
  const PodView second = world.replace_driver();
  const std::string path = world.api.paths("configmaps").at(0);
  bool swapped = false;
  world.api.before = [&](const std::string& asked) {
    if (asked == "DELETE configmaps" && !swapped) {
      swapped = true;
      Json other = world.api.at(path);
      other["metadata"].erase("uid");
      world.api.erase(path);
      world.api.put(path, std::move(other));
    }
    return FakeFault{};
  };
  const auto completed = world.complete(second);
  REQUIRE_FALSE(completed);
  CHECK(completed.error().is_conflict());
  CHECK(world.api.has(path));
}

TEST_CASE("what was built for the driver serves for its children too", "[native]") {
  World world;
  const auto start = world.submitter.begin(world.app, world.attempt).value();
  const auto driver =
      world.api.server.run(start->create_driver([] { return std::optional<kube::Duration>(10s); }));
  REQUIRE(driver);
  REQUIRE(world.api.server.run(start->complete(*driver)));
  const std::vector<std::string> children = world.children();
  REQUIRE(children.size() >= 2);
  const std::size_t asked = world.api.asked.size();
  REQUIRE(world.api.server.run(start->complete(*driver)));
  CHECK(world.children() == children);
  CHECK(world.api.asked.size() > asked);
}

TEST_CASE("fault 26: fields that ask for nothing that could be done are told, and hold up nothing",
          "[native]") {
  World world;
  world.app.spec.failure_retries = 3;
  world.app.spec.retry_interval = 5;
  world.app.spec.monitoring.emplace();
  world.app.spec.batch_scheduler_options.emplace();
  const auto notes = world.submitter.begin(world.app, world.attempt).value()->remarks();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].reason == "SparkApplicationFieldsIgnored");
  CHECK(notes[0].warning);
  for (const char* field : {"failureRetries", "retryInterval", "monitoring", "batchSchedulerOptions"})
    CHECK(notes[0].message.find(field) != std::string::npos);
}

TEST_CASE("a pod group is there before the driver, and goes with it", "[native]") {
  World world;
  world.api.change(app_path("pi"), [](Json& app) {
    app["spec"]["sparkConf"] = {{"spark.kubernetes.driver.pod.featureSteps",
                                 "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep"}};
  });
  world.app = kube::decode<api::SparkApplication>(world.api.at(app_path("pi"))).value();
  const auto driver = world.create_driver();
  REQUIRE(driver);
  REQUIRE(world.api.paths("podgroups").size() == 1);
  CHECK(world.owner_uid(world.api.paths("podgroups").at(0)) == world.app.metadata.uid);
  REQUIRE(world.complete(*driver));
  CHECK(world.owner_uid(world.api.paths("podgroups").at(0)) == driver->uid);
}

TEST_CASE("what only a JVM can do is refused with the reasons", "[native]") {
  World world;
  world.app.spec.deps.jars = {"file:///opt/a.jar"};
  const auto start = world.submitter.begin(world.app, world.attempt);
  REQUIRE_FALSE(start);
  CHECK(start.error().kind() == kube::ErrorKind::InvalidInput);
  CHECK(start.error().message().find("spark.jars") != std::string::npos);
}

TEST_CASE("what reaches executors only through a webhook is said, unless one runs", "[native]") {
  World world;
  world.app.spec.executor.memory_limit = "1Gi";
  const auto notes = world.submitter.begin(world.app, world.attempt).value()->remarks();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] == Note{true, "SparkPodWebhookNeeded",
                         "only a pod webhook can give executors what these say: executor.memoryLimit"});
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  options.webhook_runs = true;
  NativeSubmitter with_webhook(*world.client, options);
  CHECK(with_webhook.begin(world.app, world.attempt).value()->remarks().empty());
}

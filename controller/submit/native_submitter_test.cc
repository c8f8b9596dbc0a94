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
  kube::Result<PodView> create_driver() {
    return api.server.run(
        submitter.create_driver(app, attempt, []() -> std::optional<kube::Duration> { return 10s; }));
  }
  kube::Result<> complete(const PodView& driver) {
    return api.server.run(submitter.complete(app, attempt, driver));
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
  const auto made = world.api.server.run(world.submitter.create_driver(
      world.app, world.attempt, []() -> std::optional<kube::Duration> { return std::nullopt; }));
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

#include "controller/metrics/application_metrics.h"

#include <catch2/catch.hpp>

#include "controller/application/application_controller.h"
#include "controller/application/fake_api.h"
#include "controller/application/running_manager.h"
#include "controller/submit/native_submitter.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

// An operator that counts, in front of an API server without kubelet: the test moves the pods. Each start is
// a process of its own, with counters that begin at zero.
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  NativeSubmitter submitter{*client, [] {
                              spark::SubmitOptions options;
                              options.master_url = "k8s://https://kubernetes.default.svc:443";
                              return options;
                            }()};
  std::unique_ptr<kube::MetricsRegistry> metrics;
  RunningManager running{api};

  explicit World(ApplicationMetricsOptions counted = {}) { start(std::move(counted)); }

  void start(ApplicationMetricsOptions counted = {}) {
    metrics = std::make_unique<kube::MetricsRegistry>();
    running.start(*client, {.metrics = metrics.get()}, [&](kube::Manager& manager) {
      ApplicationControllerOptions controller;
      controller.metrics = std::move(counted);
      ApplicationController::add_to(manager, submitter, std::move(controller));
    });
  }
  void restart() {
    running.stop();
    start();
  }

  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void apply(Json application = application_json()) {
    api.put(app_path("pi"), std::move(application));
    pass(1s);
  }
  void phase(const std::string& phase, const std::string& pod = "pi-driver") {
    api.change(pod_path(pod), [&](Json& object) { object["status"] = {{"phase", phase}}; });
    pass(1s);
  }
  void executor(const std::string& name, const std::string& phase) {
    if (api.has(pod_path(name))) return this->phase(phase, name);
    api.put(pod_path(name), {{"metadata",
                              {{"name", name},
                               {"namespace", "ns"},
                               {"labels",
                                {{"sparkoperator.k8s.io/launched-by-spark-operator", "true"},
                                 {"sparkoperator.k8s.io/app-name", "pi"},
                                 {"spark-role", "executor"},
                                 {"team", "blue"},
                                 {"spark-exec-id", "1"}}}}},
                             {"status", {{"phase", phase}}}});
    pass(1s);
  }
  std::string state() const { return api.at(app_path("pi"))["status"]["applicationState"]["state"]; }

  // The value of a series as /metrics prints it; "" = it is not there.
  std::string value(const std::string& series) const {
    const std::string text = "\n" + metrics->text();
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + series.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
};

Json failing_twice() {
  Json application = application_json();
  application["spec"]["restartPolicy"] = {
      {"type", "OnFailure"}, {"onFailureRetries", 1}, {"onFailureRetryInterval", 10}};
  return application;
}

}  // namespace

TEST_CASE("the life of an application is counted once, step by step", "[metrics]") {
  World world;
  CHECK(world.value("spark_application_count") == "0");
  world.api.before = [&](const std::string& request) {
    return request == "POST pods" ? FakeFault{.hang = true} : FakeFault{};
  };
  world.apply();
  CHECK(world.value("spark_application_state_count{state=\"NEW\"}") == "1");
  world.api.before = {};
  world.pass(1min);
  REQUIRE(world.state() == "SUBMITTED");
  CHECK(world.value("spark_application_count") == "1");
  CHECK(world.value("spark_application_submit_count") == "1");
  CHECK(world.value("spark_application_submit_latency_seconds_count") == "1");
  CHECK(world.value("spark_application_submit_latency_seconds_histogram_count") == "1");
  CHECK(world.value("spark_application_submit_latency_seconds_histogram_bucket{le=\"0.5\"}") == "0");
  CHECK(world.value("spark_application_submit_latency_seconds_histogram_bucket{le=\"64\"}") == "1");
  CHECK(world.value("spark_application_running_count") == "0");

  world.phase("Running");
  CHECK(world.value("spark_application_running_count") == "1");
  CHECK(world.value("spark_application_start_latency_seconds_count") == "1");
  CHECK(world.value("spark_application_start_latency_seconds_histogram_bucket{le=\"300\"}") == "1");
  world.pass(100s);
  world.phase("Succeeded");
  REQUIRE(world.state() == "COMPLETED");
  CHECK(world.value("spark_application_running_count") == "0");
  CHECK(world.value("spark_application_success_count") == "1");
  CHECK(world.value("spark_application_failure_count") == "0");
  CHECK(world.value("spark_application_success_execution_time_seconds_count") == "1");
  CHECK(std::stod(world.value("spark_application_success_execution_time_seconds_sum")) >= 100);
  CHECK(world.value("spark_application_failure_execution_time_seconds_count").empty());
  CHECK(world.value("spark_application_state_count{state=\"COMPLETED\"}") == "1");
  CHECK(world.value("spark_application_state_count{state=\"NEW\"}") == "0");
}

TEST_CASE("what happened before the start is not counted again, gauges are right at once", "[metrics]") {
  World world;
  world.apply();
  world.phase("Running");
  world.executor("pi-exec-1", "Running");
  world.executor("pi-exec-2", "Succeeded");
  world.restart();
  CHECK(world.value("spark_application_count") == "0");
  CHECK(world.value("spark_application_submit_count") == "0");
  CHECK(world.value("spark_application_running_count") == "1");
  CHECK(world.value("spark_executor_running_count") == "1");
  CHECK(world.value("spark_executor_success_count").empty());
  world.phase("Succeeded");
  CHECK(world.value("spark_application_success_count") == "1");
  world.restart();
  CHECK(world.value("spark_application_success_count") == "0");
  CHECK(world.value("spark_application_state_count{state=\"COMPLETED\"}") == "1");
}

TEST_CASE("latencies are those of an application's first start", "[metrics]") {
  World world;
  world.apply(failing_twice());
  world.phase("Running");
  world.phase("Failed");
  world.pass(20s);
  REQUIRE(world.state() == "SUBMITTED");
  CHECK(world.value("spark_application_submit_count") == "2");
  CHECK(world.value("spark_application_submit_latency_seconds_count") == "1");
  world.phase("Running");
  CHECK(world.value("spark_application_start_latency_seconds_count") == "1");
  world.phase("Failed");
  world.pass(20s);
  REQUIRE(world.state() == "FAILED");
  CHECK(world.value("spark_application_failure_count") == "1");
  CHECK(world.value("spark_application_count") == "1");
  // Somebody edits it later: that is no latency of so long.
  world.pass(10min);
  world.api.change(app_path("pi"), [](Json& app) { app["spec"]["image"] = "spark:3.5.8-python3"; });
  world.pass(20s);
  world.phase("Running");
  REQUIRE(world.state() == "RUNNING");
  CHECK(world.value("spark_application_submit_count") == "3");
  CHECK(world.value("spark_application_submit_latency_seconds_count") == "1");
  CHECK(world.value("spark_application_start_latency_seconds_count") == "1");
}

TEST_CASE("each failed submission counts", "[metrics]") {
  World world;
  world.api.before = [&](const std::string& request) {
    return request == "POST pods" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"} : FakeFault{};
  };
  Json application = application_json();
  application["spec"]["restartPolicy"] = {{"type", "OnFailure"},
                                          {"onSubmissionFailureRetries", 2},
                                          {"onSubmissionFailureRetryInterval", 1},
                                          {"onFailureRetries", 1},
                                          {"onFailureRetryInterval", 10}};
  world.apply(application);
  world.pass(5min);
  REQUIRE(world.state() == "FAILED");
  CHECK(world.value("spark_application_failed_submission_count") == "3");
  CHECK(world.value("spark_application_count") == "1");
  CHECK(world.value("spark_application_failure_count") == "1");
  CHECK(world.value("spark_application_submit_count") == "0");
}

TEST_CASE("a status whose write was not answered counts once, when it is seen", "[metrics]") {
  const bool done = GENERATE(true, false);
  INFO(done);
  World world;
  bool lost = false;
  world.api.before = [&](const std::string& request) {
    if (request != "PATCH sparkapplications/status" || std::exchange(lost, true)) return FakeFault{};
    return done ? FakeFault{.lose_answer = true} : FakeFault{.refuse_with = 504, .reason = "Timeout"};
  };
  world.apply();
  world.pass(1min);
  REQUIRE(lost);
  REQUIRE(world.state() == "SUBMITTED");
  CHECK(world.value("spark_application_count") == "1");
  CHECK(world.value("spark_application_submit_count") == "1");
  world.phase("Running");
  CHECK(world.value("spark_application_submit_count") == "1");
  CHECK(world.value("spark_application_start_latency_seconds_count") == "1");
}

TEST_CASE("executors count under their pods' labels, and when they end before our eyes", "[metrics]") {
  World world({.labels = {"team"}});
  Json application = application_json();
  application["metadata"]["labels"] = {{"team", "red"}};
  world.apply(application);
  CHECK(world.value("spark_application_count{team=\"red\"}") == "1");
  world.executor("pi-exec-1", "Pending");
  CHECK(world.value("spark_executor_running_count{team=\"blue\"}") == "0");
  world.executor("pi-exec-1", "Running");
  world.executor("pi-exec-2", "Running");
  CHECK(world.value("spark_executor_running_count{team=\"blue\"}") == "2");
  world.executor("pi-exec-1", "Succeeded");
  world.executor("pi-exec-2", "Failed");
  world.executor("pi-exec-3", "Failed");  // had ended when we saw it first
  CHECK(world.value("spark_executor_running_count{team=\"blue\"}") == "0");
  CHECK(world.value("spark_executor_success_count{team=\"blue\"}") == "1");
  CHECK(world.value("spark_executor_failure_count{team=\"blue\"}") == "1");
  // Its last state comes with its deletion.
  world.executor("pi-exec-4", "Running");
  world.api.watches_are_silent = true;
  world.api.change(pod_path("pi-exec-4"), [](Json& pod) { pod["status"]["phase"] = "Succeeded"; });
  world.api.erase(pod_path("pi-exec-4"));
  world.api.watches_are_silent = false;
  world.executor("pi-exec-5", "Pending");
  CHECK(world.value("spark_executor_success_count{team=\"blue\"}") == "2");
  CHECK(world.value("spark_application_count{team=\"red\"}") == "1");
}

TEST_CASE("prefix and buckets are the user's", "[metrics]") {
  World world({.prefix = "my-pfx-", .start_latency_buckets = {7}});
  world.apply();
  world.phase("Running");
  CHECK(world.value("my_pfx_spark_application_count") == "1");
  CHECK(world.value("spark_application_count").empty());
  const std::string buckets = "my_pfx_spark_application_start_latency_seconds_histogram_bucket";
  CHECK(world.value(buckets + "{le=\"7\"}") == "1");
  CHECK(world.value(buckets + "{le=\"300\"}").empty());
}

TEST_CASE("series of users' labels are bounded", "[metrics]") {
  World world({.labels = {"user"}, .most_label_sets = 3});
  for (int i = 0; i < 10; ++i) {
    Json application = application_json();
    application["metadata"]["name"] = "pi-" + std::to_string(i);
    application["metadata"]["labels"] = {{"user", "u" + std::to_string(i)}};
    world.api.put(app_path("pi-" + std::to_string(i)), application);
  }
  world.pass(10s);
  CHECK(world.value("spark_application_submit_count{user=\"u0\"}") == "1");
  CHECK(world.value("spark_application_submit_count{user=\"exceeded_cardinality_limit\"}") == "7");
  CHECK(world.value("spark_application_submit_count{user=\"u9\"}").empty());
}

TEST_CASE("a standby counts nothing, so that sums over replicas are right", "[metrics]") {
  struct Standby final : kube::Leadership {
    std::uint64_t term() const override { return leading ? 1 : 0; }
    bool valid_for(kube::Duration) const override { return leading; }
    bool leading = false;
  } leadership;
  kube::SimLoop loop;
  kube::MetricsRegistry registry;
  kube::Store<ApplicationView> apps;
  kube::Store<PodView> pods;
  ApplicationMetrics metrics(registry, loop, {});
  metrics.follow(apps, pods, leadership);
  ApplicationView running;
  running.state = api::State::Running;
  apps.put({"ns", "pi"}, std::make_shared<const ApplicationView>(running), "uid", "1");
  auto before = std::make_shared<PodView>();
  before->role = "executor";
  auto after = std::make_shared<PodView>(*before);
  after->phase = PodPhase::Failed;
  const kube::Change<PodView> ended{kube::ChangeType::Updated, {"ns", "e"}, before, after, false};
  metrics.executor_changed(ended);
  CHECK(registry.text().empty());
  leadership.leading = true;
  metrics.executor_changed(ended);
  CHECK(registry.text().find("\nspark_application_running_count 1\n") != std::string::npos);
  CHECK(registry.text().find("\nspark_executor_failure_count 1\n") != std::string::npos);
}

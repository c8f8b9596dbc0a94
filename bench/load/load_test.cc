// The load programs in a simulated world: what they count is what the API server saw.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "api/crd.h"
#include "bench/load/applications.h"
#include "bench/load/reviews.h"
#include "controller/application/application_controller.h"
#include "controller/submit/native_submitter.h"
#include "kube/apiserver/test_cluster.h"
#include "kube/async/timer.h"
#include "kube/core/yaml.h"
#include "kube/http/server.h"

using namespace std::chrono_literals;
using kube::Json;
using kube::Task;
using kube::apiserver::TestCluster;

namespace {

Json application() {
  std::ifstream in(std::string(SOURCE_DIR) + "/bench/application.yaml");
  std::stringstream text;
  text << in.rdbuf();
  return kube::parse_yaml_document(text.str(), "application.yaml").value();
}

struct World {
  TestCluster cluster{[] {
    auto options = TestCluster::plain();
    options.static_tokens = {{"secret", {"bench", "", {"system:masters"}, {}}}};
    return options;
  }()};
  kube::TaskGroup tasks{cluster.loop};
  std::unique_ptr<kube::Client> client;
  std::vector<std::string> writes;  // "POST pods"

  World() {
    cluster.post(kube::apiserver::kCrdsPath, api::crd(api::Kind::SparkApplication));
    tasks.spawn("server", cluster.server.run());
    client = connect("load");
    cluster.server.on_commit([this](const kube::apiserver::Commit& commit) {
      if (!commit.request.verb.empty()) writes.push_back(commit.request.verb + " " + commit.table);
    });
    REQUIRE(run(bench::prepare_namespaces(*client, {"a", "b"})));
    writes.clear();
  }
  ~World() {
    tasks.cancel();
    cluster.loop.run(tasks.join());
  }

  std::unique_ptr<kube::Client> connect(std::string name) {
    kube::ClientConfig config;
    config.server = "http://api:8080";
    config.token = "secret";
    return std::move(kube::Client::create(cluster.loop, cluster.network.host(name), config, {}).value());
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    auto body = [](Task<T> inner, std::optional<T>* out) -> Task<> {
      out->emplace(co_await std::move(inner));
    };
    cluster.loop.run(body(std::move(task), &value));
    return std::move(*value);
  }
  bench::LoadPlan plan(int count) {
    bench::LoadPlan plan;
    plan.application = application();
    plan.namespaces = {"a", "b"};
    plan.count = count;
    plan.connections = 3;
    plan.patience = 60s;
    return plan;
  }
};

}  // namespace

TEST_CASE("raw writes are nine for each application, and all are seen") {
  World world;
  auto report = world.run(bench::write_applications(*world.client, world.plan(5)));
  REQUIRE(report);
  INFO(report->first_failure);
  CHECK(report->failures == 0);
  CHECK(report->writes == 5 * bench::kRawWrites);
  CHECK(world.writes.size() == 5 * bench::kRawWrites);
  CHECK(report->pods_seen == 5);
  CHECK(report->submitted_seen == 5);
  CHECK(report->create.count == 5);
  CHECK(report->all_submitted >= report->all_pods);
}

TEST_CASE("what the raw writes write is what the operator would have written") {
  World world;
  REQUIRE(world.run(bench::write_applications(*world.client, world.plan(1))));
  const Json app =
      world.cluster.get("/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/sparkapplications/load-000000")
          .json();
  const Json pod = world.cluster.get("/api/v1/namespaces/a/pods/load-000000-driver").json();
  CHECK(kube::string_at(app, {"status", "applicationState", "state"}) == "SUBMITTED");
  REQUIRE(pod.contains("metadata"));
  CHECK(pod["metadata"]["ownerReferences"][0]["uid"] == app["metadata"]["uid"]);
  const auto owned = [&](const std::string& kind, const Json& owner) {
    int count = 0;
    for (const Json& object : world.cluster.get("/api/v1/namespaces/a/" + kind).json()["items"]) {
      const Json* owners = kube::find_path(object, {"metadata", "ownerReferences"});
      if (owners != nullptr && owners->at(0)["uid"] == owner["metadata"]["uid"]) ++count;
    }
    return count;
  };
  CHECK(owned("services", pod) == 1);
  CHECK(owned("services", app) == 1);
  CHECK(owned("configmaps", pod) == 2);
  const Json events = world.cluster.get("/api/v1/namespaces/a/events").json();
  REQUIRE(events["items"].size() == 2);
  for (const Json& event : events["items"]) CHECK(event["involvedObject"]["uid"] == app["metadata"]["uid"]);
}

TEST_CASE("created applications are measured up to what the operator does about them") {
  World world;
  auto client = world.connect("operator");
  spark::SubmitOptions submit;
  submit.master_url = "k8s://https://kubernetes.default.svc:443";
  controller::NativeSubmitter submitter(*client, std::move(submit));
  kube::Manager manager(*client, {.component = "operator"});
  // As the flags have it by default.
  controller::ApplicationControllerOptions options;
  options.children.ui_service = true;
  controller::ApplicationController::add_to(manager, submitter, options);
  kube::TaskGroup running(world.cluster.loop);
  auto run = [](kube::Manager* one) -> Task<> { (void)co_await one->run(); };
  running.spawn("operator", run(&manager));

  auto plan = world.plan(4);
  plan.per_minute = 60;
  auto report = world.run(bench::create_applications(*world.client, plan));
  REQUIRE(report);
  INFO(report->first_failure);
  CHECK(report->failures == 0);
  CHECK(report->writes == 4);
  CHECK(report->pod.count == 4);
  CHECK(report->submitted.count == 4);
  // One a second, the first at once.
  CHECK(report->creating >= 3s);
  CHECK(report->submitted.p50 >= report->pod.p50);
  // What the raw writes hold against it is what it writes: the client's creation and its own eight.
  world.cluster.loop.run_for(10s);
  INFO(kube::dump_json(world.writes));
  CHECK(world.writes.size() == 4 * bench::kRawWrites);
  manager.stop();
  world.cluster.loop.run(running.join());
}

TEST_CASE("without an operator the load ends with its patience, and says what it saw") {
  World world;
  auto report = world.run(bench::create_applications(*world.client, world.plan(2)));
  REQUIRE(report);
  CHECK(report->writes == 2);
  CHECK(report->pods_seen == 0);
  CHECK(report->submitted.count == 0);
}

TEST_CASE("reviews at a rate are due by the clock, and a slow answer is charged to those behind it") {
  kube::SimLoop loop(1);
  kube::SimNetwork network(loop);
  kube::TaskGroup tasks(loop);
  int answered = 0;
  kube::HttpServer server(loop, {}, [&](kube::HttpExchange& exchange) -> Task<> {
    CHECK(exchange.request().target == "/mutate");
    CHECK(exchange.request().body.find("\"bench-driver\"") != std::string::npos);
    // One stall of two seconds on the only connection.
    if (++answered == 6) co_await kube::sleep(loop, 2s);
    (void)co_await exchange.respond({.body = R"({"response":{"allowed":true,"patch":"W10="}})"});
  });
  tasks.spawn("server", server.serve(std::move(network.host("webhook").listen({"", 9443}).value())));

  bench::ReviewPlan plan;
  plan.server = {"webhook", 9443};
  plan.path = "/mutate";
  plan.reviews = {bench::driver_pod_review(application()).value()};
  plan.per_second = 10;
  plan.connections = 1;
  plan.lasts = 5s;
  std::optional<kube::Result<bench::ReviewReport>> report;
  auto send = [](kube::Loop* on, kube::Network* net, bench::ReviewPlan what,
                 std::optional<kube::Result<bench::ReviewReport>>* out) -> Task<> {
    out->emplace(co_await bench::send_reviews(*on, *net, std::move(what)));
  };
  loop.run(send(&loop, &network.host("load"), plan, &report));
  REQUIRE(report);
  REQUIRE(*report);
  INFO((*report)->first_failure);
  CHECK((*report)->sent == 50);
  CHECK((*report)->allowed == 50);
  CHECK((*report)->patched == 50);
  CHECK((*report)->failures == 0);
  // Twenty reviews fell due during the stall and waited for its end: two seconds down to nothing.
  CHECK((*report)->latency.max >= 2000);
  CHECK((*report)->latency.p90 >= 1000);
  CHECK((*report)->latency.p50 < 1000);
  tasks.cancel();
  loop.run(tasks.join());
}

TEST_CASE("quantiles are of the nearest rank") {
  std::vector<kube::Duration> hundred;
  for (int i = 100; i > 0; --i) hundred.push_back(std::chrono::milliseconds(i));
  const bench::Quantiles q = bench::quantiles(hundred);
  CHECK(q.count == 100);
  CHECK(q.p50 == 50);
  CHECK(q.p90 == 90);
  CHECK(q.p99 == 99);
  CHECK(q.max == 100);
  CHECK(bench::quantiles({}).max == 0);
  CHECK(bench::quantiles({5ms}).p50 == 5);
}

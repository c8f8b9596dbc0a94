#include "cmd/controller_process.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <optional>

#include "cmd/reference.h"
#include "controller/application/fake_api.h"
#include "kube/http/client.h"

using namespace cmd;
using namespace std::chrono_literals;
using controller::app_path;
using controller::application_json;
using controller::pod_path;
using kube::Json;
using kube::Task;

namespace {

// A controller as it is run, in front of an API server without kubelet, in one process.
struct World {
  explicit World(std::vector<std::string> arguments) {
    arguments.emplace_back("--submitter=native");
    auto flags = parse_controller_flags(std::move(arguments));
    REQUIRE(flags);
    auto made = ControllerProcess::create(api.server.loop, api.server.net.host("operator"), *flags,
                                          {.server = "http://server"}, {});
    if (!made) throw std::runtime_error(made.error().message());
    process = std::move(*made);
    const auto run = [](ControllerProcess* process) -> Task<> { (void)co_await process->run(); };
    tasks.spawn("controller", run(process.get()));
    pass(2s);
  }
  ~World() {
    if (process) process->stop();
    api.server.loop.run(tasks.join());
  }
  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }

  kube::HttpResponse get(std::uint16_t port, const std::string& target,
                         std::shared_ptr<kube::TlsClientContext> tls = nullptr) {
    kube::HttpResponse response{.status = 0, .headers = {}, .body = ""};
    const auto ask = [](World& world, std::uint16_t at, std::string what,
                        std::shared_ptr<kube::TlsClientContext> context, kube::HttpResponse& out) -> Task<> {
      kube::HttpClient client(world.api.server.loop, world.api.server.net.host("prometheus"),
                              {.origin = {"operator", at}, .tls = std::move(context)});
      auto answer = co_await client.send({.method = "GET", .target = what, .headers = {}, .body = ""},
                                         world.api.server.loop.after(5s));
      if (answer) out = std::move(*answer);
    };
    api.server.loop.run(ask(*this, port, target, std::move(tls), response));
    return response;
  }

  void apply(const std::string& name) {
    Json application = application_json();
    application["metadata"]["name"] = name;
    application["metadata"]["labels"] = {{"team", "blue"}};
    api.put(app_path(name), std::move(application));
    pass(2s);
  }
  void phase(const std::string& pod, const std::string& phase) {
    api.change(pod_path(pod), [&](Json& object) { object["status"] = {{"phase", phase}}; });
    pass(2s);
  }
  void executor(const std::string& name, const std::string& end) {
    api.put(pod_path(name), {{"metadata",
                              {{"name", name},
                               {"namespace", "ns"},
                               {"labels",
                                {{"sparkoperator.k8s.io/launched-by-spark-operator", "true"},
                                 {"sparkoperator.k8s.io/app-name", "pi"},
                                 {"spark-role", "executor"},
                                 {"spark-exec-id", "1"}}}}},
                             {"status", {{"phase", "Running"}}}});
    pass(2s);
    phase(name, end);
  }

  controller::FakeApi api;
  std::unique_ptr<ControllerProcess> process;
  kube::TaskGroup tasks{api.server.loop};
};

std::vector<MetricRow> metric_list() {
  std::ifstream file(std::string(SOURCE_DIR) + "/cmd/metrics.list");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_metric_list(text).value();
}

}  // namespace

TEST_CASE("a controller exposes the metrics of cmd/metrics.list and no others", "[metrics]") {
  World world({"--enable-metrics", "--metrics-labels=team", "--metrics-bind-address=:8080",
               "--leader-election", "--health-probe-bind-address=0"});
  REQUIRE(world.process->started());
  world.apply("pi");
  world.phase("pi-driver", "Running");
  world.executor("pi-exec-1", "Succeeded");
  world.executor("pi-exec-2", "Failed");
  world.phase("pi-driver", "Succeeded");
  world.apply("other");
  world.phase("other-driver", "Failed");
  world.pass(10s);
  world.api.before = [](const std::string& request) {
    return request == "POST pods" ? controller::FakeFault{.refuse_with = 403, .reason = "Forbidden"}
                                  : controller::FakeFault{};
  };
  world.apply("refused");
  const kube::HttpResponse answer = world.get(8080, "/metrics");
  REQUIRE(answer.status == 200);
  CHECK(scraped_metrics(answer.body) == listed_metrics(metric_list(), "controller", "team"));
  CHECK(answer.body.find("rest_client_requests_total{code=\"201\",host=\"server:80\",method=\"POST\"}") !=
        std::string::npos);
  CHECK(answer.body.find("\nleader_election_master_status{name=\"spark-operator-lock\"} 1\n") !=
        std::string::npos);
  CHECK(answer.body.find("{controller=\"sparkapplication\"") != std::string::npos);
}

TEST_CASE("without --enable-metrics applications are not counted, the process is", "[metrics]") {
  World world({"--metrics-bind-address=:8080", "--health-probe-bind-address=0"});
  world.apply("pi");
  const std::string text = world.get(8080, "/metrics").body;
  CHECK(text.find("spark_application_") == std::string::npos);
  CHECK(text.find("\nprocess_cpu_seconds_total ") != std::string::npos);
}

TEST_CASE("flags say where probes and metrics are", "[flags]") {
  World world(
      {"--metrics-bind-address=:9090", "--metrics-endpoint=/measures", "--health-probe-bind-address=:9091"});
  CHECK(world.get(9090, "/metrics").status == 200);
  CHECK(world.get(9090, "/measures").status == 200);
  CHECK(world.get(9090, "/elsewhere").status == 404);
  CHECK(world.get(9091, "/readyz").body == "ok");
  CHECK(world.get(9091, "/metrics").status == 404);
  CHECK(world.get(8080, "/metrics").status == 0);
}

TEST_CASE("--secure-metrics serves them over TLS alone, with a certificate of its own", "[flags]") {
  World world({"--metrics-bind-address=:8443", "--secure-metrics", "--metric-tls-min-version=VersionTLS13",
               "--health-probe-bind-address=0"});
  auto tls = kube::TlsClientContext::create({.insecure_skip_verify = true});
  REQUIRE(tls);
  CHECK(world.get(8443, "/metrics", *tls).status == 200);
  CHECK(world.get(8443, "/metrics").status != 200);
}

TEST_CASE("TLS settings that are none are found at the start", "[flags]") {
  controller::FakeApi api;
  for (const char* flag : {"--metric-tls-min-version=VersionTLS11", "--metric-tls-cipher-suites=NONSENSE"}) {
    INFO(flag);
    const auto flags = parse_controller_flags({flag, "--health-probe-bind-address=0"});
    REQUIRE(flags);
    const auto made = ControllerProcess::create(api.server.loop, api.server.net.host("operator"), *flags,
                                                {.server = "http://server"}, {});
    REQUIRE_FALSE(made);
    CHECK_THAT(made.error().message(), Catch::Contains("TLS of the metrics server"));
  }
}

TEST_CASE("two controllers with a lease: one leads, and only it counts", "[flags]") {
  World world({"--enable-metrics", "--metrics-bind-address=:8080", "--health-probe-bind-address=0",
               "--leader-election", "--leader-election-lock-name=mine",
               "--leader-election-lock-namespace=here"});
  CHECK(world.process->started());
  CHECK(world.api.has("/apis/coordination.k8s.io/v1/namespaces/here/leases/mine"));
  auto flags =
      parse_controller_flags({"--enable-metrics", "--metrics-bind-address=:8081", "--submitter=native",
                              "--health-probe-bind-address=0", "--leader-election",
                              "--leader-election-lock-name=mine", "--leader-election-lock-namespace=here"});
  auto standby = ControllerProcess::create(world.api.server.loop, world.api.server.net.host("operator"),
                                           *flags, {.server = "http://server"}, {});
  REQUIRE(standby);
  const auto run = [](ControllerProcess* process) -> Task<> { (void)co_await process->run(); };
  world.tasks.spawn("standby", run(standby->get()));
  world.apply("pi");
  CHECK_FALSE((*standby)->started());
  CHECK(world.get(8080, "/metrics").body.find("\nspark_application_count 1\n") != std::string::npos);
  const std::string text = world.get(8081, "/metrics").body;
  CHECK(text.find("spark_application_") == std::string::npos);
  CHECK(text.find("\nleader_election_master_status{name=\"mine\"} 0\n") != std::string::npos);
  (*standby)->stop();
  world.process->stop();
  world.api.server.loop.run(world.tasks.join());
  world.process.reset();
}

TEST_CASE("with the gate RestSubmitter an operator begins once its submission service answers", "[flags]") {
  controller::FakeApi api;
  const auto flags = parse_controller_flags(
      {"--feature-gates=RestSubmitter=true", "--submitter-service-url=http://submitter:8080/api",
       "--submitter-startup-timeout=30s", "--health-probe-bind-address=0", "--leader-election"});
  REQUIRE(flags);
  auto process = ControllerProcess::create(api.server.loop, api.server.net.host("operator"), *flags,
                                           {.server = "http://server"}, {});
  REQUIRE(process);
  std::optional<kube::Result<>> ended;
  const auto run = [](ControllerProcess* process, std::optional<kube::Result<>>* out) -> Task<> {
    out->emplace(co_await process->run());
  };
  int looks = 0;
  kube::HttpServer service(api.server.loop, {}, [&looks](kube::HttpExchange& exchange) {
    ++looks;
    return kube::reply(exchange, 404, "");
  });
  kube::TaskGroup tasks(api.server.loop);
  tasks.spawn("controller", run(process->get(), &ended));
  api.server.loop.run_for(10s);
  CHECK_FALSE((*process)->started());
  CHECK(api.asked.empty());
  SECTION("it comes") {
    tasks.spawn("service", service.serve(std::move(*api.server.net.host("submitter").listen({"", 8080}))));
    api.server.loop.run_for(10s);
    CHECK(looks == 1);
    CHECK((*process)->started());
    CHECK_FALSE(ended);
    (*process)->stop();
    service.stop();
  }
  SECTION("it does not come") {
    api.server.loop.run_for(25s);
    REQUIRE(ended);
    REQUIRE_FALSE(*ended);
    CHECK_THAT(ended->error().message(), Catch::Contains("the submission service submitter:8080"));
  }
  SECTION("the operator is told to stop") {
    (*process)->stop();
    api.server.loop.run_for(1s);
    REQUIRE(ended);
    CHECK(*ended);
  }
  api.server.loop.run(tasks.join());
  CHECK(ended);
}

TEST_CASE("files for the submission service that cannot be read are found at the start", "[flags]") {
  controller::FakeApi api;
  const auto flags = parse_controller_flags(
      {"--feature-gates=RestSubmitter=true", "--submitter-service-url=https://submitter:8443/api",
       "--submitter-tls-enabled", "--submitter-tls-cert-file=/nowhere/tls.crt",
       "--submitter-tls-key-file=/nowhere/tls.key", "--submitter-tls-ca-file=/nowhere/ca.crt",
       "--health-probe-bind-address=0"});
  REQUIRE(flags);
  const auto made = ControllerProcess::create(api.server.loop, api.server.net.host("operator"), *flags,
                                              {.server = "http://server"}, {});
  REQUIRE_FALSE(made);
  CHECK_THAT(made.error().message(),
             Catch::Contains("--submitter-tls-cert-file") && Catch::Contains("/nowhere/tls.crt"));
}

#include "kube/runtime/health_server.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/http/client.h"

using namespace kube;

namespace {

struct World {
  explicit World(HealthServerOptions options = {}) {
    options.at = {"", 8081};
    server = std::make_unique<HealthServer>(loop, net.host("operator"), std::move(options));
    auto run = [](World& world) -> Task<> {
      auto result = co_await world.server->run();
      world.ended = result ? "stopped" : result.error().message();
    };
    tasks.spawn("server", run(*this));
    loop.settle();
  }
  ~World() {
    server->stop();
    loop.run(tasks.join());
  }
  HttpResponse get(const std::string& target, const std::string& method = "GET") {
    HttpResponse response{.status = 0, .headers = {}, .body = ""};
    auto ask = [](World& world, HttpRequest request, HttpResponse& out) -> Task<> {
      HttpClient client(world.loop, world.net.host("prober"), {.origin = {"operator", 8081}});
      auto answer = co_await client.send(std::move(request), world.loop.after(5s));
      if (answer) out = std::move(*answer);
    };
    loop.run(ask(*this, {.method = method, .target = target, .headers = {}, .body = ""}, response));
    return response;
  }

  SimLoop loop;
  SimNetwork net{loop};
  std::unique_ptr<HealthServer> server;
  TaskGroup tasks{loop};
  std::string ended;
};

}  // namespace

TEST_CASE("probes answer ok, and which check failed") {
  World world;
  bool synced = false;
  world.server->add_readyz("informers", [&]() -> Result<> {
    if (!synced) return fail(ErrorKind::Unavailable, "pods are not synced");
    return {};
  });
  CHECK(world.get("/healthz").status == 200);
  CHECK(world.get("/healthz").body == "ok");
  CHECK(world.get("/readyz").status == 500);
  CHECK(world.get("/readyz").body == "[-]informers failed: pods are not synced\n[+]ping ok\ncheck failed\n");
  CHECK(world.get("/readyz/ping").status == 200);
  CHECK(world.get("/readyz/informers").status == 500);
  CHECK(world.get("/readyz/nothing").status == 404);
  synced = true;
  CHECK(world.get("/readyz").body == "ok");
  CHECK(world.get("/readyz?verbose").body == "[+]informers ok\n[+]ping ok\ncheck passed\n");
}

TEST_CASE("metrics are served as Prometheus text, and only where asked for") {
  MetricsRegistry metrics;
  metrics.counter("a_total", "help").Increment();
  {
    World world({.metrics = &metrics, .probes = false});
    const HttpResponse answer = world.get("/metrics");
    CHECK(answer.status == 200);
    CHECK(answer.headers.get("Content-Type") ==
          "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    CHECK(answer.body == metrics.text());
    CHECK(world.get("/healthz").status == 404);
  }
  World world;
  CHECK(world.get("/metrics").status == 404);
  CHECK(world.get("/elsewhere").status == 404);
  CHECK(world.get("/healthz", "POST").status == 405);
}

TEST_CASE("a port that is taken is an error that names it") {
  World world;
  HealthServer second(world.loop, world.net.host("operator"), {.at = {"", 8081}});
  auto listening = second.listen();
  REQUIRE(!listening);
  CHECK(listening.error().message().find("8081") != std::string::npos);
}

TEST_CASE("stop ends the server") {
  World world;
  world.server->stop();
  world.loop.run_for(10s);
  CHECK(world.ended == "stopped");
}

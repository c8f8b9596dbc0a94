#include <catch2/catch.hpp>

#include "cmd/ctl/ctl_world.h"
#include "kube/client/config.h"
#include "kube/http/client.h"
#include "kube/http/server.h"
#include "kube/kubelet/kubelet.h"
#include "kube/kubelet/pretend_runtime.h"

using namespace ctl;
using namespace std::chrono_literals;
using Catch::Contains;
using kube::Json;

namespace {

// An application whose driver "runs" on a node that pretends, and a web interface at the pod's address.
struct ForwardWorld : World {
  ForwardWorld() {
    create(application("pi"));
    status("SparkApplication", "pi",
           {{"applicationState", {{"state", "RUNNING"}}}, {"driverInfo", {{"podName", "pi-driver"}}}});
    kube::ClientConfig config;
    config.server = "http://api:8080";
    config.token = "secret";
    client = *kube::Client::create(cluster.loop, cluster.network.host("node"), config);
    runtime.emplace(cluster.loop);
    kube::KubeletOptions options;
    options.node_name = options.address = "node";
    options.log_listen = {"node", 10250};
    kubelet.emplace(cluster.loop, cluster.network.host("node"), *client, options, *runtime);
    tasks.spawn("kubelet", ignore(kubelet->run()));
  }
  ~ForwardWorld() { cluster.loop.run(tasks.cancel_and_join()); }
  static kube::Task<> ignore(kube::Task<kube::Result<>> task) { (void)co_await std::move(task); }

  // Lasts as long as a Go duration says.
  void start_driver(const std::string& lasts, const std::string& node = "node") {
    Json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata",
                 {{"name", "pi-driver"},
                  {"namespace", "team-a"},
                  {"annotations", {{"pretend.kubelet/lasts", lasts}}}}},
                {"spec",
                 {{"restartPolicy", "Never"},
                  {"containers", Json::array({{{"name", "driver"}, {"image", "spark:3.5.7"}}})}}}};
    if (!node.empty()) pod["spec"]["nodeName"] = node;
    create(pod);
  }
  void start_web_interface() {
    web.emplace(cluster.loop, kube::HttpServerOptions{}, [](kube::HttpExchange& exchange) {
      return [](kube::HttpExchange* out) -> kube::Task<> {
        (void)co_await out->respond({.status = 200, .body = "jobs at " + out->request().target});
      }(&exchange);
    });
    tasks.spawn("web interface", web->serve(std::move(*cluster.network.host("10.0.0.2").listen({"", 4040}))));
  }
  // As a browser on this machine sees it: so many pages at once, each on a connection of its own.
  std::string browse(std::uint16_t port, int pages = 1) {
    std::string seen;
    kube::HttpClient browser(cluster.loop, network(), {.origin = {"desk", port}});
    kube::TaskGroup group(cluster.loop);
    for (int i = 0; i < pages; ++i) group.spawn("page", read_page(&browser, cluster.loop.after(5s), &seen));
    cluster.loop.run(group.join());
    return seen;
  }
  static kube::Task<> read_page(kube::HttpClient* browser, kube::SteadyTime deadline, std::string* seen) {
    auto page = co_await browser->send({.target = "/jobs/"}, deadline);
    *seen += page ? page->body + ";" : "<" + page.error().message() + ">";
  }

  std::unique_ptr<kube::Client> client;
  std::optional<kube::PretendRuntime> runtime;
  std::optional<kube::Kubelet> kubelet;
  std::optional<kube::HttpServer> web;
};

}  // namespace

TEST_CASE("forward makes the driver's web interface a local port until the driver has ended", "[ctl]") {
  ForwardWorld world;
  world.start_web_interface();
  world.start_driver("50s");
  const Ran ran = world.run_for({"forward", "pi"}, 2min);
  CHECK(ran.code == 0);
  CHECK(ran.out == "forwarding from 4040 -> 4040\nhttp://127.0.0.1:4040\n");
  CHECK_THAT(ran.err, Contains("driver pod pi-driver has ended (Succeeded)\n"));
  CHECK_THAT(world.browse(4040), Contains("refused"));
}

TEST_CASE("forward serves several connections at once, at the port that was asked for", "[ctl]") {
  ForwardWorld world;
  world.start_web_interface();
  world.start_driver("1h");
  world.cluster.loop.run_for(2s);  // it runs: nothing is waited for
  std::string seen;
  const Ran ran = world.run_for({"forward", "pi", "-l", "8080"}, 1min, [&] { seen = world.browse(8080, 3); });
  CHECK(ran.code == -1);
  CHECK(seen == "jobs at /jobs/;jobs at /jobs/;jobs at /jobs/;");
  CHECK(ran.out == "forwarding from 8080 -> 4040\nhttp://127.0.0.1:8080\n");
  CHECK(ran.err == "");
  // Told to stop, it has let go of the port.
  CHECK_THAT(world.browse(8080), Contains("refused"));
}

TEST_CASE("forward takes any free port when told 0", "[ctl]") {
  ForwardWorld world;
  world.start_driver("20s");
  const Ran ran = world.run_for({"forward", "pi", "--local-port", "0"}, 1min);
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("forwarding from ") && !Contains("from 0"));
}

TEST_CASE("forward waits for a driver that does not run yet, but not for ever", "[ctl]") {
  ForwardWorld world;
  SECTION("it comes") {
    const Ran ran = world.run_for({"forward", "pi"}, 40s, [&] { world.start_driver("10s"); });
    CHECK(ran.code == 0);
    CHECK_THAT(ran.err, Contains("waiting for the driver of pi (RUNNING)\n") && Contains("has ended"));
  }
  SECTION("its predecessor has ended, and the application is to run again") {
    world.start_driver("1s");
    world.cluster.loop.run_for(5s);
    world.status(
        "SparkApplication", "pi",
        {{"applicationState", {{"state", "PENDING_RERUN"}}}, {"driverInfo", {{"podName", "pi-driver"}}}});
    const Ran ran = world.run_for({"forward", "pi"}, 1min, [&] {
      world.cluster.remove("/api/v1/namespaces/team-a/pods/pi-driver", {{"gracePeriodSeconds", 0}});
      world.start_driver("10s");
    });
    CHECK(ran.code == 0);
    CHECK_THAT(ran.err, Contains("waiting for it to run: driver pod pi-driver has ended (Succeeded)\n"));
    CHECK_THAT(ran.out, Contains("forwarding from 4040 -> 4040\n"));
  }
  SECTION("it never comes to a node") {
    world.start_driver("1h", "");
    const Ran ran = world.run_for({"forward", "pi", "--timeout", "20s"}, 1min);
    CHECK(ran.code == 1);
    CHECK(ran.out == "");
    CHECK_THAT(ran.err, Contains("waiting for it to run: driver pod pi-driver is Pending\n") &&
                            Contains("sparkctl why pi may tell more"));
  }
  SECTION("it has ended") {
    world.start_driver("1s");
    world.cluster.loop.run_for(10s);
    const Ran ran = world.run({"forward", "pi"});
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Contains("driver pod pi-driver has ended (Succeeded)"));
  }
  SECTION("there is no such application") {
    CHECK(world.run({"forward", "none"}).code == 1);
  }
}

TEST_CASE("forward goes on when nobody listens at the driver's port, and says so once", "[ctl]") {
  ForwardWorld world;
  world.start_driver("1h");
  world.cluster.loop.run_for(2s);  // it runs: nothing is waited for
  std::string seen;
  const Ran ran = world.run_for({"forward", "pi"}, 1min, [&] {
    world.browse(4040, 3);
    world.start_web_interface();
    seen = world.browse(4040);
  });
  CHECK(seen == "jobs at /jobs/;");
  const std::string said = "error forwarding port 4040 to pod team-a/pi-driver";
  CHECK_THAT(ran.err, Contains(said) && Contains("connection refused"));
  CHECK(ran.err.find(said) == ran.err.rfind(said));
}

TEST_CASE("forward ends when another pod has the driver's name", "[ctl]") {
  ForwardWorld world;
  world.start_driver("1h");
  const Ran ran = world.run_for({"forward", "pi"}, 1min, [&] {
    world.cluster.remove("/api/v1/namespaces/team-a/pods/pi-driver", {{"gracePeriodSeconds", 0}});
    world.start_driver("1h");
  });
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, Contains("driver pod pi-driver is gone"));
}

TEST_CASE("ports that cannot be are wrong input, one that is taken is told", "[ctl]") {
  ForwardWorld world;
  world.start_driver("1h");
  CHECK(world.run({"forward", "pi", "--local-port", "65536"}).code == 2);
  CHECK(world.run({"forward", "pi", "--remote-port", "0"}).code == 2);
  CHECK(world.run({"forward", "pi", "--remote-port", "x"}).code == 2);
  auto taken = world.network().listen({"", 4040});
  const Ran ran = world.run({"forward", "pi"});
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("--local-port") && Contains("address already in use"));
}

#include "controller/connect/connect_controller.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "api/constants.h"
#include "controller/application/fake_api.h"
#include "controller/application/running_manager.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

const std::string kConnect = "/apis/sparkoperator.k8s.io/v1alpha1/namespaces/ns/sparkconnects/sql";
const std::string kServer = pod_path("sql-server");
const std::string kService = "/api/v1/namespaces/ns/services/sql-server";
const std::string kMap = "/api/v1/namespaces/ns/configmaps/sql-conf";

Json connect_json() {
  return {{"apiVersion", "sparkoperator.k8s.io/v1alpha1"},
          {"kind", "SparkConnect"},
          {"metadata", {{"name", "sql"}, {"namespace", "ns"}, {"generation", 1}}},
          {"spec",
           {{"sparkVersion", "4.1.4"},
            {"image", "spark:4.1.4"},
            {"server", {{"cores", 1}}},
            {"executor", {{"instances", 1}}}}}};
}

// An operator for SparkConnects alone; the kubelet is the test.
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  std::shared_ptr<kube::RecordingSink> lines = std::make_shared<kube::RecordingSink>();
  RunningManager running{api};
  std::set<std::string> servers;  // UIDs of all that were seen

  World() { start(); }

  void start() {
    running.start(*client, {}, [this](kube::Manager& manager) {
      ConnectController::add_to(manager, {.master_url = "k8s://https://10.96.0.1:443",
                                          .log = kube::Log(lines, kube::LogLevel::Debug)});
    });
    pass(0s);  // one that was made at once is seen
  }
  void stop() { running.stop(); }
  void pass(kube::Duration duration) {
    api.server.loop.run_for(duration);
    if (api.has(kServer)) servers.insert(uid(kServer));
  }
  void apply(const Json& connect = connect_json()) {
    api.put(kConnect, connect);
    pass(2s);
  }
  void edit(const std::function<void(Json& spec)>& how) {
    api.change(kConnect, [&](Json& object) {
      how(object["spec"]);
      object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
    });
    pass(2s);
  }
  // As a kubelet would.
  void make_ready(bool ready = true) {
    if (!api.has(kServer)) return;
    api.change(kServer, [&](Json& pod) {
      pod["status"] = {
          {"phase", "Running"},
          {"podIP", "10.0.0.8"},
          {"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})},
          {"containerStatuses", Json::array({{{"name", "spark-kubernetes-driver"}, {"started", true}}})}};
    });
    pass(1s);
  }
  void executor(const std::string& name, const std::string& phase) {
    api.put(pod_path(name), {{"metadata",
                              {{"name", name},
                               {"namespace", "ns"},
                               {"labels",
                                {{api::label::kConnectName, "sql"},
                                 {api::label::kLaunchedByOperator, "true"},
                                 {api::label::kSparkRole, "executor"}}}}},
                             {"status", {{"phase", phase}}}});
    pass(1s);
  }
  std::string uid(const std::string& path) const {
    return kube::string_at(api.at(path), {"metadata", "uid"});
  }
  const Json& status() const { return api.at(kConnect).at("status"); }
  std::string state() const { return status().value("state", ""); }
  std::string reason() const { return status()["conditions"][0]["reason"]; }
  std::string message() const { return status()["conditions"][0]["message"]; }
};

}  // namespace

TEST_CASE("a SparkConnect gets its objects, and is ready when its server is", "[connect]") {
  World world;
  world.apply();
  for (const std::string& path : {kServer, kService, kMap}) {
    REQUIRE(world.api.has(path));
    const Json& owner = world.api.at(path)["metadata"]["ownerReferences"][0];
    CHECK(owner["uid"] == world.uid(kConnect));
    CHECK(owner["controller"] == true);
  }
  CHECK(world.state() == "Provisioning");
  CHECK(world.status()["startTime"].is_string());
  world.make_ready();
  CHECK(world.state() == "Ready");
  CHECK(world.status()["server"] ==
        Json{{"podName", "sql-server"}, {"podIp", "10.0.0.8"}, {"serviceName", "sql-server"}});
  world.executor("sql-exec-1", "Running");
  world.executor("sql-exec-2", "Pending");
  CHECK(world.status()["executors"] == Json{{"running", 1}, {"pending", 1}});
  world.make_ready(false);
  CHECK(world.state() == "NotReady");
  CHECK(world.api.count("POST pods") == 1);
}

TEST_CASE("a settled SparkConnect writes nothing", "[connect]") {
  World world;
  world.apply();
  world.make_ready();
  world.pass(1min);
  world.api.asked.clear();
  world.pass(2h);
  for (const std::string& request : world.api.asked) CHECK(request.starts_with("WATCH"));
}

TEST_CASE("an edit of the spec replaces the server once (fault 27 of the Go operator)", "[connect]") {
  World world;
  world.api.pods_terminate_slowly = true;
  world.apply();
  world.make_ready();
  const std::string first = world.uid(kServer), service = world.uid(kService);
  world.edit([](Json& spec) { spec["sparkVersion"] = "4.2.1"; });
  CHECK(world.state() == "Provisioning");
  CHECK(world.uid(kServer) == first);
  world.pass(30s);
  CHECK(world.api.count("DELETE pods") == 1);
  world.api.erase(kServer);
  world.pass(1s);
  REQUIRE(world.api.has(kServer));
  CHECK(world.uid(kServer) != first);
  CHECK(world.api.at(kServer)["metadata"]["labels"]["spark-version"] == "4.2.1");
  world.make_ready();
  CHECK(world.state() == "Ready");
  CHECK(world.uid(kService) == service);
  // The service leads to the new one as it did to the old.
  for (const auto& [key, value] : world.api.at(kService)["spec"]["selector"].items())
    CHECK(world.api.at(kServer)["metadata"]["labels"][key] == value);
}

TEST_CASE("an edit of the service alone does not touch the server", "[connect]") {
  World world;
  world.apply();
  world.make_ready();
  const Json ports = Json::array({{{"name", "sql"}, {"port", 443}, {"targetPort", 15002}}});
  world.edit([&](Json& spec) { spec["server"]["service"]["spec"]["ports"] = ports; });
  CHECK(world.api.at(kService)["spec"]["ports"][0]["port"] == 443);
  CHECK(world.servers.size() == 1);
  // Under another name it is another one, and the first goes.
  world.edit([](Json& spec) { spec["server"]["service"]["metadata"]["name"] = "sql-connect"; });
  CHECK_FALSE(world.api.has(kService));
  CHECK(world.api.has("/api/v1/namespaces/ns/services/sql-connect"));
  CHECK(world.status()["server"]["serviceName"] == "sql-connect");
  CHECK(world.servers.size() == 1);
  CHECK(world.state() == "Ready");
}

TEST_CASE("what its user takes out of the service goes, and what others wrote stays", "[connect]") {
  World world;
  Json connect = connect_json();
  connect["spec"]["server"]["service"] = {
      {"metadata", {{"labels", {{"team", "a"}}}, {"annotations", {{"internal", "true"}, {"kept", "1"}}}}},
      {"spec", {{"type", "LoadBalancer"}, {"loadBalancerSourceRanges", {"10.0.0.0/8"}}}}};
  world.apply(connect);
  world.make_ready();
  world.api.change(kService, [](Json& service) {
    service["metadata"]["annotations"]["of-a-cloud"] = "1";
    service["spec"]["clusterIP"] = "10.96.0.7";
  });
  world.edit([](Json& spec) {
    spec["server"]["service"] = {{"metadata", {{"annotations", {{"kept", "1"}}}}},
                                 {"spec", {{"type", "LoadBalancer"}}}};
  });
  const Json service = world.api.at(kService);
  CHECK_FALSE(service["spec"].contains("loadBalancerSourceRanges"));
  CHECK_FALSE(service["metadata"]["annotations"].contains("internal"));
  CHECK_FALSE(service["metadata"]["labels"].contains("team"));
  CHECK(service["metadata"]["annotations"]["kept"] == "1");
  CHECK(service["metadata"]["annotations"]["of-a-cloud"] == "1");
  CHECK(service["spec"]["clusterIP"] == "10.96.0.7");
  CHECK(service["spec"]["type"] == "LoadBalancer");
  CHECK(service["spec"].contains("ports"));
}

// A new leader whose view of SparkConnects is the older one.
TEST_CASE("a service that an old view calls otherwise is not deleted", "[connect]") {
  World world;
  world.apply();
  world.make_ready();
  world.api.silent_plural = "sparkconnects";
  world.edit([](Json& spec) { spec["server"]["service"]["metadata"]["name"] = "sql-front"; });
  // As the leader before has left it.
  const std::string front = "/api/v1/namespaces/ns/services/sql-front";
  Json service = world.api.at(kService);
  service["metadata"]["name"] = "sql-front";
  service["metadata"].erase("uid");
  world.api.erase(kService);
  world.api.put(front, service);
  world.pass(10s);
  CHECK(world.api.has(front));
  world.api.silent_plural.clear();
  world.edit([](Json& spec) { spec["server"]["service"]["metadata"]["labels"]["seen"] = "now"; });
  world.pass(1min);
  CHECK(world.api.has(front));
  CHECK_FALSE(world.api.has(kService));
}

TEST_CASE("a service's stale selector is put right (fault 27 of the Go operator)", "[connect]") {
  World world;
  world.apply();
  world.make_ready();
  world.api.change(kService, [](Json& service) { service["spec"]["selector"]["spark-version"] = "3.5.7"; });
  world.pass(1s);
  CHECK_FALSE(world.api.at(kService)["spec"]["selector"].contains("spark-version"));
  world.api.erase(kMap);
  world.pass(1s);
  CHECK(world.api.has(kMap));
}

TEST_CASE("a pod of the server's name that is somebody else's is left alone, and told of", "[connect]") {
  World world;
  world.api.put(kServer, {{"metadata", {{"name", "sql-server"}, {"namespace", "ns"}}}});
  const std::string foreign = world.uid(kServer);
  world.apply();
  CHECK(world.uid(kServer) == foreign);
  CHECK(world.state() == "Failed");
  CHECK(world.reason() == "NameTaken");
  CHECK(world.message() == "pod sql-server exists already and belongs to nobody we know");
  world.api.erase(kServer);
  world.pass(30min);
  REQUIRE(world.api.has(kServer));
  CHECK(world.state() == "Provisioning");
}

TEST_CASE("the server of an earlier SparkConnect of this name goes before the new one comes", "[connect]") {
  World world;
  world.apply();
  const std::string first = world.uid(kServer);
  world.stop();
  world.api.erase(kConnect);
  world.start();
  world.apply();
  world.pass(1min);
  REQUIRE(world.api.has(kServer));
  CHECK(world.uid(kServer) != first);
  for (const std::string& path : {kServer, kService, kMap})
    CHECK(world.api.at(path)["metadata"]["ownerReferences"][0]["uid"] == world.uid(kConnect));
}

TEST_CASE("an old view takes nothing from the SparkConnect that has the name now", "[connect]") {
  World world;
  world.apply();
  world.api.silent_plural = "sparkconnects";
  // As the leader before has left them.
  const std::string before = world.uid(kConnect);
  world.api.erase(kConnect);
  world.api.put(kConnect, connect_json());
  const std::string successor = world.uid(kConnect);
  REQUIRE(successor != before);
  std::map<std::string, std::string> uids;
  for (const std::string& path : {kServer, kMap, kService}) {
    Json object = world.api.at(path);
    object["metadata"]["ownerReferences"][0]["uid"] = successor;
    object["metadata"].erase("uid");
    world.api.erase(path);
    world.api.put(path, object);
    uids[path] = world.uid(path);
  }
  world.pass(30s);
  for (const auto& [path, uid] : uids) {
    INFO(path);
    REQUIRE(world.api.has(path));
    CHECK(world.uid(path) == uid);
  }
}

TEST_CASE("a server that is refused is told of, tried again, and its secrets are not shown", "[connect]") {
  World world;
  world.api.before = [](const std::string& request) {
    return request == "POST pods"
               ? FakeFault{.refuse_with = 422, .reason = "Invalid hunter22 hunter33 hunter44"}
               : FakeFault{};
  };
  Json connect = connect_json();
  Json& spec = connect["spec"];
  spec["sparkConf"]["spark.hadoop.fs.s3a.secret.key"] = "hunter22";
  spec["sparkConf"]["spark.redaction.regex"] = "(?i)dsn";
  spec["sparkConf"]["spark.my.dsn"] = "hunter33";
  spec["server"]["template"]["spec"]["containers"] = {
      {{"name", "spark-kubernetes-driver"}, {"env", {{{"name", "DB_PASSWORD"}, {"value", "hunter44"}}}}}};
  world.apply(connect);
  CHECK(world.state() == "Failed");
  CHECK(world.message().find("hunter") == std::string::npos);
  REQUIRE(world.lines->contains("reconcile failed"));
  for (const auto& line : world.lines->lines)
    if (const kube::LogValue* error = line.find("error"))
      CHECK(std::get<std::string>(*error).find("hunter") == std::string::npos);
  CHECK(world.message().find("create server pod sql-server") != std::string::npos);
  CHECK(world.api.has(kService));
  world.api.before = nullptr;
  world.pass(10min);
  CHECK(world.api.has(kServer));
  CHECK(world.state() == "Provisioning");
}

TEST_CASE("a SparkConnect that is being deleted is left to the garbage collector", "[connect]") {
  World world;
  world.apply();
  world.api.change(kConnect,
                   [](Json& object) { object["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"; });
  world.api.erase(kServer);
  world.pass(1min);
  CHECK_FALSE(world.api.has(kServer));
}

TEST_CASE("where SparkConnects are not served the rest of the process starts", "[connect]") {
  World world;
  world.stop();
  world.api.before = [](const std::string& request) {
    return request.ends_with(" sparkconnects") ? FakeFault{.refuse_with = 404, .reason = "NotFound"}
                                               : FakeFault{};
  };
  world.start();
  world.pass(10s);
  CHECK(world.running.manager().is_started());
  // And they are seen once they are.
  world.api.before = nullptr;
  world.apply();
  world.pass(5min);
  CHECK(world.api.has(kServer));
}

// The operator is killed at each of its writes in turn, before it reaches the server and after it was carried
// out. There is one server for each spec, never one more, and the end is the same.
TEST_CASE("a kill at any write leaves one server of the last spec", "[connect]") {
  for (const bool carried_out : {false, true}) {
    for (int kill_at = 1;; ++kill_at) {
      INFO("killed " << (carried_out ? "after" : "before") << " write " << kill_at);
      World world;
      int writes = 0;
      bool killed = false;
      world.api.before = [&](const std::string& request) {
        const bool is_write =
            request.starts_with("POST") || request.starts_with("PATCH") || request.starts_with("DELETE");
        if (is_write && request.find("events") == std::string::npos && ++writes == kill_at) {
          killed = true;
          world.running.manager().stop();
          return carried_out ? FakeFault{.lose_answer = true}
                             : FakeFault{.refuse_with = 503, .reason = "ServiceUnavailable"};
        }
        return FakeFault{};
      };
      bool restarted = false;
      const auto go_on = [&] {
        if (killed && !restarted) {
          restarted = true;
          world.stop();
          world.start();
        }
        world.pass(1min);
      };
      world.apply();
      go_on();
      world.make_ready();
      go_on();
      world.edit([](Json& spec) {
        spec["image"] = "spark:4.1.5";
        spec["server"]["service"]["spec"]["type"] = "NodePort";
      });
      go_on();
      world.make_ready();
      go_on();

      CHECK(world.servers.size() == 2);
      REQUIRE(world.api.has(kServer));
      CHECK(world.api.at(kServer)["spec"]["containers"][0]["image"] == "spark:4.1.5");
      CHECK(world.api.at(kService)["spec"]["type"] == "NodePort");
      CHECK(world.api.paths("pods").size() == 1);
      CHECK(world.api.paths("services").size() == 1);
      CHECK(world.api.paths("configmaps").size() == 1);
      CHECK(world.state() == "Ready");
      if (!killed) {
        CHECK(kill_at > 8);
        break;
      }
    }
  }
}

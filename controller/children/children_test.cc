#include "controller/children/children.h"

#include <catch2/catch.hpp>

#include "controller/application/application_controller.h"
#include "controller/application/fake_api.h"
#include "controller/application/running_manager.h"
#include "controller/submit/native_submitter.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

std::string service_path(const std::string& name) {
  return "/api/v1/namespaces/ns/services/" + name;
}
std::string ingress_path(const std::string& name) {
  return "/apis/networking.k8s.io/v1/namespaces/ns/ingresses/" + name;
}
std::string budget_path(const std::string& name) {
  return "/apis/policy/v1/namespaces/ns/poddisruptionbudgets/" + name;
}

Json merged(Json object, const Json& patch) {
  object.merge_patch(patch);
  return object;
}
Json application_with(const Json& spec) {
  return merged(application_json(), {{"spec", spec}});
}
Json retrying(const Json& spec) {
  return application_with(merged(
      spec,
      {{"restartPolicy", {{"type", "OnFailure"}, {"onFailureRetries", 1}, {"onFailureRetryInterval", 10}}}}));
}
Json port_entry(int port, const char* format = nullptr) {
  Json entry{{"servicePort", port}, {"servicePortName", "p" + std::to_string(port)}};
  if (format != nullptr) entry["ingressURLFormat"] = format;
  return entry;
}

// A whole operator in front of an API server without kubelet and garbage collector.
struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  spark::ChildrenOptions options{.ui_service = true, .ingress = {}, .driver_pdb = true, .batch = {}};
  std::unique_ptr<NativeSubmitter> submitter;
  RunningManager running{api};

  void start() {
    spark::SubmitOptions submit;
    submit.master_url = "k8s://https://kubernetes.default.svc:443";
    submit.batch = options.batch;
    submitter = std::make_unique<NativeSubmitter>(*client, std::move(submit));
    running.start(*client, {}, [&](kube::Manager& manager) {
      ApplicationControllerOptions settings;
      settings.children = options;
      ApplicationController::add_to(manager, *submitter, std::move(settings));
    });
    pass(5s);
  }
  void stop() { running.stop(); }
  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void apply(Json application = application_json()) {
    if (!running.runs()) start();
    api.put(app_path("pi"), std::move(application));
    pass(1s);
  }
  void edit(const Json& patch) {
    api.change(app_path("pi"), [&](Json& app) { app.merge_patch(patch); });
    pass(1s);
  }
  void phase(const std::string& phase) {
    api.change(pod_path("pi-driver"), [&](Json& pod) { pod["status"] = {{"phase", phase}}; });
    pass(1s);
  }
  // As the kubelet would.
  void driver_fails() { phase("Failed"); }
  api::SparkApplicationStatus status() const {
    return kube::decode<api::SparkApplication>(api.at(app_path("pi"))).value().status;
  }
  std::string state() const { return std::string(api::to_string(status().application_state.state)); }
  std::string label(const std::string& path) const {
    return kube::string_at(api.at(path), {"metadata", "labels", "sparkoperator.k8s.io/submission-id"});
  }
  bool told(const std::string& reason) const {
    for (const std::string& path : api.paths("events")) {
      if (api.at(path).value("reason", "") == reason) return true;
    }
    return false;
  }
  // Requests about these kinds so far.
  std::size_t asked_about(const std::string& plural) const {
    return std::ranges::count_if(api.asked, [&](const std::string& request) {
      return request.ends_with(" " + plural) && !request.starts_with("LIST") && !request.starts_with("WATCH");
    });
  }
};

}  // namespace

TEST_CASE("the user interface's service costs one create in an application's life", "[children]") {
  World world;
  world.apply();
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.api.has(service_path("pi-ui-svc")));
  CHECK(world.label(service_path("pi-ui-svc")) == world.status().submission_id);
  const api::DriverInfo info = world.status().driver_info;
  CHECK(info.pod_name == "pi-driver");
  CHECK(info.web_ui_service_name == "pi-ui-svc");
  CHECK(info.web_ui_port == 4040);
  CHECK(info.web_ui_ingress_name.empty());
  world.phase("Running");
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
  world.pass(10min);
  CHECK(world.asked_about("services") == 2);    // with that of the driver itself
  CHECK(world.asked_about("configmaps") == 2);  // Spark's own
  CHECK(world.asked_about("ingresses") == 0);
  CHECK(world.asked_about("poddisruptionbudgets") == 0);
  // Status: submitted, running, succeeding, completed.
  CHECK(world.api.count("PATCH sparkapplications/status") == 4);
}

TEST_CASE("an operator that starts anew finds everything right and writes nothing", "[children]") {
  World world;
  world.options.ingress.url_format = "ex.com/{{$appNamespace}}/{{$appName}}";
  world.apply(application_with({{"driverPodDisruptionBudget", true}}));
  world.phase("Running");
  REQUIRE(world.api.has(ingress_path("pi-ui-ingress")));
  CHECK(world.status().driver_info.web_ui_ingress_address == "http://ex.com/ns/pi");
  world.stop();
  world.api.asked.clear();
  world.start();
  world.pass(5min);
  for (const std::string& request : world.api.asked) {
    INFO(request);
    CHECK((request.starts_with("LIST ") || request.starts_with("WATCH ")));
  }
}

TEST_CASE("what somebody else deletes or bends is made again, what they add stays", "[children]") {
  World world;
  world.apply();
  world.phase("Running");
  const std::string path = service_path("pi-ui-svc");
  SECTION("deleted") {
    world.api.erase(path);
    world.pass(1s);
    CHECK(world.api.has(path));
  }
  SECTION("bent") {
    world.api.change(path, [](Json& service) { service["spec"]["ports"][0]["targetPort"] = 1; });
    world.pass(1s);
    CHECK(world.api.at(path)["spec"]["ports"][0]["targetPort"] == 4040);
    CHECK(world.api.count("PATCH services") == 1);
  }
  SECTION("added to") {
    world.api.change(path, [](Json& service) {
      service["metadata"]["annotations"]["cloud"] = "balanced";
      service["spec"]["ports"][0]["protocol"] = "TCP";
      service["spec"]["clusterIP"] = "fd00::7";
    });
    world.pass(1s);
    CHECK(world.asked_about("services") == 2);
    CHECK(world.status().driver_info.web_ui_address == "[fd00::7]:4040");
  }
}

TEST_CASE("fault 31: a disruption budget comes and goes with its field, and the run goes on", "[children]") {
  World world;
  world.apply(application_with({{"driver", {{"podName", "mine"}}}}));
  world.pass(5s);
  REQUIRE(world.api.has(pod_path("mine")));
  world.edit({{"spec", {{"driverPodDisruptionBudget", true}}}});
  CHECK(world.api.has(budget_path("mine")));
  const std::string id = world.status().submission_id;
  world.edit({{"spec", {{"driverPodDisruptionBudget", false}}}});
  CHECK_FALSE(world.api.has(budget_path("mine")));
  CHECK(world.status().submission_id == id);
  CHECK(world.api.count("POST pods") == 1);
}

TEST_CASE("a driver that has ended keeps its address and loses its budget, once", "[children]") {
  World world;
  world.apply(application_with({{"driverPodDisruptionBudget", true}}));
  CHECK(world.api.has(budget_path("pi-driver")));
  world.phase("Running");
  world.phase("Succeeded");
  CHECK_FALSE(world.api.has(budget_path("pi-driver")));
  CHECK(world.api.has(service_path("pi-ui-svc")));
  CHECK(world.status().driver_info.web_ui_service_name == "pi-ui-svc");
  world.pass(10min);
  CHECK(world.asked_about("poddisruptionbudgets") == 2);  // fault 30: clean-up is not repeated
}

TEST_CASE("fault 35: the budget bears the name of the driver that runs, not of an edited spec",
          "[children]") {
  World world;
  world.apply(application_with({{"driverPodDisruptionBudget", true}, {"driver", {{"podName", "first"}}}}));
  world.pass(5s);
  REQUIRE(world.api.has(budget_path("first")));
  world.edit({{"spec", {{"driver", {{"podName", "second"}}}}}});
  world.pass(20s);
  REQUIRE(world.api.has(pod_path("second")));
  CHECK(world.api.paths("poddisruptionbudgets") == std::vector{budget_path("second")});
}

TEST_CASE("fault 25: a rerun has the driver ports that are asked for now, with labels of its own",
          "[children]") {
  World world;
  world.apply(
      retrying({{"driverIngressOptions", {port_entry(4041, "ex.com/a"), port_entry(4042, "ex.com/b")}}}));
  REQUIRE(world.api.has(service_path("pi-driver-4041")));
  REQUIRE(world.api.has(ingress_path("pi-ing-4042")));
  const std::string first = world.status().submission_id;
  SECTION("after a failure") {
    world.driver_fails();
    world.pass(30s);
    CHECK(world.api.has(ingress_path("pi-ing-4041")));
    CHECK(world.api.has(ingress_path("pi-ing-4042")));
  }
  SECTION("after an edit: a port has gone, and another has no ingress any more") {
    world.edit({{"spec", {{"driverIngressOptions", {port_entry(4042)}}}}});
    world.pass(30s);
    CHECK_FALSE(world.api.has(service_path("pi-driver-4041")));
    CHECK_FALSE(world.api.has(ingress_path("pi-ing-4041")));
    CHECK_FALSE(world.api.has(ingress_path("pi-ing-4042")));
  }
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.status().submission_id != first);
  CHECK(world.label(service_path("pi-driver-4042")) == world.status().submission_id);
  CHECK(world.label(service_path("pi-ui-svc")) == world.status().submission_id);
}

TEST_CASE("a rerun leaves nothing of options that replace our labels", "[children]") {
  World world;
  world.apply(retrying(
      {{"sparkUIOptions", {{"serviceLabels", {{"mine", "1"}}}, {"serviceAnnotations", {{"a", "b"}}}}}}));
  REQUIRE(world.label(service_path("pi-ui-svc")).empty());
  world.edit({{"spec", {{"sparkUIOptions", {{"serviceAnnotations", nullptr}}}}}});
  world.pass(30s);
  REQUIRE(world.api.has(service_path("pi-ui-svc")));
  CHECK_FALSE(world.api.at(service_path("pi-ui-svc"))["metadata"].contains("annotations"));
}

TEST_CASE("an application that is suspended has nothing around it", "[children]") {
  World world;
  world.apply(application_with(
      {{"driverPodDisruptionBudget", true}, {"driverIngressOptions", {port_entry(4041, "ex.com/a")}}}));
  world.edit({{"spec", {{"suspend", true}}}});
  world.pass(10s);
  CHECK(world.state() == "SUSPENDED");
  CHECK(world.api.paths("services").size() == 1);  // of the driver, for the garbage collector
  CHECK(world.api.paths("ingresses").empty());
  CHECK(world.api.paths("poddisruptionbudgets").empty());
  CHECK(world.status().driver_info.web_ui_service_name.empty());
}

TEST_CASE("objects of others are not touched, and hold up nothing", "[children]") {
  World world;
  const std::string path = service_path("pi-ui-svc");
  Json service{{"apiVersion", "v1"},
               {"kind", "Service"},
               {"metadata", {{"name", "pi-ui-svc"}, {"namespace", "ns"}, {"uid", "theirs"}}}};
  SECTION("nobody's") {}
  SECTION("of another application") {
    service["metadata"]["ownerReferences"] = {{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                               {"kind", "SparkApplication"},
                                               {"name", "other"},
                                               {"uid", "u"},
                                               {"controller", true}}};
  }
  world.api.put(path, service);
  world.apply();
  world.phase("Running");
  CHECK(world.state() == "RUNNING");
  CHECK(world.api.at(path)["metadata"]["uid"] == "theirs");
  CHECK(world.status().driver_info.web_ui_service_name.empty());
  CHECK(world.told("SparkApplicationChildNotMade"));
  // When the name is free it is ours.
  world.api.erase(path);
  world.pass(30min);
  CHECK(world.status().driver_info.web_ui_service_name == "pi-ui-svc");
}

TEST_CASE("a predecessor's service is replaced", "[children]") {
  World world;
  const std::string path = service_path("pi-ui-svc");
  world.api.put(path, {{"apiVersion", "v1"},
                       {"kind", "Service"},
                       {"metadata",
                        {{"name", "pi-ui-svc"},
                         {"namespace", "ns"},
                         {"uid", "before"},
                         {"ownerReferences",
                          {{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                            {"kind", "SparkApplication"},
                            {"name", "pi"},
                            {"uid", "gone"},
                            {"controller", true}}}}}}});
  world.apply();
  CHECK(world.api.at(path)["metadata"]["uid"] != "before");
  CHECK(world.status().driver_info.web_ui_service_name == "pi-ui-svc");
}

TEST_CASE("a kind that may not be watched or made keeps nothing else from working", "[children]") {
  World world;
  world.options.ingress.url_format = "ex.com/{{$appName}}";
  world.api.before = [](const std::string& request) {
    return request.ends_with(" ingresses") ? FakeFault{.refuse_with = 403, .reason = "Forbidden"}
                                           : FakeFault{};
  };
  world.apply();
  world.phase("Running");
  CHECK(world.state() == "RUNNING");
  CHECK(world.status().driver_info.web_ui_service_name == "pi-ui-svc");
  world.phase("Succeeded");
  CHECK(world.state() == "COMPLETED");
}

TEST_CASE("a run's own times do not wait for what cannot be made around it", "[children]") {
  World world;
  world.options.ingress.url_format = "ex.com/{{$appName}}";
  world.api.before = [](const std::string& request) {
    return request == "POST ingresses" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"} : FakeFault{};
  };
  SECTION("the deadline") {
    world.apply(application_with({{"activeDeadlineSeconds", 3600}, {"restartPolicy", {{"type", "Never"}}}}));
    world.phase("Running");
    world.pass(3590s);
    CHECK(world.state() == "RUNNING");
    world.pass(20s);
    CHECK(world.state() == "FAILED");
  }
  SECTION("the time to live") {
    world.apply(application_with({{"timeToLiveSeconds", 1500}}));
    world.phase("Running");
    world.phase("Succeeded");
    world.pass(1490s);
    CHECK(world.api.has(app_path("pi")));
    world.pass(20s);
    CHECK_FALSE(world.api.has(app_path("pi")));
  }
}

TEST_CASE("a submission that was refused leaves nothing to look at", "[children]") {
  World world;
  world.options.ingress.url_format = "ex.com/{{$appName}}";
  world.api.before = [](const std::string& request) {
    return request == "POST pods" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"} : FakeFault{};
  };
  world.apply(application_with({{"driverIngressOptions", {port_entry(4041, "ex.com/a")}}}));
  world.pass(1min);
  CHECK(world.state() == "FAILED");
  CHECK(world.api.paths("services").empty());
  CHECK(world.api.paths("ingresses").empty());
}

TEST_CASE("what cannot be watched is found by its name", "[children]") {
  World world;
  world.options.ingress.url_format = "ex.com/{{$appName}}";
  world.api.before = [](const std::string& request) {
    return request == "LIST ingresses" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"} : FakeFault{};
  };
  world.apply();
  world.phase("Running");
  world.stop();
  world.start();
  world.pass(1min);
  CHECK(world.api.count("PATCH ingresses") == 0);
  CHECK(world.api.paths("ingresses").size() == 1);
  CHECK_FALSE(world.told("SparkApplicationChildNotMade"));
}

TEST_CASE("the config map of the Prometheus exporter is there before the driver", "[children]") {
  World world;
  const Json monitoring{{"monitoring",
                         {{"exposeDriverMetrics", true},
                          {"exposeExecutorMetrics", true},
                          {"prometheus", {{"jmxExporterJar", "/prometheus/agent.jar"}}}}}};
  const std::string path = "/api/v1/namespaces/ns/configmaps/pi-prom-conf";
  SECTION("made") {
    world.apply(application_with(monitoring));
    CHECK(std::ranges::find(world.api.asked, "POST configmaps") <
          std::ranges::find(world.api.asked, "POST pods"));
    CHECK(world.api.at(path)["metadata"]["ownerReferences"][0]["kind"] == "SparkApplication");
    world.phase("Running");
    world.phase("Succeeded");
    CHECK(world.api.has(path));
    CHECK(world.api.count("PATCH configmaps") == 0);
  }
  SECTION("refused") {
    world.api.before = [](const std::string& request) {
      return request == "POST configmaps" ? FakeFault{.refuse_with = 403, .reason = "Forbidden"}
                                          : FakeFault{};
    };
    world.apply(application_with(monitoring));
    CHECK(world.api.paths("pods").empty());
    CHECK(world.state() == "FAILED");
    CHECK(world.status().application_state.error_message.find("ConfigMap ns/pi-prom-conf") !=
          std::string::npos);
  }
  SECTION("somebody else's") {
    world.api.put(path, {{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", {{"name", "pi-prom-conf"}, {"namespace", "ns"}}},
                         {"data", {{"theirs", "1"}}}});
    world.apply(application_with(monitoring));
    CHECK(world.api.paths("pods").empty());
    CHECK(world.state() == "FAILED");
    CHECK(world.api.at(path)["data"] == Json({{"theirs", "1"}}));
  }
}

TEST_CASE("fault 22: pod groups follow the attempts of their application", "[children]") {
  World world;
  world.options.batch = {.enabled = true, .by_default = "", .kube_schedulers = {"gang"}};
  const bool volcano = GENERATE(true, false);
  const std::string path = volcano ? "/apis/scheduling.volcano.sh/v1beta1/namespaces/ns/podgroups/spark-pi-pg"
                                   : "/apis/scheduling.x-k8s.io/v1alpha1/namespaces/ns/podgroups/pi-pg";
  world.apply(retrying({{"batchScheduler", volcano ? "volcano" : "gang"}}));
  CHECK(std::ranges::find(world.api.asked, "POST podgroups") <
        std::ranges::find(world.api.asked, "POST pods"));
  REQUIRE(world.api.has(path));
  CHECK(world.api.at(path)["spec"]["minResources"] == Json({{"cpu", "2"}, {"memory", "1792Mi"}}));
  CHECK(world.api.at(pod_path("pi-driver"))["spec"]["schedulerName"] == (volcano ? "volcano" : "gang"));
  const std::string first = world.api.at(path)["metadata"]["uid"];
  SECTION("an edit: a new group with the new sizes") {
    world.edit({{"spec", {{"executor", {{"instances", 3}}}}}});
    world.pass(30s);
    CHECK(world.api.at(path)["spec"]["minResources"] == Json({{"cpu", "4"}, {"memory", "3584Mi"}}));
    CHECK(world.api.at(path)["metadata"]["uid"] != first);
  }
  SECTION("an edit that takes the scheduler away") {
    world.edit({{"spec", {{"batchScheduler", nullptr}}}});
    world.pass(30s);
    CHECK_FALSE(world.api.has(path));
    CHECK(world.state() == "SUBMITTED");
  }
  SECTION("a rerun: a group of its own") {
    world.driver_fails();
    world.pass(30s);
    CHECK(world.state() == "SUBMITTED");
    CHECK(world.api.at(path)["metadata"]["uid"] != first);
    CHECK(world.label(path) == world.status().submission_id);
  }
  SECTION("suspended: none") {
    world.edit({{"spec", {{"suspend", true}}}});
    world.pass(10s);
    CHECK_FALSE(world.api.has(path));
    world.edit({{"spec", {{"suspend", false}}}});
    world.pass(10s);
    CHECK(world.api.has(path));
  }
  SECTION("at the end: none, and nothing more is asked") {
    world.phase("Running");
    world.phase("Succeeded");
    CHECK(world.state() == "COMPLETED");
    CHECK_FALSE(world.api.has(path));
    world.pass(10min);
    CHECK(world.asked_about("podgroups") == 2);
  }
}

TEST_CASE("without the scheduler's kind an application is refused, and says why", "[children]") {
  World world;
  world.options.batch = {.enabled = true, .by_default = "volcano", .kube_schedulers = {}};
  world.api.before = [](const std::string& request) {
    return request.ends_with(" podgroups") ? FakeFault{.refuse_with = 404, .reason = "NotFound"}
                                           : FakeFault{};
  };
  world.apply();
  CHECK(world.state() == "FAILED");
  CHECK(world.status().application_state.error_message.find("PodGroup ns/spark-pi-pg") != std::string::npos);
  CHECK(world.api.paths("pods").empty());
}

TEST_CASE("an answer that is lost is no failure of the service", "[children]") {
  World world;
  world.api.before = [made = false](const std::string& request) mutable {
    if (made || request != "POST services") return FakeFault{};
    made = true;
    return FakeFault{.lose_answer = true};
  };
  world.apply();
  world.pass(30s);
  CHECK(world.api.has(service_path("pi-ui-svc")));
  CHECK(world.status().driver_info.web_ui_service_name == "pi-ui-svc");
}

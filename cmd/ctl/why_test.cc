// Each cause, told by sparkctl from what a real operator and a cluster leave behind. The test plays the
// kubelet.
#include <catch2/catch.hpp>

#include "cmd/controller_process.h"
#include "cmd/ctl/ctl_world.h"
#include "cmd/ctl/diagnosis.h"
#include "cmd/ctl/lookup.h"

using namespace ctl;
using namespace std::chrono_literals;
using Catch::Contains;
using kube::Json;
using kube::Task;
using kube::apiserver::FaultAction;

namespace {

struct Clinic : World {
  Clinic() {
    create({{"apiVersion", "v1"},
            {"kind", "ServiceAccount"},
            {"metadata", {{"name", "spark"}, {"namespace", "team-a"}}}});
  }
  ~Clinic() { stop_operator(); }

  void start_operator() {
    auto flags = cmd::parse_controller_flags({"--submitter=native", "--health-probe-bind-address=0"});
    kube::ClientConfig config;
    config.server = "http://api:8080";
    config.token = "secret";
    auto made = cmd::ControllerProcess::create(cluster.loop, cluster.network.host("operator"), flags.value(),
                                               config, {});
    REQUIRE(made);
    process = std::move(*made);
    const auto run = [](cmd::ControllerProcess* of) -> Task<> { (void)co_await of->run(); };
    operator_tasks.spawn("operator", run(process.get()));
    pass(2s);
  }
  void stop_operator() {
    if (process) process->stop();
    cluster.loop.run(operator_tasks.join());
    process.reset();
  }
  void pass(kube::Duration duration) { cluster.loop.run_for(duration); }

  // An application that the operator has seen.
  void submit(Json app = application("pi")) {
    if (!process) start_operator();
    create(app);
    pass(2s);
  }
  void driver(const Json& pod_status) {
    status("Pod", "pi-driver", pod_status);
    pass(2s);
  }
  static Json container(const Json& state) {
    return {{"name", "spark-kubernetes-driver"},
            {"ready", false},
            {"restartCount", 0},
            {"image", "spark:3.5.7"},
            {"imageID", ""},
            {"state", state}};
  }
  static Json ended(int code, const std::string& reason) {
    return {{"phase", "Failed"},
            {"containerStatuses",
             Json::array({container({{"terminated", {{"exitCode", code}, {"reason", reason}}}})})}};
  }

  Json answer(const std::string& name = "pi") {
    const Ran ran = run({"why", name, "-o", "json"});
    INFO(ran.err);
    const Json json = Json::parse(ran.out, nullptr, false);
    REQUIRE(json.is_object());
    return json;
  }
  std::string cause(const std::string& name = "pi") { return answer(name)["cause"]; }
  std::string details() {
    std::string all;
    for (const Json& line : answer()["details"]) all += line.get<std::string>() + "\n";
    return all;
  }

  std::unique_ptr<cmd::ControllerProcess> process;
  kube::TaskGroup operator_tasks{cluster.loop};
};

}  // namespace

TEST_CASE("why: an image that cannot be pulled", "[why]") {
  Clinic world;
  world.submit();
  world.driver(
      {{"phase", "Pending"},
       {"containerStatuses",
        Json::array({Clinic::container(
            {{"waiting",
              {{"reason", "ImagePullBackOff"}, {"message", "Back-off pulling image \"spark:3.5.7\""}}}})})}});
  CHECK(world.cause() == "ImagePull");
  CHECK_THAT(world.details(), Contains("Back-off pulling image"));
  const Ran ran = world.run({"why", "pi"});
  CHECK_THAT(
      ran.out,
      Contains("team-a/pi is SUBMITTED: ImagePull\n  an image of the driver's pod cannot be pulled\n") &&
          Contains("To do: check the image's name and tag") && Contains("Last events:\n"));
}

TEST_CASE("why: no node takes the driver", "[why]") {
  Clinic world;
  world.submit();
  world.driver(
      {{"phase", "Pending"},
       {"conditions", Json::array({{{"type", "PodScheduled"},
                                    {"status", "False"},
                                    {"reason", "Unschedulable"},
                                    {"message", "0/3 nodes are available: 3 Insufficient cpu."}}})}});
  CHECK(world.cause() == "Unschedulable");
  CHECK_THAT(world.details(), Contains("3 Insufficient cpu"));
}

TEST_CASE("why: a quota is spent", "[why]") {
  Clinic world;
  world.create({{"apiVersion", "v1"},
                {"kind", "ResourceQuota"},
                {"metadata", {{"name", "small"}, {"namespace", "team-a"}}},
                {"spec", {{"hard", {{"requests.cpu", "4"}}}}}});
  world.status("ResourceQuota", "small",
               {{"hard", {{"requests.cpu", "4"}}}, {"used", {{"requests.cpu", "3500m"}}}});
  world.cluster.server.faults().add(
      {.verb = "create",
       .resource = "pods",
       .action = FaultAction::fail(403,
                                   "pods \"pi-driver\" is forbidden: exceeded quota: small, requested: "
                                   "requests.cpu=1, used: requests.cpu=3500m, limited: requests.cpu=4")});
  world.create(application("pi"));
  // Before any operator has tried: the API server says it to sparkctl.
  CHECK(world.cause() == "QuotaExceeded");
  world.start_operator();
  CHECK(world.answer()["application"]["state"] == "FAILED");
  CHECK(world.cause() == "QuotaExceeded");
  CHECK_THAT(world.details(),
             Contains("exceeded quota: small") && Contains("quota small: requests.cpu 3500m of 4"));
}

TEST_CASE("why: a webhook that must be asked is down", "[why]") {
  Clinic world;
  world.create(
      {{"apiVersion", "admissionregistration.k8s.io/v1"},
       {"kind", "MutatingWebhookConfiguration"},
       {"metadata", {{"name", "spark-operator-webhook"}}},
       {"webhooks", Json::array({{{"name", "mutate-pod.sparkoperator.k8s.io"},
                                  {"admissionReviewVersions", {"v1"}},
                                  {"sideEffects", "None"},
                                  {"failurePolicy", "Fail"},
                                  {"clientConfig",
                                   {{"service", {{"namespace", "ops"}, {"name", "hook"}, {"path", "/x"}}}}},
                                  {"rules", Json::array({{{"apiGroups", {""}},
                                                          {"apiVersions", {"v1"}},
                                                          {"resources", {"pods"}},
                                                          {"operations", {"CREATE"}}}})}}})}});
  world.submit();
  CHECK(world.cause() == "WebhookUnavailable");
  CHECK_THAT(world.details(),
             Contains("MutatingWebhookConfiguration spark-operator-webhook: service ops/hook has no "
                      "ready pods"));
}

TEST_CASE("why: the driver's service account is missing", "[why]") {
  Clinic world;
  Json app = application("pi");
  app["spec"]["driver"]["serviceAccount"] = "nobody";
  world.create(app);
  CHECK(world.cause() == "ServiceAccountNotFound");
  world.start_operator();
  CHECK(world.answer()["application"]["state"] == "FAILED");
  CHECK(world.cause() == "ServiceAccountNotFound");
  CHECK_THAT(world.details(), Contains("team-a/nobody"));
}

TEST_CASE("why: a spec that no driver can be made of", "[why]") {
  Clinic world;
  Json app = application("pi");
  app["spec"]["driver"]["memory"] = "1.5g";
  world.create(app);
  CHECK(world.cause() == "InvalidSpec");
  CHECK_THAT(world.details(), Contains("spec.driver.memory"));
  world.start_operator();
  CHECK(world.answer()["application"]["state"] == "FAILED");
  CHECK(world.cause() == "InvalidSpec");
}

TEST_CASE("why: the driver used more memory than it may", "[why]") {
  Clinic world;
  world.submit();
  world.driver({{"phase", "Running"}});
  world.driver(Clinic::ended(137, "OOMKilled"));
  CHECK(world.cause() == "OOMKilled");
  CHECK_THAT(world.details(), Contains("memory limit of the driver: "));
}

TEST_CASE("why: the driver ended with an error", "[why]") {
  Clinic world;
  world.submit();
  world.driver({{"phase", "Running"}});
  CHECK(world.cause() == "ExecutorsPending");
  world.driver(Clinic::ended(101, "Error"));
  const Json answer = world.answer();
  CHECK(answer["cause"] == "ExitCode");
  CHECK(answer["application"]["state"] == "FAILED");
  CHECK_THAT(world.details(), Contains("the main class was not found"));
}

TEST_CASE("why: it is suspended, by hand or by Kueue", "[why]") {
  Clinic world;
  Json app = application("pi");
  app["spec"]["suspend"] = true;
  world.submit(app);
  CHECK(world.cause() == "Suspended");
  CHECK_THAT(world.answer()["advice"].get<std::string>(), Contains("sparkctl resume pi"));
  app["metadata"]["name"] = "queued";
  app["metadata"]["labels"] = {{"kueue.x-k8s.io/queue-name", "research"}};
  world.submit(app);
  CHECK_THAT(world.answer("queued")["details"].dump(), Contains("Kueue's queue research"));
}

TEST_CASE("why: its time to live is over", "[why]") {
  Clinic world;
  Json app = application("pi");
  app["spec"]["timeToLiveSeconds"] = 30;
  world.submit(app);
  world.driver({{"phase", "Running"}});
  world.driver(
      {{"phase", "Succeeded"},
       {"containerStatuses",
        Json::array({Clinic::container({{"terminated", {{"exitCode", 0}, {"reason", "Completed"}}}})})}});
  CHECK(world.cause() == "Completed");
  world.pass(60s);
  REQUIRE(world.get("SparkApplication", "pi").is_null());
  const Ran ran = world.run({"why", "pi"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("team-a/pi is not there: TimeToLive") && Contains("timeToLiveSeconds"));
  // By hand it is another story, and nothing at all is not found.
  world.submit(application("other"));
  REQUIRE(world.run({"delete", "other"}).code == 0);
  world.pass(5s);
  CHECK(world.cause("other") == "Deleted");
  const Ran none = world.run({"why", "none"});
  CHECK(none.code == 1);
  CHECK_THAT(none.out, Contains("NotFound"));
}

TEST_CASE("why: it waits for its turn, or for an operator", "[why]") {
  Clinic world;
  world.create(application("first"));
  world.pass(3s);
  world.create(application("pi"));
  CHECK(world.cause() == "WaitingInQueue");
  CHECK_THAT(world.details(), Contains("1 applications were created earlier"));
  world.pass(5min);
  CHECK(world.cause() == "NoOperator");
  // Somebody is served, so an operator is there, and busy.
  world.status("SparkApplication", "first",
               {{"applicationState", {{"state", "SUBMITTED"}}},
                {"driverInfo", Json::object()},
                {"lastSubmissionAttemptTime", kube::to_rfc3339(world.cluster.loop.now())}});
  CHECK(world.cause() == "WaitingInQueue");
}

TEST_CASE("why: executors do not start although the driver runs", "[why]") {
  Clinic world;
  world.submit();
  world.driver({{"phase", "Running"}});
  const Json driver = world.get("Pod", "pi-driver");
  world.create(
      {{"apiVersion", "v1"},
       {"kind", "Pod"},
       {"metadata",
        {{"name", "pi-exec-1"},
         {"namespace", "team-a"},
         {"labels",
          {{"sparkoperator.k8s.io/app-name", "pi"},
           {"sparkoperator.k8s.io/submission-id",
            driver["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"]},
           {"spark-role", "executor"},
           {"spark-exec-id", "1"}}}}},
       {"spec", {{"containers", Json::array({{{"name", "spark-kubernetes-executor"}, {"image", "x"}}})}}}});
  world.status("Pod", "pi-exec-1",
               {{"phase", "Pending"},
                {"conditions", Json::array({{{"type", "PodScheduled"},
                                             {"status", "False"},
                                             {"reason", "Unschedulable"},
                                             {"message", "0/3 nodes are available"}}})}});
  CHECK(world.cause() == "ExecutorsPending");
  CHECK_THAT(world.details(), Contains("1 executors of 2, 1 pending") && Contains("0/3 nodes are available"));
  world.status("Pod", "pi-exec-1", {{"phase", "Running"}, {"conditions", Json::array()}});
  CHECK(world.cause() == "Running");
}

TEST_CASE("why names what it may not look at, and answers all the same", "[why]") {
  Clinic world;
  world.submit();
  world.cluster.server.faults().add(
      {.verb = "list", .resource = "pods", .action = FaultAction::fail(403, "pods is forbidden")});
  world.cluster.server.faults().add(
      {.verb = "list", .resource = "resourcequotas", .action = FaultAction::fail(403, "no")});
  const Ran ran = world.run({"why", "pi"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("DriverStarting"));
  CHECK_THAT(ran.err, Contains("could not be looked at: pods") && Contains("quotas"));
}

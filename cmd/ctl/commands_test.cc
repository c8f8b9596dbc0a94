#include <algorithm>
#include <catch2/catch.hpp>

#include "cmd/ctl/ctl_world.h"
#include "kube/core/yaml.h"

using namespace ctl;
using namespace std::chrono_literals;
using Catch::Contains;
using kube::Json;

namespace {

Json status_of(const std::string& state, const std::string& message = "") {
  return {{"applicationState", {{"state", state}, {"errorMessage", message}}},
          {"driverInfo", {{"podName", "pi-driver"}}},
          {"submissionID", "one"},
          {"lastSubmissionAttemptTime", "2026-01-01T00:00:00Z"},
          {"submissionAttempts", 1},
          {"executionAttempts", 2}};
}

Json pod(const std::string& name, const std::string& role, const std::string& attempt,
         const std::string& id = "") {
  Json labels = {{"sparkoperator.k8s.io/app-name", "pi"},
                 {"sparkoperator.k8s.io/launched-by-spark-operator", "true"},
                 {"sparkoperator.k8s.io/submission-id", attempt},
                 {"spark-role", role}};
  if (!id.empty()) labels["spark-exec-id"] = id;
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"namespace", "team-a"}, {"labels", labels}}},
          {"spec",
           {{"containers",
             Json::array({{{"name", "spark-kubernetes-" + role},
                           {"image", "spark:3.5.7"},
                           {"resources", {{"requests", {{"cpu", "500m"}, {"memory", "1Gi"}}}}}}})}}}};
}

Json event(const std::string& reason, const std::string& message, const Json& about) {
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"generateName", "event-"}, {"namespace", "team-a"}}},
          {"type", "Normal"},
          {"reason", reason},
          {"message", message},
          {"lastTimestamp", "2026-01-01T00:00:00Z"},
          {"involvedObject",
           {{"kind", "SparkApplication"},
            {"name", about["metadata"]["name"]},
            {"namespace", "team-a"},
            {"uid", about["metadata"]["uid"]}}}};
}

Json nightly() {
  return {
      {"apiVersion", "sparkoperator.k8s.io/v1beta2"},
      {"kind", "ScheduledSparkApplication"},
      {"metadata", {{"name", "nightly"}, {"namespace", "team-a"}, {"labels", {{"team", "blue"}}}}},
      {"spec",
       {{"schedule", "@daily"}, {"concurrencyPolicy", "Forbid"}, {"template", application("x")["spec"]}}}};
}

}  // namespace

TEST_CASE("list shows applications as upstream's sparkctl did, and more when asked", "[ctl]") {
  World world;
  CHECK_THAT(world.run({"list"}).err, Contains("No applications found in namespace team-a."));
  world.create(application("pi"));
  world.create(application("other"));
  world.status("SparkApplication", "pi", status_of("FAILED", "boom"));
  const Ran plain = world.run({"list"});
  CHECK(plain.code == 0);
  CHECK_THAT(plain.out, Contains("NAME    STATE    SUBMISSION AGE   TERMINATION AGE\n") &&
                            Contains("other   NEW      N.A.             N.A.\n") &&
                            Contains("pi      FAILED   "));
  CHECK(world.run({"list", "--state", "FAILED", "-o", "name"}).out == "pi\n");
  CHECK_THAT(world.run({"list", "-o", "wide"}).out, Contains("boom") && Contains("pi-driver"));
  CHECK_THAT(world.run({"list", "-A"}).out, Contains("team-a      pi"));
  CHECK(Json::parse(world.run({"list", "-o", "json"}).out)["items"].size() == 2);
  CHECK(world.run({"list", "--context", "there", "-o", "name"}).out == "");
  CHECK(world.run({"list", "-n", "team-a", "--context", "there", "-o", "name"}).out == "other\npi\n");
  CHECK(world.run({"list", "--context", "nowhere"}).code == 2);
  const Ran status = world.run({"status", "pi"});
  CHECK_THAT(status.out, Contains("application state:\n") && Contains("FAILED") &&
                             Contains("application error message: boom"));
  CHECK(Json::parse(world.run({"status", "pi", "-o", "json"}).out)["metadata"]["name"] == "pi");
  const Ran missing = world.run({"status", "none"});
  CHECK(missing.code == 1);
  CHECK(missing.err == "sparkctl: SparkApplication team-a/none: not found\n");
}

TEST_CASE("create checks the whole file before it creates anything", "[ctl]") {
  World world;
  Json local = application("second"), elsewhere = application("pi"), bare = application("pi");
  local["spec"]["deps"] = {{"jars", {"http://ok/x.jar", "/home/me/y.jar"}}};
  elsewhere["metadata"]["namespace"] = "team-b";
  bare["spec"].erase("image");
  const std::string both = kube::to_yaml(std::vector<Json>{application("first"), local});
  const Ran refused = world.run({"create", "-f", "-"}, both);
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Contains("team-a/second: spec.deps.jars: /home/me/y.jar"));
  CHECK(world.list("SparkApplication").empty());
  CHECK_THAT(world.run({"create", "-f", "-", "-n", "team-a"}, kube::to_yaml(elsewhere)).err,
             Contains("--namespace"));
  CHECK_THAT(world.run({"create", "-f", "-"}, kube::to_yaml(bare)).err, Contains("spec.image"));
  CHECK(world.run({"create"}).code == 2);

  const std::string pi = kube::to_yaml(application("pi"));
  CHECK(world.run({"create", "-f", "-", "--dry-run"}, pi).out ==
        "SparkApplication \"pi\" would be created\n");
  CHECK(world.list("SparkApplication").empty());
  CHECK(world.run({"create", "-"}, pi).out == "SparkApplication \"pi\" created\n");
  const std::string uid = world.get("SparkApplication", "pi")["metadata"]["uid"];
  const Ran again = world.run({"create", "-f", "-"}, pi);
  CHECK(again.code == 1);
  CHECK_THAT(again.err, Contains("already exists"));
  CHECK(world.run({"create", "-f", "-", "--delete"}, pi).code == 0);
  CHECK(world.get("SparkApplication", "pi")["metadata"]["uid"] != uid);
}

TEST_CASE("delete, suspend and resume act on what is there, and say what is not", "[ctl]") {
  World world;
  world.create(application("pi"));
  world.create(nightly());
  CHECK(world.run({"suspend", "pi"}).out == "SparkApplication \"pi\" suspended\n");
  CHECK(world.get("SparkApplication", "pi")["spec"]["suspend"] == true);
  CHECK(world.run({"suspend", "pi"}).out == "SparkApplication \"pi\" is suspended already\n");
  CHECK(world.run({"resume", "pi"}).code == 0);
  CHECK(world.get("SparkApplication", "pi")["spec"]["suspend"] == false);
  CHECK(world.run({"suspend", "--schedule", "nightly"}).code == 0);
  CHECK_THAT(world.run({"list", "--schedules"}).out, Contains("nightly   @daily     Suspended"));
  world.status("SparkApplication", "pi", status_of("COMPLETED"));
  CHECK_THAT(world.run({"suspend", "pi"}).err, Contains("nothing to suspend"));
  const Ran two = world.run({"delete", "none", "pi"});
  CHECK(two.code == 1);
  CHECK(two.out == "SparkApplication \"pi\" deleted\n");
  CHECK_THAT(two.err, Contains("team-a/none: not found"));
  CHECK(world.run({"delete", "none", "--ignore-not-found"}).code == 0);
  CHECK(world.run({"delete", "--schedule", "nightly", "--wait"}).code == 0);
  CHECK(world.list("ScheduledSparkApplication").empty());
}

TEST_CASE("rerun starts an ended application over, and a running one only by force", "[ctl]") {
  World world;
  world.create(application("pi"));
  CHECK_THAT(world.run({"rerun", "pi"}).err, Contains("about to run anyway"));
  world.status("SparkApplication", "pi", status_of("RUNNING"));
  CHECK_THAT(world.run({"rerun", "pi"}).err, Contains("pi\" is RUNNING; --force"));
  CHECK(world.run({"rerun", "pi", "--force"}).code == 0);
  CHECK(world.get("SparkApplication", "pi")["status"]["applicationState"]["state"] == "INVALIDATING");
  world.status("SparkApplication", "pi", status_of("FAILED", "boom"));
  CHECK(world.run({"rerun", "pi"}).out == "SparkApplication \"pi\" runs again\n");
  const Json status = world.get("SparkApplication", "pi")["status"];
  CHECK(status["applicationState"]["state"] == "INVALIDATING");
  CHECK(status["submissionID"] == "one");
  world.run({"suspend", "pi"});
  CHECK_THAT(world.run({"rerun", "pi", "--force"}).err, Contains("sparkctl resume pi"));
}

TEST_CASE("a run by hand looks like the schedule's own, and heeds its policy", "[ctl]") {
  World world;
  const Json schedule = world.create(nightly());
  const Ran ran = world.run({"run-now", "nightly"});
  REQUIRE(ran.code == 0);
  const auto apps = world.list("SparkApplication");
  REQUIRE(apps.size() == 1);
  const Json& meta = apps[0]["metadata"];
  CHECK_THAT(meta["name"].get<std::string>(), Catch::StartsWith("nightly-manual-"));
  CHECK(meta["labels"]["sparkoperator.k8s.io/scheduled-app-name"] == "nightly");
  CHECK(meta["labels"]["team"] == "blue");
  CHECK(meta["ownerReferences"][0]["uid"] == schedule["metadata"]["uid"]);
  CHECK(apps[0]["spec"]["mainApplicationFile"] == "local:///opt/pi.py");
  const Ran second = world.run({"run-now", "nightly", "--name", "by-hand"});
  CHECK(second.code == 1);
  CHECK_THAT(second.err, Contains("is NEW") && Contains("Forbid"));
  CHECK(world.run({"run-now", "nightly", "--name", "by-hand", "--force"}).out ==
        "SparkApplication \"by-hand\" created\n");
  CHECK(world.run({"create", "free", "--from", "nightly"}).code == 0);
  CHECK_FALSE(world.get("SparkApplication", "free")["metadata"].contains("labels"));
  CHECK(world.run({"run-now", "none"}).code == 1);
}

TEST_CASE("events are those of this application, and go on with --follow", "[ctl]") {
  World world;
  const Json pi = world.create(application("pi"));
  world.create(event("SparkApplicationAdded", "pi was added", pi));
  Json old = event("SparkApplicationFailed", "of an earlier one", pi);
  old["involvedObject"]["uid"] = "gone";
  world.create(old);
  const Ran ran = world.run({"event", "pi"});
  CHECK_THAT(ran.out, Contains("SparkApplicationAdded") && !Contains("earlier"));
  const Ran followed = world.run_for({"event", "pi", "-f"}, 10s, [&] {
    world.create(event("SparkApplicationSubmitted", "pi was submitted", pi));
  });
  CHECK(followed.code == -1);
  CHECK_THAT(followed.out, Contains("SparkApplicationAdded") && Contains("SparkApplicationSubmitted"));
  CHECK(world.run({"event", "none"}).code == 1);
}

TEST_CASE("following events goes on after the server has forgotten where it was", "[ctl]") {
  World world;
  const Json pi = world.create(application("pi"));
  Json old = event("SparkApplicationFailed", "of an earlier one", pi);
  old["involvedObject"]["uid"] = "gone";
  world.create(old);
  world.create(event("SparkApplicationAdded", "pi was added", pi));
  const Ran followed = world.run_for({"event", "pi", "-f"}, 10s, [&] {
    Json other = event("SparkApplicationAdded", "another was added", pi);
    other["involvedObject"]["name"] = "other";
    world.create(other);
    world.cluster.server.store().compact();
    world.cluster.loop.run_for(30min);  // every watch ends within ten
    world.create(event("SparkApplicationSubmitted", "pi was submitted", pi));
  });
  CHECK(followed.code == -1);
  const auto added = followed.out.find("pi was added");
  CHECK(followed.out.find("pi was added", added + 1) == std::string::npos);
  CHECK_THAT(followed.out, Contains("pi was submitted") && !Contains("earlier"));
}

TEST_CASE("log says whose log there is not", "[ctl]") {
  World world;
  world.create(application("pi"));
  world.status("SparkApplication", "pi", status_of("FAILED"));
  CHECK_THAT(world.run({"log", "pi"}).err,
             Contains("FAILED and has no driver pod") && Contains("sparkctl why pi"));
  world.create(pod("pi-driver", "driver", "one"));
  world.create(pod("pi-exec-1", "executor", "one", "1"));
  CHECK_THAT(world.run({"log", "pi", "-e", "7"}).err, Contains("no pod of executor 7; there are 1"));
  CHECK_THAT(world.run({"log", "pi", "--previous"}).err, Contains("no driver of an earlier attempt"));
  CHECK(world.run({"log", "none"}).code == 1);
  CHECK(world.run({"log", "pi", "--tail", "x"}).code == 2);
}

TEST_CASE("top adds up what pods ask for that have not ended", "[ctl]") {
  World world;
  world.create(application("pi"));
  world.create(application("idle"));
  world.status("SparkApplication", "pi", status_of("RUNNING"));
  world.create(pod("pi-driver", "driver", "one"));
  world.create(pod("pi-exec-1", "executor", "one", "1"));
  world.create(pod("pi-exec-2", "executor", "one", "2"));
  world.status("Pod", "pi-driver", {{"phase", "Running"}});
  world.status("Pod", "pi-exec-1", {{"phase", "Running"}});
  world.status("Pod", "pi-exec-2", {{"phase", "Succeeded"}});
  const Ran ran = world.run({"top"});
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        "NAME   STATE     DRIVER    EXECUTORS   CPU     MEMORY\n"
        "pi     RUNNING   Running   1/1         1000m   2048Mi\n");
  CHECK_THAT(world.run({"top", "--all"}).out, Contains("idle"));
  CHECK(Json::parse(world.run({"top", "-o", "json"}).out)["items"][0]["requests"]["memory"] == "2048Mi");
}

TEST_CASE("a shell is offered names from the cluster", "[ctl]") {
  World world;
  world.create(application("pi"));
  world.create(nightly());
  CHECK(world.run({"__complete", "--", "status", ""}).out == "pi\n");
  CHECK(world.run({"__complete", "--", "run-now", "n"}).out == "nightly\n");
  CHECK(world.run({"__complete", "--", "suspend", "--schedule", ""}).out == "nightly\n");
  CHECK_THAT(world.run({"__complete", "--", "list", "-n", "t"}).out, Contains("team-a\n"));
  CHECK(world.run({"__complete", "--", "create", "-f", ""}).out == ":files\n");
  CHECK(world.run({"__complete", "--", "local", ""}).out == "up\nrun\ndown\nkubelet\n");
  world.environment.clear();
  CHECK(world.run({"__complete", "--", "status", ""}).out == "");
  CHECK_THAT(world.run({"completion", "bash"}).out, Contains("complete -o nosort -F _sparkctl sparkctl"));
  CHECK_THAT(world.run({"completion", "zsh"}).out, Contains("compdef"));
  CHECK(world.run({"completion", "fish"}).code == 2);
}

TEST_CASE("an API server that cannot be reached is one line", "[ctl]") {
  World world;
  world.cluster.server.faults().add({.action = kube::apiserver::FaultAction::fail(503, "down")});
  for (const std::vector<std::string>& words : {std::vector<std::string>{"list"},
                                                {"status", "pi"},
                                                {"why", "pi"},
                                                {"top"},
                                                {"event", "pi"},
                                                {"log", "pi"},
                                                {"delete", "pi"},
                                                {"rerun", "pi"},
                                                {"run-now", "x"}}) {
    INFO(words[0]);
    const Ran ran = world.run(words);
    CHECK(ran.code == 1);
    CHECK(ran.out == "");
    CHECK(std::ranges::count(ran.err, '\n') == 1);
  }
}

#include "controller/connect/connect_decision.h"

#include <catch2/catch.hpp>
#include <functional>

#include "spark/connect/connect_objects.h"

using namespace controller;
using namespace std::chrono_literals;
using api::ConnectState;
using kube::Json;

namespace {

const kube::TimePoint kNow{std::chrono::seconds(1795225810)};
constexpr const char* kMaster = "k8s://https://10.96.0.1:443";

api::SparkConnect connect() {
  api::SparkConnect connect;
  connect.metadata.name = "sql";
  connect.metadata.namespace_ = "ns";
  connect.metadata.uid = "uid-1";
  connect.metadata.generation = 1;
  connect.spec.spark_version = "4.1.4";
  connect.spec.image = "spark:4.1.4";
  return connect;
}

ConnectPodView server() {
  ConnectPodView pod;
  pod.key = {"ns", "sql-server"};
  pod.uid = "pod-1";
  pod.created = kNow - 1min;
  pod.connect_uid = "uid-1";
  pod.spec_hash = spark::connect_spec_hash(connect().spec);
  pod.phase = PodPhase::Running;
  pod.ip = "10.0.0.8";
  return pod;
}

struct Told {
  ConnectState state;
  std::string status, reason, message;
};
Told told(const ConnectDecision& decision) {
  REQUIRE(decision.status.conditions.size() == 1);
  const Json& condition = decision.status.conditions[0];
  CHECK(condition["type"] == "ServerPodReady");
  return {decision.status.state, condition["status"], condition["reason"], condition["message"]};
}

ConnectDecision decide(std::optional<ConnectPodView> pod, const api::SparkConnect& of = connect()) {
  return decide_connect(of, {.server = std::move(pod)}, kNow, kMaster);
}

}  // namespace

TEST_CASE("a server's pod says which state it is in, and why (fault 27 of the Go operator)", "[connect]") {
  struct Row {
    const char* why;
    std::function<void(ConnectPodView&)> how;
    ConnectState state;
    const char* reason;
    const char* message;
  };
  const std::vector<Row> rows{
      {"nothing has come of it yet", [](auto& pod) { pod.phase = PodPhase::Pending; },
       ConnectState::Provisioning, "ServerPodNotReady", "Server pod is not ready: it is starting"},
      {"an image that is not there",
       [](auto& pod) {
         pod.phase = PodPhase::Pending;
         pod.trouble = {FailureReason::ImagePull, "container spark: ErrImagePull"};
       },
       ConnectState::Provisioning, "ServerPodNotReady",
       "Server pod is not ready: [ImagePull] container spark: ErrImagePull"},
      {"it runs, but its startup probe has not held", [](auto&) {}, ConnectState::Provisioning,
       "ServerPodNotReady", "Server pod is not ready: it is starting"},
      {"ready", [](auto& pod) { pod.ready = pod.started = true; }, ConnectState::Ready, "ServerPodReady",
       "Server pod is ready"},
      {"ready no more", [](auto& pod) { pod.started = true; }, ConnectState::NotReady, "ServerPodNotReady",
       "Server pod is not ready: it does not answer its readiness probe"},
      {"it crashes",
       [](auto& pod) {
         pod.restarts = 2;
         pod.end = ContainerEnd{137, "OOMKilled"};
       },
       ConnectState::NotReady, "ServerPodNotReady",
       "Server pod is not ready: its container was restarted 2 times, exit code 137: killed (SIGKILL), by "
       "the "
       "node when it is short of memory, or at the end of a grace period, OOMKilled"},
      {"deleted by somebody", [](auto& pod) { pod.ready = pod.started = pod.terminating = true; },
       ConnectState::Provisioning, "ServerPodNotReady", "Server pod is not ready: it is being replaced"},
      {"it was to end, and has",
       [](auto& pod) {
         pod.phase = PodPhase::Failed;
         pod.restarts_always = false;
         pod.end = ContainerEnd{1, "Error"};
       },
       ConnectState::Failed, "ServerPodEnded",
       "Server pod has ended: exit code 1: the application ended with an error"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.why) {
      ConnectPodView pod = server();
      row.how(pod);
      const ConnectDecision decision = decide(pod);
      const Told says = told(decision);
      CHECK(says.state == row.state);
      CHECK(says.status == (row.state == ConnectState::Ready ? "True" : "False"));
      CHECK(says.reason == row.reason);
      CHECK(says.message == row.message);
      CHECK(std::holds_alternative<Wait>(decision.server));
    }
  }
}

TEST_CASE("no server: one is made", "[connect]") {
  const ConnectDecision decision = decide(std::nullopt);
  CHECK(std::holds_alternative<CreateServer>(decision.server));
  CHECK(decision.children.size() == 2);
  CHECK(decision.status.state == ConnectState::Provisioning);
  CHECK(decision.status.start_time == kNow);
  CHECK(decision.status.server.pod_name == "sql-server");
  CHECK(decision.status.server.service_name == "sql-server");
}

TEST_CASE("a server of another spec is deleted, one that is going is waited for", "[connect]") {
  api::SparkConnect edited = connect();
  edited.spec.spark_conf["a"] = "b";
  const ConnectDecision decision = decide(server(), edited);
  const auto* remove = std::get_if<DeleteServer>(&decision.server);
  REQUIRE(remove != nullptr);
  CHECK(remove->pod.uid == "pod-1");
  CHECK(remove->for_an_edit);
  ConnectPodView going = server();
  going.terminating = true;
  CHECK(std::holds_alternative<Wait>(decide(going, edited).server));
}

TEST_CASE("another operator's server runs on until the spec's generation moves", "[connect]") {
  ConnectPodView foreign = server();
  foreign.spec_hash.clear();
  foreign.ready = true;
  api::SparkConnect seen = connect();
  seen.metadata.generation = 7;
  const ConnectDecision adopted = decide(foreign, seen);
  CHECK(std::holds_alternative<Wait>(adopted.server));
  seen.status = adopted.status;
  CHECK(std::holds_alternative<Wait>(decide(foreign, seen).server));
  seen.metadata.generation = 8;
  CHECK(std::holds_alternative<DeleteServer>(decide(foreign, seen).server));
}

TEST_CASE("a server that its node took away is made anew, after a pause", "[connect]") {
  ConnectPodView evicted = server();
  evicted.phase = PodPhase::Failed;
  evicted.trouble = {FailureReason::Evicted, "The node was low on resource: memory."};
  const ConnectDecision decision = decide(evicted);
  REQUIRE(std::holds_alternative<DeleteServer>(decision.server));
  CHECK(told(decision).message ==
        "Server pod is not ready: it is replaced. Server pod has ended: [Evicted] The node was low on "
        "resource: memory.");
  evicted.created = kNow - 4s;
  const ConnectDecision early = decide(evicted);
  REQUIRE(std::holds_alternative<Wait>(early.server));
  CHECK(std::get<Wait>(early.server).at_most == 6s);
  CHECK(early.status.state == ConnectState::Failed);
}

TEST_CASE("an impossible spec changes nothing that runs, and says why", "[connect]") {
  api::SparkConnect impossible = connect();
  impossible.spec.image.reset();
  impossible.status.executors = {{"running", 1}};
  ConnectPodView ready = server();
  ready.ready = true;
  const ConnectDecision decision = decide(ready, impossible);
  CHECK(std::holds_alternative<Wait>(decision.server));
  CHECK(decision.children.empty());
  const Told says = told(decision);
  CHECK(says.state == ConnectState::Failed);
  CHECK(says.reason == "InvalidSpec");
  CHECK(says.message.starts_with("spec.image: is required"));
  CHECK(says.message.ends_with("; the server of the earlier spec runs on"));
}

TEST_CASE("what an earlier webhook let in goes on, and is made again", "[connect]") {
  api::SparkConnect odd = connect();
  odd.spec.spark_version = "latest";
  odd.spec.server.pod_template = {{"metadata", {{"labels", {{"a", "b"}}}}}};
  odd.spec.dynamic_allocation = api::DynamicAllocation{};
  odd.spec.dynamic_allocation->enabled = true;
  odd.spec.dynamic_allocation->initial_executors = 1;
  odd.spec.dynamic_allocation->min_executors = 2;
  CHECK(std::holds_alternative<CreateServer>(decide(std::nullopt, odd).server));
}

TEST_CASE("the same state twice is no change, and time of transition stays", "[connect]") {
  ConnectPodView ready = server();
  ready.ready = true;
  api::SparkConnect seen = connect();
  const ConnectDecision first = decide(ready, seen);
  CHECK(first.notes == std::vector<Note>{{false, "SparkConnectReady", "Server pod is ready"}});
  seen.status = first.status;
  const ConnectDecision later = decide_connect(seen, {.server = ready}, kNow + 1h, kMaster);
  CHECK(same_status(later.status, seen.status));
  CHECK(later.notes.empty());
}

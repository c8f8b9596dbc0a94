#include "kube/kubelet/scheduler.h"

#include <catch2/catch.hpp>

using namespace kube;

namespace {

std::shared_ptr<const SchedulableNode> node(const char* name, std::int64_t cpu = 4000,
                                            std::int64_t memory = 8 << 20) {
  SchedulableNode out;
  out.name = name;
  out.labels = {{"zone", name}};
  out.cpu_milli = cpu;
  out.memory = memory;
  out.pods = 10;
  out.ready = true;
  return std::make_shared<const SchedulableNode>(out);
}

std::shared_ptr<const SchedulableNode> cordoned(const char* name) {
  SchedulableNode out = *node(name);
  out.unschedulable = true;
  return std::make_shared<const SchedulableNode>(out);
}

}  // namespace

TEST_CASE("a pod goes to the fitting node with fewest pods, then to the first by name", "[scheduler]") {
  SchedulablePod pod;
  pod.cpu_milli = 1000;
  CHECK(place(pod, {node("a"), node("b")}, {}).node == "a");
  CHECK(place(pod, {node("a"), node("b")}, {{"a", {0, 0, 3}}, {"b", {0, 0, 1}}}).node == "b");
  CHECK(place(pod, {node("a"), node("b")}, {{"b", {0, 0, 1}}, {"a", {3500, 0, 0}}}).node == "b");
  pod.node_selector = {{"zone", "b"}};
  CHECK(place(pod, {node("a"), node("b")}, {}).node == "b");
}

TEST_CASE("a pod that fits nowhere is told why, with counts", "[scheduler]") {
  SchedulablePod pod;
  pod.cpu_milli = 5000;
  CHECK(place(pod, {}, {}).why_not == "no nodes available to schedule pods");
  CHECK(place(pod, {node("a"), node("b"), cordoned("c")}, {}).why_not ==
        "0/3 nodes are available: 2 Insufficient cpu, 1 node(s) were unschedulable.");
  pod.cpu_milli = 0;
  pod.node_selector = {{"disk", "ssd"}};
  CHECK(place(pod, {node("a")}, {}).why_not ==
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
  pod.node_selector.clear();
  CHECK(place(pod, {node("a")}, {{"a", {0, 0, 10}}}).why_not == "0/1 nodes are available: 1 Too many pods.");
  pod.memory = 9 << 20;
  CHECK(place(pod, {node("a")}, {}).why_not == "0/1 nodes are available: 1 Insufficient memory.");
}

TEST_CASE("a tainted node takes only pods that tolerate all of its taints", "[scheduler]") {
  auto tainted = [] {
    SchedulableNode out = *node("a");
    out.taints = {{"dedicated", "batch", "NoSchedule"}, {"gpu", "", "NoExecute"}};
    return std::make_shared<const SchedulableNode>(out);
  }();
  const Toleration dedicated{.key = "dedicated", .value = "batch", .effect = "NoSchedule"};
  const Toleration gpu{.key = "gpu", .any_value = true};
  struct Row {
    const char* why;
    std::vector<Toleration> tolerations;
    const char* goes_to;
  };
  for (const Row& row : std::vector<Row>{
           {"tolerates nothing", {}, "b"},
           {"tolerates one of two", {dedicated}, "b"},
           {"tolerates both", {dedicated, gpu}, "a"},
           {"tolerates another value", {{.key = "dedicated", .value = "web"}, gpu}, "b"},
           {"tolerates another effect",
            {{.key = "dedicated", .effect = "NoExecute", .any_value = true}, gpu},
            "b"},
           {"tolerates everything", {{.any_value = true}}, "a"},
       }) {
    INFO(row.why);
    SchedulablePod pod;
    pod.tolerations = row.tolerations;
    CHECK(place(pod, {tainted, node("b")}, {{"b", {0, 0, 1}}}).node == row.goes_to);
  }
  CHECK(place({}, {tainted}, {}).why_not ==
        "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: batch}.");
}

TEST_CASE("taints read as kubectl writes them", "[scheduler]") {
  CHECK(parse_taint("a/b=c:NoSchedule").value() == Taint{"a/b", "c", "NoSchedule"});
  CHECK(parse_taint("a:NoExecute").value() == Taint{"a", "", "NoExecute"});
  for (const char* text : {"", "a", "a=b", "a=b:Sometimes", "=b:NoSchedule", ":NoSchedule"}) {
    INFO(text);
    REQUIRE_FALSE(parse_taint(text));
  }
}

TEST_CASE("requests add up over containers and sidecars; other init containers count by the largest",
          "[scheduler]") {
  JsonReader reader;
  auto view = reader.read(R"({"metadata": {"name": "p", "namespace": "n"}, "spec": {
    "containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
                   {"resources": {"requests": {"cpu": 1}}}],
    "initContainers": [{"resources": {"requests": {"cpu": "3"}}},
                       {"restartPolicy": "Always", "resources": {"requests": {"memory": "1Gi"}}}]},
    "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "m"}]}})");
  REQUIRE(view);
  auto pod = SchedulablePod::project(*view);
  REQUIRE(pod);
  CHECK(pod->cpu_milli == 3000);
  CHECK(pod->memory == std::int64_t{2} << 30);
  CHECK(pod->unschedulable_message == "m");
  CHECK_FALSE(pod->terminal);
}

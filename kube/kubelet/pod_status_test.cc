#include "kube/kubelet/pod_status.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"
#include "kube/kubelet/log_server.h"
#include "kube/kubelet/pretend_runtime.h"

using namespace kube;

namespace {

const Json* condition(const Json& status, const std::string& type) {
  for (const Json& one : status["conditions"]) {
    if (one["type"] == type) return &one;
  }
  return nullptr;
}

PodReport running_report() {
  PodReport report;
  report.phase = "Running";
  report.pod_address = "127.7.0.2";
  report.host_address = "127.0.0.1";
  report.initialized = true;
  ContainerReport main;
  main.name = "main";
  main.image = "app:1";
  main.running = main.ready = true;
  report.containers.push_back(main);
  return report;
}

}  // namespace

TEST_CASE("a running pod is Ready when all of its containers are", "[status]") {
  const Json pod = {{"metadata", {{"uid", "u"}}}};
  PodReport report = running_report();
  Json status = make_pod_status(pod, report, TimePoint(100s));
  CHECK((*condition(status, "Ready"))["status"] == "True");
  CHECK(status["podIPs"] == Json::parse(R"([{"ip": "127.7.0.2"}])"));
  CHECK(status["containerStatuses"][0]["state"].contains("running"));
  report.containers[0].ready = false;
  status = make_pod_status(pod, report, TimePoint(100s));
  CHECK((*condition(status, "Ready"))["status"] == "False");
  CHECK((*condition(status, "Ready"))["message"] == "containers with unready status: [main]");
}

TEST_CASE("a condition keeps the time of its last change, and those of others are carried over", "[status]") {
  Json pod = {{"metadata", {{"uid", "u"}}}};
  pod["status"] = make_pod_status(pod, running_report(), TimePoint(100s));
  pod["status"]["conditions"].push_back({{"type", "DisruptionTarget"}, {"status", "True"}});
  Json later = make_pod_status(pod, running_report(), TimePoint(200s));
  CHECK((*condition(later, "Ready"))["lastTransitionTime"] == "1970-01-01T00:01:40Z");
  CHECK(condition(later, "DisruptionTarget") != nullptr);
  PodReport over = running_report();
  over.phase = "Succeeded";
  over.containers[0].running = false;
  over.containers[0].ended = {{0, "", ""}, TimePoint(100s), TimePoint(150s)};
  later = make_pod_status(pod, over, TimePoint(200s));
  CHECK((*condition(later, "Ready"))["lastTransitionTime"] == "1970-01-01T00:03:20Z");
  CHECK((*condition(later, "Ready"))["reason"] == "PodCompleted");
  const Json& state = later["containerStatuses"][0]["state"];
  CHECK(state.size() == 1);
  CHECK(state["terminated"]["reason"] == "Completed");
}

TEST_CASE("a log request's query says what is wrong with it", "[log]") {
  auto query = parse_log_query("follow=true&tailLines=5&sinceSeconds=10&timestamps=1", TimePoint(100s));
  REQUIRE(query);
  CHECK(query->follow);
  CHECK(query->options.tail_lines == 5);
  CHECK(query->options.timestamps);
  CHECK(query->options.since == TimePoint(90s));
  auto wrong = parse_log_query("tailLines=many", TimePoint(100s));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind() == ErrorKind::BadRequest);
  CHECK(wrong.error().message() == "tailLines: expected a number, got \"many\"");
}

namespace {

Task<> pretend(SimLoop* loop, bool terminate, Duration* took, int* code) {
  PretendRuntime runtime(*loop, {.start_min = 1s, .start_max = 2s, .stop_delay = 1s, .plan = {}});
  auto pod = std::make_shared<const Json>(
      Json{{"metadata",
            {{"uid", "u"},
             {"annotations", {{"pretend.kubelet/lasts", "1m"}, {"pretend.kubelet/exit-code", "3"}}}}}});
  const SteadyTime begin = loop->steady();
  (void)co_await runtime.prepare(pod, *runtime.assign_address(*pod));
  const Duration waited = loop->steady() - begin;
  CHECK(waited >= 1s);
  CHECK(waited <= 2s);
  const SteadyTime started = loop->steady();
  auto container = co_await runtime.start({pod, {{"name", "main"}}, "", 0});
  REQUIRE(container);
  if (terminate) (*container)->terminate();
  *code = (co_await (*container)->wait()).code;
  *took = loop->steady() - started;
}

}  // namespace

TEST_CASE("a pretended container lasts and ends as its pod's annotations say, or as it is told",
          "[pretend]") {
  SimLoop loop(7);
  Duration took{};
  int code = 0;
  loop.run(pretend(&loop, false, &took, &code));
  CHECK(took == 1min);
  CHECK(code == 3);
  loop.run(pretend(&loop, true, &took, &code));
  CHECK(took == 1s);
  CHECK(code == 143);
}

#include "controller/application/executors.h"

#include <catch2/catch.hpp>

#include "kube/core/fields.h"

using namespace controller;
using api::PodState;

namespace {

api::SparkApplicationStatus status() {
  api::SparkApplicationStatus status;
  status.submission_id = "id-1";
  return status;
}

PodView executor(std::int64_t id, PodPhase phase) {
  PodView pod;
  pod.key = {"ns", "pi-exec-" + std::to_string(id)};
  pod.submission_id = "id-1";
  pod.role = "executor";
  pod.executor_id = id;
  pod.app_selector = "spark-1";
  pod.phase = phase;
  return pod;
}

PodView ended(std::int64_t code, const char* reason = "Error", bool deleted = false) {
  PodView pod = executor(1, code == 0 ? PodPhase::Succeeded : PodPhase::Failed);
  pod.spark_container = ContainerEnd{code, reason};
  pod.terminating = deleted;
  return pod;
}

PodState state_of(const PodView& pod, api::State app) {
  return track_executors(status(), {pod}, app, 1000).states.at("pi-exec-1");
}

}  // namespace

TEST_CASE("executors are merged, and what is gone counts by how the run stands", "[executors]") {
  auto before = status();
  before.executor_state = {{"gone", PodState::Running}, {"done", PodState::Completed}};
  const std::vector pods{executor(1, PodPhase::Running), executor(1001, PodPhase::Running)};
  const auto running = track_executors(before, pods, api::State::Running, 1000);
  CHECK(running.states == std::map<std::string, PodState>{{"gone", PodState::Unknown},
                                                          {"pi-exec-1", PodState::Running},
                                                          {"done", PodState::Completed}});
  CHECK(running.app_selector == "spark-1");
  REQUIRE(running.notes.size() == 1);
  CHECK(running.notes[0].reason == "SparkExecutorRunning");
  CHECK(track_executors(before, {}, api::State::Failing, 1000).states.at("gone") == PodState::Failed);
  CHECK(track_executors(before, {}, api::State::Completed, 1000).states.at("gone") == PodState::Completed);
  PodView earlier = executor(2, PodPhase::Failed);
  earlier.submission_id = "id-0";
  CHECK(track_executors(before, {earlier}, api::State::Running, 1000).states.size() == 2);
}

TEST_CASE(
    "executors that are gone when the driver is seen to have succeeded have completed (fault 10 of the Go "
    "operator)",
    "[executors]") {
  auto before = status();
  before.executor_state = {{"pi-exec-1", PodState::Running}, {"pi-exec-2", PodState::Unknown}};
  const auto tracked = track_executors(before, {}, api::State::Succeeding, 1000);
  CHECK(tracked.states == std::map<std::string, PodState>{{"pi-exec-1", PodState::Completed},
                                                          {"pi-exec-2", PodState::Completed}});
}

TEST_CASE("an executor that its driver deletes has not failed", "[executors]") {
  struct Row {
    const char* why;
    PodView pod;
    api::State app;
    PodState state;
  };
  PodView evicted = ended(143, "Error", true);
  evicted.trouble.reason = FailureReason::Evicted;
  const Row rows[] = {
      {"by SIGTERM, while the driver winds up", ended(143, "Error", true), api::State::Running,
       PodState::Completed},
      {"by SIGTERM, after it", ended(143, "Error", true), api::State::Succeeding, PodState::Completed},
      {"it did not heed it in time", ended(137, "Error", true), api::State::Succeeding, PodState::Completed},
      {"it lost its driver first", ended(1, "Error", true), api::State::Completed, PodState::Completed},
      {"nobody deleted it", ended(143), api::State::Running, PodState::Failed},
      {"it failed, then its pod was deleted", ended(1, "Error", true), api::State::Running, PodState::Failed},
      {"killed for memory", ended(137, "OOMKilled", true), api::State::Succeeding, PodState::Failed},
      {"the cluster took it away", evicted, api::State::Running, PodState::Failed},
      {"it ended well", ended(0, "Completed", true), api::State::Running, PodState::Completed},
      {"it failed by itself", ended(1), api::State::Succeeding, PodState::Failed},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(state_of(row.pod, row.app) == row.state);
  }
}

TEST_CASE("an executor that has ended stays as it ended", "[executors]") {
  auto before = status();
  before.executor_state = {{"pi-exec-1", PodState::Failed}};
  const auto tracked = track_executors(before, {ended(143, "Error", true)}, api::State::Succeeding, 1000);
  CHECK(tracked.states.at("pi-exec-1") == PodState::Failed);
  CHECK(tracked.notes.empty());
}

TEST_CASE("an application with 100,000 executors grows neither status nor notes without bound",
          "[executors]") {
  std::vector<PodView> pods;
  for (int id = 1; id <= 100'000; ++id) pods.push_back(executor(id, PodPhase::Running));
  SECTION("by the limit on ids") {
    const auto tracked = track_executors(status(), pods, api::State::Running, 1000);
    CHECK(tracked.states.size() == 1000);
    CHECK(tracked.notes.size() == 1000);
    CHECK_FALSE(is_tracked(status(), pods.back(), 1000));
  }
  SECTION("by size, whatever the limit on ids is") {
    auto next = status();
    for (PodView& pod : pods) pod.key.name = std::string(50, 'x') + pod.key.name;
    const auto tracked = track_executors(next, pods, api::State::Running, 1'000'000);
    next.executor_state = tracked.states;
    CHECK(kube::encode(next).dump().size() < kExecutorStateLimit + 1000);
    CHECK(next.executor_state.size() > 5000);
    // Those that are in it go on to be tracked.
    for (PodView& pod : pods) pod.phase = PodPhase::Succeeded;
    const auto later = track_executors(next, pods, api::State::Running, 1'000'000);
    CHECK(later.states.size() == next.executor_state.size());
    CHECK(later.states.begin()->second == PodState::Completed);
  }
}

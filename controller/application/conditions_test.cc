#include "controller/application/conditions.h"

#include <catch2/catch.hpp>
#include <map>

using namespace controller;
using namespace std::chrono_literals;
using api::State;
using kube::Json;

namespace {

const kube::TimePoint kNow = kube::parse_rfc3339("2026-01-01T12:00:00Z").value();

api::SparkApplicationStatus in(State state, std::string error = "") {
  api::SparkApplicationStatus status;
  status.application_state = {state, std::move(error), {}};
  return status;
}

// {"Ready": "True", …}
std::map<std::string, std::string> by_type(const std::vector<Json>& conditions) {
  std::map<std::string, std::string> found;
  for (const Json& condition : conditions) found[condition.at("type")] = condition.at("status");
  return found;
}

// The rules of kstatus for a kind that it does not know, after generation and deletion.
std::string kstatus(const std::vector<Json>& conditions) {
  auto found = by_type(conditions);
  if (found["Reconciling"] == "True") return "InProgress";
  if (found["Stalled"] == "True") return "Failed";
  return found["Ready"] == "True" ? "Current" : "InProgress";
}

}  // namespace

TEST_CASE("kstatus, and so Flux, understands every state", "[conditions]") {
  struct Row {
    State state;
    const char* kstatus;
    const char* submitted;
    const char* succeeded;
  };
  const Row rows[] = {
      {State::New, "InProgress", "False", "Unknown"},
      {State::Submitted, "InProgress", "True", "Unknown"},
      {State::Running, "Current", "True", "Unknown"},
      {State::Completed, "Current", "True", "True"},
      {State::Failed, "Failed", "False", "False"},
      {State::SubmissionFailed, "InProgress", "False", "Unknown"},
      {State::PendingRerun, "InProgress", "False", "Unknown"},
      {State::Invalidating, "InProgress", "False", "Unknown"},
      {State::Succeeding, "Current", "True", "True"},
      {State::Failing, "InProgress", "True", "Unknown"},
      {State::Suspending, "InProgress", "False", "Unknown"},
      {State::Suspended, "InProgress", "False", "Unknown"},
      {State::Resuming, "InProgress", "False", "Unknown"},
      {State::Unknown, "InProgress", "True", "Unknown"},
  };
  REQUIRE(std::size(rows) == api::kStates.size());
  for (const Row& row : rows) {
    INFO(api::to_string(row.state));
    const auto conditions = conditions_of(in(row.state), {}, kNow);
    CHECK(kstatus(conditions) == row.kstatus);
    CHECK(by_type(conditions)["Submitted"] == row.submitted);
    CHECK(by_type(conditions)["Succeeded"] == row.succeeded);
    for (const Json& condition : conditions) {
      CHECK(condition.at("lastTransitionTime") == "2026-01-01T12:00:00Z");
      CHECK_FALSE(condition.at("reason").get<std::string>().empty());
      CHECK_FALSE(condition.contains("observedGeneration"));
    }
  }
}

TEST_CASE("a condition's time changes with its status alone", "[conditions]") {
  const auto submitted = conditions_of(in(State::Submitted), {}, kNow);
  const auto held_up = conditions_of(in(State::Submitted, "driver pod is pending [ImagePull] no such image"),
                                     submitted, kNow + 1h);
  REQUIRE(held_up.size() == submitted.size());
  for (const Json& condition : held_up) CHECK(condition.at("lastTransitionTime") == "2026-01-01T12:00:00Z");
  CHECK(held_up[0].at("reason") == "ImagePull");
  CHECK(held_up[0].at("message") == "no such image");

  const auto running = conditions_of(in(State::Running), held_up, kNow + 2h);
  for (const Json& condition : running) {
    INFO(condition.dump());
    CHECK(condition.at("lastTransitionTime") ==
          (condition.at("type") == "Ready" ? "2026-01-01T14:00:00Z" : "2026-01-01T12:00:00Z"));
  }
  CHECK(by_type(running).count("Reconciling") == 0);
  // Written again from the same status they are the same: no reason to write.
  CHECK(conditions_of(in(State::Running), running, kNow + 3h) == running);
}

TEST_CASE("what failed stands in the reason, with a bounded message", "[conditions]") {
  auto status =
      in(State::Failed, "driver container failed with ExitCode: 137, Reason: OOMKilled [OOMKilled] " +
                            std::string(10'000, 'x'));
  status.driver_info.pod_name = "pi-driver";
  status.observed_generation = 7;
  const auto conditions = conditions_of(status, {}, kNow);
  CHECK(by_type(conditions) ==
        std::map<std::string, std::string>{
            {"Ready", "False"}, {"Stalled", "True"}, {"Submitted", "True"}, {"Succeeded", "False"}});
  for (const Json& condition : conditions) {
    CHECK(condition.at("reason") == "OOMKilled");
    CHECK(condition.at("message").get<std::string>().size() <= 512);
    CHECK(condition.at("observedGeneration") == 7);
  }
  // As another operator wrote it.
  CHECK(conditions_of(in(State::Failed, "boom"), {}, kNow)[0].at("reason") == "Failed");
  CHECK(conditions_of(in(State::Failed, "boom"), {}, kNow)[0].at("message") == "boom");
}

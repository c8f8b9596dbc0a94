#include "controller/application/decision.h"

#include <catch2/catch.hpp>

#include "controller/application/decision_case.h"
#include "controller/application/driver_failure.h"
#include "controller/application/executors.h"
#include "controller/application/launcher.h"
#include "controller/application/retry_policy.h"

using namespace controller;
using namespace std::chrono_literals;
using api::PodState;

TEST_CASE("a new application is submitted, without a status write before", "[decide]") {
  const Decision decision = Case().decide();
  CHECK(is<Submit>(decision));
  CHECK_FALSE(decision.status);
}

TEST_CASE("the driver's state moves the application along", "[decide]") {
  struct Row {
    State from;
    PodPhase phase;
    State to;
  };
  const Row rows[] = {
      {State::Submitted, PodPhase::Running, State::Running},
      {State::Submitted, PodPhase::Succeeded, State::Succeeding},
      {State::Submitted, PodPhase::Failed, State::Failing},
      {State::Submitted, PodPhase::Unknown, State::Unknown},
      {State::Running, PodPhase::Succeeded, State::Succeeding},
      {State::Running, PodPhase::Failed, State::Failing},
      {State::Running, PodPhase::Unknown, State::Unknown},
      {State::Unknown, PodPhase::Running, State::Running},
  };
  for (const Row& row : rows) {
    INFO(api::to_string(row.from) << " → " << api::to_string(row.to));
    CHECK(Case().in(row.from).with_driver(row.phase).next() == row.to);
  }
}

TEST_CASE("status never goes back within an attempt", "[decide]") {
  const Decision decision = Case().in(State::Running).with_driver(PodPhase::Pending).decide();
  if (decision.status) CHECK(decision.status->application_state.state == State::Running);
  CHECK(is<Wait>(decision));
}

TEST_CASE("the end of the driver sets the end of the run, whole seconds", "[decide]") {
  const Decision decision = Case().in(State::Running).with_driver(PodPhase::Failed).decide();
  CHECK(decision.status->termination_time == kNow);
  CHECK(decision.status->application_state.error_message.starts_with(
      "driver container status missing [Unknown]"));
  CHECK(decision.status->spark_application_id == "spark-1");
}

TEST_CASE("what holds up a pending driver is in status while it does, and is told once", "[decide]") {
  Case c;
  c.in(State::Submitted).with_driver(PodPhase::Pending);
  c.app.status.spark_application_id = "spark-1";
  CHECK_FALSE(c.decide().status);

  PodTrouble& trouble = c.seen.drivers[0].trouble;
  trouble = {FailureReason::Unschedulable, "0/3 nodes are available"};
  const Decision held_up = c.decide();
  REQUIRE(held_up.status);
  CHECK(held_up.status->application_state.state == State::Submitted);
  const std::string& message = held_up.status->application_state.error_message;
  CHECK(message.starts_with("driver pod is pending [Unschedulable]"));
  CHECK(message.ends_with("0/3 nodes are available"));
  REQUIRE(held_up.notes.size() == 1);
  CHECK(held_up.notes[0].reason == "SparkDriverPending");
  CHECK_FALSE(held_up.notes[0].warning);

  c.app.status = *held_up.status;
  trouble.text = "0/4 nodes are available";  // the words change with the cluster
  CHECK_FALSE(c.decide().status);
  trouble = {FailureReason::ImagePull, "no such image"};
  CHECK(reason_in(c.decide().status.value().application_state.error_message) == FailureReason::ImagePull);
  trouble = {};
  CHECK(c.decide().status.value().application_state.error_message.empty());
  c.seen.drivers[0].phase = PodPhase::Running;
  const Decision running = c.decide();
  CHECK(running.status.value().application_state.state == State::Running);
  CHECK(running.status->application_state.error_message.empty());
}

TEST_CASE("the log of a driver is asked for only when its pod does not say why it failed", "[decide]") {
  Case c;
  c.in(State::Running).with_driver(PodPhase::Failed);
  CHECK_FALSE(c.decide().log_of_driver);
  c.seen.drivers[0].spark_container = ContainerEnd{1, "Error"};
  CHECK(c.decide().log_of_driver == kube::ObjectKey{"ns", "pi-driver"});
  c.seen.drivers[0].spark_container = ContainerEnd{1, "Error", "no input"};
  CHECK_FALSE(c.decide().log_of_driver);
  c.seen.drivers[0].spark_container = ContainerEnd{137, "OOMKilled"};
  CHECK_FALSE(c.decide().log_of_driver);
}

TEST_CASE("a driver that the cache does not show is looked for live before it counts as gone", "[decide]") {
  CHECK(is<ConfirmDriverGone>(Case().in(State::Running).decide()));
  CHECK(is<ConfirmDriverGone>(Case().in(State::Submitted).decide()));
}

TEST_CASE("another pod of the same id, made at another time, is not the driver", "[decide]") {
  Case c;
  c.in(State::Submitted).with_driver(PodPhase::Running);
  c.seen.drivers[0].created = kNow;
  CHECK(is<ConfirmDriverGone>(c.decide()));
}

TEST_CASE("ends follow the restart policy", "[decide]") {
  CHECK(Case().in(State::Succeeding).next() == State::Completed);
  CHECK(Case().in(State::Failing).next() == State::Failed);

  Case always;
  always.app.spec.restart_policy.type = api::RestartPolicyType::Always;
  always.in(State::Succeeding).with_driver(PodPhase::Succeeded);
  CHECK(always.next() == State::PendingRerun);
  CHECK(is<DeleteDriver>(always.decide()));

  Case waits;
  waits.app.spec.restart_policy = on_failure(3);
  waits.in(State::Failing).with_driver(PodPhase::Failed);
  waits.app.status.last_submission_attempt_time = kNow - 4s;
  waits.seen.drivers[0].created = waits.app.status.last_submission_attempt_time;
  const Decision waiting = waits.decide();
  REQUIRE(is<Wait>(waiting));
  CHECK(std::get<Wait>(waiting.step).at_most == 6s);

  waits.app.status.execution_attempts = 4;
  CHECK(waits.next() == State::Failed);
}

TEST_CASE("a rerun keeps the id and the counters and forgets the run", "[decide]") {
  Case c;
  c.app.spec.restart_policy = on_failure(3);
  c.in(State::Failing).with_driver(PodPhase::Failed);
  c.app.status.application_state.error_message = "boom";
  c.app.status.executor_state = {{"e", PodState::Failed}};
  c.app.status.termination_time = kNow;
  const Decision decision = c.decide();
  REQUIRE(decision.status);
  CHECK(decision.status->submission_id == c.app.status.submission_id);
  CHECK(decision.status->submission_attempts == 1);
  CHECK(decision.status->application_state.error_message.empty());
  CHECK(decision.status->executor_state.empty());
  CHECK_FALSE(decision.status->termination_time);
  REQUIRE(is<DeleteDriver>(decision));
  CHECK(std::get<DeleteDriver>(decision.step).uid == "pod-1");
}

TEST_CASE("the previous run has to be gone before the next is submitted", "[decide]") {
  Case c;
  c.in(State::PendingRerun).with_driver(PodPhase::Failed);
  CHECK(is<DeleteDriver>(c.decide()));
  c.seen.drivers[0].terminating = true;
  CHECK(is<Wait>(c.decide()));
  c.seen.drivers.clear();
  CHECK(is<Submit>(c.decide()));
}

TEST_CASE("a refused submission is repeated by policy and then failed", "[decide]") {
  Case c;
  c.in(State::SubmissionFailed);
  CHECK(c.next() == State::Failed);
  c.app.spec.restart_policy = on_failure(1);
  // The edit of the policy is an edit of the spec.
  CHECK(c.next() == State::Invalidating);
  c.app.status.submission_id.clear();
  c.in(State::SubmissionFailed);
  CHECK(is<Submit>(c.decide()));
  c.app.status.submission_attempts = 2;
  CHECK(c.next() == State::Failed);
}

TEST_CASE("an edit of the spec starts over, an edit of suspend or time to live does not", "[decide]") {
  for (const State state : {State::Submitted, State::Running, State::Completed, State::Failed}) {
    Case c;
    c.in(state).with_driver(PodPhase::Succeeded);
    c.app.spec.time_to_live_seconds = 100'000;
    const Decision harmless = c.decide();
    CHECK((!harmless.status || harmless.status->application_state.state != State::Invalidating));
    c.app.spec.arguments = {"10"};
    CHECK(c.next() == State::Invalidating);
  }
}

TEST_CASE("invalidating resets the counters and keeps the id", "[decide]") {
  Case c;
  c.in(State::Invalidating).with_driver(PodPhase::Running);
  const Decision decision = c.decide();
  CHECK(is<DeleteDriver>(decision));
  REQUIRE(decision.status);
  CHECK(decision.status->application_state.state == State::PendingRerun);
  CHECK(decision.status->submission_attempts == 0);
  CHECK(decision.status->execution_attempts == 0);
  CHECK(decision.status->submission_id == c.app.status.submission_id);
}

TEST_CASE("suspend deletes the driver only after the state has left it, and resume submits again",
          "[decide]") {
  Case c;
  c.app.spec.suspend = true;
  c.in(State::Running).with_driver(PodPhase::Running);
  CHECK(is<Wait>(c.decide()));
  CHECK(c.next() == State::Suspending);
  c.in(State::Suspending);
  CHECK(is<DeleteDriver>(c.decide()));
  CHECK(c.next() == State::Suspended);
  c.in(State::Suspended);
  c.seen.drivers.clear();
  CHECK_FALSE(c.decide().status);
  c.app.spec.suspend = false;
  CHECK(c.next() == State::Resuming);
  c.in(State::Resuming);
  CHECK(is<Submit>(c.decide()));
}

TEST_CASE("suspend leaves finished applications alone", "[decide]") {
  Case c;
  c.app.spec.suspend = true;
  c.in(State::Completed).with_driver(PodPhase::Succeeded);
  CHECK_FALSE(c.decide().status);
}

TEST_CASE("a driver of the next attempt is used up when no submission is due", "[decide]") {
  Case c;
  c.in(State::Completed);
  PodView stray = c.driver(PodPhase::Running);
  stray.submission_id = next_id(c.app, kPolicy);
  c.seen.drivers.push_back(stray);
  const Decision decision = c.decide();
  REQUIRE(decision.status);
  CHECK(decision.status->submission_id == stray.submission_id);
  CHECK(decision.status->application_state.state == State::Completed);
}

TEST_CASE("a finished driver keeps its logs, one that still runs after the end is deleted by version",
          "[decide]") {
  Case finished;
  finished.in(State::Completed).with_driver(PodPhase::Succeeded);
  CHECK(is<Wait>(finished.decide()));

  Case running;
  running.in(State::Failed).with_driver(PodPhase::Running);
  const Decision decision = running.decide();
  REQUIRE(is<DeleteDriver>(decision));
  CHECK(std::get<DeleteDriver>(decision.step).resource_version == "11");
}

TEST_CASE("drivers of unknown ids are looked at live, whatever their name", "[decide]") {
  Case c;
  c.in(State::Running).with_driver(PodPhase::Running);
  PodView other = c.driver(PodPhase::Running);
  other.key.name = "other";
  other.submission_id = "7c6e2e0c-3f3e-4a6b-9d7e-111111111111";
  c.seen.drivers.push_back(other);
  CHECK(is<LookAtStray>(c.decide()));
}

TEST_CASE("an application that is being deleted gets its drivers deleted, by UID, and no new one",
          "[decide]") {
  Case c;
  c.in(State::Running).with_driver(PodPhase::Running);
  c.app.metadata.deletion_timestamp = kNow;
  const Decision decision = c.decide();
  REQUIRE(is<DeleteDriver>(decision));
  CHECK(std::get<DeleteDriver>(decision.step).uid == "pod-1");
  Case fresh;
  fresh.app.metadata.deletion_timestamp = kNow;
  CHECK(is<Wait>(fresh.decide()));
}

TEST_CASE("time to live deletes strictly after it, and huge ones never overflow", "[decide]") {
  Case c;
  c.app.spec.time_to_live_seconds = 60;
  c.in(State::Completed).with_driver(PodPhase::Succeeded);
  c.app.status.termination_time = kNow - 60s;
  CHECK(is<Wait>(c.decide()));
  c.app.status.termination_time = kNow - 61s;
  CHECK(is<DeleteApplication>(c.decide()));
  c.app.spec.time_to_live_seconds = 9'223'372'036'854'775'807;
  const Decision forever = c.decide();
  REQUIRE(is<Wait>(forever));
  CHECK_FALSE(std::get<Wait>(forever.step).at_most);
}

TEST_CASE("who stands under a driver's name", "[launcher]") {
  Case c;
  c.in(State::PendingRerun);
  const std::string next = next_id(c.app, kPolicy);
  PodView pod = c.driver(PodPhase::Running);
  CHECK(standing_of(c.app, pod, next) == Standing::PreviousRun);
  pod.submission_id = next;
  CHECK(standing_of(c.app, pod, next) == Standing::Ours);
  Case edited = c;
  edited.app.spec.arguments = {"10"};
  CHECK(standing_of(edited.app, pod, next_id(edited.app, kPolicy)) == Standing::OursOtherSpec);
  pod.submission_id = "someone's";
  CHECK(standing_of(c.app, pod, next) == Standing::OtherId);
  pod.owner_uid = "app-0";
  CHECK(standing_of(c.app, pod, next) == Standing::Predecessor);
  pod.owner_name = "other";
  CHECK(standing_of(c.app, pod, next) == Standing::Foreign);
  pod.owner_uid.clear();
  CHECK(standing_of(c.app, pod, next) == Standing::Foreign);
}

TEST_CASE("the back-off is interval times submission attempts, from the last submission", "[retry]") {
  Case c;
  c.app.spec.restart_policy = on_failure(5);
  c.in(State::Failing);
  c.app.status.submission_attempts = 3;
  c.app.status.last_submission_attempt_time = kNow - 10s;
  CHECK(retry_verdict(c.app.spec, c.app.status, State::Failing, kNow).wait == 20s);
  c.app.status.last_submission_attempt_time = kNow - 1h;
  CHECK(retry_verdict(c.app.spec, c.app.status, State::Failing, kNow).wait < 0s);
}

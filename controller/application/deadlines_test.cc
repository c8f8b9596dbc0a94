// Deadlines, retries and what the cluster has to answer for.
#include <catch2/catch.hpp>

#include "controller/application/decision_case.h"
#include "controller/application/driver_failure.h"
#include "controller/application/retry_policy.h"

using namespace controller;
using namespace std::chrono_literals;

namespace {

std::optional<kube::Duration> waits(const Decision& decision) {
  return is<Wait>(decision) && !decision.status ? std::get<Wait>(decision.step).at_most : std::nullopt;
}

}  // namespace

TEST_CASE("a driver that does not start in time has failed, for the reason that held it up", "[deadlines]") {
  Case c;
  c.app.spec.driver.start_timeout_seconds = 90;
  c.in(State::Submitted).with_driver(PodPhase::Pending);
  c.app.status.spark_application_id = "spark-1";
  CHECK(waits(c.decide()) == 30s);
  c.app.spec.driver.start_timeout_seconds = 60;
  c.seen.drivers[0].trouble = {FailureReason::Unschedulable, "0/3 nodes are available"};
  const Decision decision = c.decide();
  REQUIRE(decision.status);
  CHECK(decision.status->application_state.state == State::Failing);
  CHECK(reason_in(decision.status->application_state.error_message) == FailureReason::Unschedulable);
  CHECK(decision.status->termination_time == kNow);
  c.seen.drivers[0].trouble = {};
  CHECK(reason_in(c.decide().status->application_state.error_message) == FailureReason::DriverStartTimeout);
  // Status has left it: now it may go, unless it has ended meanwhile.
  c.app.status = *c.decide().status;
  const Decision next = c.decide();
  REQUIRE(is<DeleteDriver>(next));
  CHECK(std::get<DeleteDriver>(next.step).resource_version == "11");
  CHECK_FALSE(next.status);
  c.seen.drivers[0].terminating = true;
  CHECK(c.next() == State::Failed);
}

TEST_CASE("a driver that has started in time is not asked how long it took", "[deadlines]") {
  Case c;
  c.app.spec.driver.start_timeout_seconds = 10;
  c.in(State::Submitted).with_driver(PodPhase::Running);
  CHECK(c.next() == State::Running);
  c.in(State::Running);
  CHECK_FALSE(waits(c.decide()));
}

TEST_CASE("a run that takes longer than its deadline has failed", "[deadlines]") {
  for (const State state : {State::Submitted, State::Running, State::Unknown}) {
    Case c;
    c.app.spec.active_deadline_seconds = 61;
    c.in(state).with_driver(state == State::Submitted ? PodPhase::Pending : PodPhase::Running);
    c.app.status.spark_application_id = "spark-1";
    if (state != State::Unknown) CHECK(waits(c.decide()) == 1s);
    c.app.spec.active_deadline_seconds = 60;
    CHECK(c.next() == State::Failing);
    CHECK(reason_in(c.decide().status->application_state.error_message) == FailureReason::DeadlineExceeded);
    c.seen.drivers[0].phase = PodPhase::Succeeded;
    CHECK(c.next() == State::Succeeding);
  }
}

TEST_CASE("deadlines of centuries do not overflow", "[deadlines]") {
  Case c;
  c.app.spec.active_deadline_seconds = std::numeric_limits<std::int64_t>::max();
  c.app.spec.driver.start_timeout_seconds = std::numeric_limits<std::int64_t>::max();
  c.in(State::Submitted).with_driver(PodPhase::Pending);
  c.app.status.spark_application_id = "spark-1";
  CHECK(waits(c.decide()).value() > 24h * 365 * 100);
}

TEST_CASE("with a longest interval the wait doubles, and counts from the failure", "[retry]") {
  struct Row {
    int attempts;
    std::int64_t longest;
    kube::Duration wait;
  };
  Case c;
  c.in(State::Failing);
  c.app.status.last_submission_attempt_time = kNow - 24h;
  c.app.status.termination_time = kNow;
  for (const Row& row : {Row{1, 600, 10s}, Row{2, 600, 20s}, Row{4, 600, 80s}, Row{7, 600, 600s},
                         Row{100, 600, 600s}, Row{1, 5, 5s}}) {
    c.app.spec.restart_policy = on_failure(1000);
    c.app.spec.restart_policy.max_retry_interval = row.longest;
    c.app.status.submission_attempts = row.attempts;
    INFO(row.attempts);
    CHECK(retry_verdict(c.app.spec, c.app.status, State::Failing, kNow).wait == row.wait);
  }
  c.app.spec.restart_policy.on_failure_retry_interval = std::numeric_limits<std::int64_t>::max();
  c.app.spec.restart_policy.max_retry_interval = std::numeric_limits<std::int64_t>::max();
  CHECK(retry_verdict(c.app.spec, c.app.status, State::Failing, kNow).wait > 24h * 365 * 100);
}

TEST_CASE("a retry does not wait until clocks that were set back are where they were", "[retry]") {
  Case c;
  c.app.spec.restart_policy = on_failure(3);
  c.in(State::Failing);
  c.app.status.submission_attempts = 1;
  const auto wait = [&] { return retry_verdict(c.app.spec, c.app.status, State::Failing, kNow).wait; };
  c.app.status.last_submission_attempt_time = kNow + 10min;
  CHECK(wait() == 10min + 10s);
  c.app.status.last_submission_attempt_time = kNow + 1h;
  CHECK(wait() == 0s);
  c.app.spec.restart_policy.max_retry_interval = 600;
  c.app.status.last_submission_attempt_time = kNow - 1min;
  c.app.status.termination_time = kNow + 1h;
  CHECK(wait() == 0s);
}

TEST_CASE("a run that was long enough lets the attempts before it be forgotten", "[retry]") {
  Case c;
  c.app.spec.restart_policy = on_failure(2);
  c.app.spec.restart_policy.reset_attempts_after = 60;
  c.in(State::Running).with_driver(PodPhase::Failed);
  c.app.status.execution_attempts = 3;
  c.app.status.submission_attempts = 5;
  const auto after = c.decide().status.value();
  CHECK(after.execution_attempts == 1);
  CHECK(after.submission_attempts == 1);

  SECTION("not when it was shorter") {
    c.app.spec.restart_policy.reset_attempts_after = 61;
    CHECK(c.decide().status->execution_attempts == 3);
  }
  SECTION("not when the driver never ran") {
    c.in(State::Submitted);
    CHECK(c.decide().status->execution_attempts == 3);
  }
  SECTION("also when its driver was lost") {
    CHECK(driver_lost(c.app, kNow).execution_attempts == 1);
  }
}

TEST_CASE("failures of the cluster have a budget of their own where the spec gives one", "[retry]") {
  struct Row {
    const char* why;
    PodTrouble trouble;
    bool infrastructure;
  };
  for (const Row& row :
       {Row{"evicted", {FailureReason::Evicted, ""}, true},
        Row{"preempted", {FailureReason::Preempted, ""}, true},
        Row{"spot", {FailureReason::NodeShutdown, ""}, true}, Row{"its own fault", {}, false}}) {
    INFO(row.why);
    Case c;
    c.app.spec.restart_policy = on_failure(0);
    c.app.spec.restart_policy.on_infrastructure_failure_retries = 1;
    c.in(State::Running).with_driver(PodPhase::Failed);
    c.seen.drivers[0].trouble = row.trouble;
    CHECK(c.decide().status->infrastructure_failures == (row.infrastructure ? 1 : 0));
    c.app.status = *c.decide().status;
    CHECK(c.next() == (row.infrastructure ? State::PendingRerun : State::Failed));
    c.app.spec.restart_policy.on_infrastructure_failure_retries.reset();
    CHECK(c.next() == State::Failed);
  }
}

TEST_CASE("the two budgets are spent apart", "[retry]") {
  api::SparkApplicationSpec spec;
  spec.restart_policy = on_failure(2);
  spec.restart_policy.on_infrastructure_failure_retries = 3;
  api::SparkApplicationStatus status;
  const auto allowed = [&](int runs, int of_the_cluster) {
    status.execution_attempts = status.submission_attempts = runs;
    status.infrastructure_failures = of_the_cluster;
    return retry_verdict(spec, status, State::Failing, kNow).allowed;
  };
  CHECK(allowed(3, 3));
  CHECK_FALSE(allowed(4, 4));
  CHECK(allowed(5, 3));
  CHECK_FALSE(allowed(6, 3));
  CHECK_FALSE(allowed(3, 0));
  // A cluster's failure spends nothing of what refused submissions may cost either.
  status.submission_attempts = 5;
  status.infrastructure_failures = 3;
  CHECK(retry_verdict(spec, status, State::SubmissionFailed, kNow).allowed);
}

TEST_CASE("a resumed run is kept for its time to live from its own end", "[deadlines]") {
  Case c;
  c.app.spec.suspend = true;
  c.in(State::Failing);
  c.app.status.termination_time = kNow - 24h;
  c.app.status = c.decide().status.value();
  c.app.status = c.decide().status.value();
  CHECK(c.app.status.application_state.state == State::Suspended);
  CHECK_FALSE(c.app.status.termination_time);
}

TEST_CASE("executors of an attempt that is over are deleted", "[executors]") {
  const auto executor = [](const Case& c, const std::string& id, PodPhase phase) {
    PodView pod = c.driver(phase);
    pod.key.name = "pi-exec-" + id;
    pod.uid = "uid-" + id;
    pod.role = "executor";
    return pod;
  };
  SECTION("of a run that is to be repeated, those that may be at work") {
    Case c;
    c.in(State::PendingRerun);
    c.seen.executors = {executor(c, "1", PodPhase::Running), executor(c, "2", PodPhase::Pending),
                        executor(c, "3", PodPhase::Failed), executor(c, "4", PodPhase::Succeeded)};
    const Decision decision = c.decide();
    REQUIRE(is<DeleteExecutors>(decision));
    CHECK(std::get<DeleteExecutors>(decision.step).pods.size() == 2);
    CHECK_FALSE(std::get<DeleteExecutors>(decision.step).look_first);
    for (PodView& pod : c.seen.executors) pod.terminating = true;
    CHECK(is<Submit>(c.decide()));
  }
  SECTION("of an id that status does not know, after a look") {
    Case c;
    c.in(State::Running).with_driver(PodPhase::Running);
    c.seen.executors = {executor(c, "1", PodPhase::Running), executor(c, "2", PodPhase::Running)};
    c.seen.executors[0].submission_id = "7c6e2e0c-3f3e-4a6b-9d7e-111111111111";
    const Decision decision = c.decide();
    REQUIRE(is<DeleteExecutors>(decision));
    REQUIRE(std::get<DeleteExecutors>(decision.step).pods.size() == 1);
    CHECK(std::get<DeleteExecutors>(decision.step).pods[0].uid == "uid-1");
    CHECK(std::get<DeleteExecutors>(decision.step).look_first);
  }
  SECTION("not those of an attempt that status is about to learn of, nor anybody else's") {
    Case c;
    c.in(State::PendingRerun);
    c.seen.executors = {executor(c, "1", PodPhase::Running), executor(c, "2", PodPhase::Running)};
    c.seen.executors[0].submission_id = next_id(c.app, kPolicy);
    c.seen.executors[1].owner_uid = "app-0";
    CHECK(is<Submit>(c.decide()));
  }
  SECTION("after the end, those that do not end by themselves within a minute") {
    Case c;
    c.in(State::Completed).with_driver(PodPhase::Succeeded);
    c.app.status.termination_time = kNow - 59s;
    c.seen.executors = {executor(c, "1", PodPhase::Pending)};
    c.app.status.executor_state = {{"pi-exec-1", api::PodState::Pending}};
    c.app.status.spark_application_id = "spark-1";
    CHECK(waits(c.decide()) == 1s);
    c.app.status.termination_time = kNow - 60s;
    CHECK(is<DeleteExecutors>(c.decide()));
  }
}

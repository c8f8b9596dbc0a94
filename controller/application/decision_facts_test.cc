// Every state with every fact: what decide() makes of it, against a table written by hand.
#include <catch2/catch.hpp>
#include <map>

#include "controller/application/decision_case.h"
#include "controller/application/launcher.h"

using namespace controller;
using namespace std::chrono_literals;

namespace {

using Row = std::map<Fact, State>;

const Row kUntilSubmitted{{Fact::SubmitDone, State::Submitted},
                          {Fact::SubmitRefused, State::SubmissionFailed},
                          {Fact::SpecInvalid, State::Failed},
                          {Fact::Suspend, State::Suspending}};

Row with(Row row, const Row& more) {
  row.insert(more.begin(), more.end());
  return row;
}

const Row kWithDriver{{Fact::DriverSucceeded, State::Succeeding}, {Fact::DriverFailed, State::Failing},
                      {Fact::DriverUnknown, State::Unknown},      {Fact::DriverLost, State::Failing},
                      {Fact::DriverRunning, State::Running},      {Fact::DeadlineExceeded, State::Failing},
                      {Fact::Suspend, State::Suspending},         {Fact::SpecChanged, State::Invalidating}};

// What is not in a row moves nothing.
const std::map<State, Row> kExpected{
    {State::New, kUntilSubmitted},
    {State::Submitted,
     with(kWithDriver, {{Fact::DriverPending, State::Submitted}, {Fact::StartTimedOut, State::Failing}})},
    {State::Running, kWithDriver},
    {State::Unknown, kWithDriver},
    {State::Succeeding,
     {{Fact::RunComplete, State::Completed},
      {Fact::RetryDue, State::PendingRerun},
      {Fact::Suspend, State::Suspending},
      {Fact::SpecChanged, State::Invalidating}}},
    {State::Failing,
     {{Fact::RetryDue, State::PendingRerun},
      {Fact::RetriesSpent, State::Failed},
      {Fact::Suspend, State::Suspending},
      {Fact::SpecChanged, State::Invalidating}}},
    {State::SubmissionFailed,
     with(kUntilSubmitted, {{Fact::RetriesSpent, State::Failed}, {Fact::SpecChanged, State::Invalidating}})},
    {State::PendingRerun, with(kUntilSubmitted, {{Fact::SpecChanged, State::Invalidating}})},
    {State::Resuming, kUntilSubmitted},
    {State::Invalidating, {{Fact::Cleaned, State::PendingRerun}, {Fact::Suspend, State::Suspending}}},
    {State::Suspending, {{Fact::Cleaned, State::Suspended}}},
    {State::Suspended, {{Fact::Unsuspend, State::Resuming}}},
    {State::Completed, {{Fact::SpecChanged, State::Invalidating}}},
    {State::Failed, {{Fact::SpecChanged, State::Invalidating}}},
};

constexpr std::int64_t kMonth = 30 * 24 * 3600;

bool is_suspended(State state) {
  return state == State::Suspending || state == State::Suspended;
}

// An application in this state with nothing to do but what the state itself asks for; its last attempt began
// two hours ago, and what failed is not due again for a month. `spec` is what the attempt was made from.
Case at_rest(State state, const std::function<void(api::SparkApplicationSpec&)>& spec = {}) {
  Case c;
  c.app.spec.restart_policy = on_failure(5);
  c.app.spec.restart_policy.on_failure_retry_interval = kMonth;
  c.app.spec.restart_policy.on_submission_failure_retry_interval = kMonth;
  if (spec) spec(c.app.spec);
  c.app.spec.suspend = is_suspended(state);
  c.in(state);
  if (state != State::New) c.app.status.last_submission_attempt_time = kNow - 2h;
  if (!is_active(state) && !is_before_submission(state)) c.app.status.termination_time = kNow - 1h;
  if (state == State::Submitted) c.with_driver(PodPhase::Pending);
  if (state == State::Running) c.with_driver(PodPhase::Running);
  if (state == State::Unknown) c.with_driver(PodPhase::Unknown);
  return c;
}

Case with_phase(State state, PodPhase phase) {
  Case c = at_rest(state);
  c.seen.drivers.clear();
  // Nothing is there before the first attempt.
  if (state != State::New) c.with_driver(phase);
  return c;
}

// The same with the fact being true, as far as it can be.
Case with_fact(State state, Fact fact) {
  switch (fact) {
    case Fact::SpecInvalid:
      return at_rest(state, [](auto& spec) { spec.executor.instances = -1; });
    case Fact::RetryDue: {
      Case c = at_rest(state, [&](auto& spec) {
        if (state == State::Succeeding) spec.restart_policy.type = api::RestartPolicyType::Always;
      });
      if (state != State::New && !is_active(state))
        c.app.status.last_submission_attempt_time = kNow - std::chrono::seconds(2 * kMonth);
      return c;
    }
    case Fact::RetriesSpent:
      return at_rest(state, [](auto& spec) { spec.restart_policy.type = api::RestartPolicyType::Never; });
    case Fact::DriverPending:
      return with_phase(state, PodPhase::Pending);
    case Fact::DriverRunning:
      return with_phase(state, PodPhase::Running);
    case Fact::DriverSucceeded:
      return with_phase(state, PodPhase::Succeeded);
    case Fact::DriverFailed:
      return with_phase(state, PodPhase::Failed);
    case Fact::DriverUnknown:
      return with_phase(state, PodPhase::Unknown);
    case Fact::DriverLost: {
      Case c = at_rest(state);
      c.seen.drivers.clear();
      return c;
    }
    case Fact::StartTimedOut:
      return at_rest(state, [](auto& spec) { spec.driver.start_timeout_seconds = 60; });
    case Fact::DeadlineExceeded:
      return at_rest(state, [](auto& spec) { spec.active_deadline_seconds = 60; });
    case Fact::Suspend: {
      Case c = at_rest(state);
      c.app.spec.suspend = true;
      return c;
    }
    case Fact::Unsuspend: {
      Case c = at_rest(state);
      c.app.spec.suspend = false;
      return c;
    }
    case Fact::SpecChanged: {
      Case c = at_rest(state);
      c.app.spec.arguments = {"10"};
      return c;
    }
    default:  // comes about by itself, or by the launcher's work
      return at_rest(state);
  }
}

State state_after(const Case& c) {
  const Decision decision = c.decide();
  return decision.status ? decision.status->application_state.state : c.app.status.application_state.state;
}

// Where the fact leads by our code.
State led_to(State state, Fact fact) {
  const Case c = with_fact(state, fact);
  const Decision decision = c.decide();
  if (fact == Fact::SubmitDone && is<Submit>(decision))
    return submitted(c.app.status, c.driver(PodPhase::Pending)).application_state.state;
  if (fact == Fact::SubmitRefused && is<Submit>(decision))
    return refused(c.app.status, "id", "no", kNow).application_state.state;
  if (fact == Fact::DriverLost && is<ConfirmDriverGone>(decision))
    return driver_lost(c.app, kNow).application_state.state;
  return state_after(c);
}

}  // namespace

TEST_CASE("every state with every fact goes where the table says, and nowhere else", "[decide][states]") {
  for (const auto& known : api::kStates) {
    const State state = known.value;
    for (const Fact fact : kFacts) {
      INFO(known.name << " + " << to_string(fact));
      const Row& row = kExpected.at(state);
      const auto expected = row.find(fact);
      const std::optional<State> in_table = next_state(state, fact);
      // A driver that was seen to run is not pending again: status never goes back.
      if (expected == row.end()) {
        CHECK_FALSE(in_table);
        CHECK(led_to(state, fact) == state_after(at_rest(state)));
      } else {
        CHECK(in_table == expected->second);
        // What is to be tried again has to be due first.
        const bool due =
            state != State::SubmissionFailed ||
            (fact != Fact::SubmitDone && fact != Fact::SubmitRefused && fact != Fact::SpecInvalid);
        if (due) CHECK(led_to(state, fact) == expected->second);
      }
    }
  }
}

TEST_CASE("a refused submission that is due again is submitted, or found impossible", "[decide][states]") {
  Case c = with_fact(State::SubmissionFailed, Fact::RetryDue);
  CHECK(is<Submit>(c.decide()));
  CHECK(submitted(c.app.status, c.driver(PodPhase::Pending)).application_state.state == State::Submitted);
  CHECK(refused(c.app.status, "id", "no", kNow).application_state.state == State::SubmissionFailed);
  c.seen.unreadable = "spec.driver.cores: expected integer, got \"two\"";
  CHECK(c.next() == State::Failed);
}

TEST_CASE("in every state something is to be done, or somebody else has the next move, or a timer is set",
          "[decide][states]") {
  for (const auto& known : api::kStates) {
    const Case c = at_rest(known.value);
    const Decision decision = c.decide();
    const bool acts = decision.status || !is<Wait>(decision);
    const bool timer = is<Wait>(decision) && std::get<Wait>(decision.step).at_most;
    // The pod that is there tells of itself; the user ends a pause and edits what is finished.
    const bool others = (is_active(known.value) && !c.seen.drivers.empty()) ||
                        known.value == State::Suspended || api::is_terminal(known.value);
    INFO(known.name);
    CHECK((acts || timer || others));
  }
}

TEST_CASE("an application on its way out gets nothing but deletions, in every state", "[decide][states]") {
  for (const auto& known : api::kStates) {
    Case c = at_rest(known.value);
    c.seen.drivers.clear();
    c.app.metadata.deletion_timestamp = kNow;
    INFO(known.name);
    CHECK(is<Wait>(c.decide()));
    CHECK_FALSE(c.decide().status);
    PodView executor = c.driver(PodPhase::Running);
    executor.key.name = "pi-exec-1";
    executor.role = "executor";
    c.seen.executors = {executor};
    CHECK(is<DeleteExecutors>(c.decide()));
    c.with_driver(PodPhase::Running);
    CHECK(is<DeleteDriver>(c.decide()));
    c.seen.drivers[0].terminating = true;
    c.seen.executors[0].terminating = true;
    CHECK(is<Wait>(c.decide()));
  }
}

TEST_CASE("suspending what fails, succeeds, was edited or waits takes it aside, whatever else is due",
          "[decide][states]") {
  for (const State state : {State::Failing, State::Succeeding, State::Invalidating, State::PendingRerun,
                            State::SubmissionFailed, State::Resuming}) {
    Case c = at_rest(state);
    c.app.spec.suspend = true;
    c.app.spec.arguments = {"edited too"};
    INFO(api::to_string(state));
    CHECK(c.next() == State::Suspending);
    CHECK(c.decide().status->submission_attempts == c.app.status.submission_attempts);
  }
}

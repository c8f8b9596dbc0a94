#include "controller/schedule/schedule_decision.h"

#include <catch2/catch.hpp>

using namespace controller;
using api::ScheduledSparkApplication;
using api::ScheduleState;
using kube::TimePoint;
using std::chrono::seconds;

namespace {

TimePoint at(const char* rfc3339) {
  return *kube::parse_rfc3339(rfc3339);
}

const SchedulePolicy kPolicy{.precision = api::TimestampPrecision::Seconds,
                             .local = *api::TimeZone::find("UTC")};

// Every hour; the run of ten is the next one.
ScheduledSparkApplication hourly() {
  ScheduledSparkApplication schedule;
  schedule.metadata.name = "etl";
  schedule.metadata.namespace_ = "ns";
  schedule.metadata.uid = "uid-etl";
  schedule.spec.schedule = "0 * * * *";
  schedule.status.schedule_state = ScheduleState::Scheduled;
  schedule.status.next_run = at("2026-01-01T10:00:00Z");
  return schedule;
}

std::string name_at(const char* rfc3339) {
  return api::scheduled_run_name("etl", at(rfc3339), api::TimestampPrecision::Seconds);
}

RunView run(const char* due, api::State state) {
  RunView view{.key = {"ns", name_at(due)}, .uid = std::string("uid-") + due, .schedule_uid = "uid-etl"};
  view.state = state;
  view.created = at(due);
  return view;
}

ScheduleDecision decide(const ScheduledSparkApplication& schedule, const char* now,
                        const std::vector<RunView>& runs = {}) {
  return decide_schedule(schedule, runs, at(now), kPolicy);
}

std::string next_run(const ScheduleDecision& decision) {
  if (!decision.status) return "unchanged";
  return decision.status->next_run ? kube::to_rfc3339(*decision.status->next_run) : "none";
}

std::string started(const ScheduleDecision& decision) {
  const auto* start = std::get_if<StartRun>(&decision.step);
  return start == nullptr ? "nothing" : start->name;
}

std::vector<std::string> deleted(const ScheduleDecision& decision) {
  std::vector<std::string> names;
  if (const auto* step = std::get_if<DeleteRuns>(&decision.step)) {
    for (const RunView& view : step->runs) names.push_back(view.key.name);
  }
  return names;
}

bool waits(const ScheduleDecision& decision, kube::Duration at_most) {
  const auto* wait = std::get_if<Wait>(&decision.step);
  return wait != nullptr && wait->at_most == at_most;
}

}  // namespace

TEST_CASE("a new schedule writes down its next run first", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.status = {};
  const auto decision = decide(schedule, "2026-01-01T09:30:00Z");
  CHECK(next_run(decision) == "2026-01-01T10:00:00Z");
  CHECK(decision.status->schedule_state == ScheduleState::Scheduled);
  CHECK(started(decision) == "nothing");
}

TEST_CASE("until the next run there is nothing to do but to wait", "[schedule]") {
  const auto decision = decide(hourly(), "2026-01-01T09:30:00Z");
  CHECK(waits(decision, std::chrono::minutes(30)));
  CHECK_FALSE(decision.status);
}

TEST_CASE(
    "a run is named after the time at which it was due, not the one at which it starts (fault 15 of the Go "
    "operator)",
    "[schedule]") {
  CHECK(started(decide(hourly(), "2026-01-01T10:00:00Z")) == name_at("2026-01-01T10:00:00Z"));
  CHECK(started(decide(hourly(), "2026-01-01T10:17:42Z")) == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE("however many runs were missed, one makes up for them", "[schedule]") {
  const ScheduledSparkApplication schedule = hourly();
  const TimePoint now = at("2026-01-01T13:30:00Z");
  const auto decision = decide(schedule, "2026-01-01T13:30:00Z");
  REQUIRE(started(decision) == name_at("2026-01-01T10:00:00Z"));
  const auto status = after_run(schedule, std::get<StartRun>(decision.step), now, now, kPolicy);
  CHECK(status.next_run == at("2026-01-01T14:00:00Z"));
  CHECK(status.last_run == now);
  CHECK(status.last_run_name == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE("catch-up All makes each missed run, the last hundred at most", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.catch_up_policy = "All";
  const StartRun due{"etl-1", *schedule.status.next_run};
  const auto following = [&](const char* now) {
    return kube::to_rfc3339(*after_run(schedule, due, at(now), at(now), kPolicy).next_run);
  };
  CHECK(following("2026-01-01T13:30:00Z") == "2026-01-01T11:00:00Z");
  CHECK(following("2026-01-01T10:30:00Z") == "2026-01-01T11:00:00Z");
  CHECK(following("2026-01-11T10:00:00Z") == "2026-01-07T07:00:00Z");
  schedule.spec.schedule = "@every 1h";
  CHECK(following("2026-01-11T10:00:00Z") == "2026-01-07T06:00:00Z");
  schedule.spec.schedule = "@every 1s";
  CHECK(following("2036-01-11T10:00:00Z") == "2036-01-11T09:58:20Z");
  schedule.spec.schedule = "@every 87600h";
  CHECK(following("2026-01-11T10:00:00Z") == "2035-12-30T10:00:00Z");
}

TEST_CASE("catch-up Skip makes a run that is late, but none that a later one has overtaken", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.catch_up_policy = "Skip";
  CHECK(started(decide(schedule, "2026-01-01T10:59:59Z")) == name_at("2026-01-01T10:00:00Z"));
  const auto decision = decide(schedule, "2026-01-01T13:30:00Z");
  CHECK(next_run(decision) == "2026-01-01T14:00:00Z");
  CHECK(decision.notes.at(0).reason == "ScheduledRunSkipped");
}

TEST_CASE("after its starting deadline a run is skipped", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.starting_deadline_seconds = 600;
  CHECK(started(decide(schedule, "2026-01-01T10:10:00Z")) == name_at("2026-01-01T10:00:00Z"));
  CHECK(next_run(decide(schedule, "2026-01-01T10:10:01Z")) == "2026-01-01T11:00:00Z");
  schedule.spec.starting_deadline_seconds = std::numeric_limits<std::int64_t>::max();
  CHECK(started(decide(schedule, "2026-01-01T10:10:01Z")) == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE("jitter delays a run by the same time whenever it is asked for", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.jitter_seconds = 300;
  const auto decision = decide(schedule, "2026-01-01T10:00:00Z");
  const auto delay = std::get<Wait>(decision.step).at_most;
  REQUIRE(delay);
  CHECK(*delay <= seconds(300));
  CHECK(std::get<Wait>(decide(schedule, "2026-01-01T09:59:59Z").step).at_most == *delay + seconds(1));
  CHECK(started(decide(schedule, "2026-01-01T10:05:00Z")) == name_at("2026-01-01T10:00:00Z"));
  schedule.metadata.uid = "another";
  CHECK(std::get<Wait>(decide(schedule, "2026-01-01T10:00:00Z").step).at_most != delay);
}

TEST_CASE("Allow, and no policy at all, start beside what runs (fault 13 of the Go operator)", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  const std::vector runs{run("2026-01-01T09:00:00Z", api::State::Running)};
  for (const char* policy : {"Allow", ""}) {
    schedule.spec.concurrency_policy = policy;
    CHECK(started(decide(schedule, "2026-01-01T10:00:00Z", runs)) != "nothing");
  }
  schedule.spec.concurrency_policy.reset();
  CHECK(started(decide(schedule, "2026-01-01T10:00:00Z", runs)) != "nothing");
}

TEST_CASE("Forbid looks at all runs, not at the newest alone, and skips (fault 17 of the Go operator)",
          "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.concurrency_policy = "Forbid";
  std::vector runs{run("2026-01-01T08:00:00Z", api::State::Running),
                   run("2026-01-01T09:00:00Z", api::State::Completed)};
  const auto decision = decide(schedule, "2026-01-01T10:00:00Z", runs);
  CHECK(next_run(decision) == "2026-01-01T11:00:00Z");
  CHECK(started(decision) == "nothing");
  runs[0].state = api::State::Failed;
  CHECK(started(decide(schedule, "2026-01-01T10:00:00Z", runs)) != "nothing");
}

TEST_CASE("with a starting deadline Forbid waits for the end of what runs", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.concurrency_policy = "Forbid";
  schedule.spec.starting_deadline_seconds = 600;
  std::vector runs{run("2026-01-01T09:00:00Z", api::State::Running)};
  const auto decision = decide(schedule, "2026-01-01T10:04:00Z", runs);
  CHECK(waits(decision, std::chrono::minutes(6) + seconds(1)));
  runs[0].state = api::State::Completed;
  CHECK(started(decide(schedule, "2026-01-01T10:04:00Z", runs)) != "nothing");
}

TEST_CASE(
    "Replace deletes all that run, and starts once they are gone or going (fault 17 of the Go operator)",
    "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.concurrency_policy = "Replace";
  std::vector runs{run("2026-01-01T07:00:00Z", api::State::Submitted),
                   run("2026-01-01T08:00:00Z", api::State::Running),
                   run("2026-01-01T09:00:00Z", api::State::Completed)};
  CHECK(deleted(decide(schedule, "2026-01-01T10:00:00Z", runs)) ==
        std::vector{name_at("2026-01-01T07:00:00Z"), name_at("2026-01-01T08:00:00Z")});
  runs[0].terminating = runs[1].terminating = true;
  CHECK(started(decide(schedule, "2026-01-01T10:00:00Z", runs)) == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE("a run that is there already is written down, and neither replaced nor in its own way",
          "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.starting_deadline_seconds = 60;
  for (const char* policy : {"Allow", "Forbid", "Replace"}) {
    for (const char* now : {"2026-01-01T10:00:01Z", "2026-01-01T10:30:00Z"}) {
      INFO(policy << " at " << now);
      schedule.spec.concurrency_policy = policy;
      const auto decision = decide(schedule, now, {run("2026-01-01T10:00:00Z", api::State::Running)});
      CHECK(decision.due);
      CHECK(std::holds_alternative<Wait>(decision.step));
      CHECK(next_run(decision) == "2026-01-01T11:00:00Z");
      CHECK(decision.status->last_run_name == name_at("2026-01-01T10:00:00Z"));
      CHECK(decision.status->last_run == at("2026-01-01T10:00:00Z"));
    }
  }
}

TEST_CASE("what is decided about the run that is due rests on live reads, history does not", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.concurrency_policy = "Forbid";
  CHECK(decide(schedule, "2026-01-01T10:00:00Z").due);
  CHECK(decide(schedule, "2026-01-01T10:00:00Z", {run("2026-01-01T09:00:00Z", api::State::Running)}).due);
  CHECK_FALSE(decide(schedule, "2026-01-01T09:30:00Z").due);
  schedule.spec.successful_run_history_limit = 0;
  schedule.status.last_run_name = name_at("2026-01-01T09:00:00Z");
  const auto pruned =
      decide(schedule, "2026-01-01T09:30:00Z", {run("2026-01-01T09:00:00Z", api::State::Completed)});
  CHECK(deleted(pruned).size() == 1);
  CHECK_FALSE(pruned.due);
}

TEST_CASE("a suspended schedule starts nothing, and makes up for it with one run", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.suspend = true;
  const auto decision = decide(schedule, "2026-01-01T12:30:00Z");
  CHECK(waits(decision, {}) == false);
  CHECK_FALSE(decision.status);
  schedule.spec.suspend = false;
  CHECK(started(decide(schedule, "2026-01-01T12:30:00Z")) == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE(
    "an edited schedule or zone works out the next run anew, whether it was due or not (fault 14 of the Go "
    "operator)",
    "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.schedule = "15 * * * *";
  CHECK(next_run(decide(schedule, "2026-01-01T09:30:00Z")) == "2026-01-01T10:15:00Z");
  CHECK(next_run(decide(schedule, "2026-01-01T09:10:00Z")) == "2026-01-01T09:15:00Z");
  CHECK(next_run(decide(schedule, "2026-01-01T10:20:00Z")) == "2026-01-01T11:15:00Z");
  schedule = hourly();
  schedule.spec.time_zone = "Asia/Kolkata";
  CHECK(next_run(decide(schedule, "2026-01-01T09:10:00Z")) == "2026-01-01T09:30:00Z");
  schedule = hourly();
  schedule.spec.schedule = "@every 10m";
  CHECK(next_run(decide(schedule, "2026-01-01T09:10:00Z")) == "2026-01-01T09:20:00Z");
}

TEST_CASE("a period that leads beyond all times starts one run at most, and then waits", "[schedule]") {
  for (const char* policy : {"", "All", "Skip"}) {
    INFO(policy);
    ScheduledSparkApplication schedule = hourly();
    schedule.spec.schedule = "@every 2562047h";
    schedule.spec.catch_up_policy = policy;
    const auto status = after_run(schedule, {"etl-1", *schedule.status.next_run}, at("2026-01-01T10:00:00Z"),
                                  at("2026-01-01T10:00:00Z"), kPolicy);
    CHECK(kube::to_rfc3339(*status.next_run) == "2262-04-11T23:47:16Z");
    schedule.status = status;
    const auto later = decide(schedule, "2026-01-01T11:00:00Z");
    CHECK_FALSE(later.status);
    CHECK(waits(later, *status.next_run - at("2026-01-01T11:00:00Z")));
  }
}

TEST_CASE(
    "a schedule that cannot be read says why, starts nothing, and recovers when it is fixed (fault 14 of the "
    "Go operator)",
    "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.schedule = "61 * * * *";
  const auto decision = decide(schedule, "2026-01-01T10:30:00Z");
  REQUIRE(decision.status);
  CHECK(decision.status->schedule_state == ScheduleState::FailedValidation);
  CHECK(decision.status->reason == "end of range (61) above maximum (59): 61");
  CHECK(decision.notes.size() == 1);
  schedule.status = *decision.status;
  CHECK_FALSE(decide(schedule, "2026-01-01T10:31:00Z").status);
  schedule.spec.schedule = "0 * * * *";
  const auto fixed = decide(schedule, "2026-01-01T10:32:00Z");
  CHECK(next_run(fixed) == "2026-01-01T11:00:00Z");
  CHECK(fixed.status->schedule_state == ScheduleState::Scheduled);
  CHECK(fixed.status->reason.empty());
}

TEST_CASE(
    "values that no policy has, such as negative limits, are named with their path (fault 16 of the Go "
    "operator)",
    "[schedule]") {
  const auto reason = [](auto&& change) {
    ScheduledSparkApplication schedule = hourly();
    change(schedule.spec);
    const auto decision = decide(schedule, "2026-01-01T09:30:00Z");
    return decision.status ? decision.status->reason : "";
  };
  CHECK(reason([](auto& spec) { spec.concurrency_policy = "Never"; }) ==
        "spec.concurrencyPolicy: expected Allow, Forbid or Replace, got Never");
  CHECK(reason([](auto& spec) { spec.catch_up_policy = "Some"; }) ==
        "spec.catchUpPolicy: expected Latest, All or Skip, got Some");
  CHECK(reason([](auto& spec) { spec.successful_run_history_limit = -1; }) ==
        "spec.successfulRunHistoryLimit: must not be negative");
  CHECK(reason([](auto& spec) { spec.failed_run_history_limit = -1; }) ==
        "spec.failedRunHistoryLimit: must not be negative");
  CHECK(reason([](auto& spec) { spec.starting_deadline_seconds = -1; }) ==
        "spec.startingDeadlineSeconds: must not be negative");
  CHECK(reason([](auto& spec) { spec.jitter_seconds = -1; }) == "spec.jitterSeconds: must not be negative");
  CHECK(reason([](auto& spec) { spec.time_zone = "Mars/Olympus"; }) ==
        "Invalid timezone: unknown time zone Mars/Olympus");
}

TEST_CASE("a schedule without a time says so, once", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.schedule = "0 0 30 2 *";
  const auto decision = decide(schedule, "2026-01-01T09:30:00Z");
  CHECK(next_run(decision) == "none");
  CHECK(decision.status->reason == "the schedule names no time within the next five years");
  schedule.status = *decision.status;
  CHECK_FALSE(decide(schedule, "2026-01-01T09:31:00Z").status);
}

TEST_CASE("clocks that jump back bring no time twice, and clocks that jump forward lose none", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.status.last_run_name = name_at("2026-01-01T09:00:00Z");
  // An hour back: nine has had its run.
  CHECK_FALSE(decide(schedule, "2026-01-01T08:30:00Z").status);
  CHECK(started(decide(schedule, "2026-01-01T08:30:00Z")) == "nothing");
  // Nothing ran yet: the times of the hour that comes again are worked out anew.
  schedule.status.last_run_name.clear();
  CHECK(next_run(decide(schedule, "2026-01-01T08:30:00Z")) == "2026-01-01T09:00:00Z");
  // An hour forward: ten is due.
  CHECK(started(decide(schedule, "2026-01-01T10:30:00Z")) == name_at("2026-01-01T10:00:00Z"));
}

TEST_CASE("history keeps the newest ended runs, on time", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.status.last_run_name = name_at("2026-01-01T09:00:00Z");
  schedule.spec.successful_run_history_limit = 2;
  const std::vector runs{
      run("2026-01-01T04:00:00Z", api::State::Completed), run("2026-01-01T07:00:00Z", api::State::Completed),
      run("2026-01-01T06:00:00Z", api::State::Completed), run("2026-01-01T05:00:00Z", api::State::Failed),
      run("2026-01-01T08:00:00Z", api::State::Failed),    run("2026-01-01T09:00:00Z", api::State::Running)};
  const auto decision = decide(schedule, "2026-01-01T09:30:00Z", runs);
  CHECK(deleted(decision) == std::vector{name_at("2026-01-01T04:00:00Z"), name_at("2026-01-01T05:00:00Z")});
  REQUIRE(decision.status);
  CHECK(decision.status->past_successful_run_names ==
        std::vector{name_at("2026-01-01T07:00:00Z"), name_at("2026-01-01T06:00:00Z")});
  CHECK(decision.status->past_failed_run_names == std::vector{name_at("2026-01-01T08:00:00Z")});
}

TEST_CASE("a limit of zero keeps none, but a run that status does not know of yet stays", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.spec.successful_run_history_limit = 0;
  schedule.status.last_run_name = name_at("2026-01-01T08:00:00Z");
  const std::vector runs{run("2026-01-01T08:00:00Z", api::State::Completed),
                         run("2026-01-01T09:00:00Z", api::State::Completed)};
  const auto decision = decide(schedule, "2026-01-01T09:30:00Z", runs);
  CHECK(deleted(decision) == std::vector{name_at("2026-01-01T08:00:00Z")});
  CHECK(decision.status->past_successful_run_names == std::vector{name_at("2026-01-01T09:00:00Z")});
}

TEST_CASE("a schedule that is being deleted starts nothing", "[schedule]") {
  ScheduledSparkApplication schedule = hourly();
  schedule.metadata.deletion_timestamp = at("2026-01-01T09:00:00Z");
  CHECK(started(decide(schedule, "2026-01-01T10:30:00Z")) == "nothing");
}

// decide_schedule() is the mind of the controller of schedules: from a ScheduledSparkApplication and its runs
// to the one next thing to do. Pure.
//
//   ScheduleDecision decision = decide_schedule(schedule, runs, now, policy);
//   std::visit(…, decision.step);         // at most one effect, then at most one status patch
//
// Rules (docs/schedules.md):
// - The run that is due is the one of status.nextRun, which was written down before. Its name follows from
//   that time, so that whoever starts it again after a crash finds it there already; one that is there is
//   written down, whatever the policy says of runs that overlap.
// - nextRun is always later than the time in lastRunName: however clocks jump, no time has two runs.
// - A nextRun that the schedule does not name any more (it was edited, or clocks were turned back) is worked
//   out anew.
// - History prunes only runs that have ended and that status knows of.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/cron_schedule.h"
#include "api/names.h"
#include "api/scheduled_spark_application.h"
#include "controller/application/decision.h"
#include "controller/schedule/run_view.h"

namespace controller {

struct SchedulePolicy {
  api::TimestampPrecision precision = api::TimestampPrecision::Nanos;
  api::TimeZone local;  // where spec.timeZone is empty or Local
};

// A run is to be created under this name, unless it is there.
struct StartRun {
  std::string name;
  kube::TimePoint due;
};
// By UID, and those that have ended only as they were seen; that they are gone is heard of.
struct DeleteRuns {
  std::vector<RunView> runs;
  std::optional<kube::Duration> at_most = {};  // until the run that comes next, as of Wait
};

using ScheduleStep = std::variant<Wait, StartRun, DeleteRuns>;

struct ScheduleDecision {
  ScheduleStep step = Wait{};
  // Patched after the step, with the resourceVersion decided on; absent: status stays.
  std::optional<api::ScheduledSparkApplicationStatus> status = {};
  std::vector<Note> notes = {};
  // About the run that is due: carried out only if live reads lead to it. A cache that is behind would start,
  // skip or replace for a run that has been started long ago.
  bool due = false;
};

// `runs` are those that the schedule owns, in any order.
ScheduleDecision decide_schedule(const api::ScheduledSparkApplication& schedule,
                                 const std::vector<RunView>& runs, kube::TimePoint now,
                                 const SchedulePolicy& policy);

// Status once the run is there, or is not going to be (`started` is then empty).
api::ScheduledSparkApplicationStatus after_run(const api::ScheduledSparkApplication& schedule,
                                               const StartRun& run, std::optional<kube::TimePoint> started,
                                               kube::TimePoint now, const SchedulePolicy& policy);
Note started_note(const StartRun& run);

}  // namespace controller

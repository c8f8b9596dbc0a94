#include "controller/schedule/schedule_decision.h"

#include <algorithm>

#include "api/digest.h"
#include "api/validation.h"

namespace controller {

using api::CronSchedule;
using api::ScheduledSparkApplication;
using api::ScheduledSparkApplicationStatus;
using api::ScheduleState;
using kube::Duration;
using kube::Result;
using kube::TimePoint;
using std::chrono::seconds;

namespace {

// Missed runs that CatchUp All still makes.
constexpr int kMostCaughtUp = 100;
constexpr std::int32_t kHistoryLimit = 1;

bool is(const std::optional<std::string>& value, std::string_view word) {
  return value && *value == word;
}

Result<CronSchedule> read_spec(const api::ScheduledSparkApplicationSpec& spec, const SchedulePolicy& policy) {
  for (const api::Fault& fault : api::validate_schedule(spec, policy.local))
    // A schedule that cannot be read is told in the words of its reader.
    if (fault.path != "spec.schedule" && fault.path != "spec.timeZone")
      return kube::fail(kube::ErrorKind::InvalidInput, api::describe({fault}));
  return CronSchedule::parse(spec.schedule, {.zone = spec.time_zone ? std::string_view(*spec.time_zone) : "",
                                             .local = policy.local});
}

// What the next run has to be later than: now, and the run before it.
TimePoint reference(const ScheduledSparkApplication& schedule, TimePoint now) {
  const auto last = api::scheduled_run_time(schedule.metadata.name, schedule.status.last_run_name);
  return last ? std::max(now, *last) : now;
}

// Whether status.nextRun is a time of this schedule, as far as one can tell.
bool is_current(const ScheduledSparkApplication& schedule, const CronSchedule& cron, TimePoint now) {
  const TimePoint next = *schedule.status.next_run;
  if (const auto period = cron.period())
    return next <= kube::saturating_add(reference(schedule, now), *period);
  return next > now ? cron.next_after(reference(schedule, now)) == next : cron.names(next);
}

// Always the same for one run, and different for those of other schedules.
Duration jitter(const ScheduledSparkApplication& schedule, TimePoint due) {
  const std::int64_t most = schedule.spec.jitter_seconds.value_or(0);
  if (most <= 0) return {};
  const std::string digest = api::sha256_hex(schedule.metadata.uid + "/" + kube::to_rfc3339(due));
  return seconds(static_cast<std::int64_t>(std::stoull(digest.substr(0, 8), nullptr, 16)) % (most + 1));
}

// The time after `due` that is to come next.
std::optional<TimePoint> following(const ScheduledSparkApplication& schedule, const CronSchedule& cron,
                                   TimePoint due, TimePoint now) {
  if (!is(schedule.spec.catch_up_policy, api::catch_up_policy::kAll))
    return cron.next_after(std::max(due, now));
  auto next = cron.next_after(due);
  // Too many to make up for: the latest ones are made.
  if (const auto period = cron.period(); period && next) {
    const Duration most = kMostCaughtUp * std::min<Duration>(*period, Duration::max() / kMostCaughtUp);
    if (const TimePoint oldest = kube::saturating_add(now, -most); *next < oldest) return oldest;
  }
  std::vector<TimePoint> missed;
  for (auto at = next; at && *at <= now; at = cron.next_after(*at)) {
    missed.push_back(*at);
    if (missed.size() > kMostCaughtUp) missed.erase(missed.begin());
  }
  return missed.empty() ? next : missed.front();
}

struct History {
  std::vector<std::string> kept;  // names, newest first
  std::vector<RunView> surplus;
};

// A run whose start status does not tell of yet might be started again if it were gone.
bool is_known(const ScheduledSparkApplication& schedule, const RunView& run) {
  const auto time = api::scheduled_run_time(schedule.metadata.name, run.key.name);
  const auto last = api::scheduled_run_time(schedule.metadata.name, schedule.status.last_run_name);
  return !time || (last && *time <= *last);
}

History history(const ScheduledSparkApplication& schedule, const std::vector<RunView>& runs, api::State state,
                std::int32_t limit) {
  std::vector<RunView> ended;
  for (const RunView& run : runs) {
    if (run.state == state && !run.terminating) ended.push_back(run);
  }
  std::ranges::sort(ended, [](const RunView& a, const RunView& b) {
    return std::pair(a.created, a.key.name) > std::pair(b.created, b.key.name);
  });
  History result;
  for (const RunView& run : ended) {
    if (std::cmp_less(result.kept.size(), limit) || !is_known(schedule, run)) {
      result.kept.push_back(run.key.name);
    } else {
      result.surplus.push_back(run);
    }
  }
  return result;
}

ScheduleDecision refuse(const ScheduledSparkApplication& schedule, std::string reason) {
  ScheduledSparkApplicationStatus status = schedule.status;
  status.schedule_state = ScheduleState::FailedValidation;
  status.next_run.reset();
  status.reason = reason;
  if (status == schedule.status) return {};
  return {.status = status, .notes = {{true, "ScheduleInvalid", std::move(reason)}}};
}

// What is to happen about the run that is due; nothing: it is not due yet, or may not start now.
struct Due {
  std::optional<ScheduleDecision> decision = {};
  std::optional<Duration> wait = {};
};

Due look_at_due(const ScheduledSparkApplication& schedule, const CronSchedule& cron,
                const std::vector<RunView>& runs, TimePoint now, const SchedulePolicy& policy) {
  if (!schedule.status.next_run || schedule.spec.suspend.value_or(false)) return {};
  const TimePoint due = *schedule.status.next_run;
  const StartRun run{api::scheduled_run_name(schedule.metadata.name, due, policy.precision), due};
  // Somebody has started it and did not get to write that down: it neither stands in its own way nor is it
  // to be replaced by itself.
  for (const RunView& other : runs) {
    if (other.key.name != run.name) continue;
    ScheduleDecision decision{.status = after_run(schedule, run, other.created.value_or(now), now, policy)};
    decision.notes = {started_note(run)};
    return Due{.decision = decision};
  }
  const TimePoint start = kube::saturating_add(due, jitter(schedule, due));
  if (start > now) return {.wait = start - now};

  const auto skip = [&](std::string why) {
    ScheduleDecision decision{.status = after_run(schedule, run, std::nullopt, now, policy)};
    decision.notes = {{true, "ScheduledRunSkipped",
                       "the run of " + kube::to_rfc3339(due) + " is skipped: " + std::move(why)}};
    return Due{.decision = decision};
  };
  std::optional<TimePoint> deadline;
  if (schedule.spec.starting_deadline_seconds) {
    constexpr std::int64_t kFarAway = std::int64_t{100} * 365 * 24 * 3600;
    deadline =
        kube::saturating_add(start, seconds(std::min(*schedule.spec.starting_deadline_seconds, kFarAway)));
  }
  if (deadline && now > *deadline) return skip("its starting deadline has passed");
  if (is(schedule.spec.catch_up_policy, api::catch_up_policy::kSkip)) {
    const auto next = cron.next_after(due);
    if (next && *next <= now) return skip("a later one is due");
  }
  std::vector<RunView> running;
  for (const RunView& other : runs) {
    if (!other.has_ended() && !other.terminating) running.push_back(other);
  }
  if (is(schedule.spec.concurrency_policy, api::concurrency_policy::kForbid) && !running.empty()) {
    // The end of that run brings us back; so does the deadline.
    if (deadline) return {.wait = *deadline - now + seconds(1)};
    return skip(running.front().key.name + " is still running");
  }
  if (is(schedule.spec.concurrency_policy, api::concurrency_policy::kReplace) && !running.empty())
    return {.decision = ScheduleDecision{.step = DeleteRuns{running}}};
  return {.decision = ScheduleDecision{.step = run}};
}

}  // namespace

Note started_note(const StartRun& run) {
  return {false, "ScheduledRunStarted", "SparkApplication " + run.name + " was created"};
}

ScheduledSparkApplicationStatus after_run(const ScheduledSparkApplication& schedule, const StartRun& run,
                                          std::optional<TimePoint> started, TimePoint now,
                                          const SchedulePolicy& policy) {
  ScheduledSparkApplicationStatus status = schedule.status;
  if (started) {
    status.last_run = std::chrono::floor<seconds>(*started);
    status.last_run_name = run.name;
    status.reason.clear();
  }
  const auto cron = read_spec(schedule.spec, policy);
  if (cron) status.next_run = following(schedule, *cron, run.due, now);
  return status;
}

ScheduleDecision decide_schedule(const ScheduledSparkApplication& schedule, const std::vector<RunView>& runs,
                                 TimePoint now, const SchedulePolicy& policy) {
  if (schedule.metadata.deletion_timestamp) return {};
  const auto cron = read_spec(schedule.spec, policy);
  if (!cron) return refuse(schedule, cron.error().message());

  ScheduledSparkApplicationStatus status = schedule.status;
  if (status.schedule_state != ScheduleState::Scheduled || !status.next_run ||
      !is_current(schedule, *cron, now)) {
    status.schedule_state = ScheduleState::Scheduled;
    status.next_run = cron->next_after(reference(schedule, now));
    status.reason = status.next_run ? "" : "the schedule names no time within the next five years";
    if (status != schedule.status) return {.status = status};
  }

  const Due due = look_at_due(schedule, *cron, runs, now, policy);
  if (due.decision) {
    ScheduleDecision decision = *due.decision;
    decision.due = true;
    return decision;
  }

  const History completed = history(schedule, runs, api::State::Completed,
                                    schedule.spec.successful_run_history_limit.value_or(kHistoryLimit));
  const History failed = history(schedule, runs, api::State::Failed,
                                 schedule.spec.failed_run_history_limit.value_or(kHistoryLimit));
  ScheduleDecision decision{.step = Wait{due.wait}};
  DeleteRuns surplus{completed.surplus, due.wait};
  surplus.runs.insert(surplus.runs.end(), failed.surplus.begin(), failed.surplus.end());
  if (!surplus.runs.empty()) decision.step = std::move(surplus);
  status.past_successful_run_names = completed.kept;
  status.past_failed_run_names = failed.kept;
  if (status != schedule.status) decision.status = std::move(status);
  return decision;
}

}  // namespace controller

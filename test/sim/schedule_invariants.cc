#include "test/sim/schedule_invariants.h"

#include <algorithm>

#include "api/constants.h"
#include "api/cron_schedule.h"
#include "api/names.h"
#include "api/scheduled_spark_application.h"
#include "test/sim/direct_client.h"
#include "test/sim/fault_source.h"
#include "test/sim/invariants.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::TimePoint;
using kube::apiserver::Commit;
using namespace std::chrono_literals;

namespace {

constexpr const char* kOwnerKind = api::ScheduledSparkApplication::kKind;
// What was decided may be carried out so much later: calls are delayed, processes stand still.
constexpr kube::Duration kLately = 60s;
constexpr int kMostCaughtUp = 100;

std::optional<TimePoint> time_at(const Json& object, const char* name) {
  const auto time = kube::parse_rfc3339(kube::string_at(object, {"status", name}));
  return time ? std::optional(*time) : std::nullopt;
}

std::string words_of(const std::optional<TimePoint>& time) {
  return time ? kube::to_rfc3339(*time) : "none";
}

bool is_suspended(const Json& schedule) {
  return schedule.at("spec").value("suspend", false);
}

bool has_run_ended(const Json& run) {
  const std::string state = kube::string_at(run, {"status", "applicationState", "state"});
  return state == "COMPLETED" || state == "FAILED";
}

std::string times_of(const Json& spec) {
  return spec.value("schedule", "") + " in " + spec.value("timeZone", "");
}

kube::Result<api::CronSchedule> cron_of(const Json& spec) {
  static const api::TimeZone utc = *api::TimeZone::find("UTC");
  const std::string zone = spec.value("timeZone", "");
  return api::CronSchedule::parse(spec.value("schedule", ""), {.zone = zone, .local = utc});
}

}  // namespace

void ScheduleInvariants::live_read(const std::string& process, const Json& schedule) {
  live_reads_[process + " " + name_of(schedule)] = {
      .uid = kube::string_at(schedule, {"metadata", "uid"}),
      .next_run = time_at(schedule, "nextRun"),
      .when = loop_.now(),
      .policy = schedule.at("spec").value("concurrencyPolicy", "Allow"),
      .deleting = is_deleting(schedule),
      .suspended = is_suspended(schedule)};
}

void ScheduleInvariants::committed(const Commit& commit) {
  (void)has_jumped_lately();
  const auto& [version, before, after, last] = commit.change;
  const bool by_operator = from_operator(commit.request);
  if (commit.table == kScheduleTable) {
    if (before && after && by_operator) schedule_changed(commit);
    return;
  }
  if (commit.table != kApplicationTable) return;
  const std::string schedule = owner_uid((after ? after : before)->json(), kOwnerKind);
  if (schedule.empty()) return;
  if (before && !has_run_ended(before->json())) ran_[schedule] = loop_.steady();
  if (!before && by_operator) run_created(commit);
  const bool goes = before && !before->is_terminating() && (!after || after->is_terminating());
  if (goes && by_operator) run_deleted(commit);
}

// ---- runs

void ScheduleInvariants::run_created(const Commit& commit) {
  const Json& run = commit.change.after->json();
  const std::string name = name_of(run);
  const std::string schedule = label_of(run, api::label::kScheduledAppName);
  const std::string uid = owner_uid(run, kOwnerKind);
  const std::string who = process_of(commit.request);
  const auto time = api::scheduled_run_time(schedule, name);
  if (!time) return all_.violate("S1: run " + name + " has a name without a time");
  const bool late = all_.lands_late(commit, subject(schedule));
  all_.acted(subject(schedule), who);
  const bool first = made_[uid].insert(*time).second;
  if (late) {
    late_[uid].insert(*time);
    return;
  }
  if (!first) all_.violate("S1: a second run " + name + " of one time");

  const auto found = live_reads_.find(who + " " + schedule);
  if (found == live_reads_.end() || found->second.uid != uid)
    return all_.violate("S3: run " + name + " made without a live read of its schedule");
  const LiveRead& read = found->second;
  if (read.next_run != time)
    all_.violate("S3: run " + name + " made although the live read showed " + words_of(read.next_run));
  if (*time > read.when && !has_jumped_lately()) all_.violate("S3: run " + name + " made before its time");
  if (read.deleting) all_.violate("S3: run " + name + " made of a schedule that is going away");
  if (read.suspended) all_.violate("S3: run " + name + " made of a suspended schedule");
  if (read.policy == "Forbid" || read.policy == "Replace") {
    for (const auto& other : server_.store().list(kApplicationTable, commit.change.after->key().ns)) {
      if (other->uid() == commit.change.after->uid() || owner_uid(other->json(), kOwnerKind) != uid) continue;
      const auto others = api::scheduled_run_time(schedule, other->key().name);
      if (has_run_ended(other->json()) || other->is_terminating() || (others && late_[uid].contains(*others)))
        continue;
      all_.violate("S3: run " + name + " made under " + read.policy + " while " + other->key().name +
                   " has not ended");
    }
  }
  if (const std::string holder = all_.another_leader(who); !holder.empty())
    all_.violate("S3: run " + name + " made by " + who + " without the lease of " + holder);
}

void ScheduleInvariants::run_deleted(const Commit& commit) {
  const Json& run = commit.change.before->json();
  const std::string name = name_of(run);
  const std::string schedule = label_of(run, api::label::kScheduledAppName);
  const std::string who = process_of(commit.request);
  const auto object = server_.store().get(kScheduleTable, {commit.change.before->key().ns, schedule});
  if (!object || object->uid() != owner_uid(run, kOwnerKind) || object->is_terminating()) return;
  all_.acted(subject(schedule), who);
  const auto time = api::scheduled_run_time(schedule, name);
  if (has_run_ended(run)) {
    const auto known =
        api::scheduled_run_time(schedule, kube::string_at(object->json(), {"status", "lastRunName"}));
    if (time && (!known || *time > *known) && !late_[object->uid()].contains(*time))
      all_.violate("S4: run " + name + " pruned before status tells of it");
    return;
  }
  const auto read = live_reads_.find(who + " " + schedule);
  if (read == live_reads_.end() || read->second.uid != object->uid() || read->second.policy != "Replace" ||
      !read->second.next_run || read->second.next_run == time ||
      (*read->second.next_run > read->second.when && !has_jumped_lately())) {
    all_.violate("S4: run " + name + " deleted, which has not ended and which none that is due replaces");
  }
}

bool ScheduleInvariants::was_running_lately(const std::string& uid) const {
  const auto ran = ran_.find(uid);
  if (ran != ran_.end() && loop_.steady() - ran->second < kLately) return true;
  return std::ranges::any_of(server_.store().list(kApplicationTable), [&](const auto& run) {
    return owner_uid(run->json(), kOwnerKind) == uid && !has_run_ended(run->json());
  });
}

// ---- status

void ScheduleInvariants::schedule_changed(const Commit& commit) {
  const Json& before = commit.change.before->json();
  const Json& after = commit.change.after->json();
  const std::string name = name_of(after), uid = commit.change.after->uid();
  const std::string who = process_of(commit.request);
  if (before.at("spec") != after.at("spec")) all_.violate("form: a spec was written");
  const std::string last_run = kube::string_at(after, {"status", "lastRunName"});
  const auto last = api::scheduled_run_time(name, last_run);
  const auto next = time_at(after, "nextRun");
  if (const std::string earlier = kube::string_at(before, {"status", "lastRunName"}); last_run != earlier) {
    const auto was = api::scheduled_run_time(name, earlier);
    if (!last || !made_[uid].contains(*last))
      all_.violate("S5: " + name + ": status tells of a run " + last_run + " that was not made");
    if (last && was && *last <= *was)
      all_.violate("S5: " + name + ": from run " + earlier + " back to " + last_run);
  }
  if (last && next && *next <= *last)
    all_.violate("S5: " + name + ": next run " + words_of(next) + " is not later than " + last_run);
  if (const auto from = time_at(before, "nextRun"); from && from != next)
    check_move({name, uid, *from, next, last_run, who}, after.at("spec"));
  times_[uid] = times_of(after.at("spec"));
  all_.acted(subject(name), who);
}

void ScheduleInvariants::check_move(const Move& move, const Json& spec) {
  const auto cron = cron_of(spec);
  // Invalid, or edited since nextRun was written down: it is worked out anew.
  if (!cron || times_[move.uid] != times_of(spec) || has_jumped_lately()) return;
  const std::string words = move.name + ": from " + words_of(move.from) + " to " + words_of(move.to) +
                            " at " + words_of(loop_.now());
  if (!is_accounted_for(move, spec)) return all_.violate("S2: a time is lost, " + words);
  const bool is_told = api::scheduled_run_time(move.name, move.last_run_name) == std::optional(move.from);
  if (made_[move.uid].contains(move.from) && !late_[move.uid].contains(move.from) && !is_told &&
      !all_.others_acted(subject(move.name), move.who, loop_.steady() - kLately)) {
    all_.violate("S5: status does not tell of the run that was made, " + words);
  }
  // Turned back: its times come again.
  if (move.to && *move.to <= move.from) return;
  const TimePoint now = loop_.now();
  const bool all_missed = spec.value("catchUpPolicy", "") == api::catch_up_policy::kAll;
  const kube::Duration period = cron->period().value_or(60s);
  if (all_missed && now - move.from > kMostCaughtUp * period) return;
  const auto expected = cron->next_after(all_missed ? move.from : std::max(move.from, now));
  if (move.to ? expected && *move.to > *expected : expected.has_value())
    all_.violate("S2: times between are lost, " + words + ", expected " + words_of(expected));
}

bool ScheduleInvariants::is_accounted_for(const Move& move, const Json& spec) const {
  const auto made = made_.find(move.uid);
  if (made != made_.end() && made->second.contains(move.from)) return true;
  const TimePoint now = loop_.now();
  if (move.from > now) return move.to && *move.to < move.from;
  if (spec.contains("startingDeadlineSeconds") &&
      now > move.from + std::chrono::seconds(spec.at("startingDeadlineSeconds").get<std::int64_t>()))
    return true;
  if (spec.value("catchUpPolicy", "") == api::catch_up_policy::kSkip) {
    const auto later = cron_of(spec)->next_after(move.from);
    if (later && *later <= now) return true;
  }
  return spec.value("concurrencyPolicy", "") == api::concurrency_policy::kForbid &&
         was_running_lately(move.uid);
}

// What is decided by one time and written at another is nobody's fault.
bool ScheduleInvariants::has_jumped_lately() {
  const kube::Duration clock = loop_.now().time_since_epoch() - loop_.steady().time_since_epoch();
  if (clock_ != kube::Duration::zero() && clock != clock_) jumped_ = loop_.steady();
  clock_ = clock;
  return jumped_ && loop_.steady() - *jumped_ < kLately;
}

}  // namespace sim

#include "controller/schedule/schedule_controller.h"

#include <algorithm>

#include "api/constants.h"
#include "controller/application/application_view.h"
#include "controller/application/post_deadline.h"
#include "kube/client/remove_if_same.h"
#include "kube/core/fields.h"
#include "kube/core/projection.h"

namespace controller {

using api::ScheduledSparkApplication;
using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::ObjectKey;
using kube::ReconcileResult;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kBySchedule = "schedule";
constexpr const char* kByUid = "uid";
// Timers follow the steady clock, schedules the one on the wall: when that is set forward, a run is late by
// no more than this.
constexpr kube::Duration kLongestWait = std::chrono::minutes(1);
// Until the cache shows a status that was just written, when another run is due by it already.
constexpr kube::Duration kSoon = std::chrono::seconds(1);

std::string schedule_label(const ScheduledSparkApplication& schedule) {
  // A label of the schedule's own wins, as all of them do.
  const std::string own = kube::label_of(schedule.metadata, api::label::kScheduledAppName);
  return own.empty() ? schedule.metadata.name : own;
}

// Asking again will not help before somebody changes something.
bool is_refusal(const kube::Error& error) {
  return error.kind() == ErrorKind::Forbidden || error.kind() == ErrorKind::Invalid ||
         error.kind() == ErrorKind::BadRequest || error.kind() == ErrorKind::RequestTooLarge;
}

}  // namespace

Json make_run(const Json& schedule, const StartRun& run) {
  const Json& metadata = schedule.at("metadata");
  Json labels = {{api::label::kScheduledAppName, metadata.at("name")}};
  if (const auto own = metadata.find("labels"); own != metadata.end()) labels.update(*own);
  return {{"apiVersion", api::kApiVersion},
          {"kind", api::SparkApplication::kKind},
          {"metadata",
           {{"name", run.name},
            {"namespace", metadata.at("namespace")},
            {"labels", std::move(labels)},
            {"ownerReferences", Json::array({{{"apiVersion", api::kApiVersion},
                                              {"kind", ScheduledSparkApplication::kKind},
                                              {"name", metadata.at("name")},
                                              {"uid", metadata.at("uid")},
                                              {"blockOwnerDeletion", true}}})}}},
          {"spec", schedule.at("spec").at("template")}};
}

ScheduleController& ScheduleController::add_to(kube::Manager& manager, ScheduleControllerOptions options) {
  return manager.keep(
      std::unique_ptr<ScheduleController>(new ScheduleController(manager, std::move(options))));
}

ScheduleController::ScheduleController(kube::Manager& manager, ScheduleControllerOptions options)
    : client_(manager.client()),
      statuses_(client_, kScheduledSparkApplications),
      loop_(manager.loop()),
      events_(manager.events()),
      leadership_(manager.leadership()),
      options_(std::move(options)) {
  schedules_ = &manager.add(std::make_unique<kube::Informer<StoredObject<ScheduledSparkApplication>>>(
      client_, kube::InformerOptions<StoredObject<ScheduledSparkApplication>>{
                   .resource = kScheduledSparkApplications,
                   .project = project_stored<ScheduledSparkApplication>,
                   .namespaces = options_.namespaces,
                   .more_namespaces = options_.scope != nullptr,
                   .log = options_.log}));
  runs_ = &manager.add(std::make_unique<kube::Informer<RunView>>(
      client_, kube::InformerOptions<RunView>{.resource = kSparkApplications,
                                              .project = project_run,
                                              .namespaces = options_.namespaces,
                                              .more_namespaces = options_.scope != nullptr,
                                              .label_selector = api::label::kScheduledAppName,
                                              .log = options_.log}));
  if (options_.scope != nullptr) {
    // Runs first: a schedule must not be looked at before what it has started can be seen.
    options_.scope->follow(*runs_);
    options_.scope->follow(*schedules_);
  }
  controller_ = &manager.add(std::make_unique<kube::Controller>(
      loop_, "scheduledsparkapplication",
      [this](kube::ReconcileRequest request) { return reconcile(std::move(request)); },
      kube::ControllerOptions{.workers = options_.workers,
                              .grace = options_.grace,
                              .retry_qps = options_.retry_qps,
                              .retry_burst = options_.retry_burst,
                              .retry_max_delay = options_.retry_max_delay,
                              .kind = "ScheduledSparkApplication",
                              .log = options_.log,
                              .metrics = manager.metrics()}));
  runs_->add_index(kBySchedule, [](const RunView& run) { return std::vector{run.schedule_uid}; });
  schedules_->add_index(kByUid, [](const StoredObject<ScheduledSparkApplication>& schedule) {
    return std::vector{schedule.uid};
  });
  schedules_->on_change([this](const kube::Change<StoredObject<ScheduledSparkApplication>>& change) {
    if (change.type != kube::ChangeType::Deleted) controller_->queue().add(change.key, kube::Lane::Known);
  });
  runs_->on_change([this](const kube::Change<RunView>& change) {
    if (change.type == kube::ChangeType::Updated && *change.before == *change.object) return;
    for (const auto& view : schedules_->store().by_index(kByUid, change.object->schedule_uid)) {
      controller_->queue().add(view->key, kube::Lane::Known);
    }
  });
}

std::vector<RunView> ScheduleController::runs_of(const ScheduledSparkApplication& schedule) const {
  std::vector<RunView> runs;
  for (const auto& run : runs_->store().by_index(kBySchedule, schedule.metadata.uid)) runs.push_back(*run);
  return runs;
}

Task<ScheduleController::Reconciled> ScheduleController::reconcile(kube::ReconcileRequest request) {
  const auto view = schedules_->store().get(request.key);
  if (view == nullptr) co_return ReconcileResult::done();
  auto schedule = view->decode();
  if (!schedule) {
    co_return fail(
        std::move(schedule).error().while_doing("read ScheduledSparkApplication " + request.key.to_string()));
  }
  ScheduleDecision decision = decide_schedule(*schedule, runs_of(*schedule), loop_.now(), options_.policy);
  if (decision.due) co_return co_await settle_due(*schedule, request.log);
  co_return co_await carry_out(*schedule, std::move(decision), request.log);
}

Task<ScheduleController::Reconciled> ScheduleController::carry_out(const ScheduledSparkApplication& schedule,
                                                                   ScheduleDecision decision, kube::Log log) {
  const auto* runs = std::get_if<DeleteRuns>(&decision.step);
  if (runs != nullptr) {
    auto removed = co_await remove(runs->runs, log);
    if (!removed) co_return fail(std::move(removed));
  }
  if (decision.status)
    co_return co_await write(schedule, std::move(*decision.status), std::move(decision.notes), log);
  // That runs are gone is heard of, usually; one that was not deleted after all is looked at again.
  if (runs != nullptr)
    co_return ReconcileResult::after(std::min(runs->at_most.value_or(kLongestWait), kLongestWait));
  const auto* wait = std::get_if<Wait>(&decision.step);
  if (wait != nullptr && wait->at_most)
    co_return ReconcileResult::after(std::min(*wait->at_most, kLongestWait));
  co_return ReconcileResult::done();
}

Task<Result<std::vector<RunView>>> ScheduleController::live_runs(const ScheduledSparkApplication& schedule) {
  kube::JsonApi apps(client_, kSparkApplications, schedule.metadata.namespace_);
  auto listed = co_await apps.list(kube::ListOptions().labels(std::string(api::label::kScheduledAppName) +
                                                              "=" + schedule_label(schedule)));
  if (!listed) co_return fail(std::move(listed).error().while_doing("list runs"));
  std::vector<RunView> runs;
  kube::JsonReader reader;
  for (const Json& item : listed->items) {
    auto read = reader.read(item.dump());
    if (!read) co_return fail(std::move(read));
    auto run = project_run(*read);
    if (!run) co_return fail(std::move(run));
    if (run->schedule_uid == schedule.metadata.uid) runs.push_back(std::move(*run));
  }
  co_return runs;
}

Task<ScheduleController::Reconciled> ScheduleController::settle_due(const ScheduledSparkApplication& cached,
                                                                    kube::Log log) {
  const std::uint64_t term = leadership_.term();
  kube::JsonApi schedules(client_, kScheduledSparkApplications, cached.metadata.namespace_);
  auto object = co_await schedules.get(cached.metadata.name);
  if (!object && object.error().is_not_found()) co_return ReconcileResult::done();
  if (!object) co_return fail(std::move(object).error().while_doing("get schedule"));
  auto live = kube::decode<ScheduledSparkApplication>(*object);
  if (!live) co_return fail(std::move(live));

  // Only a run that nothing else depends on may be decided on with what the cache knows.
  const auto& concurrency = live->spec.concurrency_policy;
  std::vector<RunView> runs = runs_of(*live);
  if (concurrency && !concurrency->empty() && *concurrency != api::concurrency_policy::kAllow) {
    auto listed = co_await live_runs(*live);
    if (!listed) co_return fail(std::move(listed));
    runs = std::move(*listed);
  }
  ScheduleDecision decision = decide_schedule(*live, runs, loop_.now(), options_.policy);
  const auto* run = std::get_if<StartRun>(&decision.step);
  if (run != nullptr) co_return co_await start(*object, *live, *run, term, log);
  const bool replaces = decision.due && std::holds_alternative<DeleteRuns>(decision.step);
  auto done = co_await carry_out(*live, std::move(decision), log);
  // The one that is due starts once they are gone, or on their way.
  if (done && replaces) co_return ReconcileResult::again();
  co_return done;
}

// `object` is the schedule as it was read in this `term`.
Task<ScheduleController::Reconciled> ScheduleController::start(const Json& object,
                                                               const ScheduledSparkApplication& schedule,
                                                               StartRun run, std::uint64_t term,
                                                               kube::Log log) {
  const auto deadline = post_deadline(leadership_);
  if (!deadline || leadership_.term() != term) co_return ReconcileResult::again();
  kube::JsonApi apps(client_, kSparkApplications, schedule.metadata.namespace_);
  auto created = co_await apps.with_deadline(*deadline).create(make_run(object, run));
  const bool was_there = !created && created.error().is_already_exists();
  if (was_there) created = co_await apps.get(run.name);
  if (!created && is_refusal(created.error()))
    co_return co_await refused(schedule, std::move(created).error(), log);
  if (!created) co_return fail(std::move(created).error().while_doing("create run " + run.name));

  auto meta = kube::decode<kube::ObjectMeta>((*created)["metadata"], "metadata");
  if (!meta) co_return fail(std::move(meta));
  const bool ours = std::ranges::any_of(meta->owner_references, [&](const kube::OwnerReference& owner) {
    return owner.uid == schedule.metadata.uid;
  });
  std::vector<Note> notes;
  std::optional<kube::TimePoint> started;
  if (ours) {
    started = meta->creation_timestamp.value_or(loop_.now());
    notes.push_back(started_note(run));
    if (!was_there) log.info("run created", {{"run", run.name}});
  } else {
    notes.push_back({true, "ScheduledRunSkipped",
                     "the run of " + kube::to_rfc3339(run.due) + " is skipped: SparkApplication " + run.name +
                         " exists already and is not of this schedule"});
  }
  co_return co_await write(schedule, after_run(schedule, run, started, loop_.now(), options_.policy),
                           std::move(notes), log);
}

// The run stays due, and is tried ever more rarely; status says why nothing happens.
Task<ScheduleController::Reconciled> ScheduleController::refused(const ScheduledSparkApplication& schedule,
                                                                 kube::Error error, kube::Log log) {
  api::ScheduledSparkApplicationStatus status = schedule.status;
  status.reason = "could not start a run: " + error.message();
  if (status != schedule.status) {
    auto written = co_await write(schedule, status, {{true, "ScheduledRunRefused", status.reason}}, log);
    if (!written) co_return written;
  }
  co_return fail(std::move(error).while_doing("create run"));
}

Task<ScheduleController::Reconciled> ScheduleController::remove(const std::vector<RunView>& runs,
                                                                kube::Log log) {
  for (const RunView& run : runs) {
    kube::DeleteOptions options = kube::DeleteOptions().uid(run.uid);
    // Its history is over only as long as nobody has edited it.
    if (run.has_ended()) options.precondition_resource_version = run.resource_version;
    auto removed = co_await kube::remove_if_same(client_, kSparkApplications, run.key, std::move(options));
    if (!removed) co_return fail(std::move(removed).error().while_doing("delete run " + run.key.to_string()));
    log.info("asked for the deletion of a run",
             {{"run", run.key.to_string()}, {"state", api::to_string(run.state)}});
  }
  co_return ReconcileResult::done();
}

Task<ScheduleController::Reconciled> ScheduleController::write(const ScheduledSparkApplication& schedule,
                                                               api::ScheduledSparkApplicationStatus status,
                                                               std::vector<Note> notes, kube::Log log) {
  const ObjectKey key = schedule.metadata.key();
  auto written = co_await statuses_.write(key, schedule.metadata.resource_version, kube::encode(status));
  if (!written && written.error().is_not_found()) co_return ReconcileResult::done();
  if (!written && written.error().is_conflict()) co_return ReconcileResult::again();
  if (!written) co_return fail(std::move(written).error().while_doing("write status of " + key.to_string()));
  const kube::ObjectReference about{
      schedule.api_version,  ScheduledSparkApplication::kKind,  key.ns, key.name,
      schedule.metadata.uid, schedule.metadata.resource_version};
  for (const Note& note : notes) {
    events_.event(about, note.warning ? kube::EventType::Warning : kube::EventType::Normal, note.reason,
                  note.message);
  }
  // An event tells of this very write, usually; a watch that has gone silent must not cost the next run.
  if (!status.next_run || schedule.spec.suspend.value_or(false)) co_return ReconcileResult::done();
  const kube::Duration until = std::max(*status.next_run - loop_.now(), kSoon);
  co_return ReconcileResult::after(std::min(until, kLongestWait));
}

}  // namespace controller

#include "controller/application/launcher.h"

#include <set>

#include "api/constants.h"
#include "api/defaults.h"
#include "api/names.h"
#include "controller/application/application_view.h"
#include "controller/application/attempt_status.h"
#include "controller/application/event_texts.h"
#include "controller/application/failure_reason.h"
#include "controller/application/post_deadline.h"
#include "kube/client/remove_if_same.h"
#include "kube/core/fields.h"

namespace controller {

using api::SparkApplication;
using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::ObjectKey;
using kube::ReconcileResult;
using kube::Result;
using kube::Task;

namespace {

// What a refusal begins with; the reason and the server's words follow.
constexpr const char* kRefused = "failed to submit spark application:";
// A pod that terminates tells us when it is gone, unless it has lost the label that we watch.
constexpr kube::Duration kTerminatingPoll = std::chrono::seconds(5);

// Nothing is created any more in a namespace that is being deleted, and the application goes with it: that is
// no failure of its own. Should the namespace hang in its deletion, we ask rarely.
constexpr kube::Duration kNamespacePoll = std::chrono::seconds(30);
bool is_namespace_going(const kube::Error& error) {
  return error.reason() == "NamespaceTerminating";
}

// A status that others write as often as we do is not worth more than this.
constexpr int kWriteTries = 3;

// Decisions were made on a view that the server no longer shares: the coming event, or the back-off, brings
// us back.
Result<ReconcileResult> stale() {
  return ReconcileResult::again();
}

Result<ReconcileResult> wait_for_event() {
  return ReconcileResult::done();
}

// The API server has read the request and will not do it; the same request is not going to fare better by
// itself. Everything else (no full answer, 5xx, 429, 401, a conflict) is tried again with the same id.
bool is_refusal(const kube::Error& error) {
  if (error.is_ambiguous()) return false;
  switch (error.kind()) {
    case ErrorKind::BadRequest:
    case ErrorKind::Forbidden:
    case ErrorKind::NotFound:
    case ErrorKind::Invalid:
    case ErrorKind::MethodNotAllowed:
    case ErrorKind::NotAcceptable:
    case ErrorKind::UnsupportedMediaType:
    case ErrorKind::RequestTooLarge:
    case ErrorKind::InvalidInput:
      return true;
    default:
      return false;
  }
}

std::string recorded_name(const SparkApplication& app) {
  return kube::annotation_of(app.metadata, api::annotation::kDriverPodName);
}

std::string owner_words(const PodView& pod) {
  if (!pod.owner_name.empty()) return "SparkApplication " + pod.owner_name;
  if (!pod.other_owner.empty()) return pod.other_owner;
  return "nobody we know";
}

}  // namespace

Standing standing_of(const SparkApplication& app, const PodView& pod, const std::string& next_id) {
  if (pod.belongs_to(app.metadata.uid)) {
    if (api::same_link(pod.submission_id, next_id)) {
      return api::spec_part(pod.submission_id) == api::spec_part(next_id) ? Standing::Ours
                                                                          : Standing::OursOtherSpec;
    }
    if (!pod.submission_id.empty() && pod.submission_id == app.status.submission_id)
      return Standing::PreviousRun;
    return Standing::OtherId;
  }
  return !pod.owner_uid.empty() && pod.owner_name == app.metadata.name ? Standing::Predecessor
                                                                       : Standing::Foreign;
}

// One try to submit: the application as read live, and what was derived from it.
struct Launcher::Attempting {
  SparkApplication app;
  std::string next_id;
  ObjectKey pod;
  std::uint64_t term = 0;
  std::vector<Note> notes;
  kube::Log log;
};

Task<Launcher::Reconciled> Launcher::launch(const SparkApplication& cached, const Observation& seen,
                                            std::vector<Note> notes, kube::Log log, Patience patience) {
  Attempting attempting;
  attempting.term = leadership_.term();
  attempting.notes = std::move(notes);
  attempting.log = log;
  auto live = co_await read_application(cached.metadata.key());
  if (!live) co_return fail(std::move(live));
  if (!*live || (*live)->metadata.uid != cached.metadata.uid) co_return stale();
  attempting.app = std::move(**live);
  const SparkApplication& app = attempting.app;
  const Decision again = decide(app, seen, client_.loop().now(), policy_);
  if (!std::holds_alternative<Submit>(again.step)) co_return stale();

  attempting.next_id = next_id(app, policy_);
  attempting.pod = {app.metadata.namespace_, api::driver_pod_name(app)};
  const std::string default_name = api::default_driver_pod_name(app.metadata.name);
  const std::string recorded = recorded_name(app);
  std::set<std::string> other_names{default_name, recorded};
  other_names.erase(attempting.pod.name);
  other_names.erase("");
  for (const std::string& name : other_names) {
    auto found = co_await read_pod({app.metadata.namespace_, name});
    if (!found) co_return fail(std::move(found));
    // Under these names only what is ours counts; strangers may have them.
    if (!*found || !(*found)->belongs_to(app.metadata.uid)) continue;
    if (auto result = co_await settle(attempting, **found)) co_return std::move(*result);
  }
  if (attempting.pod.name != default_name && attempting.pod.name != recorded) {
    auto written_down = co_await record_name(app, attempting.pod.name);
    if (written_down) co_return stale();
    // Roles of the Go operator's chart may not grant it: no driver is started under that name.
    if (written_down.error().kind() == ErrorKind::Forbidden && is_refusal(written_down.error()))
      co_return co_await refused_or_taken(attempting, std::move(written_down).error());
    co_return fail(std::move(written_down));
  }
  co_return co_await post(std::move(attempting), patience);
}

// Recorded before its first use, so that after any edit a driver can only be under a name that we look at. A
// conflict is no error: whoever wrote meanwhile is looked at next.
Task<Result<>> Launcher::record_name(const SparkApplication& app, const std::string& pod) {
  Json body{{"metadata", {{"annotations", {{api::annotation::kDriverPodName, pod}}}}}};
  kube::JsonApi apps(client_, kSparkApplications, app.metadata.namespace_);
  auto recorded = co_await apps.patch(
      app.metadata.name, kube::Patch::merge(std::move(body)).resource_version(app.metadata.resource_version));
  if (recorded || recorded.error().is_conflict()) co_return Result<>{};
  co_return fail(std::move(recorded).error().while_doing("record the driver pod's name"));
}

Task<Launcher::Reconciled> Launcher::post(Attempting attempting, Patience patience) {
  const spark::Attempt attempt{attempting.next_id, client_.loop().now()};
  SparkApplication app = attempting.app;
  app.spec = api::with_defaults(std::move(app.spec));
  auto begun = submitter_.begin(app, attempt);
  if (!begun) co_return co_await refused_or_taken(attempting, std::move(begun).error());
  DriverStart& start = **begun;
  if (start.takes_long() && patience == Patience::Short && long_starts_.hand_over) {
    long_starts_.hand_over(attempting.app);
    co_return wait_for_event();
  }
  bool due = true;
  const auto may_post = [&]() -> std::optional<kube::Duration> {
    if (leadership_.term() != attempting.term) return std::nullopt;
    if (start.takes_long() && long_starts_.still_due)
      due = long_starts_.still_due(attempting.app, attempting.next_id);
    return due ? post_deadline(leadership_) : std::nullopt;
  };
  if (auto ready = co_await make_ready(attempting); !ready) {
    if (is_refusal(ready.error()) || ready.error().is_already_exists())
      co_return co_await refused_or_taken(attempting,
                                          kube::Error(ErrorKind::InvalidInput, ready.error().message()));
    co_return fail(std::move(ready).error().while_doing("submit " + app.metadata.key().to_string()));
  }
  writer_.tell(attempting.app, start.announcement());
  auto created = co_await start.create_driver(may_post);
  if (created) {
    attempting.log.info("driver created",
                        {{"pod", created->key.to_string()}, {"submitter", start.submitter()}});
    co_return co_await complete(attempting, start, *created);
  }
  const kube::Error& error = created.error();
  if (!due && error.kind() == ErrorKind::ShuttingDown) co_return stale();
  // Not said to be refused: the same id is tried again, and finds what came of this try.
  if (!is_refusal(error) && !error.is_already_exists()) {
    co_return fail(error.while_doing("submit " + app.metadata.key().to_string()));
  }
  co_return co_await refused_or_taken(attempting, error);
}

// What the driver must find is made, and what earlier attempts have left goes.
Task<Result<>> Launcher::make_ready(const Attempting& attempting) {
  if (children_ == nullptr) co_return Result<>{};
  SparkApplication app = attempting.app;
  app.status.submission_id = attempting.next_id;
  Children::Kept kept = co_await children_->ensure(app, spark::AttemptPhase::Starting,
                                                   {.current = attempting.next_id, .next = ""},
                                                   Children::View::Live, attempting.log);
  if (kept.error) co_return fail(*std::move(kept.error));
  co_return Result<>{};
}

// A refusal is believed once it is clear that no driver stands there: it may be due to the very driver whose
// creation was never confirmed.
Task<Launcher::Reconciled> Launcher::refused_or_taken(const Attempting& attempting, kube::Error error) {
  auto found = co_await read_pod(attempting.pod);
  if (!found) co_return fail(std::move(found));
  if (*found) {
    if (auto result = co_await settle(attempting, **found)) co_return std::move(*result);
    co_return stale();
  }
  if (error.is_already_exists()) co_return stale();
  if (is_namespace_going(error)) co_return ReconcileResult::after(kNamespacePoll);
  co_return co_await refuse(attempting, with_reason(kRefused, refusal(error)));
}

Task<std::optional<Launcher::Reconciled>> Launcher::settle(const Attempting& attempting,
                                                           const PodView& found) {
  switch (standing_of(attempting.app, found, attempting.next_id)) {
    case Standing::Ours:
      if (found.terminating) co_return ReconcileResult::after(kTerminatingPoll);
      co_return co_await adopt(attempting, found);
    case Standing::OursOtherSpec:
      if (found.terminating) co_return ReconcileResult::after(kTerminatingPoll);
      co_return co_await use_up(attempting, found);
    case Standing::PreviousRun:
      if (found.terminating) co_return ReconcileResult::after(kTerminatingPoll);
      co_return co_await remove(attempting, found);
    case Standing::OtherId:
      co_return co_await look_at_stray(attempting.app, found, attempting.log);
    case Standing::Predecessor: {
      auto live = co_await read_application(attempting.app.metadata.key());
      if (!live) co_return Reconciled(fail(std::move(live)));
      if (!*live || (*live)->metadata.uid != attempting.app.metadata.uid) co_return stale();
      if (found.terminating) co_return ReconcileResult::after(std::chrono::seconds(1));
      co_return co_await remove(attempting, found);
    }
    case Standing::Foreign:
      co_return co_await refuse(
          attempting, with_reason(kRefused, {FailureReason::DriverNameTaken,
                                             "pod " + found.key.to_string() +
                                                 " exists already and belongs to " + owner_words(found)}));
  }
  co_return std::nullopt;
}

Task<Launcher::Reconciled> Launcher::adopt(const Attempting& attempting, const PodView& driver) {
  SparkApplication app = attempting.app;
  app.spec = api::with_defaults(std::move(app.spec));
  // The pod's own time: whoever completes it later builds the same children.
  const spark::Attempt attempt{driver.submission_id, driver.created.value_or(client_.loop().now())};
  auto start = submitter_.resume(app, attempt, driver);
  if (!start) co_return co_await refuse(attempting, with_reason(kRefused, refusal(start.error())));
  co_return co_await complete(attempting, **start, driver);
}

Task<Launcher::Reconciled> Launcher::complete(const Attempting& attempting, DriverStart& start,
                                              const PodView& driver) {
  auto completed = co_await start.complete(driver);
  if (!completed) {
    if (completed.error().is_conflict()) co_return stale();
    if (is_namespace_going(completed.error())) co_return ReconcileResult::after(kNamespacePoll);
    if (is_refusal(completed.error())) {
      // The driver cannot start without them: the attempt has failed, and what stands under its id is deleted
      // once status says so.
      co_return co_await refuse(attempting, with_reason(kRefused, refusal(completed.error())));
    }
    co_return fail(std::move(completed).error().while_doing("complete driver " + driver.key.to_string()));
  }
  if (completed->state == Completion::State::NotYet) co_return ReconcileResult::after(completed->look_again);
  if (completed->state == Completion::State::Never) {
    attempting.log.warn("driver was never completed by spark-submit, its id is used up",
                        {{"pod", driver.key.to_string()}, {"submissionID", driver.submission_id}});
    co_return co_await use_up(attempting, driver);
  }
  std::vector<Note> notes = attempting.notes;
  notes.push_back(event(EventReason::SparkApplicationSubmitted, {attempting.app.metadata.name}));
  for (Note& remark : start.remarks()) notes.push_back(std::move(remark));
  api::SparkApplicationStatus status = submitted(attempting.app.status, driver);
  if (children_ != nullptr) {
    // Nobody waits for a user interface: what fails here is tried again once the application is at rest.
    SparkApplication app = attempting.app;
    app.status = status;
    Children::Kept kept = co_await children_->ensure(app, spark::AttemptPhase::Active,
                                                     {.current = status.submission_id, .next = ""},
                                                     Children::View::Live, attempting.log);
    if (kept.error) attempting.log.warn("not all is there around the driver", {{"error", *kept.error}});
    status.driver_info = std::move(kept.driver_info);
  }
  co_return co_await written(attempting, std::move(status), std::move(notes));
}

// Somebody may have touched the application since the live read, which is minutes ago after a long start. A
// refusal that still concerns what is due is written all the same: losing it would repeat the start.
Task<Launcher::Reconciled> Launcher::refuse(const Attempting& attempting, std::string message) {
  std::vector<Note> notes = attempting.notes;
  notes.push_back(
      event(EventReason::SparkApplicationSubmissionFailed, {attempting.app.metadata.name, message}));
  SparkApplication app = attempting.app;
  for (int tries = 0; tries < kWriteTries; ++tries) {
    auto status = refused(app.status, attempting.next_id, message, client_.loop().now());
    auto version = co_await writer_.write(app, std::move(status), notes, attempting.log);
    if (version || version.error().is_not_found()) co_return wait_for_event();
    if (!version.error().is_conflict()) co_return fail(std::move(version));
    auto live = co_await read_application(app.metadata.key());
    if (!live) co_return fail(std::move(live));
    if (!*live) co_return stale();
    app = std::move(**live);
    const Decision again = decide(app, {}, client_.loop().now(), policy_);
    if (!std::holds_alternative<Submit>(again.step) || next_id(app, policy_) != attempting.next_id)
      co_return stale();
  }
  co_return stale();
}

Task<Launcher::Reconciled> Launcher::use_up(const Attempting& attempting, const PodView& found) {
  api::SparkApplicationStatus status = attempting.app.status;
  status.submission_id = found.submission_id;
  co_return co_await written(attempting, std::move(status), {});
}

Task<Launcher::Reconciled> Launcher::remove(const Attempting& attempting, const PodView& pod) {
  auto removed =
      co_await kube::remove_if_same(client_, kube::kPods, pod.key, kube::DeleteOptions().uid(pod.uid));
  if (!removed) co_return fail(std::move(removed).error().while_doing("delete pod " + pod.key.to_string()));
  attempting.log.info("driver of an earlier run deleted", {{"pod", pod.key.to_string()}, {"uid", pod.uid}});
  // Its last event brings us back when it carries our label; a predecessor's may not.
  co_return ReconcileResult::after(std::chrono::seconds(1));
}

Task<Launcher::Reconciled> Launcher::look_at_stray(const SparkApplication& cached, const PodView& pod,
                                                   kube::Log log) {
  auto live = co_await read_application(cached.metadata.key());
  if (!live) co_return fail(std::move(live));
  if (!*live) co_return stale();
  Attempting attempting;
  attempting.app = std::move(**live);
  attempting.log = log;
  const SparkApplication& app = attempting.app;
  const State state = app.status.application_state.state;
  if (app.metadata.uid != cached.metadata.uid || app.status.submission_id != cached.status.submission_id ||
      state != cached.status.application_state.state) {
    co_return stale();
  }
  if (pod.terminating) co_return ReconcileResult::after(kTerminatingPoll);
  if (state == State::New && !app.spec.suspend.value_or(false) && !app.metadata.deletion_timestamp &&
      !pod.submission_id.empty() && !api::is_ours(pod.submission_id)) {
    // Another operator, such as the Go one, left it half-way: its run goes on as ours. An id of our own form
    // is none of theirs: status never goes back to an id that it has left.
    auto there = co_await read_pod(pod.key);
    if (!there) co_return fail(std::move(there));
    if (!*there || (*there)->uid != pod.uid || (*there)->terminating) co_return stale();
    if (pod.key.name != api::default_driver_pod_name(app.metadata.name) &&
        pod.key.name != recorded_name(app)) {
      if (auto recorded = co_await record_name(app, pod.key.name); !recorded) co_return fail(recorded);
      co_return stale();
    }
    co_return co_await written(attempting, submitted(app.status, **there), {});
  }
  log.warn("stray driver deleted", {{"pod", pod.key.to_string()}, {"submissionID", pod.submission_id}});
  co_return co_await remove(attempting, pod);
}

Task<Launcher::Reconciled> Launcher::written(const Attempting& attempting, api::SparkApplicationStatus status,
                                             std::vector<Note> notes) {
  auto version = co_await writer_.write(attempting.app, std::move(status), std::move(notes), attempting.log);
  if (!version && version.error().is_conflict()) co_return stale();
  if (!version && version.error().is_not_found()) co_return wait_for_event();
  if (!version) co_return fail(std::move(version));
  co_return wait_for_event();
}

Task<Result<std::optional<PodView>>> Launcher::read_pod(const ObjectKey& key) {
  auto pod = co_await kube::JsonApi(client_, kube::kPods, key.ns).get(key.name);
  if (!pod && pod.error().is_not_found()) co_return std::optional<PodView>();
  if (!pod) co_return fail(std::move(pod).error().while_doing("get pod " + key.to_string()));
  auto view = project_pod(*pod);
  if (!view) co_return fail(std::move(view));
  co_return std::optional<PodView>(std::move(*view));
}

Task<Result<std::optional<SparkApplication>>> Launcher::read_application(const ObjectKey& key) {
  auto object = co_await kube::JsonApi(client_, kSparkApplications, key.ns).get(key.name);
  if (!object && object.error().is_not_found()) co_return std::optional<SparkApplication>();
  if (!object)
    co_return fail(std::move(object).error().while_doing("get SparkApplication " + key.to_string()));
  auto app = kube::decode<SparkApplication>(*object);
  if (!app) co_return fail(std::move(app));
  co_return std::optional<SparkApplication>(std::move(*app));
}

}  // namespace controller

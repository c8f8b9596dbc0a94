#include "controller/application/application_controller.h"

#include "api/constants.h"
#include "api/names.h"
#include "controller/application/attempt_status.h"
#include "controller/application/driver_failure.h"
#include "controller/application/event_texts.h"
#include "controller/application/executors.h"

namespace controller {

using api::SparkApplication;
using kube::fail;
using kube::ObjectKey;
using kube::ReconcileResult;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kByApplication = "application";
constexpr kube::Duration kExecutorsPoll = std::chrono::seconds(2);

kube::Lane lane_of(const ApplicationView& app) {
  return app.state == State::New ? kube::Lane::New : kube::Lane::Known;
}

// Holds a key in a set for as long as somebody is at it, and tells whoever waits for it.
class Holding {
 public:
  Holding(std::set<ObjectKey>& keys, ObjectKey key, kube::WaitList& waiting)
      : keys_(keys), key_(std::move(key)), waiting_(waiting) {
    keys_.insert(key_);
  }
  ~Holding() {
    keys_.erase(key_);
    waiting_.wake_all();
  }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  std::set<ObjectKey>& keys_;
  const ObjectKey key_;
  kube::WaitList& waiting_;
};

// The manager owns the parts it runs; this part only keeps the reconciler alive as long as them.
class Owner final : public kube::Runnable {
 public:
  explicit Owner(std::unique_ptr<ApplicationController> held, kube::Loop& loop)
      : held_(std::move(held)), stopping_(loop) {}
  const std::string& name() const override { return name_; }
  Task<Result<>> run() override {
    while (!stopped_) co_await stopping_.wait();
    co_return Result<>{};
  }
  void stop() override {
    stopped_ = true;
    stopping_.wake_all();
  }

 private:
  const std::string name_ = "spark-application-controller state";
  std::unique_ptr<ApplicationController> held_;
  kube::WaitList stopping_;
  bool stopped_ = false;
};

}  // namespace

ApplicationController& ApplicationController::add_to(kube::Manager& manager, Submitter& submitter,
                                                     ApplicationControllerOptions options) {
  auto created = std::unique_ptr<ApplicationController>(
      new ApplicationController(manager, submitter, std::move(options)));
  ApplicationController& reference = *created;
  manager.add(std::make_unique<Owner>(std::move(created), manager.loop()));
  return reference;
}

ApplicationController::~ApplicationController() = default;

ApplicationController::ApplicationController(kube::Manager& manager, Submitter& submitter,
                                             ApplicationControllerOptions options)
    : client_(manager.client()),
      loop_(manager.loop()),
      leadership_(manager.leadership()),
      options_(std::move(options)),
      metrics_(options_.metrics && manager.metrics() != nullptr
                   ? std::make_unique<ApplicationMetrics>(*manager.metrics(), loop_, *options_.metrics)
                   : nullptr),
      writer_(
          client_, manager.events(),
          [this](const ObjectKey& key, const std::string& before, const std::string& after) {
            const auto view = apps_->store().get(key);
            if (view != nullptr && view->resource_version == before && before != after) {
              replaced_[key] = before;
            }
          },
          options_.redaction,
          [this](const SparkApplication& before, const api::SparkApplicationStatus& next, bool sure) {
            if (metrics_ == nullptr) return;
            sure ? metrics_->status_written(before, next) : metrics_->status_unsure(before, next);
          }),
      children_(manager, options_.children, options_.namespaces, options_.scope, options_.log,
                [this](const ObjectKey& key) {
                  if (apps_->store().get(key) != nullptr) controller_->queue().add(key, kube::Lane::Known);
                }),
      launcher_(client_, manager.leadership(), writer_, submitter, options_.policy,
                {.hand_over = [this](const SparkApplication& app) { hand_over(app); },
                 .still_due = [this](const SparkApplication& live,
                                     const std::string& id) { return still_due(live, id); }},
                &children_),
      driver_log_(client_),
      removal_(client_),
      reconciled_(loop_),
      first_seen_(options_.policy.hash_scope) {
  apps_ = &manager.add(std::make_unique<kube::Informer<ApplicationView>>(
      client_, kube::InformerOptions<ApplicationView>{.resource = kSparkApplications,
                                                      .project =
                                                          [this](kube::JsonView object) {
                                                            auto view = project_application(object);
                                                            if (view && metrics_ != nullptr)
                                                              view->label_set = metrics_->label_set(object);
                                                            return view;
                                                          },
                                                      .namespaces = options_.namespaces,
                                                      .more_namespaces = options_.scope != nullptr,
                                                      .log = options_.log}));
  pods_ = &manager.add(std::make_unique<kube::Informer<PodView>>(
      client_,
      kube::InformerOptions<PodView>{.resource = kube::kPods,
                                     .project =
                                         [this](kube::JsonView pod) {
                                           auto view = project_pod(pod);
                                           if (view && metrics_ != nullptr)
                                             view->label_set = metrics_->label_set(pod);
                                           return view;
                                         },
                                     .namespaces = options_.namespaces,
                                     .more_namespaces = options_.scope != nullptr,
                                     .label_selector = std::string(api::label::kLaunchedByOperator) + "=true",
                                     .log = options_.log}));
  if (options_.scope != nullptr) {
    // Pods first: an application must not be looked at before its driver can be seen.
    options_.scope->follow(*pods_);
    options_.scope->follow(*apps_);
  }
  kube::ControllerOptions queue{.workers = options_.workers,
                                .grace = options_.grace,
                                .retry_qps = options_.retry_qps,
                                .retry_burst = options_.retry_burst,
                                .retry_max_delay = options_.retry_max_delay,
                                .kind = "SparkApplication",
                                .log = options_.log,
                                .metrics = manager.metrics()};
  controller_ = &manager.add(std::make_unique<kube::Controller>(
      loop_, "sparkapplication",
      [this](kube::ReconcileRequest request) { return reconcile(std::move(request)); }, queue));
  queue.workers = options_.long_workers;
  long_controller_ = &manager.add(std::make_unique<kube::Controller>(
      loop_, "sparkapplication-submit",
      [this](kube::ReconcileRequest request) { return submit_long(std::move(request)); }, queue));
  manager.add(std::make_unique<Audit>(loop_, *this, options_.log, manager.metrics()));
  pods_->add_index(kByApplication, [](const PodView& pod) {
    return std::vector{ObjectKey{pod.key.ns, pod.app_name}.to_string()};
  });
  if (metrics_ != nullptr) {
    metrics_->follow(apps_->store(), pods_->store(), manager.leadership());
    apps_->on_change([this](const auto& change) { metrics_->application_changed(change); });
    pods_->on_change([this](const auto& change) { metrics_->executor_changed(change); });
  }
  apps_->on_change([this](const kube::Change<ApplicationView>& change) {
    first_seen_.changed(change);
    const bool deleted = change.type == kube::ChangeType::Deleted;
    if (deleted) {
      replaced_.erase(change.key);
      handed_over_.erase(change.key);
    }
    if (deleted || change.object->state != State::New) announced_.erase(change.key);
    if (change.type == kube::ChangeType::Updated) tell_harmless_edit(*change.before, *change.object);
    controller_->queue().add(change.key, lane_of(*change.object));
  });
  pods_->on_change([this](const kube::Change<PodView>& change) {
    if (change.type == kube::ChangeType::Updated) {
      // A change that no decision reads is no work.
      PodView before = *change.before;
      before.resource_version = change.object->resource_version;
      if (before == *change.object) return;
      // Somebody relabelled it: the application that has lost it must hear of it.
      if (!before.app_name.empty() && before.app_name != change.object->app_name) {
        controller_->queue().add({change.key.ns, before.app_name}, kube::Lane::Known);
      }
    }
    if (change.object->app_name.empty()) return;
    controller_->queue().add({change.key.ns, change.object->app_name}, kube::Lane::Known);
  });
}

// Under the gate PartialRestart, which alone leaves edits to the pod webhook.
void ApplicationController::tell_harmless_edit(const ApplicationView& before, const ApplicationView& after) {
  const api::HashScope scope = options_.policy.hash_scope;
  if (scope == api::HashScope::WholeSpec || before.state == State::New) return;
  if (!leadership_.valid_for(kube::Duration::zero())) return;
  const auto was = before.decode();
  const auto is = after.decode();
  if (!was || !is || was->metadata.generation == is->metadata.generation) return;
  const auto hash = [](const auto& app, api::HashScope of) { return api::spec_hash(app.spec, of); };
  if (hash(*was, scope) != hash(*is, scope) ||
      hash(*was, api::HashScope::WholeSpec) == hash(*is, api::HashScope::WholeSpec)) {
    return;
  }
  writer_.tell(*is, {event(EventReason::SparkApplicationWebhookFieldsUpdated, {is->metadata.name})});
}

Observation ApplicationController::observe(const ReadApplication& read) const {
  const SparkApplication& app = read.app;
  Observation seen;
  seen.unreadable = read.unreadable;
  seen.first_spec = first_seen_.of(app);
  for (const auto& pod : pods_->store().by_index(kByApplication, app.metadata.key().to_string())) {
    // Those of a run under way that status does not track are as good as not there, however many they are.
    if (pod->is_executor() &&
        (!is_active(app.status.application_state.state) || pod->submission_id != app.status.submission_id ||
         is_tracked(app.status, *pod, options_.policy.max_tracked_executors))) {
      seen.executors.push_back(*pod);
    }
    if (pod->is_driver() && pod->belongs_to(app.metadata.uid)) seen.drivers.push_back(*pod);
  }
  return seen;
}

std::optional<std::string> ApplicationController::stands_still(const ObjectKey& key) const {
  const auto view = apps_->store().get(key);
  if (view == nullptr || controller_->queue().contains(key) || long_controller_->queue().contains(key))
    return std::nullopt;
  auto read = view->read();
  if (!read) return std::nullopt;  // nothing can be done before somebody repairs it
  const Decision decision = decide(read->app, observe(*read), loop_.now(), options_.policy);
  const auto* wait = std::get_if<Wait>(&decision.step);
  if (wait != nullptr && !wait->at_most && !decision.status) return std::nullopt;
  return view->resource_version;
}

void ApplicationController::wake(const ObjectKey& key) {
  replaced_.erase(key);
  controller_->queue().add(key);
}

// What to decide on; null: nothing now, an event is on its way.
std::shared_ptr<const ApplicationView> ApplicationController::view_of(const ObjectKey& key) {
  auto view = apps_->store().get(key);
  if (view == nullptr) return view;
  if (const auto replaced = replaced_.find(key); replaced != replaced_.end()) {
    if (replaced->second == view->resource_version) return nullptr;
    replaced_.erase(replaced);
  }
  return view;
}

Task<Result<ReconcileResult>> ApplicationController::reconcile(kube::ReconcileRequest request) {
  // Its end brings us back; what has changed meanwhile ends it.
  if (submitting_.contains(request.key)) co_return ReconcileResult::done();
  const auto view = view_of(request.key);
  if (view == nullptr) co_return ReconcileResult::done();
  auto read = view->read();
  if (!read)
    co_return fail(std::move(read).error().while_doing("read SparkApplication " + request.key.to_string()));
  const SparkApplication& app = read->app;
  if (view->state == State::New && announced_.insert(request.key).second)
    writer_.tell(app, {event(EventReason::SparkApplicationAdded, {request.key.name})});
  Observation seen = observe(*read);
  Decision decision = decide(app, seen, loop_.now(), options_.policy);
  if (std::holds_alternative<Submit>(decision.step) && long_controller_->queue().contains(request.key) &&
      handed_over_[request.key] == view->resource_version) {
    co_return ReconcileResult::done();
  }
  Holding holding(reconciling_, request.key, reconciled_);
  auto result = co_await act(app, std::move(seen), std::move(decision), request.log);
  if (!result) co_return fail(writer_.without_secrets(app, std::move(result).error()));
  co_return result;
}

void ApplicationController::hand_over(const SparkApplication& app) {
  handed_over_[app.metadata.key()] = app.metadata.resource_version;
  const auto view = apps_->store().get(app.metadata.key());
  long_controller_->queue().add(app.metadata.key(), view == nullptr ? kube::Lane::New : lane_of(*view));
}

Task<Result<ReconcileResult>> ApplicationController::submit_long(kube::ReconcileRequest request) {
  const ObjectKey key = request.key;
  while (reconciling_.contains(key)) co_await reconciled_.wait();
  Result<ReconcileResult> result = ReconcileResult::done();
  {
    Holding holding(submitting_, key, reconciled_);
    result = co_await launch_if_due(std::move(request));
  }
  // What came in meanwhile was left to now.
  if (result && !result->requeue && !result->requeue_after) {
    handed_over_.erase(key);
    controller_->queue().add(key, kube::Lane::Known);
  }
  co_return result;
}

Task<Result<ReconcileResult>> ApplicationController::launch_if_due(kube::ReconcileRequest request) {
  const auto view = view_of(request.key);
  if (view == nullptr) co_return ReconcileResult::done();
  auto read = view->read();
  if (!read) co_return ReconcileResult::done();
  const Observation seen = observe(*read);
  Decision decision = decide(read->app, seen, loop_.now(), options_.policy);
  if (!std::holds_alternative<Submit>(decision.step)) co_return ReconcileResult::done();
  auto result =
      co_await launcher_.launch(read->app, seen, std::move(decision.notes), request.log, Patience::Long);
  if (!result) co_return fail(writer_.without_secrets(read->app, std::move(result).error()));
  co_return result;
}

// By what the cache shows now. The version that the attempt was begun from is not asked again.
bool ApplicationController::still_due(const SparkApplication& live, const std::string& id) const {
  const auto view = apps_->store().get(live.metadata.key());
  if (view == nullptr) return false;
  if (view->resource_version == live.metadata.resource_version) return true;
  const auto read = view->read();
  if (!read || read->app.metadata.uid != live.metadata.uid) return false;
  const Decision decision = decide(read->app, observe(*read), loop_.now(), options_.policy);
  return std::holds_alternative<Submit>(decision.step) && next_id(read->app, options_.policy) == id;
}

Task<Result<ReconcileResult>> ApplicationController::act(SparkApplication app, Observation seen,
                                                         Decision decision, kube::Log log) {
  if (std::holds_alternative<Submit>(decision.step)) {
    co_return co_await launcher_.launch(app, seen, std::move(decision.notes), log, Patience::Short);
  }
  if (const auto* stray = std::get_if<LookAtStray>(&decision.step)) {
    co_return co_await launcher_.look_at_stray(app, stray->pod, log);
  }
  if (std::holds_alternative<ConfirmDriverGone>(decision.step)) {
    co_return co_await confirm_driver_gone(app, std::move(seen), log);
  }
  if (auto* step = std::get_if<DeleteDriver>(&decision.step)) {
    auto removed = co_await removal_.driver(std::move(*step), log);
    if (!removed) co_return fail(std::move(removed));
    if (*removed == Removed::Changed) co_return ReconcileResult::again();
  }
  if (auto* step = std::get_if<DeleteExecutors>(&decision.step)) {
    auto removed = co_await removal_.executors(app, std::move(*step), log);
    if (!removed) co_return fail(std::move(removed));
    if (*removed == Removed::Changed) co_return ReconcileResult::again();
    // Some may be left, or known to the cache alone.
    co_return ReconcileResult::after(kExecutorsPoll);
  }
  if (std::holds_alternative<DeleteApplication>(decision.step)) {
    auto removed = co_await removal_.application(app, log);
    if (!removed) co_return fail(std::move(removed));
    co_return *removed == Removed::Changed ? ReconcileResult::again() : ReconcileResult::done();
  }
  if (decision.status) co_return co_await write_decided(app, std::move(decision), log);
  writer_.tell(app, decision.notes);
  const auto* wait = std::get_if<Wait>(&decision.step);
  if (wait == nullptr) co_return ReconcileResult::done();
  auto kept = co_await keep_children(app, log);
  // The run's own times do not wait for what cannot be made around it: that has a back-off of its own.
  if (!kept && wait->at_most) controller_->queue().add_after(app.metadata.key(), *wait->at_most);
  if (!kept || kept->requeue) co_return kept;
  if (wait->at_most) co_return ReconcileResult::after(*wait->at_most);
  co_return ReconcileResult::done();
}

// At rest: what is around the application is what its state wants.
Task<Result<ReconcileResult>> ApplicationController::keep_children(const SparkApplication& app,
                                                                   kube::Log log) {
  const State state = app.status.application_state.state;
  spark::AttemptPhase phase = spark::AttemptPhase::Absent;
  if (is_active(state)) phase = spark::AttemptPhase::Active;
  if (state == State::Succeeding || state == State::Failing || api::is_terminal(state))
    phase = spark::AttemptPhase::Ended;
  // Of a submission that was refused there is nothing to look at.
  if (app.status.spark_application_id.empty() && phase == spark::AttemptPhase::Ended)
    phase = spark::AttemptPhase::Absent;
  if (app.metadata.deletion_timestamp) phase = spark::AttemptPhase::Absent;
  Children::Kept kept = co_await children_.ensure(
      app, phase, {.current = app.status.submission_id, .next = next_id(app, options_.policy)},
      Children::View::Cached, log);
  writer_.tell(app, kept.notes);
  if (kept.error && kept.error->is_conflict()) co_return ReconcileResult::again();
  if (kept.error) co_return fail(*std::move(kept.error));
  if (phase == spark::AttemptPhase::Active && kept.driver_info != app.status.driver_info) {
    api::SparkApplicationStatus status = app.status;
    status.driver_info = std::move(kept.driver_info);
    co_return co_await write(app, std::move(status), {}, log);
  }
  co_return ReconcileResult::done();
}

Task<Result<ReconcileResult>> ApplicationController::confirm_driver_gone(const SparkApplication& app,
                                                                         Observation seen, kube::Log log) {
  const std::string& known = app.status.driver_info.pod_name;
  const ObjectKey key{app.metadata.namespace_, known.empty() ? api::driver_pod_name(app) : known};
  auto pod = co_await kube::JsonApi(client_, kube::kPods, key.ns).get(key.name);
  if (!pod && !pod.error().is_not_found()) {
    co_return fail(std::move(pod).error().while_doing("get pod " + key.to_string()));
  }
  if (pod) {
    auto view = project_pod(*pod);
    if (!view) co_return fail(std::move(view));
    if (is_current_driver(app, *view)) {
      // It is there and our cache lags, or it has lost the label that we watch. What was read live is as good
      // as a cached view to track it by; the delay is for a pod that no event will ever tell of.
      seen.drivers.push_back(std::move(*view));
      Decision tracked = decide(app, seen, loop_.now(), options_.policy);
      if (!std::holds_alternative<Wait>(tracked.step) || !tracked.status) {
        co_return ReconcileResult::after(std::chrono::seconds(5));
      }
      co_return co_await write_decided(app, std::move(tracked), log);
    }
  }
  // Its submission may still be on its way, as with another operator's service.
  const auto submitted = app.status.last_submission_attempt_time;
  if (app.status.application_state.state == State::Submitted && submitted) {
    const kube::Duration left = *submitted + options_.policy.driver_pod_creation_grace - loop_.now();
    if (left > kube::Duration::zero()) co_return ReconcileResult::after(left);
  }
  std::vector<Note> notes{event(EventReason::SparkDriverNotFound, {key.name})};
  co_return co_await write(app, driver_lost(app, loop_.now()), std::move(notes), log);
}

// A driver that has failed says why in its log, which is gone with the pod.
Task<Result<ReconcileResult>> ApplicationController::write_decided(const SparkApplication& app,
                                                                   Decision decision, kube::Log log) {
  if (decision.log_of_driver) {
    const std::string words = co_await driver_log_.last_words(*decision.log_of_driver);
    std::string& message = decision.status->application_state.error_message;
    message = with_last_words(std::move(message), words);
  }
  co_return co_await write(app, std::move(*decision.status), std::move(decision.notes), log);
}

Task<Result<ReconcileResult>> ApplicationController::write(const SparkApplication& app,
                                                           api::SparkApplicationStatus status,
                                                           std::vector<Note> notes, kube::Log log) {
  auto version = co_await writer_.write(app, std::move(status), std::move(notes), log);
  if (!version && version.error().is_conflict()) co_return ReconcileResult::again();
  if (!version && version.error().is_not_found()) co_return ReconcileResult::done();
  if (!version) co_return fail(std::move(version));
  co_return ReconcileResult::done();
}

}  // namespace controller

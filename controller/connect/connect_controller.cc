#include "controller/connect/connect_controller.h"

#include <algorithm>

#include "api/constants.h"
#include "api/names.h"
#include "controller/children/optional_cache.h"
#include "kube/client/remove_if_same.h"
#include "kube/core/fields.h"
#include "kube/core/projection.h"

namespace controller {

using api::SparkConnect;
using kube::DeleteOptions;
using kube::Error;
using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::ObjectKey;
using kube::ReconcileResult;
using kube::remove_if_same;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kByConnect = "connect";  // pods: "<namespace>/<name>", children: UID of the owner
// A pod that is there although the cache does not show it: its event is on its way.
constexpr kube::Duration kCacheLag = std::chrono::seconds(5);

// What is not found may be the namespace, or an object that was seen a moment ago: no verdict on the spec.
bool is_verdict(const Error& error) {
  return is_definite(error) && !error.is_not_found();
}

// Variables of all containers in a pod template.
std::vector<const Json*> environment_of(const Json& pod_template) {
  std::vector<const Json*> found;
  for (const char* list : {"containers", "initContainers"}) {
    const Json* containers = kube::find_path(pod_template, {"spec", list});
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      const Json* env = kube::find_path(container, {"env"});
      if (env == nullptr || !env->is_array()) continue;
      for (const Json& variable : *env) found.push_back(&variable);
    }
  }
  return found;
}

// The view is old, or the object has only just gone: look again.
std::unexpected<Error> look_again(const char* why) {
  return fail(ErrorKind::Conflict, why);
}

}  // namespace

ConnectController& ConnectController::add_to(kube::Manager& manager, ConnectControllerOptions options) {
  return manager.keep(std::unique_ptr<ConnectController>(new ConnectController(manager, std::move(options))));
}

ConnectController::ConnectController(kube::Manager& manager, ConnectControllerOptions options)
    : client_(manager.client()),
      statuses_(client_, kSparkConnects),
      loop_(manager.loop()),
      events_(manager.events()),
      options_(std::move(options)) {
  auto connects = std::make_unique<kube::Informer<StoredObject<SparkConnect>>>(
      client_, kube::InformerOptions<StoredObject<SparkConnect>>{.resource = kSparkConnects,
                                                                 .project = project_stored<SparkConnect>,
                                                                 .namespaces = options_.namespaces,
                                                                 .more_namespaces = options_.scope != nullptr,
                                                                 .log = options_.log});
  connects_ = connects.get();
  pods_ = &manager.add(std::make_unique<kube::Informer<ConnectPodView>>(
      client_, kube::InformerOptions<ConnectPodView>{
                   .resource = kube::kPods,
                   .project = [](kube::JsonView pod) { return project_connect_pod(pod); },
                   .namespaces = options_.namespaces,
                   .more_namespaces = options_.scope != nullptr,
                   .label_selector = api::label::kConnectName,
                   .log = options_.log}));
  if (options_.scope != nullptr) options_.scope->follow(*pods_);
  watch_children(manager, kube::kConfigMaps);
  watch_children(manager, kube::kServices);
  // Last: a SparkConnect must not be looked at before what it has can be seen.
  if (options_.scope != nullptr) options_.scope->follow(*connects_, kube::NamespaceScope::Follow::Alongside);
  manager.add(std::make_unique<OptionalCache<StoredObject<SparkConnect>>>(loop_, std::move(connects)));
  controller_ = &manager.add(std::make_unique<kube::Controller>(
      loop_, "sparkconnect", [this](kube::ReconcileRequest request) { return reconcile(std::move(request)); },
      kube::ControllerOptions{.workers = options_.workers,
                              .grace = options_.grace,
                              .retry_qps = options_.retry_qps,
                              .retry_burst = options_.retry_burst,
                              .retry_max_delay = options_.retry_max_delay,
                              .kind = SparkConnect::kKind,
                              .log = options_.log,
                              .metrics = manager.metrics()}));
  pods_->add_index(kByConnect, [](const ConnectPodView& pod) {
    return std::vector{ObjectKey{pod.key.ns, pod.connect_name}.to_string()};
  });
  connects_->on_change([this](const kube::Change<StoredObject<SparkConnect>>& change) {
    if (change.type != kube::ChangeType::Deleted) controller_->queue().add(change.key, kube::Lane::Known);
  });
  pods_->on_change([this](const kube::Change<ConnectPodView>& change) {
    if (change.type == kube::ChangeType::Updated && *change.before == *change.object) return;
    controller_->queue().add({change.key.ns, change.object->connect_name}, kube::Lane::Known);
  });
}

void ConnectController::watch_children(kube::Manager& manager, const kube::Resource& resource) {
  auto& informer = manager.add(std::make_unique<kube::Informer<ChildView>>(
      client_,
      kube::InformerOptions<ChildView>{
          .resource = resource,
          .project = [resource](kube::JsonView object) { return project_connect_child(object, resource); },
          .namespaces = options_.namespaces,
          .more_namespaces = options_.scope != nullptr,
          .label_selector = api::label::kConnectName,
          .log = options_.log}));
  informer.add_index(kByConnect, [](const ChildView& child) { return std::vector{child.app_uid}; });
  informer.on_change([this](const kube::Change<ChildView>& change) {
    const ChildView& child = *change.object;
    if (change.before && change.type == kube::ChangeType::Updated &&
        change.before->content == child.content && change.before->app_uid == child.app_uid)
      return;
    if (!child.app_name.empty()) controller_->queue().add({child.key.ns, child.app_name}, kube::Lane::Known);
  });
  if (options_.scope != nullptr) options_.scope->follow(informer);
  children_.push_back(&informer);
}

ConnectObservation ConnectController::observe(const SparkConnect& connect) const {
  ConnectObservation seen;
  const ObjectKey key = connect.metadata.key();
  const std::string server = api::connect_server_pod_name(key.name);
  for (const auto& pod : pods_->store().by_index(kByConnect, key.to_string())) {
    if (!pod->launched_by_operator) continue;
    if (pod->role == api::label::kRoleExecutor) ++seen.executors[lower_case_phase(pod->phase)];
    if (pod->is_server() && pod->key.name == server && pod->connect_uid == connect.metadata.uid)
      seen.server = *pod;
  }
  for (const auto* informer : children_) {
    for (const auto& child : informer->store().by_index(kByConnect, connect.metadata.uid))
      seen.children.push_back(*child);
  }
  return seen;
}

Task<ConnectController::Reconciled> ConnectController::reconcile(kube::ReconcileRequest request) {
  const auto view = connects_->store().get(request.key);
  if (view == nullptr) co_return ReconcileResult::done();
  auto connect = view->decode();
  if (!connect)
    co_return fail(std::move(connect).error().while_doing("read SparkConnect " + request.key.to_string()));
  if (connect->metadata.deletion_timestamp) co_return ReconcileResult::done();

  ConnectDecision decision =
      decide_connect(*connect, observe(*connect), loop_.now(), options_.master_url, options_.service_links);
  std::optional<Error> error;
  for (const ChildStep& step : decision.children) {
    auto done = co_await carry_out(*connect, step, request.log);
    if (!done && !error)
      error = std::move(done).error().while_doing("keep " + step.resource.kind + " " + step.key.to_string());
  }
  Result<> served;
  if (auto* create = std::get_if<CreateServer>(&decision.server)) {
    served = co_await create_server(*connect, std::move(create->pod), request.log);
  } else if (auto* remove = std::get_if<DeleteServer>(&decision.server)) {
    served = co_await delete_server(*connect, *remove, request.log);
  }
  if (!served && !error) error = std::move(served).error();
  if (error) error = without_secrets(*connect, *error);
  if (error && error->is_conflict()) co_return ReconcileResult::again();
  if (error && is_verdict(*error)) {
    const std::string reason =
        error->is_already_exists() ? "NameTaken" : std::string(to_string(refusal(*error).reason));
    mark_failed(*connect, reason, error->message(), loop_.now(), decision);
  }
  if (!error || is_verdict(*error)) {
    auto written = co_await write(*connect, decision, request.log);
    if (!written) co_return written;
    if (written->requeue) co_return written;
  }
  if (error) co_return fail(*std::move(error));
  if (const auto* wait = std::get_if<Wait>(&decision.server); wait != nullptr && wait->at_most)
    co_return ReconcileResult::after(*wait->at_most);
  // Until the cache shows what was made; an event comes first, usually.
  if (std::holds_alternative<CreateServer>(decision.server)) co_return ReconcileResult::after(kCacheLag);
  co_return ReconcileResult::done();
}

Task<Result<>> ConnectController::carry_out(const SparkConnect& connect, ChildStep step, kube::Log log) {
  switch (step.what) {
    case ChildStep::What::Create: {
      auto created = co_await kube::JsonApi(client_, step.resource, step.key.ns).create(step.wanted);
      if (!created)
        co_return co_await settle_child(connect, std::move(step), std::move(created).error(), log);
      log.info("made around the server", {{"kind", step.resource.kind}, {"name", step.key.name}});
      co_return Result<>{};
    }
    case ChildStep::What::Patch:
      co_return co_await patch_child(std::move(step), log);
    case ChildStep::What::Replace:
    case ChildStep::What::Delete:
      if (auto same = co_await confirm_spec(connect); !same) co_return same;
      log.info("removed from around the server", {{"kind", step.resource.kind}, {"name", step.key.name}});
      co_return co_await remove_if_same(client_, step.resource, step.key,
                                        DeleteOptions().uid(step.present.uid));
  }
  co_return Result<>{};
}

Task<Result<>> ConnectController::settle_child(const SparkConnect& connect, ChildStep step, Error refusal,
                                               kube::Log log) {
  if (!refusal.is_already_exists()) co_return fail(std::move(refusal));
  auto object = co_await kube::JsonApi(client_, step.resource, step.key.ns).get(step.key.name);
  if (!object && object.error().is_not_found()) co_return look_again("it has just gone");
  if (!object) co_return fail(std::move(object));
  auto child = project_connect_child(*object, step.resource);
  if (!child) co_return fail(std::move(child));
  if (child->app_uid == connect.metadata.uid) {
    if (child->terminating) co_return look_again("it is still going");
    // The cache shows it soon, unless somebody took its labels.
    for (const ChildStep& again : plan_children({step.wanted}, {*child}, {}))
      co_return co_await patch_child(again, log);
    co_return Result<>{};
  }
  if (child->app_name == connect.metadata.name) {
    // Of a predecessor under this name, if we see the one who has it now: the garbage collector is late.
    if (auto same = co_await confirm_spec(connect); !same) co_return same;
    if (auto removed =
            co_await remove_if_same(client_, step.resource, step.key, DeleteOptions().uid(child->uid));
        !removed)
      co_return removed;
    co_return look_again("that of an earlier SparkConnect of this name is being removed");
  }
  co_return fail(ErrorKind::AlreadyExists,
                 "it exists already and belongs to " +
                     (child->other_owner.empty() ? "nobody we know" : child->other_owner));
}

Task<Result<>> ConnectController::patch_child(ChildStep step, kube::Log log) {
  const kube::Patch patch = kube::Patch::merge(child_patch(step.present, step.wanted))
                                .resource_version(step.present.resource_version);
  auto patched = co_await kube::JsonApi(client_, step.resource, step.key.ns).patch(step.key.name, patch);
  if (!patched) co_return fail(std::move(patched));
  log.info("made right around the server", {{"kind", step.resource.kind}, {"name", step.key.name}});
  co_return Result<>{};
}

Task<Result<>> ConnectController::create_server(const SparkConnect& connect, Json pod, kube::Log log) {
  const std::string name = kube::string_at(pod, {"metadata", "name"});
  auto created = co_await kube::JsonApi(client_, kube::kPods, connect.metadata.namespace_).create(pod);
  if (created) {
    log.info("server pod created", {{"pod", name}});
    co_return Result<>{};
  }
  if (!is_verdict(created.error()))
    co_return fail(std::move(created).error().while_doing("create server pod " + name));
  co_return co_await settle_server(connect, name, std::move(created).error(), log);
}

// Any refusal, not only AlreadyExists: a quota may be spent by the very pod whose answer was lost.
Task<Result<>> ConnectController::settle_server(const SparkConnect& connect, std::string name, Error refused,
                                                kube::Log log) {
  const ObjectKey key{connect.metadata.namespace_, name};
  auto object = co_await kube::JsonApi(client_, kube::kPods, key.ns).get(name);
  if (!object && object.error().is_not_found()) {
    if (refused.is_already_exists()) co_return look_again("it has just gone");
    co_return fail(std::move(refused).while_doing("create server pod " + name));
  }
  if (!object) co_return fail(std::move(object).error().while_doing("get server pod " + name));
  auto pod = project_connect_pod(*object);
  if (!pod) co_return fail(std::move(pod));
  if (pod->connect_uid == connect.metadata.uid) {
    const bool labelled =
        pod->launched_by_operator && pod->is_server() && pod->connect_name == connect.metadata.name;
    if (labelled || pod->terminating) co_return Result<>{};
    // Without them no service leads to it, and no cache shows it.
    log.warn("server pod has lost its labels and is replaced", {{"pod", name}});
    if (auto removed = co_await remove_if_same(client_, kube::kPods, key, DeleteOptions().uid(pod->uid));
        !removed)
      co_return removed;
    co_return look_again("a server without labels is being removed");
  }
  if (!pod->connect_uid.empty() &&
      pod->owner == std::string(SparkConnect::kKind) + " " + connect.metadata.name) {
    if (!pod->terminating) {
      if (auto same = co_await confirm_spec(connect); !same) co_return same;
      if (auto removed = co_await remove_if_same(client_, kube::kPods, key, DeleteOptions().uid(pod->uid));
          !removed)
        co_return removed;
    }
    co_return look_again("the server of an earlier SparkConnect of this name is going");
  }
  co_return fail(ErrorKind::AlreadyExists, "pod " + name + " exists already and belongs to " +
                                               (pod->owner.empty() ? "nobody we know" : pod->owner));
}

// A new leader's cache may be older than what the last one made.
Task<Result<>> ConnectController::confirm_spec(const SparkConnect& connect) {
  const ObjectKey key = connect.metadata.key();
  auto object = co_await kube::JsonApi(client_, kSparkConnects, key.ns).get(key.name);
  if (!object && object.error().is_not_found()) co_return look_again("it has just been deleted");
  if (!object) co_return fail(std::move(object).error().while_doing("get SparkConnect"));
  auto live = kube::decode<SparkConnect>(*object);
  if (!live) co_return fail(std::move(live));
  if (live->metadata.uid != connect.metadata.uid || live->metadata.deletion_timestamp ||
      live->spec != connect.spec)
    co_return look_again("the SparkConnect has changed");
  co_return Result<>{};
}

Task<Result<>> ConnectController::delete_server(const SparkConnect& connect, DeleteServer step,
                                                kube::Log log) {
  if (step.for_an_edit) {
    if (auto same = co_await confirm_spec(connect); !same) co_return same;
  }
  auto removed =
      co_await remove_if_same(client_, kube::kPods, step.pod.key, DeleteOptions().uid(step.pod.uid));
  if (!removed)
    co_return fail(std::move(removed).error().while_doing("delete server pod " + step.pod.key.name));
  log.info("server pod deleted", {{"pod", step.pod.key.name}, {"uid", step.pod.uid}, {"why", step.why}});
  co_return Result<>{};
}

Task<ConnectController::Reconciled> ConnectController::write(const SparkConnect& connect,
                                                             ConnectDecision decision, kube::Log log) {
  if (same_status(decision.status, connect.status)) co_return ReconcileResult::done();
  decision.status.last_update_time = std::chrono::floor<std::chrono::seconds>(loop_.now());
  const ObjectKey key = connect.metadata.key();
  auto written =
      co_await statuses_.write(key, connect.metadata.resource_version, kube::encode(decision.status));
  if (!written && written.error().is_not_found()) co_return ReconcileResult::done();
  if (!written && written.error().is_conflict()) co_return ReconcileResult::again();
  if (!written) co_return fail(std::move(written).error().while_doing("write status of " + key.to_string()));
  if (connect.status.state != decision.status.state)
    log.info("state changed",
             {{"from", api::to_string(connect.status.state)}, {"to", api::to_string(decision.status.state)}});
  const kube::ObjectReference about{connect.api_version,
                                    SparkConnect::kKind,
                                    key.ns,
                                    key.name,
                                    connect.metadata.uid,
                                    connect.metadata.resource_version};
  for (const Note& note : decision.notes) {
    events_.event(about, note.warning ? kube::EventType::Warning : kube::EventType::Normal, note.reason,
                  note.message);
  }
  co_return ReconcileResult::done();
}

// API servers repeat the command in what they say about a pod.
Error ConnectController::without_secrets(const SparkConnect& connect, const Error& error) const {
  std::vector<std::string> arguments;
  for (const auto* conf : {&connect.spec.spark_conf, &connect.spec.hadoop_conf})
    for (const auto& [key, value] : *conf) arguments.push_back(key + "=" + value);
  for (const Json* pod : {&connect.spec.server.pod_template, &connect.spec.executor.pod_template})
    for (const Json* variable : environment_of(*pod))
      arguments.push_back(kube::string_at(*variable, {"name"}) + "=" + kube::string_at(*variable, {"value"}));
  const Redaction redaction = options_.redaction.of(connect.spec.spark_conf);
  return redaction.error(error, redaction.values_in(arguments));
}

}  // namespace controller

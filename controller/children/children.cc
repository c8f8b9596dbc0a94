#include "controller/children/children.h"

#include <algorithm>

#include "api/constants.h"
#include "api/names.h"
#include "controller/application/application_view.h"
#include "controller/application/event_texts.h"
#include "controller/children/optional_cache.h"
#include "kube/client/api.h"
#include "kube/core/fields.h"

namespace controller {

using kube::Error;
using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::ObjectKey;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kByApplication = "application";
// Watches are a moment behind our own writes. One that stays behind for longer is asked again.
constexpr kube::Duration kCacheLag = std::chrono::seconds(60);

}  // namespace

// One call of ensure().
struct Children::Work {
  const api::SparkApplication& app;
  AttemptIds ids;
  bool view_is_live = false;
  kube::Log log;
};

Children::Children(kube::Manager& manager, spark::ChildrenOptions options,
                   std::vector<std::string> namespaces, kube::NamespaceScope* scope, kube::Log log, Wake wake)
    : client_(manager.client()),
      options_(std::move(options)),
      namespaces_(std::move(namespaces)),
      scope_(scope),
      log_(std::move(log)),
      wake_(std::move(wake)) {
  const std::string created = std::string(api::label::kCreatedByOperator) + "=true";
  watch(manager, kube::kServices, created);
  watch(manager, kube::kConfigMaps, created);
  watch(manager, kube::kIngresses, api::label::kAppName);
  if (options_.driver_pdb) {
    watch(manager, kube::kPodDisruptionBudgets, std::string(api::label::kLaunchedByOperator) + "=true");
  }
  // Those that another operator has made have no labels.
  if (options_.batch.enabled) watch(manager, kVolcanoPodGroups, "");
  if (options_.batch.enabled && !options_.batch.kube_schedulers.empty())
    watch(manager, kSchedulerPodGroups, "");
}

Children::~Children() = default;

void Children::watch(kube::Manager& manager, const kube::Resource& resource, std::string label_selector) {
  auto informer = std::make_unique<kube::Informer<ChildView>>(
      client_, kube::InformerOptions<ChildView>{
                   .resource = resource,
                   .project = [resource](kube::JsonView object) { return project_child(object, resource); },
                   .namespaces = namespaces_,
                   .more_namespaces = scope_ != nullptr,
                   .label_selector = std::move(label_selector),
                   .log = log_});
  informer->add_index(kByApplication, [](const ChildView& child) {
    return child.app_uid.empty() ? std::vector<std::string>() : std::vector{child.app_uid};
  });
  informer->on_change([this](const kube::Change<ChildView>& change) { changed(change); });
  informers_.push_back(informer.get());
  if (scope_ != nullptr) scope_->follow(*informer, kube::NamespaceScope::Follow::Alongside);
  manager.add(std::make_unique<OptionalCache<ChildView>>(manager.loop(), std::move(informer)));
}

void Children::changed(const kube::Change<ChildView>& change) {
  const ChildView& child = *change.object;
  bool ours = false;
  if (const auto found = written_.find({child.resource, child.key}); found != written_.end()) {
    const Written& written = found->second;
    if (written.child.uid == child.uid && (!written.gone || change.type == kube::ChangeType::Deleted)) {
      ours = written.gone || (change.type != kube::ChangeType::Deleted &&
                              written.child.resource_version == child.resource_version);
      written_.erase(found);
    }
  }
  if (ours) return;
  if (!child.app_name.empty()) wake_({child.key.ns, child.app_name});
  if (change.before && !change.before->app_name.empty() && change.before->app_name != child.app_name)
    wake_({child.key.ns, change.before->app_name});
}

std::vector<ChildView> Children::present(const std::string& app_uid) {
  std::erase_if(written_, [&](const auto& entry) { return client_.loop().steady() >= entry.second.until; });
  std::vector<ChildView> found;
  for (const auto* informer : informers_) {
    for (const auto& child : informer->store().by_index(kByApplication, app_uid)) {
      if (!written_.contains({child->resource, child->key})) found.push_back(*child);
    }
  }
  for (const auto& [place, written] : written_) {
    if (!written.gone && written.child.app_uid == app_uid) found.push_back(written.child);
  }
  return found;
}

void Children::remember(ChildView child, bool gone) {
  const Place place{child.resource, child.key};
  written_.insert_or_assign(place, Written{std::move(child), gone, client_.loop().after(kCacheLag)});
}

Task<Children::Kept> Children::ensure(const api::SparkApplication& app, spark::AttemptPhase phase,
                                      AttemptIds ids, View view, kube::Log log) {
  Kept kept;
  Work work{app, std::move(ids), view == View::Live, std::move(log)};
  const spark::WantedChildren wanted = spark::application_children(app, options_, phase);
  for (const std::string& problem : wanted.problems) {
    kept.notes.push_back(event(EventReason::SparkApplicationChildNotMade, {problem}));
    // A driver would wait for ever for what cannot be made before it.
    if (phase == spark::AttemptPhase::Starting && !kept.error)
      kept.error = Error(ErrorKind::InvalidInput, problem);
  }
  const std::vector<ChildStep> steps = plan_children(wanted.objects, present(app.metadata.uid), work.ids);
  for (const ChildStep& step : steps) {
    auto done = co_await carry_out(work, step);
    if (done) continue;
    const Error error =
        std::move(done).error().while_doing("keep " + step.resource.kind + " " + step.key.to_string());
    if (is_definite(error))
      kept.notes.push_back(event(EventReason::SparkApplicationChildNotMade, {error.message()}));
    if (!kept.error) kept.error = error;
  }
  Json service;
  for (const ChildView& child : present(app.metadata.uid)) {
    if (child.resource == kube::kServices && child.key.name == api::ui_service_name(app.metadata.name))
      service = child.decode();
  }
  kept.driver_info = spark::driver_info(app, options_, service);
  co_return kept;
}

Task<Result<>> Children::carry_out(Work& work, const ChildStep& step) {
  if (step.needs_live_view) {
    if (auto confirmed = co_await confirm_view(work); !confirmed) co_return confirmed;
  }
  switch (step.what) {
    case ChildStep::What::Create:
      co_return co_await create(work, step);
    case ChildStep::What::Patch:
      co_return co_await patch(work, step);
    case ChildStep::What::Delete:
      co_return co_await remove(work, step.present);
    case ChildStep::What::Replace: {
      if (auto removed = co_await remove(work, step.present); !removed) co_return removed;
      co_return co_await create(work, step);
    }
  }
  co_return Result<>{};
}

// Whether the application still is what was decided on.
Task<Result<>> Children::confirm_view(Work& work) {
  if (work.view_is_live) co_return Result<>{};
  const ObjectKey key = work.app.metadata.key();
  auto object = co_await kube::JsonApi(client_, kSparkApplications, key.ns).get(key.name);
  if (!object && !object.error().is_not_found()) co_return fail(std::move(object));
  const auto stale = [] { return fail(ErrorKind::Conflict, "the application has changed"); };
  if (!object) co_return stale();
  auto live = kube::decode<api::SparkApplication>(*object);
  if (!live) co_return fail(std::move(live));
  if (live->metadata.uid != work.app.metadata.uid ||
      live->metadata.deletion_timestamp.has_value() != work.app.metadata.deletion_timestamp.has_value() ||
      live->status.submission_id != work.app.status.submission_id ||
      live->status.application_state.state != work.app.status.application_state.state)
    co_return stale();
  work.view_is_live = true;
  co_return Result<>{};
}

Task<Result<>> Children::create(Work& work, const ChildStep& step) {
  auto created = co_await kube::JsonApi(client_, step.resource, step.key.ns).create(step.wanted);
  if (!created) co_return co_await settle(work, step, std::move(created).error());
  auto child = project_child(*created, step.resource);
  if (!child) co_return fail(std::move(child));
  work.log.info("made around the application", {{"kind", step.resource.kind}, {"name", step.key.name}});
  remember(*std::move(child), false);
  co_return Result<>{};
}

// Any refusal, not only AlreadyExists: quota and admission refuse before the name is looked at, also what an
// earlier try has made.
Task<Result<>> Children::settle(Work& work, const ChildStep& step, Error refusal) {
  if (!is_definite(refusal)) co_return fail(std::move(refusal));
  auto object = co_await kube::JsonApi(client_, step.resource, step.key.ns).get(step.key.name);
  if (!object && object.error().is_not_found()) {
    if (refusal.is_already_exists()) co_return fail(ErrorKind::Conflict, "it has just gone");
    co_return fail(std::move(refusal));
  }
  if (!object) co_return fail(std::move(object));
  auto child = project_child(*object, step.resource);
  if (!child) co_return fail(std::move(child));
  ChildStep next = step;
  next.present = *child;
  if (child->app_uid == work.app.metadata.uid) {
    if (child->terminating) co_return fail(ErrorKind::Conflict, "it is still going");
    remember(*child, false);
    for (const ChildStep& again : plan_children({step.wanted}, {*child}, work.ids)) next = again;
    if (next.what == ChildStep::What::Create) co_return Result<>{};
  } else if (!child->app_uid.empty() && child->app_name == work.app.metadata.name) {
    // Of a predecessor under this name, if we are the one who has the name now.
    next.what = ChildStep::What::Replace;
  } else {
    const std::string owner = !child->app_name.empty()      ? "SparkApplication " + child->app_name
                              : !child->other_owner.empty() ? child->other_owner
                                                            : "nobody we know";
    co_return fail(ErrorKind::AlreadyExists, "it exists already and belongs to " + owner);
  }
  if (next.what == ChildStep::What::Patch) co_return co_await patch(work, next);
  if (auto confirmed = co_await confirm_view(work); !confirmed) co_return confirmed;
  if (auto removed = co_await remove(work, next.present); !removed) co_return removed;
  auto created = co_await kube::JsonApi(client_, step.resource, step.key.ns).create(step.wanted);
  if (!created) co_return fail(std::move(created));
  auto made = project_child(*created, step.resource);
  if (!made) co_return fail(std::move(made));
  remember(*std::move(made), false);
  co_return Result<>{};
}

Task<Result<>> Children::patch(Work& work, const ChildStep& step) {
  kube::Patch patch = kube::Patch::merge(child_patch(step.present, step.wanted))
                          .resource_version(step.present.resource_version);
  auto patched = co_await kube::JsonApi(client_, step.resource, step.key.ns).patch(step.key.name, patch);
  if (!patched) co_return fail(std::move(patched));
  auto child = project_child(*patched, step.resource);
  if (!child) co_return fail(std::move(child));
  work.log.info("made right around the application", {{"kind", step.resource.kind}, {"name", step.key.name}});
  remember(*std::move(child), false);
  co_return Result<>{};
}

Task<Result<>> Children::remove(Work& work, const ChildView& child) {
  auto removed = co_await kube::JsonApi(client_, child.resource, child.key.ns)
                     .remove(child.key.name, kube::DeleteOptions().uid(child.uid));
  // A conflict: another object has the name now, so this one has gone.
  if (!removed && !removed.error().is_not_found() && !removed.error().is_conflict())
    co_return fail(std::move(removed));
  work.log.info("removed from around the application",
                {{"kind", child.resource.kind}, {"name", child.key.name}, {"uid", child.uid}});
  // With finalizers it stays for a while, and its end is an event that brings us back.
  const Json* time = removed ? kube::find_path(*removed, {"metadata", "deletionTimestamp"}) : nullptr;
  if (time == nullptr) {
    remember(child, true);
    co_return Result<>{};
  }
  auto going = project_child(*removed, child.resource);
  if (!going) co_return fail(std::move(going));
  remember(*std::move(going), false);
  co_return Result<>{};
}

}  // namespace controller

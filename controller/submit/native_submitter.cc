#include "controller/submit/native_submitter.h"

#include "kube/core/fields.h"
#include "spark/monitoring.h"
#include "spark/native_submission.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

// Children are of few kinds; each by its REST resource.
Result<kube::Resource> resource_of(const Json& object) {
  const std::string kind = object.value("kind", "");
  for (const kube::Resource* known :
       {&kube::kServices, &kube::kConfigMaps, &kube::kSecrets, &kube::kPersistentVolumeClaims}) {
    if (known->kind == kind) return *known;
  }
  if (kind == "NetworkPolicy")
    return kube::Resource{"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"};
  return fail(ErrorKind::InvalidInput, "no way to create a " + kind + " beside a driver");
}

kube::OwnerReference controller_reference(const Json& object) {
  const auto meta = kube::decode<kube::ObjectMeta>(object.value("metadata", Json::object()));
  const kube::OwnerReference* owner = meta ? kube::controller_of(*meta) : nullptr;
  return owner == nullptr ? kube::OwnerReference{} : *owner;
}

}  // namespace

Task<Result<PodView>> NativeSubmitter::create_driver(const api::SparkApplication& app,
                                                     const spark::Attempt& attempt, PostPermit may_post) {
  auto obstacles = spark::native_obstacles(app, options_, attempt);
  if (!obstacles) co_return fail(std::move(obstacles));
  if (!obstacles->empty()) {
    std::string reasons;
    for (const spark::FallbackReason& reason : *obstacles)
      reasons += (reasons.empty() ? "" : "; ") + reason.text;
    co_return fail(ErrorKind::InvalidInput,
                   "only spark-submit itself can do this, and it is not run: " + reasons);
  }
  auto submission = spark::native_submission(app, options_, attempt);
  if (!submission) co_return fail(std::move(submission));
  const std::string ns = app.metadata.namespace_;
  // The pod webhook of a cluster mounts it into executors too, so it is there before the first pod is.
  if (auto map = spark::prometheus_config_map(app)) {
    const std::string name = map->at("metadata").at("name");
    auto applied = co_await kube::JsonApi(client_, kube::kConfigMaps, ns)
                       .patch(name, kube::Patch::apply(std::move(*map), "spark-operator"));
    if (!applied)
      co_return fail(std::move(applied).error().while_doing("apply ConfigMap " + ns + "/" + name));
  }
  for (const Json& object : submission->pre_resources) {
    auto resource = resource_of(object);
    if (!resource) co_return fail(std::move(resource));
    auto created = co_await kube::JsonApi(client_, *resource, ns).create(object);
    if (!created && !created.error().is_already_exists()) co_return fail(std::move(created));
  }
  const auto at_most = may_post();
  if (!at_most) co_return fail(ErrorKind::ShuttingDown, "the lease does not last for another request");
  kube::JsonApi pods(client_, kube::kPods, ns);
  auto pod = co_await pods.with_deadline(*at_most).create(std::move(submission->driver_pod));
  if (!pod) co_return fail(std::move(pod));
  co_return project_pod(*pod);
}

Task<Result<>> NativeSubmitter::complete(const api::SparkApplication& app, const spark::Attempt& attempt,
                                         const PodView& driver) {
  auto submission = spark::native_submission(app, options_, attempt);
  if (!submission) co_return fail(std::move(submission));
  for (const Json& child : spark::with_owner(std::move(submission->children), driver.key.name, driver.uid)) {
    auto created = co_await create_child(child, driver);
    if (!created) co_return created;
  }
  co_return Result<>{};
}

Task<Result<>> NativeSubmitter::create_child(const Json& child, const PodView& driver) {
  auto resource = resource_of(child);
  if (!resource) co_return fail(std::move(resource));
  const std::string name = child.at("metadata").at("name");
  const std::string what = resource->kind + " " + driver.key.ns + "/" + name;
  // That a look was refused says nothing about what stands there: only creating can be refused for good.
  const auto unknown = [](kube::Error error, const std::string& doing) {
    return fail(std::move(error).while_doing(doing).with_ambiguous(true));
  };
  kube::JsonApi objects(client_, *resource, driver.key.ns);
  auto created = co_await objects.create(child);
  if (created) co_return Result<>{};
  if (created.error().is_ambiguous()) {
    co_return fail(std::move(created).error().while_doing("create " + what));
  }
  // Any refusal, not only AlreadyExists: quota and admission refuse before the name is looked at, also what
  // an earlier try has made.
  auto present = co_await objects.get(name);
  if (!present && present.error().is_not_found() && !created.error().is_already_exists()) {
    co_return fail(std::move(created).error().while_doing("create " + what));
  }
  if (!present && present.error().is_not_found())
    co_return fail(ErrorKind::Conflict, what + " has just gone");
  if (!present) co_return unknown(std::move(present).error(), "get " + what);
  const kube::OwnerReference owner = controller_reference(*present);
  if (owner.uid == driver.uid) co_return Result<>{};
  if (owner.kind != "Pod") co_return fail(ErrorKind::Conflict, what + " exists and belongs to no driver");
  // Of another driver: it may be taken away only once that very pod is gone.
  auto other = co_await kube::JsonApi(client_, kube::kPods, driver.key.ns).get(owner.name);
  if (!other && !other.error().is_not_found()) {
    co_return unknown(std::move(other).error(), "look for the owner of " + what);
  }
  if (other && other->at("metadata").value("uid", "") == owner.uid) {
    co_return fail(ErrorKind::Conflict, what + " belongs to a pod that still exists");
  }
  auto removed =
      co_await objects.remove(name, kube::DeleteOptions().uid(present->at("metadata").value("uid", "")));
  if (!removed && !removed.error().is_not_found()) {
    co_return unknown(std::move(removed).error(), "delete " + what);
  }
  auto again = co_await objects.create(child);
  if (!again) co_return fail(std::move(again).error().while_doing("create " + what));
  co_return Result<>{};
}

}  // namespace controller

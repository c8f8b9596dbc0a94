#include "controller/submit/native_submitter.h"

#include "controller/submit/remarks.h"
#include "kube/core/fields.h"
#include "spark/application_owner.h"

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
  if (kind == "PodGroup") return kube::Resource{"scheduling.volcano.sh", "v1beta1", "PodGroup", "podgroups"};
  return fail(ErrorKind::InvalidInput, "no way to create a " + kind + " beside a driver");
}

kube::OwnerReference controller_reference(const Json& object) {
  const auto meta = kube::decode<kube::ObjectMeta>(object.value("metadata", Json::object()));
  const kube::OwnerReference* owner = meta ? kube::controller_of(*meta) : nullptr;
  return owner == nullptr ? kube::OwnerReference{} : *owner;
}

class NativeStart final : public DriverStart {
 public:
  NativeStart(kube::Client& client, std::string ns, spark::Submission built, std::vector<Note> remarks)
      : client_(client), ns_(std::move(ns)), built_(std::move(built)), remarks_(std::move(remarks)) {}

  std::string_view submitter() const override { return "native"; }
  std::vector<Note> remarks() const override { return remarks_; }
  Task<Result<PodView>> create_driver(PostPermit may_post) override;
  Task<Result<Completion>> complete(const PodView& driver) override;

 private:
  Task<Result<>> own_group(const Json& group, const PodView& driver);
  Task<Result<>> create_child(const Json& child, const PodView& driver);

  kube::Client& client_;
  const std::string ns_;
  spark::Submission built_;
  const std::vector<Note> remarks_;
};

Task<Result<PodView>> NativeStart::create_driver(PostPermit may_post) {
  for (const Json& object : built_.pre_resources) {
    auto resource = resource_of(object);
    if (!resource) co_return fail(std::move(resource));
    auto created = co_await kube::JsonApi(client_, *resource, ns_).create(object);
    if (!created && !created.error().is_already_exists()) co_return fail(std::move(created));
  }
  const auto at_most = may_post();
  if (!at_most) co_return fail(ErrorKind::ShuttingDown, "the lease does not last for another request");
  kube::JsonApi pods(client_, kube::kPods, ns_);
  auto pod = co_await pods.with_deadline(*at_most).create(std::move(built_.driver_pod));
  if (!pod) co_return fail(std::move(pod));
  co_return project_pod(*pod);
}

Task<Result<Completion>> NativeStart::complete(const PodView& driver) {
  for (const Json& group : built_.pre_resources) {
    if (auto owned = co_await own_group(group, driver); !owned) co_return fail(std::move(owned));
  }
  for (const Json& child : spark::with_owner(built_.children, driver.key.name, driver.uid)) {
    if (auto created = co_await create_child(child, driver); !created) co_return fail(std::move(created));
  }
  co_return Completion{};
}

// What had to be there before the driver goes with it all the same.
Task<Result<>> NativeStart::own_group(const Json& group, const PodView& driver) {
  auto resource = resource_of(group);
  if (!resource) co_return fail(std::move(resource));
  const std::string name = group.at("metadata").at("name");
  const std::vector<Json> owned = spark::with_owner({group}, driver.key.name, driver.uid);
  Json owners{{"metadata", {{"ownerReferences", owned[0].at("metadata").at("ownerReferences")}}}};
  auto patched = co_await kube::JsonApi(client_, *resource, driver.key.ns)
                     .patch(name, kube::Patch::merge(std::move(owners)));
  if (patched || patched.error().is_not_found()) co_return Result<>{};
  co_return fail(std::move(patched).error().while_doing("own " + resource->kind + " " + name));
}

Task<Result<>> NativeStart::create_child(const Json& child, const PodView& driver) {
  auto resource = resource_of(child);
  if (!resource) co_return fail(std::move(resource));
  const std::string name = child.at("metadata").at("name");
  const std::string what = resource->kind + " " + driver.key.ns + "/" + name;
  // That a look was refused says nothing about what stands there.
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
  // Whoever may not look either would not see it next time: the refusal stands, or the application hangs for
  // ever.
  const bool nothing_seen =
      !present && (present.error().is_not_found() || present.error().kind() == ErrorKind::Forbidden);
  if (nothing_seen && !created.error().is_already_exists()) {
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

}  // namespace

std::string join_reasons(const std::vector<spark::FallbackReason>& reasons) {
  std::string text;
  for (const spark::FallbackReason& reason : reasons) text += (text.empty() ? "" : "; ") + reason.text;
  return text;
}

Result<spark::NativePlan> NativeSubmitter::plan(const api::SparkApplication& app,
                                                const spark::Attempt& attempt) const {
  return spark::plan_native_submission(app, options_, attempt);
}

std::unique_ptr<DriverStart> NativeSubmitter::begin(const api::SparkApplication& app,
                                                    spark::Submission built) {
  std::vector<Note> remarks = webhook_remarks(app, options_);
  for (Note& note : idle_field_remarks(app, options_)) remarks.push_back(std::move(note));
  // Until a driver is there to own it: one that is refused leaves nothing that outlives the application.
  for (Json& group : built.pre_resources) {
    group["metadata"]["ownerReferences"] =
        Json::array({spark::application_owner(app, spark::Ownership::Plain)});
  }
  return std::make_unique<NativeStart>(client_, app.metadata.namespace_, std::move(built),
                                       std::move(remarks));
}

Result<std::unique_ptr<DriverStart>> NativeSubmitter::begin(const api::SparkApplication& app,
                                                            const spark::Attempt& attempt) {
  auto planned = plan(app, attempt);
  if (!planned) return fail(std::move(planned));
  if (!planned->submission) {
    return fail(ErrorKind::InvalidInput,
                "only spark-submit itself can do this: " + join_reasons(planned->obstacles));
  }
  return begin(app, *std::move(planned->submission));
}

Result<std::unique_ptr<DriverStart>> NativeSubmitter::resume(const api::SparkApplication& app,
                                                             const spark::Attempt& attempt, const PodView&) {
  return begin(app, attempt);
}

}  // namespace controller

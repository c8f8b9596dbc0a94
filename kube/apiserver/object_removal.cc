// The deleting half of ObjectWriter: preconditions, grace, finalizers, propagation.

#include <algorithm>

#include "kube/apiserver/admission_webhook_pass.h"
#include "kube/apiserver/object_writer.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";
constexpr std::string_view kCleanUp = "customresourcecleanup.apiextensions.k8s.io";

bool has_finalizers(const Json& object) {
  const Json* finalizers = find_path(object, {"metadata", "finalizers"});
  return finalizers && finalizers->is_array() && !finalizers->empty();
}

// Finalizers that stand for how dependents go; the garbage collector takes them off.
void set_propagation(Json& object, Propagation propagation) {
  Json& metadata = object["metadata"];
  Json kept = Json::array();
  if (auto found = metadata.find("finalizers"); found != metadata.end() && found->is_array())
    for (const Json& finalizer : *found)
      if (finalizer != kForeground && finalizer != kOrphan) kept.push_back(finalizer);
  if (propagation == Propagation::Foreground) kept.push_back(kForeground);
  if (propagation == Propagation::Orphan) kept.push_back(kOrphan);
  if (kept.empty())
    metadata.erase("finalizers");
  else
    metadata["finalizers"] = std::move(kept);
}

std::int64_t pod_grace(const Json& pod, const DeleteOptions& options) {
  const std::string phase = string_at(pod, {"status", "phase"});
  if (string_at(pod, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") return 0;
  if (options.grace_period_seconds) return std::max<std::int64_t>(*options.grace_period_seconds, 0);
  const Json* own = find_path(pod, {"spec", "terminationGracePeriodSeconds"});
  return own && own->is_number_integer() ? std::max<std::int64_t>(own->get<std::int64_t>(), 0) : 30;
}

}  // namespace

Granted<Removed> ObjectWriter::remove(ApiCall& call, const ObjectKey& key) {
  const ServedResource& served = *call.served;
  const DeleteOptions& options = call.deletion;
  ObjectRef object = cluster_.store.get(served.table(), key);
  if (!object) return refuse(Refusal::not_found(served.resource, key.name));
  if (!options.uid.empty() && options.uid != object->uid())
    return refuse(Refusal::precondition_failed(
        served.resource, key.name,
        "the UID in the precondition (" + options.uid + ") does not match the UID in record (" +
            object->uid() + "). The object might have been deleted and then recreated"));
  if (!options.resource_version.empty() && options.resource_version != std::to_string(object->version()))
    return refuse(Refusal::precondition_failed(
        served.resource, key.name,
        "the ResourceVersion in the precondition (" + options.resource_version +
            ") does not match the ResourceVersion in record (" + std::to_string(object->version()) +
            "). The object might have been modified"));
  if (auto admitted = admission_.remove(served, *object); !admitted) return refuse(admitted);
  if (call.webhooks)
    if (auto passed = call.webhooks->remove(object); !passed) return refuse(passed);
  if (call.dry_run) return Removed{object, true};

  auto writer = cluster_.writing_as(call.info);
  const bool was_terminating = object->is_terminating();
  Json after = object->json();
  Json& metadata = after["metadata"];
  if (options.propagation) set_propagation(after, *options.propagation);

  const bool pod = served.table() == "pods";
  const std::int64_t grace = pod ? pod_grace(after, options) : 0;
  const bool is_namespace = served.table() == "namespaces";
  if (!was_terminating) {
    metadata["deletionTimestamp"] = to_rfc3339(cluster_.loop.now() + std::chrono::seconds(grace));
    metadata["deletionGracePeriodSeconds"] = grace;
  } else if (pod) {
    // A second delete can only shorten the grace.
    const std::int64_t present = metadata.value("deletionGracePeriodSeconds", std::int64_t{0});
    const bool asked = options.grace_period_seconds.has_value() || grace == 0;
    if (asked && grace < present) {
      metadata["deletionTimestamp"] = to_rfc3339(cluster_.loop.now() + std::chrono::seconds(grace));
      metadata["deletionGracePeriodSeconds"] = grace;
    }
  }
  if (is_namespace) {
    after["status"]["phase"] = "Terminating";
  }
  // Its objects end first; CrdLifecycle takes the finalizer off.
  if (served.table() == kDefinitions && !was_terminating) metadata["finalizers"].push_back(kCleanUp);
  const std::int64_t left = pod ? metadata.value("deletionGracePeriodSeconds", std::int64_t{0}) : 0;
  const bool waits = left > 0 || has_finalizers(after) || is_namespace;
  const bool finished_pod = pod && !options.grace_period_seconds &&
                            !string_at(after, {"spec", "nodeName"}).empty() && left == 0 && !was_terminating;
  if (waits || finished_pod) {
    // A finished pod is shown once with grace 0 before it goes, as watchers of the real server see it.
    if (after != object->json()) object = cluster_.store.put(served.table(), std::move(after));
    if (waits) return Removed{object, false};
  }
  ObjectRef last = cluster_.store.remove(served.table(), key);
  return Removed{last, true};
}

// Whether the deletion of an object only waited for finalizers, and this is it without them.
bool ObjectWriter::is_finished(const ServedResource& served, const Json& object) {
  if (!find_path(object, {"metadata", "deletionTimestamp"}) || has_finalizers(object)) return false;
  const Json* grace = find_path(object, {"metadata", "deletionGracePeriodSeconds"});
  if (grace && grace->is_number_integer() && grace->get<std::int64_t>() > 0) return false;
  const Json* content = served.table() == "namespaces" ? find_path(object, {"spec", "finalizers"}) : nullptr;
  return !content || !content->is_array() || content->empty();
}

}  // namespace kube::apiserver

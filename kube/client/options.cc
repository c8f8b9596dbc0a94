#include "kube/client/options.h"

#include "kube/core/patch.h"

namespace kube {

std::string_view to_string(Propagation propagation) {
  switch (propagation) {
    case Propagation::Background:
      return "Background";
    case Propagation::Foreground:
      return "Foreground";
    case Propagation::Orphan:
      return "Orphan";
  }
  return "Background";
}

Json DeleteOptions::to_json() const {
  Json json{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (precondition_uid) json["preconditions"]["uid"] = *precondition_uid;
  if (precondition_resource_version)
    json["preconditions"]["resourceVersion"] = *precondition_resource_version;
  if (grace_period)
    json["gracePeriodSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(*grace_period).count();
  if (propagation_policy) json["propagationPolicy"] = to_string(*propagation_policy);
  return json;
}

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::Merge:
      return kMergePatch;
    case PatchType::Json:
      return kJsonPatch;
    case PatchType::Strategic:
      return kStrategicMergePatch;
    case PatchType::Apply:
      return kApplyPatch;
  }
  return kMergePatch;
}

}  // namespace kube

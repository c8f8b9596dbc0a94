#include "controller/children/child_view.h"

#include "api/constants.h"
#include "kube/core/projection.h"

namespace controller {

using kube::fail;
using kube::Json;
using kube::JsonView;
using kube::Resource;
using kube::Result;

kube::Json ChildView::decode() const {
  auto json = kube::parse_json(content);
  return json ? *std::move(json) : Json::object();
}

Result<ChildView> project_child(JsonView object, const Resource& resource) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{api::label::kSubmissionId}};
  auto meta = kube::project_meta(object, wants);
  if (!meta) return fail(std::move(meta));
  ChildView child;
  child.resource = resource;
  child.key = meta->key;
  child.uid = meta->uid;
  child.resource_version = meta->resource_version;
  child.terminating = meta->deletion_timestamp.has_value();
  for (const kube::OwnerReference& owner : meta->owner_references) {
    if (!owner.controller.value_or(false)) continue;
    if (owner.kind == "SparkApplication" && owner.api_version.starts_with("sparkoperator.k8s.io/")) {
      child.app_uid = owner.uid;
      child.app_name = owner.name;
    } else {
      child.other_owner = owner.kind + " " + owner.name;
    }
  }
  if (const auto id = meta->labels.find(api::label::kSubmissionId); id != meta->labels.end())
    child.submission_id = id->second;
  Json content = Json::object();
  for (const char* part : {"labels", "annotations"}) {
    if (const JsonView found = object["metadata"][part]) content["metadata"][part] = found.to_json();
  }
  for (const char* part : {"spec", "data"}) {
    if (const JsonView found = object[part]) content[part] = found.to_json();
  }
  child.content = kube::dump_json(content);
  return child;
}

Result<ChildView> project_child(const Json& object, const Resource& resource) {
  kube::JsonReader reader;
  const std::string text = kube::dump_json(object);
  auto view = reader.read(text);
  if (!view) return fail(std::move(view));
  return project_child(*view, resource);
}

Result<Resource> child_resource(const Json& object) {
  const std::string kind = object.value("kind", ""), version = object.value("apiVersion", "");
  for (const Resource* known : {&kube::kServices, &kube::kConfigMaps, &kube::kIngresses,
                                &kube::kPodDisruptionBudgets, &kVolcanoPodGroups, &kSchedulerPodGroups}) {
    if (known->kind == kind && known->api_version() == version) return *known;
  }
  return fail(kube::ErrorKind::InvalidInput, "no way to make a " + version + " " + kind);
}

}  // namespace controller

#include "webhook/shared_applications.h"

#include <mutex>

#include "kube/core/fields.h"

namespace webhook {

using kube::Json;

void SharedApplications::put(Application application) {
  const kube::ObjectKey key = application->metadata.key();
  const std::unique_lock lock(guard_);
  // What is replaced is destroyed after the lock, or by the last review that uses it.
  applications_[key].swap(application);
}

void SharedApplications::remove(const kube::ObjectKey& key) {
  const std::unique_lock lock(guard_);
  applications_.erase(key);
}

Application SharedApplications::find(const kube::ObjectKey& key) const {
  const std::shared_lock lock(guard_);
  const auto found = applications_.find(key);
  return found == applications_.end() ? nullptr : found->second;
}

std::size_t SharedApplications::size() const {
  const std::shared_lock lock(guard_);
  return applications_.size();
}

namespace {

Json without(kube::JsonView view, std::initializer_list<std::string_view> left_out) {
  Json kept = Json::object();
  view.for_each_member([&](std::string_view key, kube::JsonView value) {
    for (const std::string_view name : left_out)
      if (key == name) return;
    kept[std::string(key)] = value.to_json();
  });
  return kept;
}

void keep_of_template(kube::JsonView spec, const char* role, const char* field, Json& json) {
  if (const kube::JsonView said = spec[role]["template"]["spec"][field]; said.exists())
    json["spec"][role]["template"]["spec"][field] = said.to_json();
}

Json projected(kube::JsonView object) {
  const kube::JsonView spec = object["spec"];
  Json json = without(object, {"status", "metadata", "spec"});
  json["metadata"] = without(object["metadata"], {"managedFields", "annotations", "labels"});
  json["spec"] = without(spec, {"sparkConf", "hadoopConf", "arguments", "deps", "driver", "executor"});
  for (const char* role : {"driver", "executor"})
    if (spec[role].exists()) {
      json["spec"][role] = without(spec[role], {"template", "labels", "annotations"});
      keep_of_template(spec, role, "enableServiceLinks", json);
    }
  if (const auto id = object["status"]["submissionID"].string()) json["status"]["submissionID"] = *id;
  return json;
}

}  // namespace

kube::Result<api::SparkApplication> project_for_pods(kube::JsonView object) {
  return kube::decode<api::SparkApplication>(projected(object));
}

kube::Result<api::SparkApplication> project_for_quotas(kube::JsonView object) {
  Json json = projected(object);
  const kube::JsonView spec = object["spec"];
  if (spec["sparkConf"].exists()) json["spec"]["sparkConf"] = spec["sparkConf"].to_json();
  for (const char* role : {"driver", "executor"})
    for (const char* field : {"priorityClassName", "activeDeadlineSeconds", "affinity"})
      keep_of_template(spec, role, field, json);
  for (const char* field : {"applicationState", "executorState", "lastSubmissionAttemptTime"})
    if (const kube::JsonView said = object["status"][field]; said.exists())
      json["status"][field] = said.to_json();
  return kube::decode<api::SparkApplication>(json);
}

}  // namespace webhook

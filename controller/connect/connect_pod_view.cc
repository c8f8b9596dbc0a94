#include "controller/connect/connect_pod_view.h"

#include <algorithm>

#include "api/constants.h"
#include "api/spark_connect.h"
#include "kube/core/projection.h"
#include "spark/connect/connect_objects.h"

namespace controller {

using kube::JsonView;
using kube::Result;

namespace {

constexpr std::size_t kMessageLimit = 1024;

std::optional<ContainerEnd> bad_end(JsonView container) {
  for (const char* state : {"state", "lastState"}) {
    const JsonView ended = container[state]["terminated"];
    const std::int64_t code = ended["exitCode"].integer().value_or(0);
    if (code == 0) continue;
    return ContainerEnd{code, std::string(ended["reason"].string_or()),
                        shortened(std::string(ended["message"].string_or()), kMessageLimit)};
  }
  return std::nullopt;
}

std::string label(const kube::ProjectedMeta& meta, const char* name) {
  const auto found = meta.labels.find(name);
  return found == meta.labels.end() ? "" : found->second;
}

bool is_connect(const kube::OwnerReference& owner) {
  return owner.controller.value_or(false) && owner.kind == api::SparkConnect::kKind &&
         owner.api_version.starts_with("sparkoperator.k8s.io/");
}

}  // namespace

bool ConnectPodView::is_server() const {
  return role == api::label::kRoleConnectServer;
}

Result<ConnectPodView> project_connect_pod(JsonView pod) {
  static const kube::MetaWants wants{
      .labels = std::vector<std::string>{api::label::kConnectName, api::label::kSparkRole,
                                         api::label::kLaunchedByOperator},
      .annotations = std::vector<std::string>{spark::kConnectSpecHashAnnotation}};
  auto meta = kube::project_meta(pod, wants);
  if (!meta) return kube::fail(std::move(meta));
  ConnectPodView view{.key = meta->key, .uid = meta->uid, .created = meta->creation_timestamp};
  view.terminating = meta->deletion_timestamp.has_value();
  view.connect_name = label(*meta, api::label::kConnectName);
  view.role = label(*meta, api::label::kSparkRole);
  view.launched_by_operator = label(*meta, api::label::kLaunchedByOperator) == api::label::kTrue;
  if (const auto hash = meta->annotations.find(spark::kConnectSpecHashAnnotation);
      hash != meta->annotations.end())
    view.spec_hash = hash->second;
  for (const kube::OwnerReference& owner : meta->owner_references) {
    if (!owner.controller.value_or(false)) continue;
    view.owner = owner.kind + " " + owner.name;
    if (is_connect(owner)) view.connect_uid = owner.uid;
  }
  const std::string_view policy = pod["spec"]["restartPolicy"].string_or();
  view.restarts_always = policy.empty() || policy == "Always";
  const JsonView status = pod["status"];
  view.phase = pod_phase(status["phase"].string_or());
  for (JsonView condition : status["conditions"].items()) {
    if (condition["type"].string_or() == "Ready") view.ready = condition["status"].string_or() == "True";
  }
  bool any = false, all_started = true;
  for (JsonView container : status["containerStatuses"].items()) {
    any = true;
    all_started = all_started && container["started"].boolean().value_or(false);
    view.restarts = std::max(view.restarts, container["restartCount"].integer().value_or(0));
    if (!view.end) view.end = bad_end(container);
  }
  view.started = any && all_started;
  view.ip = std::string(status["podIP"].string_or());
  view.message = shortened(std::string(status["message"].string_or()), kMessageLimit);
  view.trouble = trouble_of(status);
  return view;
}

Result<ConnectPodView> project_connect_pod(const kube::Json& pod) {
  kube::JsonReader reader;
  const std::string text = kube::dump_json(pod);
  auto view = reader.read(text);
  if (!view) return kube::fail(std::move(view));
  return project_connect_pod(*view);
}

Result<ChildView> project_connect_child(JsonView object, const kube::Resource& resource) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{}};
  auto child = project_child(object, resource);
  if (!child) return child;
  auto meta = kube::project_meta(object, wants);
  if (!meta) return kube::fail(std::move(meta));
  if (!child->app_uid.empty()) child->other_owner = "SparkApplication " + child->app_name;
  child->app_uid.clear();
  child->app_name.clear();
  for (const kube::OwnerReference& owner : meta->owner_references) {
    if (!is_connect(owner)) continue;
    child->app_uid = owner.uid;
    child->app_name = owner.name;
    child->other_owner.clear();
  }
  return child;
}

Result<ChildView> project_connect_child(const kube::Json& object, const kube::Resource& resource) {
  kube::JsonReader reader;
  const std::string text = kube::dump_json(object);
  auto view = reader.read(text);
  if (!view) return kube::fail(std::move(view));
  return project_connect_child(*view, resource);
}

}  // namespace controller

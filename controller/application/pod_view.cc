#include "controller/application/pod_view.h"

#include <charconv>

#include "api/constants.h"
#include "kube/core/projection.h"

namespace controller {

using kube::JsonView;
using kube::Result;

namespace {

constexpr std::size_t kMessageLimit = 1024;
constexpr std::size_t kTerminationLimit = 4096;  // the kubelet's own

std::optional<ContainerEnd> end_of(JsonView statuses, std::string_view container) {
  for (JsonView status : statuses.items()) {
    if (status["name"].string_or() != container) continue;
    const JsonView ended = status["state"]["terminated"];
    if (!ended) return std::nullopt;
    return ContainerEnd{ended["exitCode"].integer().value_or(0), std::string(ended["reason"].string_or())};
  }
  return std::nullopt;
}

// As written by the program, or the end of its log under terminationMessagePolicy FallbackToLogsOnError.
std::string termination_message(JsonView statuses, std::string_view container) {
  for (JsonView status : statuses.items()) {
    if (status["name"].string_or() != container) continue;
    return shortened(std::string(status["state"]["terminated"]["message"].string_or()), kTerminationLimit);
  }
  return "";
}

std::string label(const kube::ProjectedMeta& meta, const char* name) {
  const auto found = meta.labels.find(name);
  return found == meta.labels.end() ? "" : found->second;
}

}  // namespace

PodPhase pod_phase(std::string_view name) {
  if (name == "Pending") return PodPhase::Pending;
  if (name == "Running") return PodPhase::Running;
  if (name == "Succeeded") return PodPhase::Succeeded;
  if (name == "Failed") return PodPhase::Failed;
  return PodPhase::Unknown;
}

bool PodView::alive() const {
  return (phase == PodPhase::Pending || phase == PodPhase::Running || phase == PodPhase::Unknown) &&
         !spark_container;
}

Result<PodView> project_pod(JsonView pod) {
  static const kube::MetaWants wants{
      .labels =
          std::vector<std::string>{api::label::kAppName, api::label::kSubmissionId, api::label::kSparkRole,
                                   api::label::kSparkAppSelector, api::label::kSparkExecutorId},
      .annotations = std::vector<std::string>{api::annotation::kSubmittedBy}};
  auto meta = kube::project_meta(pod, wants);
  if (!meta) return kube::fail(std::move(meta));
  PodView view;
  view.key = meta->key;
  view.uid = meta->uid;
  view.resource_version = meta->resource_version;
  view.created = meta->creation_timestamp;
  view.terminating = meta->deletion_timestamp.has_value();
  view.app_name = label(*meta, api::label::kAppName);
  view.submission_id = label(*meta, api::label::kSubmissionId);
  view.role = label(*meta, api::label::kSparkRole);
  view.app_selector = label(*meta, api::label::kSparkAppSelector);
  if (const auto by = meta->annotations.find(api::annotation::kSubmittedBy); by != meta->annotations.end())
    view.submitted_by = by->second;
  const std::string id = label(*meta, api::label::kSparkExecutorId);
  std::from_chars(id.data(), id.data() + id.size(), view.executor_id);
  for (const kube::OwnerReference& owner : meta->owner_references) {
    if (owner.kind == "SparkApplication" && owner.api_version.starts_with("sparkoperator.k8s.io/")) {
      view.owner_uid = owner.uid;
      view.owner_name = owner.name;
    } else if (owner.controller.value_or(false)) {
      view.other_owner = owner.kind + " " + owner.name;
    }
  }
  const JsonView status = pod["status"];
  view.phase = pod_phase(status["phase"].string_or());
  view.message = shortened(std::string(status["message"].string_or()), kMessageLimit);
  view.trouble = trouble_of(status);
  const JsonView containers = status["containerStatuses"];
  if (view.is_driver()) {
    view.spark_container = end_of(containers, api::container::kDriver);
    if (view.spark_container)
      view.spark_container->message = termination_message(containers, api::container::kDriver);
  } else {
    view.spark_container = end_of(containers, api::container::kExecutor);
    if (!view.spark_container) view.spark_container = end_of(containers, api::container::kLegacyExecutor);
  }
  return view;
}

Result<PodView> project_pod(const kube::Json& pod) {
  kube::JsonReader reader;
  const std::string text = pod.dump();
  auto view = reader.read(text);
  if (!view) return kube::fail(std::move(view));
  return project_pod(*view);
}

api::PodState driver_state(const PodView& pod) {
  const bool exited_well = pod.spark_container && pod.spark_container->exit_code == 0;
  switch (pod.phase) {
    case PodPhase::Pending:
      return api::PodState::Pending;
    case PodPhase::Running:
      if (!pod.spark_container) return api::PodState::Running;
      return exited_well ? api::PodState::Completed : api::PodState::Failed;
    case PodPhase::Succeeded:
      return api::PodState::Completed;
    case PodPhase::Failed:
      return exited_well ? api::PodState::Completed : api::PodState::Failed;
    case PodPhase::Unknown:
      return api::PodState::Unknown;
  }
  return api::PodState::Unknown;
}

namespace {

// By its driver, at the end of the run or because dynamic allocation has no use for it. Somebody else's
// deletion looks the same; what the cluster takes away says so.
bool was_deleted(const PodView& pod) {
  constexpr std::int64_t kSigterm = 143;
  return pod.terminating && !pod.trouble.reason && pod.spark_container &&
         pod.spark_container->exit_code == kSigterm;
}

}  // namespace

api::PodState executor_state(const PodView& pod) {
  switch (pod.phase) {
    case PodPhase::Pending:
      return api::PodState::Pending;
    case PodPhase::Running:
      return api::PodState::Running;
    case PodPhase::Succeeded:
      return api::PodState::Completed;
    case PodPhase::Failed:
      return was_deleted(pod) ? api::PodState::Completed : api::PodState::Failed;
    case PodPhase::Unknown:
      return api::PodState::Unknown;
  }
  return api::PodState::Unknown;
}

}  // namespace controller

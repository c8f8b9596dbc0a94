#include "controller/schedule/run_view.h"

#include "api/scheduled_spark_application.h"
#include "kube/core/projection.h"

namespace controller {

kube::Result<RunView> project_run(kube::JsonView object) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{}};
  auto meta = kube::project_meta(object, wants);
  if (!meta) return kube::fail(std::move(meta));
  RunView run{.key = meta->key,
              .uid = meta->uid,
              .resource_version = meta->resource_version,
              .created = meta->creation_timestamp};
  run.terminating = meta->deletion_timestamp.has_value();
  // Not necessarily its controller: the Go operator leaves that flag out.
  for (const kube::OwnerReference& owner : meta->owner_references) {
    if (owner.kind == api::ScheduledSparkApplication::kKind) run.schedule_uid = owner.uid;
  }
  const std::string_view state = object["status"]["applicationState"]["state"].string_or();
  for (const auto& known : api::kStates) {
    if (known.name == state) run.state = known.value;
  }
  return run;
}

}  // namespace controller

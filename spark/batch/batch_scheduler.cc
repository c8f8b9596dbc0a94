#include "spark/batch/batch_scheduler.h"

#include <algorithm>

#include "api/constants.h"
#include "api/names.h"
#include "spark/batch/pod_request.h"
#include "spark/batch/task_groups.h"
#include "spark/children/child_object.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using Kind = ChosenScheduler::Kind;

namespace {

constexpr const char* kVolcano = "volcano";
constexpr const char* kYuniKorn = "yunikorn";

// An annotation of the role's pods that the user has written, in either place where that can be done.
std::optional<std::string> written(const api::SparkApplicationSpec& spec, const api::SparkPodSpec& pod,
                                   const std::string& role, const std::string& annotation) {
  if (const auto found = pod.annotations.find(annotation); found != pod.annotations.end())
    return found->second;
  const auto found = spec.spark_conf.find("spark.kubernetes." + role + ".annotation." + annotation);
  if (found != spec.spark_conf.end()) return found->second;
  return std::nullopt;
}

bool has_volcano_group(const api::SparkApplicationSpec& spec) {
  return written(spec, spec.driver, "driver", api::annotation::kVolcanoGroupName).has_value();
}

void mark_for_volcano(api::SparkApplication& app) {
  if (has_volcano_group(app.spec)) return;
  const std::string name = api::volcano_pod_group_name(app.metadata.name);
  app.spec.driver.annotations[api::annotation::kVolcanoGroupName] = name;
  app.spec.executor.annotations[api::annotation::kVolcanoGroupName] = name;
}

Result<> mark_for_yunikorn(api::SparkApplication& app) {
  api::SparkApplicationSpec& spec = app.spec;
  const bool driver_has_labels = !spec.driver.labels.empty();
  const bool executor_has_labels = !spec.executor.labels.empty();
  std::optional<std::string> queue;
  if (spec.batch_scheduler_options) queue = spec.batch_scheduler_options->queue;
  // Upstream's groups name the queue among the labels of roles that have labels of their own.
  if (queue && driver_has_labels) spec.driver.labels[api::label::kYuniKornQueue] = *queue;
  if (queue && executor_has_labels) spec.executor.labels[api::label::kYuniKornQueue] = *queue;

  const std::string groups = api::annotation::kYuniKornTaskGroups;
  const std::string group_name = api::annotation::kYuniKornTaskGroupName;
  if (!written(spec, spec.driver, "driver", groups)) {
    const TaskGroupNames names{
        written(spec, spec.driver, "driver", group_name).value_or("spark-driver"),
        written(spec, spec.executor, "executor", group_name).value_or("spark-executor")};
    auto text = task_groups(app, names);
    if (!text) return fail(std::move(text));
    spec.driver.annotations[group_name] = names.driver;
    spec.executor.annotations[group_name] = names.executor;
    spec.driver.annotations[groups] = *std::move(text);
  }
  if (queue) {
    spec.driver.labels[api::label::kYuniKornQueue] = *queue;
    spec.executor.labels[api::label::kYuniKornQueue] = *queue;
  }
  return {};
}

Result<Json> least_resources(const api::SparkApplication& app) {
  auto total = total_request(app.spec);
  if (!total) return fail(std::move(total).error().while_doing("failed to calculate minResources"));
  return Json{{"cpu", total->cpu.to_string()}, {"memory", total->memory.to_string()}};
}

Result<Json> volcano_group(const api::SparkApplication& app) {
  Json group = child_object(app, "scheduling.volcano.sh/v1beta1", "PodGroup",
                            api::volcano_pod_group_name(app.metadata.name), child_labels(app));
  Json& spec = group["spec"];
  // One pod is enough to begin with: the driver, who asks for the others.
  spec["minMember"] = 1;
  const auto& options = app.spec.batch_scheduler_options;
  if (options && !options->resources.empty()) {
    spec["minResources"] = options->resources;
  } else {
    auto resources = least_resources(app);
    if (!resources) return resources;
    spec["minResources"] = *std::move(resources);
  }
  if (options && options->queue) spec["queue"] = *options->queue;
  if (options && options->priority_class_name) spec["priorityClassName"] = *options->priority_class_name;
  group["status"]["phase"] = "Pending";
  return group;
}

Result<Json> kube_scheduler_group(const api::SparkApplication& app) {
  auto resources = least_resources(app);
  if (!resources) return resources;
  Json group = child_object(app, "scheduling.x-k8s.io/v1alpha1", "PodGroup",
                            api::kube_scheduler_pod_group_name(app.metadata.name), child_labels(app));
  group["spec"] = {{"minMember", 1}, {"minResources", *std::move(resources)}};
  return group;
}

}  // namespace

bool BatchSchedulers::knows(const std::string& name) const {
  return name == kVolcano || name == kYuniKorn ||
         std::ranges::find(kube_schedulers, name) != kube_schedulers.end();
}

Result<ChosenScheduler> choose_batch_scheduler(const api::SparkApplicationSpec& spec,
                                               const BatchSchedulers& schedulers) {
  if (!schedulers.enabled) return ChosenScheduler{};
  std::string name = spec.batch_scheduler.value_or("");
  if (name.empty()) name = schedulers.by_default;
  if (name.empty()) return ChosenScheduler{};
  if (std::ranges::find(schedulers.kube_schedulers, name) != schedulers.kube_schedulers.end())
    return ChosenScheduler{Kind::KubeScheduler, name};
  if (name == kVolcano) return ChosenScheduler{Kind::Volcano, name};
  if (name == kYuniKorn) return ChosenScheduler{Kind::YuniKorn, name};
  return fail(ErrorKind::InvalidInput,
              "failed during batch scheduler setup or check: spec.batchScheduler: expected volcano, yunikorn "
              "or one of "
              "the operator's --kube-scheduler-names, got \"" +
                  name + "\"");
}

Result<> mark_for_batch_scheduler(api::SparkApplication& app, const BatchSchedulers& schedulers) {
  auto chosen = choose_batch_scheduler(app.spec, schedulers);
  if (!chosen) return fail(std::move(chosen));
  if (chosen->kind == Kind::None) return {};
  app.spec.batch_scheduler = chosen->name;
  if (chosen->kind == Kind::Volcano) mark_for_volcano(app);
  if (chosen->kind == Kind::KubeScheduler)
    app.metadata.labels[api::label::kPodGroup] = api::kube_scheduler_pod_group_name(app.metadata.name);
  if (chosen->kind == Kind::YuniKorn) {
    if (auto marked = mark_for_yunikorn(app); !marked)
      return fail(std::move(marked).error().while_doing("failed to process batch scheduler"));
  }
  return {};
}

Result<std::optional<Json>> pod_group(const api::SparkApplication& app, const BatchSchedulers& schedulers) {
  auto chosen = choose_batch_scheduler(app.spec, schedulers);
  if (!chosen) return fail(std::move(chosen));
  const auto made = [](Result<Json> group) -> Result<std::optional<Json>> {
    if (!group) return fail(std::move(group).error().while_doing("failed to process batch scheduler"));
    return std::optional<Json>(*std::move(group));
  };
  if (chosen->kind == Kind::KubeScheduler) return made(kube_scheduler_group(app));
  if (chosen->kind == Kind::Volcano && !has_volcano_group(app.spec)) return made(volcano_group(app));
  return std::optional<Json>();
}

}  // namespace spark

#include "spark/batch/task_groups.h"

#include "spark/batch/pod_request.h"

namespace spark {

using kube::fail;
using kube::Result;
// Keys in the order in which YuniKorn's documentation writes them.
using OrderedJson = nlohmann::ordered_json;

namespace {

OrderedJson ordered(const kube::Json& json) {
  return OrderedJson::parse(kube::dump_json(json));
}

OrderedJson group_of(const std::string& name, std::int64_t members, const PodRequest& request,
                     const api::SparkApplicationSpec& spec, const api::SparkPodSpec& pod) {
  OrderedJson group{{"name", name}, {"minMember", members}};
  group["minResource"]["cpu"] = request.cpu;
  group["minResource"]["memory"] = to_quantity(request.memory);
  api::StringMap selector = spec.node_selector.value_or(api::StringMap());
  for (const auto& [key, value] : pod.node_selector.value_or(api::StringMap())) selector[key] = value;
  if (!selector.empty()) group["nodeSelector"] = selector;
  if (!pod.tolerations.empty()) group["tolerations"] = ordered(kube::Json(pod.tolerations));
  if (!pod.affinity.is_null() && !pod.affinity.empty()) group["affinity"] = ordered(pod.affinity);
  if (!pod.labels.empty()) group["labels"] = pod.labels;
  return group;
}

}  // namespace

Result<std::string> task_groups(const api::SparkApplication& app, const TaskGroupNames& names) {
  OrderedJson groups = OrderedJson::array();
  auto driver = driver_request(app.spec);
  if (!driver) return fail(std::move(driver).error().while_doing("failed to calculate driver minResources"));
  groups.push_back(group_of(names.driver, 1, *driver, app.spec, app.spec.driver));
  auto count = initial_executors(app.spec);
  if (!count) return fail(std::move(count));
  if (*count > 0) {
    auto executor = executor_request(app.spec);
    if (!executor)
      return fail(std::move(executor).error().while_doing("failed to calculate executor minResources"));
    groups.push_back(group_of(names.executor, *count, *executor, app.spec, app.spec.executor));
  }
  return groups.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace spark

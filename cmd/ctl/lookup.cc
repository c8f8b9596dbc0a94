#include "cmd/ctl/lookup.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "api/constants.h"
#include "api/names.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"
#include "kube/core/fields.h"

namespace ctl {

using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

std::int64_t executor_number(const Json& pod) {
  const std::string text = label_of(pod, api::label::kSparkExecutorId);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Task<Result<Json>> find(Cluster cluster, kube::Resource resource, std::string name) {
  auto object = co_await kube::JsonApi(*cluster.client, resource, cluster.ns).get(name);
  const std::string what = resource.kind + " " + cluster.ns + "/" + name;
  if (!object && object.error().is_not_found())
    co_return fail(kube::Error(kube::ErrorKind::NotFound, what + ": not found"));
  if (!object) co_return fail(std::move(object).error().while_doing(what));
  co_return object;
}

}  // namespace

std::string name_of(const Json& object) {
  return kube::string_at(object, {"metadata", "name"});
}
std::string namespace_of(const Json& object) {
  return kube::string_at(object, {"metadata", "namespace"});
}
std::string uid_of(const Json& object) {
  return kube::string_at(object, {"metadata", "uid"});
}
std::string label_of(const Json& object, const char* label) {
  return kube::string_at(object, {"metadata", "labels", label});
}
std::string state_of(const Json& application) {
  const std::string state = kube::string_at(application, {"status", "applicationState", "state"});
  return state.empty() ? "NEW" : state;
}
bool is_about_to_run(std::string_view state) {
  return state == "NEW" || state == "PENDING_RERUN" || state == "INVALIDATING" || state == "RESUMING";
}
std::string driver_pod_of(const Json& application) {
  const std::string known = kube::string_at(application, {"status", "driverInfo", "podName"});
  if (!known.empty()) return known;
  const auto app = kube::decode<api::SparkApplication>(application);
  return app ? api::driver_pod_name(*app) : api::default_driver_pod_name(name_of(application));
}

Task<Result<Json>> find_application(Cluster cluster, std::string name) {
  return find(cluster, controller::kSparkApplications, std::move(name));
}
Task<Result<Json>> find_schedule(Cluster cluster, std::string name) {
  return find(cluster, controller::kScheduledSparkApplications, std::move(name));
}

bool is_role(const Json& pod, std::string_view role) {
  return label_of(pod, api::label::kSparkRole) == role;
}

Task<Result<std::vector<Json>>> pods_of(Cluster cluster, Json application) {
  auto listed =
      co_await kube::JsonApi(*cluster.client, kube::kPods, namespace_of(application))
          .list(kube::ListOptions().labels(std::string(api::label::kAppName) + "=" + name_of(application)));
  if (!listed) co_return fail(std::move(listed).error().while_doing("list pods"));
  std::vector<Json> pods = std::move(listed->items);
  std::ranges::sort(pods, {}, [](const Json& pod) {
    return std::tuple(is_role(pod, api::label::kRoleDriver) ? 0 : 1, executor_number(pod), name_of(pod));
  });
  co_return pods;
}

std::string time_of_event(const Json& event) {
  for (auto path : {std::pair{"series", "lastObservedTime"}, std::pair{"lastTimestamp", ""},
                    std::pair{"eventTime", ""}, std::pair{"metadata", "creationTimestamp"}}) {
    const std::string time = *path.second == '\0' ? kube::string_at(event, {path.first})
                                                  : kube::string_at(event, {path.first, path.second});
    if (!time.empty()) return time;
  }
  return "";
}

void sort_events(std::vector<Json>& events) {
  std::ranges::sort(events, {},
                    [](const Json& event) { return std::pair(time_of_event(event), name_of(event)); });
}

Task<Result<std::vector<Json>>> events_about(Cluster cluster, std::string kind, std::string name,
                                             std::string uid) {
  std::string selector = "involvedObject.name=" + name + ",involvedObject.kind=" + kind;
  if (!uid.empty()) selector += ",involvedObject.uid=" + uid;
  auto listed = co_await kube::JsonApi(*cluster.client, kube::kEvents, cluster.ns)
                    .list(kube::ListOptions().fields(selector));
  if (!listed) co_return fail(std::move(listed).error().while_doing("list events"));
  sort_events(listed->items);
  co_return std::move(listed->items);
}

}  // namespace ctl

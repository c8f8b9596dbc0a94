#include "controller/submit/spark_driver.h"

#include <algorithm>

#include "kube/async/timer.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

// While somebody else may still be completing a driver.
constexpr kube::Duration kLookAgain = std::chrono::seconds(5);
// How long we wait for a driver to be gone that Spark has taken back: longer than a pod's usual grace.
constexpr kube::Duration kTakenBack = std::chrono::seconds(60);
constexpr const char* kConfVolume = "spark-conf-volume-driver";

// Of the config map that Spark makes last.
std::string config_map_of(const Json& pod) {
  const Json* volumes = kube::find_path(pod, {"spec", "volumes"});
  if (volumes == nullptr || !volumes->is_array()) return "";
  for (const Json& volume : *volumes) {
    if (kube::string_at(volume, {"name"}) == kConfVolume)
      return kube::string_at(volume, {"configMap", "name"});
  }
  return "";
}

}  // namespace

bool SparkDriver::is_ours(const PodView& pod) const {
  return pod.belongs_to(app_uid_) && pod.submission_id == submission_id_;
}

Task<Result<std::optional<SparkDriver::Found>>> SparkDriver::find() {
  auto pod = co_await kube::JsonApi(client_, kube::kPods, pod_.ns).get(pod_.name);
  if (!pod && pod.error().is_not_found()) co_return std::optional<Found>();
  // Not a refusal of the submission, whatever it says.
  if (!pod)
    co_return fail(std::move(pod).error().while_doing("get pod " + pod_.to_string()).with_ambiguous(true));
  auto view = project_pod(*pod);
  if (!view) co_return fail(std::move(view));
  co_return std::optional<Found>(Found{std::move(*pod), std::move(*view)});
}

kube::Error SparkDriver::stands_already() const {
  return {ErrorKind::AlreadyExists, "pod " + pod_.to_string() + " exists already"};
}

Task<Result<>> SparkDriver::is_vacant() {
  auto found = co_await find();
  if (!found) co_return fail(std::move(found));
  if (*found) co_return fail(stands_already());
  co_return Result<>{};
}

Task<Result<SparkDriver::Left>> SparkDriver::left_behind() {
  auto found = co_await find();
  if (!found) co_return fail(std::move(found));
  if (!*found) co_return Left{};
  if (!is_ours((*found)->view)) co_return fail(stands_already());
  if (!(*found)->view.terminating) co_return Left{.driver = std::move(*found), .taken_back = false};
  auto gone = co_await is_gone((*found)->view.uid);
  if (!gone) co_return fail(std::move(gone));
  if (!*gone) co_return fail(ErrorKind::Timeout, "pod " + pod_.to_string() + " does not end");
  co_return Left{.driver = std::nullopt, .taken_back = true};
}

Task<Result<bool>> SparkDriver::is_gone(std::string uid) {
  const kube::SteadyTime end = client_.loop().after(kTakenBack);
  while (client_.loop().steady() < end) {
    auto found = co_await find();
    if (!found) co_return fail(std::move(found));
    if (!*found || (*found)->view.uid != uid) co_return true;
    co_await kube::sleep(client_.loop(), std::chrono::seconds(1));
  }
  co_return false;
}

Task<Result<Completion>> SparkDriver::completion(PodView driver, kube::Duration makers_live) {
  auto found = co_await find();
  if (!found) co_return fail(std::move(found));
  if (!*found || (*found)->view.uid != driver.uid)
    co_return fail(ErrorKind::Conflict, "pod " + pod_.to_string() + " has just gone");
  const std::string name = config_map_of((*found)->object);
  auto map = co_await kube::JsonApi(client_, kube::kConfigMaps, driver.key.ns).get(name);
  if (map) co_return Completion{};  // its name is drawn at random for this very pod
  if (!map.error().is_not_found()) {
    co_return fail(std::move(map).error().while_doing("get ConfigMap " + name).with_ambiguous(true));
  }
  const kube::TimePoint created = driver.created.value_or(client_.loop().now());
  const kube::Duration left = created + makers_live - client_.loop().now();
  if (left <= kube::Duration::zero()) co_return Completion{Completion::State::Never, {}};
  co_return Completion{Completion::State::NotYet, std::min(left, kLookAgain)};
}

}  // namespace controller

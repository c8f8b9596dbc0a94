#include "controller/application/removal.h"

#include <algorithm>

#include "controller/application/application_view.h"
#include "kube/client/remove_if_same.h"

namespace controller {

using kube::fail;
using kube::Result;
using kube::Task;

namespace {

// Deletions of one look: a run may leave thousands, and the key must not be held for minutes.
constexpr std::size_t kExecutorsAtOnce = 100;

}  // namespace

Task<Result<Removed>> Removal::driver(DeleteDriver step, kube::Log log) {
  kube::DeleteOptions options = kube::DeleteOptions().uid(step.uid);
  options.precondition_resource_version = step.resource_version;
  auto removed = co_await kube::JsonApi(client_, kube::kPods, step.pod.ns).remove(step.pod.name, options);
  if (!removed && removed.error().is_conflict()) co_return Removed::Changed;
  if (!removed && !removed.error().is_not_found())
    co_return fail(std::move(removed).error().while_doing("delete pod " + step.pod.to_string()));
  log.info("driver deleted", {{"pod", step.pod.to_string()}, {"uid", step.uid}});
  co_return Removed::Done;
}

Task<Result<Removed>> Removal::executors(const api::SparkApplication& app, DeleteExecutors step,
                                         kube::Log log) {
  const kube::ObjectKey key = app.metadata.key();
  if (step.look_first) {
    auto live = co_await kube::JsonApi(client_, kSparkApplications, key.ns).get(key.name);
    if (!live && live.error().is_not_found()) co_return Removed::Changed;
    if (!live) co_return fail(std::move(live).error().while_doing("get SparkApplication " + key.to_string()));
    // An id that a stale view does not know may be the one that runs by now.
    const bool same = kube::string_at(*live, {"metadata", "uid"}) == app.metadata.uid &&
                      kube::string_at(*live, {"status", "submissionID"}) == app.status.submission_id;
    if (!same) co_return Removed::Changed;
  }
  const std::size_t count = std::min(step.pods.size(), kExecutorsAtOnce);
  for (std::size_t i = 0; i < count; ++i) {
    const PodView& pod = step.pods[i];
    auto removed =
        co_await kube::remove_if_same(client_, kube::kPods, pod.key, kube::DeleteOptions().uid(pod.uid));
    if (!removed) co_return fail(std::move(removed).error().while_doing("delete pod " + pod.key.to_string()));
  }
  log.info("executors of a run that is over deleted", {{"executors", count}});
  co_return Removed::Done;
}

Task<Result<Removed>> Removal::application(const api::SparkApplication& app, kube::Log log) {
  const auto exactly =
      kube::DeleteOptions().uid(app.metadata.uid).resource_version(app.metadata.resource_version);
  auto removed = co_await kube::JsonApi(client_, kSparkApplications, app.metadata.namespace_)
                     .remove(app.metadata.name, exactly);
  if (!removed && removed.error().is_conflict()) co_return Removed::Changed;
  if (!removed && !removed.error().is_not_found())
    co_return fail(std::move(removed).error().while_doing("delete expired SparkApplication"));
  log.info("time to live has ended, application deleted");
  co_return Removed::Done;
}

}  // namespace controller

#include <algorithm>

#include "api/constants.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/driver_log.h"
#include "cmd/ctl/lookup.h"
#include "kube/client/api.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

// Spark's container, since a pod may have sidecars.
std::string container_of(const Json& pod) {
  const Json* list = kube::find_path(pod, {"spec", "containers"});
  if (list == nullptr || !list->is_array() || list->size() < 2) return "";
  for (const Json& container : *list) {
    const std::string name = kube::string_at(container, {"name"});
    if (name == api::container::kDriver || name == api::container::kExecutor) return name;
  }
  return kube::string_at(list->front(), {"name"});
}

// A driver has one life, and the operator deletes it before the next attempt; what may be left of earlier
// attempts are executors, or a driver under another name.
Result<Json> choose(const std::vector<Json>& pods, const Json& app, const Invocation& asked) {
  const std::string current = kube::string_at(app, {"status", "submissionID"});
  const bool executor = asked.given("executor"), previous = asked.on("previous");
  const std::string wanted = asked.text("executor");
  std::string known;
  for (const Json& pod : pods) {
    const bool of_current = label_of(pod, api::label::kSubmissionId) == current;
    if (previous == of_current && !current.empty()) continue;
    if (is_role(pod, executor ? api::label::kRoleExecutor : api::label::kRoleDriver)) {
      const std::string number = label_of(pod, api::label::kSparkExecutorId);
      if (!executor || number == wanted) return pod;
      known += (known.empty() ? "" : ", ") + number;
    }
  }
  const std::string name = name_of(app);
  if (executor)
    return fail(ErrorKind::NotFound, "application " + name + " has no pod of executor " + wanted +
                                         (known.empty() ? std::string() : "; there are " + known));
  if (previous)
    return fail(ErrorKind::NotFound, "no driver of an earlier attempt of " + name +
                                         " is left: the operator deletes it before it starts the next one");
  return fail(ErrorKind::NotFound, "application " + name + " has no driver pod");
}

}  // namespace

Task<int> log(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const std::string name = asked.argument(0);
  LogRequest request{.pod = "", .follow = asked.on("follow")};
  if (asked.given("tail")) request.query.emplace_back("tailLines", asked.text("tail"));
  auto app = co_await find_application(*cluster, name);
  if (!app) co_return session.failed(app.error());
  if (!asked.given("executor") && !asked.on("previous")) {
    auto driver = co_await wait_for_driver(session, *cluster, name);
    if (!driver) co_return session.failed(driver.error());
    request.pod = *std::move(driver);
    auto pod = co_await kube::JsonApi(*cluster->client, kube::kPods, cluster->ns).get(request.pod);
    if (pod && !container_of(*pod).empty()) request.query.emplace_back("container", container_of(*pod));
  } else {
    auto pods = co_await pods_of(*cluster, *app);
    if (!pods) co_return session.failed(pods.error());
    auto pod = choose(*pods, *app, asked);
    if (!pod) co_return session.failed(pod.error());
    request.pod = name_of(*pod);
    if (const std::string container = container_of(*pod); !container.empty())
      request.query.emplace_back("container", container);
  }
  co_return co_await print_log(session, *cluster, std::move(request));
}

}  // namespace ctl

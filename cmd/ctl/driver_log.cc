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

// As long as upstream's sparkctl waits, each for the pod and for its log.
constexpr kube::Duration kPatience = std::chrono::seconds(30);

bool is_over(const std::string& state) {
  return state == "COMPLETED" || state == "FAILED";
}

// A container that has not started yet answers 400; it is worth asking again.
kube::Error worth_waiting(kube::Error error) {
  const bool starting = error.kind() == ErrorKind::BadRequest &&
                        (error.message().find("waiting to start") != std::string::npos ||
                         error.message().find("ContainerCreating") != std::string::npos ||
                         error.message().find("PodInitializing") != std::string::npos ||
                         error.message().find("does not have a host assigned") != std::string::npos);
  return starting ? kube::Error(ErrorKind::Unavailable, error.message()) : error;
}

}  // namespace

Task<Result<std::string>> wait_for_driver(Session& session, Cluster cluster, std::string application,
                                          kube::Duration patience) {
  bool told = false;
  const auto look = [&]() -> Task<Result<std::string>> {
    auto app = co_await find_application(cluster, application);
    if (!app) co_return fail(std::move(app));
    const std::string state = state_of(*app), pod = driver_pod_of(*app);
    auto there = co_await kube::JsonApi(*cluster.client, kube::kPods, cluster.ns).get(pod);
    if (there) co_return pod;
    if (!there.error().is_not_found()) co_return fail(std::move(there));
    std::string why = "application " + application + " is " + state + " and has no driver pod";
    const Json* suspended = kube::find_path(*app, {"spec", "suspend"});
    if (is_over(state) || (suspended != nullptr && *suspended == true))
      co_return fail(ErrorKind::NotFound, why + "; sparkctl why " + application + " may tell more");
    if (!std::exchange(told, true))
      session.note("waiting for the driver of " + application + " (" + state + ")");
    co_return fail(ErrorKind::Unavailable, why + "; sparkctl why " + application + " may tell more");
  };
  co_return co_await kube::retry(session.loop(), kLookAgain, session.loop().after(patience), look);
}

Task<int> print_log(Session& session, Cluster cluster, LogRequest request) {
  kube::JsonApi pods(*cluster.client, kube::kPods, cluster.ns);
  if (!request.follow) {
    auto text = co_await pods.log(request.pod, request.query);
    if (!text) co_return session.failed(std::move(text).error().while_doing("log of pod " + request.pod));
    session.print(*text);
    co_return exit_code::kDone;
  }
  request.query.emplace_back("follow", "true");
  const auto open = [&]() -> Task<Result<std::unique_ptr<kube::HttpBody>>> {
    auto body = co_await pods.follow_log(request.pod, request.query);
    if (!body) co_return fail(worth_waiting(std::move(body).error()));
    co_return body;
  };
  auto body = co_await kube::retry(session.loop(), kLookAgain, session.loop().after(kPatience), open);
  if (!body) co_return session.failed(std::move(body).error().while_doing("log of pod " + request.pod));
  while (true) {
    auto bytes = co_await (*body)->read_some();
    if (!bytes) co_return session.failed(std::move(bytes).error().while_doing("log of pod " + request.pod));
    if (!*bytes) co_return exit_code::kDone;
    session.print(**bytes);
  }
}

Task<int> follow_driver(Session& session, Cluster cluster, std::string application) {
  auto pod = co_await wait_for_driver(session, cluster, std::move(application));
  if (!pod) co_return session.failed(pod.error());
  co_return co_await print_log(session, cluster, {.pod = *std::move(pod), .follow = true});
}

}  // namespace ctl

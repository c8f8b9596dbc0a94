#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/driver_log.h"
#include "cmd/ctl/lookup.h"
#include "kube/async/task_group.h"
#include "kube/client/api.h"
#include "kube/client/port_forward.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr kube::Backoff kEverySecond{
    .initial = std::chrono::seconds(1), .factor = 1, .max = std::chrono::seconds(1)};

std::string phase_of(const Json& pod) {
  return kube::string_at(pod, {"status", "phase"});
}
bool has_ended(const Json& pod) {
  return phase_of(pod) == "Succeeded" || phase_of(pod) == "Failed";
}

// The driver's pod, once it runs. Error NotFound: there is none, or it has ended.
Task<Result<Json>> wait_until_it_runs(Session& session, Cluster cluster, std::string application,
                                      kube::Duration patience) {
  const kube::SteadyTime deadline = session.loop().after(patience);
  auto name = co_await wait_for_driver(session, cluster, application, patience);
  if (!name) co_return fail(std::move(name));
  bool told = false;
  const auto look = [&]() -> Task<Result<Json>> {
    auto pod = co_await kube::JsonApi(*cluster.client, kube::kPods, cluster.ns).get(*name);
    if (!pod && !pod.error().is_not_found()) co_return pod;
    const bool ended = pod && has_ended(*pod);
    const bool deleted = !pod || kube::find_path(*pod, {"metadata", "deletionTimestamp"}) != nullptr;
    if (!ended && !deleted && phase_of(*pod) == "Running") co_return pod;
    const std::string why = "driver pod " + *name +
                            (ended     ? " has ended (" + phase_of(*pod) + ")"
                             : deleted ? " is gone"
                                       : " is " + phase_of(*pod));
    if (ended || deleted) {
      auto app = co_await find_application(cluster, application);
      if (!app) co_return fail(std::move(app));
      // What is left of the last run goes first.
      const std::string state = state_of(*app);
      if (!is_about_to_run(state) && state != "FAILING")
        co_return fail(ErrorKind::NotFound, why + ": its web interface ended with it");
    }
    if (!std::exchange(told, true)) session.note("waiting for it to run: " + why);
    co_return fail(ErrorKind::Unavailable, why + "; sparkctl why " + application + " may tell more");
  };
  co_return co_await kube::retry(session.loop(), kLookAgain, deadline, look);
}

// How this pod came to its end. An API server that does not answer is no end.
Task<Result<std::string>> wait_until_it_ends(kube::Loop& loop, Cluster cluster, std::string name,
                                             std::string uid) {
  const auto look = [&]() -> Task<Result<std::string>> {
    auto pod = co_await kube::JsonApi(*cluster.client, kube::kPods, cluster.ns).get(name);
    if (!pod && pod.error().is_not_found()) co_return "is gone";
    if (!pod) co_return fail(std::move(pod));
    if (uid_of(*pod) != uid) co_return "is gone; another run has begun";
    if (has_ended(*pod)) co_return "has ended (" + phase_of(*pod) + ")";
    co_return fail(ErrorKind::Unavailable, "it runs");
  };
  co_return co_await kube::retry(loop, kEverySecond, kube::kNever, look);
}

}  // namespace

Task<int> forward(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const std::int64_t wanted = asked.number("local-port"), remote = asked.number("remote-port");
  if (wanted > 65535) co_return session.wrong("--local-port: expected a port up to 65535");
  if (remote < 1 || remote > 65535) co_return session.wrong("--remote-port: expected a port from 1 to 65535");
  const std::string name = asked.argument(0);
  auto pod = co_await wait_until_it_runs(session, *cluster, name, asked.duration("timeout"));
  if (!pod) co_return session.failed(pod.error());

  const kube::ObjectKey key{cluster->ns, name_of(*pod)};
  std::string told;
  kube::PortForwarder forwarder(*cluster->client, session.network(),
                                {.listen = {"127.0.0.1", static_cast<std::uint16_t>(wanted)},
                                 .pod = key,
                                 .port = static_cast<std::uint16_t>(remote),
                                 // A browser asks again and again.
                                 .on_error = [&session, &told](const kube::Error& error) {
                                   if (error.message() != std::exchange(told, error.message()))
                                     session.failed(error);
                                 }});
  if (Result<> bound = forwarder.listen(); !bound)
    co_return session.failed(std::move(bound).error().while_doing("--local-port (0 is any free one)"));
  {
    // Whoever may not do it shall hear so now, not from an empty page.
    auto first = co_await kube::connect_to_pod(*cluster->client, key, static_cast<std::uint16_t>(remote));
    if (!first) {
      const bool forbidden = first.error().kind() == ErrorKind::Forbidden;
      const int code = session.failed(std::move(first).error().while_doing("forward to pod " + key.name));
      // An API server that misses `create` does not say what it misses.
      if (forbidden)
        session.note("it takes the rights to get and, from Kubernetes 1.35 on, to create pods/portforward");
      co_return code;
    }
  }
  const std::string local = std::to_string(forwarder.local().port);
  session.say("forwarding from " + local + " -> " + std::to_string(remote));
  session.say("http://127.0.0.1:" + local);

  kube::TaskGroup serving(session.loop());
  serving.spawn("forwarder", forwarder.run());
  std::exception_ptr thrown;
  Result<std::string> ended;
  try {
    ended = co_await wait_until_it_ends(session.loop(), *cluster, key.name, uid_of(*pod));
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await kube::shield();
  co_await serving.cancel_and_join();
  if (thrown) std::rethrow_exception(thrown);
  if (!ended) co_return session.failed(ended.error());
  session.note("driver pod " + key.name + " " + *ended);
  co_return exit_code::kDone;
}

}  // namespace ctl

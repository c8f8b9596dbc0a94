#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "kube/async/retry.h"
#include "kube/client/api.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr kube::Duration kPatience = std::chrono::seconds(10);

// What an edit of the spec does, without an edit: in INVALIDATING the operator deletes the driver, sets its
// counters back and submits again. One patch that says which version it was decided on, so that nothing can
// be lost between two requests, and two operators (this one and upstream's) do the same with it.
Task<Result<>> start_over(Cluster cluster, std::string name, bool force) {
  auto app = co_await find_application(cluster, name);
  if (!app) co_return fail(std::move(app));
  const std::string state = state_of(*app);
  const std::string what = "SparkApplication \"" + name + "\"";
  if (const Json* suspended = kube::find_path(*app, {"spec", "suspend"});
      (suspended != nullptr && *suspended == true) || state == "SUSPENDED" || state == "SUSPENDING")
    co_return fail(ErrorKind::InvalidInput, what + " is suspended; sparkctl resume " + name + " lets it run");
  if (is_about_to_run(state))
    co_return fail(ErrorKind::InvalidInput, what + " is " + state + " and about to run anyway");
  const bool ended = state == "COMPLETED" || state == "FAILED" || state == "SUBMISSION_FAILED";
  if (!ended && !force)
    co_return fail(ErrorKind::InvalidInput, what + " is " + state + "; --force ends that run");
  kube::JsonApi apps(*cluster.client, controller::kSparkApplications, cluster.ns);
  auto patched = co_await apps.patch(
      name,
      kube::Patch::merge(
          {{"status", {{"applicationState", {{"state", "INVALIDATING"}, {"errorMessage", nullptr}}}}}})
          .resource_version(kube::string_at(*app, {"metadata", "resourceVersion"})),
      "status");
  if (!patched) co_return fail(std::move(patched).error().while_doing("start " + what + " again"));
  co_return Result<>{};
}

}  // namespace

Task<int> rerun(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  int code = exit_code::kDone;
  for (const std::string& name : asked.arguments) {
    // The operator may write status at the same moment: looked at and decided on anew.
    auto done = co_await kube::retry(session.loop(), kube::Backoff{}, session.loop().after(kPatience),
                                     [&] { return start_over(*cluster, name, asked.on("force")); });
    if (!done) {
      code = session.failed(done.error());
    } else {
      session.say("SparkApplication \"" + name + "\" runs again");
    }
  }
  co_return code;
}

}  // namespace ctl

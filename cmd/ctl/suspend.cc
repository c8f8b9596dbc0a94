#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

enum class Wish { Suspend, Resume };

Task<int> set_suspend(Session& session, const Invocation& asked, Wish wish) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const bool schedule = asked.on("schedule"), suspend = wish == Wish::Suspend;
  const kube::Resource& resource =
      schedule ? controller::kScheduledSparkApplications : controller::kSparkApplications;
  int code = exit_code::kDone;
  for (const std::string& name : asked.arguments) {
    auto object =
        schedule ? co_await find_schedule(*cluster, name) : co_await find_application(*cluster, name);
    if (!object) {
      code = session.failed(object.error());
      continue;
    }
    const std::string what = resource.kind + " \"" + name + "\"";
    const Json* now = kube::find_path(*object, {"spec", "suspend"});
    const bool suspended = now != nullptr && *now == true;
    const std::string state = state_of(*object);
    if (suspended == suspend) {
      session.say(what + (suspend ? " is suspended already" : " is not suspended"));
      continue;
    }
    if (!schedule && suspend && (state == "COMPLETED" || state == "FAILED")) {
      code = session.failed(what + " is " + state + ": there is nothing to suspend");
      continue;
    }
    auto patched = co_await kube::JsonApi(*cluster->client, resource, cluster->ns)
                       .patch(name, kube::Patch::merge({{"spec", {{"suspend", suspend}}}}));
    if (!patched) {
      code = session.failed(std::move(patched).error().while_doing(what));
      continue;
    }
    session.say(what + (suspend ? " suspended" : " resumed"));
  }
  co_return code;
}

}  // namespace

Task<int> suspend(Session& session, const Invocation& asked) {
  return set_suspend(session, asked, Wish::Suspend);
}
Task<int> resume(Session& session, const Invocation& asked) {
  return set_suspend(session, asked, Wish::Resume);
}

}  // namespace ctl

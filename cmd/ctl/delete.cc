#include <algorithm>

#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/removal.h"
#include "cmd/ctl/session.h"

namespace ctl {

using kube::Task;

Task<int> delete_applications(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  int code = exit_code::kDone;
  for (const std::string& name : asked.arguments) {
    const bool schedule = asked.on("schedule");
    auto object =
        schedule ? co_await find_schedule(*cluster, name) : co_await find_application(*cluster, name);
    if (!object && object.error().is_not_found() && asked.on("ignore-not-found")) continue;
    kube::Result<> removed;
    if (object) {
      removed = co_await remove_object(*cluster, *object,
                                       asked.on("wait") ? asked.duration("timeout") : kube::Duration{});
    } else {
      removed = kube::fail(object.error());
    }
    if (!removed) {
      code = session.failed(removed.error());
      continue;
    }
    session.say((schedule ? "ScheduledSparkApplication \"" : "SparkApplication \"") + name + "\" deleted");
  }
  co_return code;
}

}  // namespace ctl

#include <algorithm>

#include "api/scheduled_spark_application.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/driver_log.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

// Names of the schedule's own runs end in a number alone; this one is never taken for one of them.
std::string manual_name(const std::string& schedule, kube::TimePoint now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return api::truncated_name(schedule, "manual-" + std::to_string(seconds));
}

bool is_policy(const Json& schedule, std::string_view policy) {
  return kube::string_at(schedule, {"spec", "concurrencyPolicy"}) == policy;
}

}  // namespace

Task<int> run_now(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const std::string schedule_name = asked.argument(0);
  auto schedule = co_await find_schedule(*cluster, schedule_name);
  if (!schedule) co_return session.failed(schedule.error());
  kube::JsonApi apps(*cluster->client, controller::kSparkApplications, cluster->ns);
  if (!is_policy(*schedule, "") && !is_policy(*schedule, api::concurrency_policy::kAllow) &&
      !asked.on("force")) {
    auto runs = co_await apps.list();
    if (!runs) co_return session.failed(runs.error());
    for (const Json& run : runs->items) {
      const Json owners = run["metadata"].value("ownerReferences", Json::array());
      const bool ours = std::ranges::any_of(
          owners, [&](const Json& owner) { return kube::string_at(owner, {"uid"}) == uid_of(*schedule); });
      const std::string state = state_of(run);
      if (ours && state != "COMPLETED" && state != "FAILED")
        co_return session.failed(
            "run " + name_of(run) + " is " + state + ", and the schedule's concurrencyPolicy is " +
            kube::string_at(*schedule, {"spec", "concurrencyPolicy"}) + "; --force runs it beside");
    }
  }
  const kube::TimePoint now = session.loop().now();
  const std::string name = asked.given("name") ? asked.text("name") : manual_name(schedule_name, now);
  auto created = co_await apps.create(controller::make_run(*schedule, {.name = name, .due = now}));
  if (!created) co_return session.failed(std::move(created).error().while_doing("create run " + name));
  session.say("SparkApplication \"" + name + "\" created");
  if (asked.on("logs")) co_return co_await follow_driver(session, *cluster, name);
  co_return exit_code::kDone;
}

}  // namespace ctl

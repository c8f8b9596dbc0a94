#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

Table applications(const std::vector<Json>& items, bool all, bool wide, kube::TimePoint now) {
  std::vector<std::string> header;
  if (all) header.emplace_back("NAMESPACE");
  for (const char* name : {"NAME", "STATE", "SUBMISSION AGE", "TERMINATION AGE"}) header.emplace_back(name);
  if (wide)
    for (const char* name : {"DRIVER", "EXECUTORS", "ATTEMPTS", "MESSAGE"}) header.emplace_back(name);
  Table table(std::move(header));
  for (const Json& item : items) {
    std::vector<Cell> row;
    if (all) row.push_back({namespace_of(item)});
    const std::string state = state_of(item);
    row.push_back({name_of(item)});
    row.push_back({state, colour_of_state(state)});
    row.push_back({age_of(kube::string_at(item, {"status", "lastSubmissionAttemptTime"}), now)});
    row.push_back({age_of(kube::string_at(item, {"status", "terminationTime"}), now)});
    if (wide) {
      const Json* executors = kube::find_path(item, {"status", "executorState"});
      const Json* attempts = kube::find_path(item, {"status", "executionAttempts"});
      row.push_back({kube::string_at(item, {"status", "driverInfo", "podName"})});
      row.push_back({std::to_string(executors == nullptr ? 0 : executors->size())});
      row.push_back({attempts == nullptr ? "0" : attempts->dump()});
      row.push_back({kube::string_at(item, {"status", "applicationState", "errorMessage"})});
    }
    table.add(std::move(row));
  }
  return table;
}

Table schedules(const std::vector<Json>& items, bool all, kube::TimePoint now) {
  std::vector<std::string> header;
  if (all) header.emplace_back("NAMESPACE");
  for (const char* name : {"NAME", "SCHEDULE", "STATE", "LAST RUN", "NEXT RUN", "LAST RUN NAME"})
    header.emplace_back(name);
  Table table(std::move(header));
  for (const Json& item : items) {
    std::vector<Cell> row;
    if (all) row.push_back({namespace_of(item)});
    const Json* suspended = kube::find_path(item, {"spec", "suspend"});
    std::string state = kube::string_at(item, {"status", "scheduleState"});
    if (suspended != nullptr && *suspended == true) state = "Suspended";
    row.push_back({name_of(item)});
    row.push_back({kube::string_at(item, {"spec", "schedule"})});
    row.push_back({state, colour_of_state(state)});
    row.push_back({age_of(kube::string_at(item, {"status", "lastRun"}), now)});
    row.push_back({kube::string_at(item, {"status", "nextRun"})});
    row.push_back({kube::string_at(item, {"status", "lastRunName"})});
    table.add(std::move(row));
  }
  return table;
}

}  // namespace

Task<int> list(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const bool of_schedules = asked.on("schedules");
  const std::string format = asked.text("output");
  auto found = co_await kube::JsonApi(
                   *cluster->client,
                   of_schedules ? controller::kScheduledSparkApplications : controller::kSparkApplications,
                   cluster->ns)
                   .list(kube::ListOptions().labels(asked.text("selector")));
  if (!found) co_return session.failed(found.error());
  std::vector<Json>& items = found->items;
  if (const std::string state = asked.text("state"); !state.empty())
    std::erase_if(items, [&](const Json& item) { return state_of(item) != state; });
  if (format == "json" || format == "yaml") {
    for (Json& item : items) item = without_managed_fields(std::move(item));
    session.print(as_text(list_of(std::move(items)), format));
    co_return exit_code::kDone;
  }
  if (format == "name") {
    for (const Json& item : items) session.say(name_of(item));
    co_return exit_code::kDone;
  }
  const bool all = cluster->ns.empty();
  if (items.empty()) {
    session.note(all ? "No applications found." : "No applications found in namespace " + cluster->ns + ".");
    co_return exit_code::kDone;
  }
  const kube::TimePoint now = session.loop().now();
  const Table table =
      of_schedules ? schedules(items, all, now) : applications(items, all, format == "wide", now);
  session.print(table.text(session.surroundings().colours));
  co_return exit_code::kDone;
}

}  // namespace ctl

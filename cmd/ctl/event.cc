#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/driver_log.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"
#include "kube/client/api.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

std::vector<Cell> row_of(const Json& event, kube::TimePoint now) {
  const std::string type = kube::string_at(event, {"type"});
  return {{type, type == "Warning" ? Colour::Waiting : Colour::None},
          {age_of(time_of_event(event), now)},
          {kube::string_at(event, {"reason"})},
          {kube::string_at(event, {"message"})}};
}

void say_event(Session& session, const Json& event) {
  std::string line;
  for (const Cell& cell : row_of(event, session.loop().now()))
    line += (line.empty() ? "" : "   ") + coloured(cell.text, cell.colour, session.surroundings().colours);
  session.say(line);
}

std::string version_of(const Json& object) {
  return kube::string_at(object, {"metadata", "resourceVersion"});
}

// Versions of one kind are numbers that rise.
bool is_newer(const std::string& version, const std::string& than) {
  return version.size() != than.size() ? version.size() > than.size() : version > than;
}

// Every new event as a line of its own, until Ctrl-C. Watches end by themselves now and then; they go on
// where they were. Once the server has forgotten where that was, a list says what has come since.
Task<int> follow(Session& session, Cluster cluster, std::string selector, std::string version) {
  kube::JsonApi events(*cluster.client, kube::kEvents, cluster.ns);
  bool forgotten = false;
  for (int in_vain = 0;;) {
    if (in_vain > 0) co_await kube::sleep(session.loop(), kLookAgain.delay(in_vain, session.loop().random()));
    ++in_vain;
    if (forgotten) {
      auto listed = co_await events.list(kube::ListOptions().fields(selector));
      if (!listed) co_return session.failed(std::move(listed).error().while_doing("list events"));
      sort_events(listed->items);
      for (const Json& item : listed->items)
        if (is_newer(version_of(item), version)) say_event(session, item);
      version = std::move(listed->resource_version);
      forgotten = false;
    }
    auto watch = co_await events.watch(kube::WatchOptions().fields(selector).from(version));
    if (!watch && watch.error().kind() != kube::ErrorKind::Gone)
      co_return session.failed(std::move(watch).error().while_doing("watch events"));
    forgotten = !watch;
    while (watch) {
      auto next = co_await watch->next();
      if (!next && next.error().retry() == kube::Retry::Never)
        co_return session.failed(std::move(next).error().while_doing("watch events"));
      forgotten = !next && next.error().kind() == kube::ErrorKind::Gone;
      if (!next || !*next) break;
      in_vain = 0;
      version = version_of((*next)->object);
      if ((*next)->type == "BOOKMARK" || (*next)->type == "DELETED") continue;
      say_event(session, (*next)->object);
    }
  }
}

}  // namespace

Task<int> event(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  const std::string name = asked.argument(0);
  auto app = co_await find_application(*cluster, name);
  // Events outlive what they are about, for an hour; those of an application that is gone are all that is
  // left of it.
  if (!app && !app.error().is_not_found()) co_return session.failed(app.error());
  const std::string selector = "involvedObject.name=" + name + ",involvedObject.kind=SparkApplication";
  auto found = co_await kube::JsonApi(*cluster->client, kube::kEvents, cluster->ns)
                   .list(kube::ListOptions().fields(app ? selector + ",involvedObject.uid=" + uid_of(*app)
                                                        : selector));
  if (!found) co_return session.failed(found.error());
  sort_events(found->items);
  if (!app && found->items.empty()) co_return session.failed(app.error());
  if (const std::string format = asked.text("output"); format != "table") {
    for (Json& item : found->items) item = without_managed_fields(std::move(item));
    session.print(as_text(list_of(std::move(found->items)), format));
    co_return exit_code::kDone;
  }
  Table table({"TYPE", "AGE", "REASON", "MESSAGE"});
  for (const Json& item : found->items) table.add(row_of(item, session.loop().now()));
  if (!table.empty()) session.print(table.text(session.surroundings().colours));
  if (table.empty() && !asked.on("follow")) session.note("No events of " + name + ".");
  if (!asked.on("follow")) co_return exit_code::kDone;
  co_return co_await follow(session, *cluster, selector, std::move(found->resource_version));
}

}  // namespace ctl

#include <algorithm>

#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/diagnosis.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

constexpr std::size_t kEventsShown = 5;

Json events_of(const Evidence& seen) {
  Json events = Json::array();
  for (const Json& event : seen.events)
    events.push_back({{"time", time_of_event(event)},
                      {"type", kube::string_at(event, {"type"})},
                      {"reason", kube::string_at(event, {"reason"})},
                      {"about", kube::string_at(event, {"involvedObject", "kind"}) + "/" +
                                    kube::string_at(event, {"involvedObject", "name"})},
                      {"message", kube::string_at(event, {"message"})}});
  return events;
}

std::string state_in(const Evidence& seen) {
  return seen.application.is_null() ? "" : state_of(seen.application);
}

void tell(Session& session, const Evidence& seen, const Diagnosis& found) {
  const bool colours = session.surroundings().colours;
  const std::string state = state_in(seen);
  session.say(coloured(seen.ns + "/" + seen.name, Colour::Bold, colours) +
              (state.empty() ? " is not there" : " is " + coloured(state, colour_of_state(state), colours)) +
              ": " + found.cause);
  session.say("  " + found.summary);
  for (const std::string& detail : found.details) session.say("  " + detail);
  if (!found.advice.empty()) session.say("To do: " + found.advice);
  if (!seen.events.empty()) {
    session.say("Last events:");
    Table table({"  AGE", "TYPE", "REASON", "MESSAGE"});
    const std::size_t first = seen.events.size() - std::min(seen.events.size(), kEventsShown);
    for (std::size_t i = first; i < seen.events.size(); ++i) {
      const Json& event = seen.events[i];
      table.add({{"  " + age_of(time_of_event(event), session.loop().now())},
                 {kube::string_at(event, {"type"})},
                 {kube::string_at(event, {"reason"})},
                 {kube::string_at(event, {"message"})}});
    }
    session.print(table.text(colours));
  }
  for (const std::string& what : seen.unseen) session.note("# could not be looked at: " + what);
}

}  // namespace

Task<int> why(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  auto seen = co_await gather(*cluster, asked.argument(0));
  if (!seen) co_return session.failed(seen.error());
  const Diagnosis found = diagnose(*seen, session.loop().now());
  if (const std::string format = asked.text("output"); format != "text") {
    session.print(
        as_text({{"application", {{"namespace", seen->ns}, {"name", seen->name}, {"state", state_in(*seen)}}},
                 {"cause", found.cause},
                 {"summary", found.summary},
                 {"details", found.details},
                 {"advice", found.advice},
                 {"events", events_of(*seen)},
                 {"notLookedAt", seen->unseen}},
                format));
  } else {
    tell(session, *seen, found);
  }
  co_return found.cause == "NotFound" ? exit_code::kFailed : exit_code::kDone;
}

}  // namespace ctl

#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"

namespace ctl {

using kube::Json;
using kube::Task;

namespace {

std::string or_none(std::string text) {
  return text.empty() ? "N.A." : text;
}

std::string count_at(const Json& app, const char* field) {
  const Json* count = kube::find_path(app, {"status", field});
  return count == nullptr ? "0" : count->dump();
}

std::string ui_of(const Json& app) {
  const std::string outside = kube::string_at(app, {"status", "driverInfo", "webUIIngressAddress"});
  return outside.empty() ? kube::string_at(app, {"status", "driverInfo", "webUIAddress"}) : outside;
}

}  // namespace

// The words and columns of upstream's sparkctl.
Task<int> status(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  auto app = co_await find_application(*cluster, asked.argument(0));
  if (!app) co_return session.failed(app.error());
  if (const std::string format = asked.text("output"); format != "table") {
    session.print(as_text(without_managed_fields(*std::move(app)), format));
    co_return exit_code::kDone;
  }
  const bool colours = session.surroundings().colours;
  const kube::TimePoint now = session.loop().now();
  const std::string state = state_of(*app);
  session.say("application state:");
  Table table({"STATE", "SUBMISSION AGE", "COMPLETION AGE", "DRIVER POD", "DRIVER UI", "SUBMISSION ATTEMPTS",
               "EXECUTION ATTEMPTS"});
  table.add({{state, colour_of_state(state)},
             {age_of(kube::string_at(*app, {"status", "lastSubmissionAttemptTime"}), now)},
             {age_of(kube::string_at(*app, {"status", "terminationTime"}), now)},
             {or_none(kube::string_at(*app, {"status", "driverInfo", "podName"}))},
             {or_none(ui_of(*app))},
             {count_at(*app, "submissionAttempts")},
             {count_at(*app, "executionAttempts")}});
  session.print(table.text(colours));
  const Json* executors = kube::find_path(*app, {"status", "executorState"});
  if (executors != nullptr && executors->is_object() && !executors->empty()) {
    session.say("executor state:");
    Table pods({"EXECUTOR POD", "STATE"});
    for (const auto& [name, value] : executors->items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : "";
      pods.add({{name}, {text, colour_of_state(text)}});
    }
    session.print(pods.text(colours));
  }
  if (const std::string message = kube::string_at(*app, {"status", "applicationState", "errorMessage"});
      !message.empty()) {
    session.say("");
    session.say("application error message: " + coloured(message, Colour::Bad, colours));
  }
  co_return exit_code::kDone;
}

}  // namespace ctl

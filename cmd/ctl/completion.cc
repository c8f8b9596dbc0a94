#include <algorithm>

#include "api/scheduled_spark_application.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"

namespace ctl {

using kube::Task;

namespace {

// Both ask sparkctl itself what fits, so that they never have to change. A line ":files" asks for file names.
constexpr const char* kBash = R"(# Completion of sparkctl for bash: source <(sparkctl completion bash)
_sparkctl() {
  local IFS=$'\n' words
  words=$(sparkctl __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case $words in
    *:files*) compopt -o default; COMPREPLY=() ;;
    *) COMPREPLY=($words) ;;
  esac
}
complete -o nosort -F _sparkctl sparkctl
)";
constexpr const char* kZsh = R"(#compdef sparkctl
# Completion of sparkctl for zsh: source <(sparkctl completion zsh)
_sparkctl() {
  local -a found
  found=("${(@f)$(sparkctl __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${found[(r):files]} == :files ]]; then
    _files
  else
    compadd -Q -- ${(@)found:#}
  fi
}
compdef _sparkctl sparkctl
)";

// A shell waits for this with its user.
constexpr const char* kPatience = "3s";

Task<std::vector<std::string>> names(Session& session, Invocation so_far, Takes wanted) {
  std::vector<std::string> out;
  so_far.flags["request-timeout"] = kPatience;
  auto cluster = session.cluster(so_far);
  if (!cluster) co_return out;
  const bool schedules = wanted == Takes::Schedule || so_far.on("schedule");
  const kube::Resource& resource = wanted == Takes::Namespace ? kube::kNamespaces
                                   : schedules                ? controller::kScheduledSparkApplications
                                                              : controller::kSparkApplications;
  auto found =
      co_await kube::JsonApi(*cluster->client, resource, wanted == Takes::Namespace ? "" : cluster->ns)
          .list();
  if (!found) co_return out;
  for (const kube::Json& object : found->items) out.push_back(name_of(object));
  co_return out;
}

}  // namespace

Task<int> completion(Session& session, const Invocation& asked) {
  const std::string shell = asked.argument(0);
  if (shell != "bash" && shell != "zsh")
    co_return session.wrong("completion: expected bash or zsh, got \"" + shell + "\"");
  session.print(shell == "zsh" ? kZsh : kBash);
  co_return exit_code::kDone;
}

Task<int> complete(Session& session, const Invocation& asked) {
  const std::string last = asked.arguments.empty() ? "" : asked.arguments.back();
  Candidates fitting = candidates(asked.arguments);
  switch (fitting.wanted) {
    case Takes::Application:
    case Takes::Schedule:
    case Takes::Namespace:
      for (const std::string& name : co_await names(session, fitting.so_far, fitting.wanted))
        if (name.starts_with(last)) fitting.words.push_back(name);
      break;
    case Takes::File:
      session.say(":files");
      break;
    default:
      break;
  }
  for (const std::string& word : fitting.words) session.say(word);
  co_return exit_code::kDone;
}

}  // namespace ctl

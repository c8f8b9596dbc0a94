// Reads a command line by the table of commands, with kubectl's habits: flags and arguments in any order,
// -nNAME, -n NAME, --namespace=NAME, letters of switches together, "--" ends the flags, cluster flags also
// before the command.
//
//   Result<Invocation> asked = parse_command_line({"-n", "team-a", "log", "pi", "-f"});
//   asked->command->name          // "log"
//   asked->arguments              // {"pi"}
//   asked->text("namespace")      // "team-a"
//   asked->on("follow")           // true
//
// Error InvalidInput: one line that names the word and where to read on. Thread: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/ctl/command.h"
#include "kube/base/clock.h"
#include "kube/base/result.h"

namespace ctl {

class Invocation {
 public:
  const Command* command = nullptr;
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> flags;  // as given, by name; the last counts
  bool help = false;                                      // --help was among them

  bool given(std::string_view flag) const { return flags.contains(flag); }
  bool on(std::string_view flag) const { return text(flag) == "true"; }
  // As given, else the table's default, else "".
  std::string text(std::string_view flag) const;
  // Of flags that were checked: Takes::Number, Takes::Duration.
  std::int64_t number(std::string_view flag) const;
  kube::Duration duration(std::string_view flag) const;
  // "" where there are fewer.
  std::string argument(std::size_t index) const;
};

kube::Result<Invocation> parse_command_line(const std::vector<std::string>& words);

// The overview of all commands, and the page of one. `program` as people call it: "sparkctl", "kubectl
// spark".
std::string overview(std::string_view program);
std::string help_page(const Command& command, std::string_view program);

// What fits as the last of `words`, which may be unfinished: commands, flags, choices. What needs a cluster
// to know is left to the caller: `wanted`.
struct Candidates {
  std::vector<std::string> words;
  Takes wanted = Takes::Nothing;
  Invocation so_far;  // flags that were given before, such as the namespace
};
Candidates candidates(const std::vector<std::string>& words);

}  // namespace ctl

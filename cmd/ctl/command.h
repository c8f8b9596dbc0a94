// Command is one row of sparkctl's table: its name, arguments, flags and help. The table alone decides how a
// command line is read, what --help says, and what a shell offers for completion.
//
//   const Command& list = *find_command("list");
//   auto asked = parse_command_line({"list", "-n", "team-a", "-o", "json"});      // command_line.h
//   int code = co_await asked->command->run(session, *asked);
//
// Thread: values, made once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/async/task.h"

namespace ctl {

class Session;
class Invocation;

// Exit codes of every command but diff (0 nothing would change, 1 something would, 3 failed) and why (which
// says so).
namespace exit_code {
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;         // the cluster refused it, cannot be reached, or has no such object
inline constexpr int kWrongInput = 2;     // flags, arguments or files that cannot be used; nothing was done
inline constexpr int kInterrupted = 128;  // and the signal's number: 130 after Ctrl-C
}  // namespace exit_code

// What a flag or an argument takes; decides how it is checked and what a shell offers for it.
enum class Takes {
  Nothing,  // a switch
  Text,
  Number,    // 0 or more
  Duration,  // Go's: 90s, 1h30m
  Choice,    // one of the words in `choices`
  File,      // "-" is standard input
  Application,
  Schedule,
  Namespace,
  Context,
};

struct Flag {
  std::string_view name;  // "namespace", given as --namespace
  char letter = 0;        // 'n', given as -n; 0 = none
  Takes takes = Takes::Nothing;
  std::string_view value = {};  // as help shows it: "NAME"
  std::string_view help = {};
  std::string_view choices = {};   // "json|yaml"
  std::string_view standard = {};  // the default, as help shows it
};

struct Argument {
  enum class Count {
    One,
    Optional,
    Some,  // at least one
    Rest,  // whatever follows, flags included: another program's command line
  };
  std::string_view name;  // "NAME"
  Takes takes = Takes::Text;
  Count count = Count::One;
};

struct Command {
  std::string_view name;     // "list", "local up"
  std::string_view summary;  // one line
  std::vector<Argument> arguments = {};
  std::vector<Flag> flags = {};
  std::string_view about = {};     // what --help says beside: paragraphs, ended by a line end
  std::string_view examples = {};  // lines behind "sparkctl "
  bool uses_cluster = false;       // has the flags that say which API server, and which namespace
  kube::Task<int> (*run)(Session&, const Invocation&) = nullptr;
  // Instead of run: for what has loops of its own (the local cluster).
  int (*run_alone)(const Invocation&) = nullptr;
  bool hidden = false;  // not for people
};

// In the order in which help shows them.
const std::vector<Command>& commands();
// nullptr: there is none of that name.
const Command* find_command(std::string_view name);
// Of every command that uses a cluster.
const std::vector<Flag>& cluster_flags();

}  // namespace ctl

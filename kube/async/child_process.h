// ChildRunner runs a program of this machine to its end: without a shell, bounded in time and in what is kept
// of its output.
//
//   ChildProcesses children(loop);
//   auto ended = co_await children.run({.program = "/usr/bin/kustomize",
//                                       .arguments = {"build", folder},
//                                       .environment = inherited_environment(),
//                                       .deadline = loop.after(1min)});
//   if (!ended) …                                  // Io: it could not be started
//   if (!ended->succeeded()) log(ended->to_string(), ended->errors);     // "exit status 1", "signal: killed"
//
// The program is the leader of a process group of its own, with /dev/null as its input. When the deadline
// passes the group gets SIGTERM, and SIGKILL after `grace`. When the permit is taken back, or the awaiting
// task is cancelled, it gets SIGKILL at once. Whatever else is in the group when the leader ends, however it
// ends, is killed too; run() returns when the leader is reaped.
//
// Should this process itself die, the kernel kills the leader (parent-death signal). That signal follows the
// *thread* that forked, and ChildProcesses forks on the loop's: that thread must live as long as the process,
// as the main thread does.
//
// In simulations hand in a ChildRunner of your own.
// Thread: the loop's only. Lifetime: outlives its runs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kube/async/loop.h"

namespace kube {

// A folder made for one child (mode 0700, files 0600), and removed when it has ended. What an earlier run
// left there is replaced. The folder above must belong to us or root, and others must not be able to rename
// in it.
struct ChildFolder {
  std::string path;                          // absolute; "": none
  std::map<std::string, std::string> files;  // name → content
};

struct ChildCommand {
  std::string program;                      // a path; PATH is not searched
  std::vector<std::string> arguments = {};  // without the program's name
  std::map<std::string, std::string> environment = {};
  ChildFolder folder = {};
  SteadyTime deadline = kNever;
  Duration grace = std::chrono::seconds(5);
  // Asked right before the start and twice a second from then on; false: kill it, now. Empty: always true.
  std::function<bool()> permit = {};
  // Of each stream: this many bytes of its beginning and of its end are kept, what is between is counted.
  std::size_t output_limit = std::size_t{32} << 10;
};

enum class ChildEnd {
  Exited,
  Signalled,  // by somebody else
  TimedOut,   // ended by us, or by itself after our SIGTERM
  Revoked,    // the permit was taken back
};

struct ChildExit {
  ChildEnd how = ChildEnd::Exited;
  int code = 0;        // exit code, or the signal's number when a signal ended it
  std::string output;  // stdout and stderr, with "... omitting <n> bytes ..." where they were too long
  std::string errors;

  bool succeeded() const { return how == ChildEnd::Exited && code == 0; }
  std::string to_string() const;
};

class ChildRunner {
 public:
  virtual ~ChildRunner() = default;
  virtual Task<Result<ChildExit>> run(ChildCommand command) = 0;
};

class ChildProcesses final : public ChildRunner {
 public:
  explicit ChildProcesses(Loop& loop) : loop_(loop) {}
  // Error: NotFound when there is no such program, Io for other reasons why it cannot be started,
  // ShuttingDown when there was no permit to start it.
  Task<Result<ChildExit>> run(ChildCommand command) override;

 private:
  Loop& loop_;
};

// The environment that this process was given.
std::map<std::string, std::string> inherited_environment();

}  // namespace kube

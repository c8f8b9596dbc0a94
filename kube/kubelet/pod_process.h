// PodProcess is one container as a process: in mount, pid, uts and ipc namespaces of its own, with pod_init
// as its first process.
//
//   auto process = co_await PodProcess::start(loop, plan);
//   if (!process) …                                  // `exec "foo": executable file not found in $PATH`
//   UniqueFd out = (*process)->take_output();        // stdout and stderr; ends with the container
//   (*process)->signal(SIGTERM);                     // to the command
//   Result<ProcessExit> exit = co_await (*process)->wait();
//
// Nothing started here outlives this process, not even when it is killed by SIGKILL: the kernel then kills
// pod_init (parent-death signal) and with it the whole pid namespace. The parent-death signal follows the
// *thread* that started the process, so start() must run on a thread that lives as long as the process does
// (the loop's).
//
// As an ordinary user, each container gets a user namespace too, in which that user is root (host_rights.h).
//
// Errors of start(): Forbidden "no right to make namespaces: …"; InvalidInput when the plan could not be
// carried out (the message says which step); Io for the rest. Thread: the loop's only. Lifetime: the
// destructor kills and reaps what still runs.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "kube/async/loop.h"
#include "kube/base/unique_fd.h"
#include "kube/kubelet/launch_plan.h"

namespace kube {

struct ProcessExit {
  int code = 0;  // of the command; 128 + n when signal n ended it
  Duration cpu_time{};
  std::int64_t max_rss_kib = 0;
};

class PodProcess {
 public:
  static Task<Result<std::unique_ptr<PodProcess>>> start(Loop& loop, const LaunchPlan& plan);
  // Runs a plan that begins with enter() inside this container: probes and hooks.
  Task<Result<std::unique_ptr<PodProcess>>> start_inside(const LaunchPlan& plan) const;

  ~PodProcess();
  PodProcess(const PodProcess&) = delete;
  PodProcess& operator=(const PodProcess&) = delete;

  // The read end of one non-blocking pipe for stdout and stderr. Once.
  UniqueFd take_output() { return std::move(output_); }
  pid_t pid() const { return pid_; }
  // To the command; false when the container has ended.
  bool signal(int number) const;
  // Ends the container at once, with all of its processes.
  void kill();
  // Ends when the container has ended. May be awaited again; not by two tasks at once.
  Task<Result<ProcessExit>> wait();

 private:
  enum class Namespaces { Own, OfContainer };
  PodProcess(Loop& loop) : loop_(loop) {}
  static Task<Result<std::unique_ptr<PodProcess>>> launch(Loop& loop, const LaunchPlan& plan,
                                                          Namespaces namespaces, int container);
  Task<Result<>> shake_hands();
  Task<Result<std::string>> hear();
  bool reap(bool block);

  Loop& loop_;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd control_;
  UniqueFd output_;
  bool reaped_ = false;
  ProcessExit exit_;
};

// Whether this process may make the namespaces that containers need. The error says what is missing.
Result<> probe_namespaces();

}  // namespace kube

#include "kube/async/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kube/async/blocking.h"
#include "kube/async/clone.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/base/unique_fd.h"

namespace kube {

namespace {

namespace fs = std::filesystem;

// How often a permit is asked for: a lease lasts seconds, and the question costs nothing.
constexpr Duration kPermitInterval = std::chrono::milliseconds(500);
// More than a pipe holds. A process that has left the group might write for ever.
constexpr int kReadsAfterEnd = 64;
// Sources of the child's descriptors lie above their targets, so that no dup3 overwrites another's source.
constexpr int kAboveTargets = 8;

std::unexpected<Error> io_error(const std::string& what, int error = errno) {
  return fail(error == ENOENT ? ErrorKind::NotFound : ErrorKind::Io, what + ": " + std::strerror(error));
}

// The beginning and the end of a stream.
class HeadAndTail {
 public:
  explicit HeadAndTail(std::size_t limit) : limit_(limit) {}

  void append(std::string_view text) {
    const std::size_t room = limit_ - head_.size();
    head_ += text.substr(0, room);
    if (text.size() <= room) return;
    text.remove_prefix(room);
    tail_ += text;
    if (tail_.size() < 2 * limit_) return;  // cut now and then, not with each read
    cut();
  }

  std::string text() {
    cut();
    if (omitted_ == 0) return head_ + tail_;
    return head_ + "\n... omitting " + std::to_string(omitted_) + " bytes ...\n" + tail_;
  }

 private:
  void cut() {
    if (tail_.size() <= limit_) return;
    omitted_ += tail_.size() - limit_;
    tail_.erase(0, tail_.size() - limit_);
  }

  const std::size_t limit_;
  std::string head_, tail_;
  std::size_t omitted_ = 0;
};

// ---- the child's side

struct StartPlan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int input, output, errors, report;
  pid_t parent;
};

struct KernelSignalAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};

// Between clone and exec in a process with other threads: system calls only, no memory, no locks.
[[noreturn]] __attribute__((no_sanitize("address", "undefined", "thread"))) void become(
    const StartPlan& plan) {
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Died before that was set: nobody will tell us any more.
  if (syscall(SYS_getppid) != plan.parent) syscall(SYS_exit_group, 127);
  syscall(SYS_setpgid, 0, 0);
  // Ignored signals would stay ignored in the program; servers ignore SIGPIPE.
  const KernelSignalAction by_default{};
  for (int number = 1; number < 65; ++number)
    syscall(SYS_rt_sigaction, number, &by_default, nullptr, sizeof(by_default.mask));
  std::uint64_t no_signals = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof(no_signals));
  syscall(SYS_dup3, plan.input, 0, 0);
  syscall(SYS_dup3, plan.output, 1, 0);
  syscall(SYS_dup3, plan.errors, 2, 0);
  if (close_on_exec_from(3)) syscall(SYS_execve, plan.program, plan.arguments, plan.environment);
  const int error = errno;
  syscall(SYS_write, plan.report, &error, sizeof(error));
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

// ---- our side

struct Pipe {
  UniqueFd ours, theirs;

  static Result<Pipe> make() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return io_error("make a pipe");
    Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
    // Ours alone: O_NONBLOCK on their end would surprise the program.
    fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
    UniqueFd up(fcntl(pipe.theirs.get(), F_DUPFD_CLOEXEC, kAboveTargets));
    if (!up) return io_error("duplicate a descriptor");
    pipe.theirs = std::move(up);
    return pipe;
  }
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A started leader and its group. The destructor leaves nothing of either.
class Leader {
 public:
  static Result<std::unique_ptr<Leader>> start(const ChildCommand& command);
  ~Leader() {
    if (!reaped_) {
      signal_group(SIGKILL);
      reap(true);
    }
  }
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  int pidfd() const { return pidfd_.get(); }
  int output() const { return output_.get(); }
  int errors() const { return errors_.get(); }
  int report() const { return report_.get(); }

  // Until the leader is reaped its number, and so the group's, belongs to nobody else.
  void signal_group(int number) const {
    if (!reaped_) ::kill(-pid_, number);
  }
  bool reap(bool block) {
    if (reaped_) return true;
    pid_t ended = 0;
    do {
      ended = waitpid(pid_, &status_, block ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended == 0) return false;
    if (ended < 0) status_ = 255 << 8;  // somebody else in this process reaped it
    return reaped_ = true;
  }
  int status() const { return status_; }

 private:
  Leader() = default;

  pid_t pid_ = -1;
  UniqueFd pidfd_, output_, errors_, report_;
  bool reaped_ = false;
  int status_ = 0;
};

Result<std::unique_ptr<Leader>> Leader::start(const ChildCommand& command) {
  auto output = Pipe::make();
  if (!output) return fail(std::move(output));
  auto errors = Pipe::make();
  if (!errors) return fail(std::move(errors));
  auto report = Pipe::make();
  if (!report) return fail(std::move(report));
  UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) return io_error("open /dev/null");
  UniqueFd input(fcntl(nothing.get(), F_DUPFD_CLOEXEC, kAboveTargets));
  if (!input) return io_error("duplicate a descriptor");

  std::vector<std::string> arguments{command.program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const StartPlan plan{.program = command.program.c_str(),
                       .arguments = argument_pointers.data(),
                       .environment = environment_pointers.data(),
                       .input = input.get(),
                       .output = output->theirs.get(),
                       .errors = errors->theirs.get(),
                       .report = report->theirs.get(),
                       .parent = getpid()};
  int pidfd = -1;
  const pid_t pid = clone_with_pidfd(0, &pidfd);
  if (pid == 0) become(plan);
  if (pid < 0) return io_error("start a process");
  // Both sides set the group: whoever comes first, it is there before anybody signals it.
  setpgid(pid, pid);
  std::unique_ptr<Leader> leader(new Leader);
  leader->pid_ = pid;
  leader->pidfd_ = UniqueFd(pidfd);
  leader->output_ = std::move(output->ours);
  leader->errors_ = std::move(errors->ours);
  leader->report_ = std::move(report->ours);
  return leader;
}

enum class Read { More, Nothing, End };

Read read_into(int fd, HeadAndTail& text) {
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) {
      text.append({buffer.data(), static_cast<std::size_t>(got)});
      return Read::More;
    }
    if (got == 0) return Read::End;
    if (errno != EINTR) return errno == EAGAIN ? Read::Nothing : Read::End;
  }
}

Task<> collect(Loop* loop, int fd, HeadAndTail* text) {
  while (true) {
    const Read read = read_into(fd, *text);
    if (read == Read::End) co_return;
    if (read == Read::Nothing && !co_await wait_readable(*loop, fd)) co_return;
  }
}

Task<> tell_end(Loop* loop, Leader* leader, bool* ended, WaitList* changed) {
  (void)co_await wait_readable(*loop, leader->pidfd());
  *ended = true;
  changed->wake_all();
}

// What exec said when it failed; nothing when the program runs.
Task<Result<>> started(Loop& loop, const Leader& leader, const std::string& program) {
  int error = 0;
  while (true) {
    const ssize_t got = ::read(leader.report(), &error, sizeof(error));
    if (got == 0) co_return Result<>{};
    if (got > 0) co_return io_error("run " + program, error);
    if (errno != EAGAIN && errno != EINTR) co_return io_error("listen to a new process");
    if (auto readable = co_await wait_readable(loop, leader.report()); !readable) co_return readable;
  }
}

ChildExit exit_of(const Leader& leader, ChildEnd how) {
  ChildExit exit;
  const int status = leader.status();
  exit.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  exit.how = how == ChildEnd::Exited && WIFSIGNALED(status) ? ChildEnd::Signalled : how;
  return exit;
}

Result<> make_folder(const ChildFolder& folder) {
  try {
    const fs::path path = folder.path;
    fs::create_directories(path.parent_path());
    struct stat above{};
    if (::lstat(path.parent_path().c_str(), &above) != 0) return io_error(path.parent_path());
    const bool ours = above.st_uid == geteuid() || above.st_uid == 0;
    const bool others_write = (above.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (above.st_mode & S_ISVTX) == 0;
    if (!S_ISDIR(above.st_mode) || !ours || others_write) {
      return fail(ErrorKind::Io, path.parent_path().string() + ": others could replace what lies in it");
    }
    fs::remove_all(path);
    if (::mkdir(path.c_str(), 0700) != 0) return io_error("make " + folder.path);
    for (const auto& [name, content] : folder.files) {
      const std::string file = (path / name).string();
      UniqueFd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      std::string_view rest = content;
      while (out && !rest.empty()) {
        const ssize_t written = ::write(out.get(), rest.data(), rest.size());
        if (written < 0 && errno != EINTR) return io_error("write " + file);
        if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
      }
      if (!out) return io_error("write " + file);
    }
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorKind::Io, error.what());
  }
  return {};
}

Task<> remove_folder(Loop& loop, std::string path) {
  (void)co_await run_blocking(loop, [path = std::move(path)] {
    std::error_code ignored;
    return fs::remove_all(path, ignored);
  });
}

Task<Result<ChildExit>> run_leader(Loop& loop, const ChildCommand& command) {
  if (command.permit && !command.permit()) co_return fail(ErrorKind::ShuttingDown, "no permit to start");
  auto leader = Leader::start(command);
  if (!leader) co_return fail(std::move(leader));
  Leader& child = **leader;
  if (auto runs = co_await started(loop, child, command.program); !runs) co_return fail(std::move(runs));

  HeadAndTail output(command.output_limit), errors(command.output_limit);
  ChildEnd how = ChildEnd::Exited;
  bool ended = false;
  bool killed = false;
  SteadyTime deadline = command.deadline;
  WaitList changed(loop);
  TaskGroup group(loop);
  group.spawn("child's output", collect(&loop, child.output(), &output));
  group.spawn("child's errors", collect(&loop, child.errors(), &errors));
  group.spawn("child's end", tell_end(&loop, &child, &ended, &changed));
  std::exception_ptr cancelled;
  try {
    while (!ended) {
      const SteadyTime look = command.permit && !killed ? loop.after(kPermitInterval) : kNever;
      co_await changed.wait_until(std::min(deadline, look));
      if (ended || killed) continue;
      if (command.permit && !command.permit()) {
        how = ChildEnd::Revoked;
        killed = true;
        deadline = kNever;
        child.signal_group(SIGKILL);
      } else if (loop.steady() >= deadline) {
        killed = how == ChildEnd::TimedOut;  // the second time: it did not mind SIGTERM
        how = ChildEnd::TimedOut;
        deadline = killed ? kNever : loop.after(command.grace);
        child.signal_group(killed ? SIGKILL : SIGTERM);
      }
    }
  } catch (...) {
    cancelled = std::current_exception();
  }
  co_await shield();
  if (cancelled) {
    child.signal_group(SIGKILL);
    while (!ended) co_await changed.wait_shielded();
  }
  child.signal_group(SIGKILL);  // what the leader has left behind
  child.reap(true);
  co_await group.cancel_and_join();
  if (cancelled) std::rethrow_exception(cancelled);
  // Not until the pipes end, which whoever has left the group may hold open: what lies in them is all.
  for (int i = 0; i < kReadsAfterEnd && read_into(child.output(), output) == Read::More; ++i) {
  }
  for (int i = 0; i < kReadsAfterEnd && read_into(child.errors(), errors) == Read::More; ++i) {
  }
  ChildExit exit = exit_of(child, how);
  exit.output = output.text();
  exit.errors = errors.text();
  co_return exit;
}

}  // namespace

std::string ChildExit::to_string() const {
  switch (how) {
    case ChildEnd::Exited:
      return "exit status " + std::to_string(code);
    case ChildEnd::Signalled:
      return code == SIGKILL ? "signal: killed" : "signal: " + std::to_string(code);
    case ChildEnd::TimedOut:
      return "did not end in time";
    case ChildEnd::Revoked:
      return "stopped";
  }
  return "";
}

Task<Result<ChildExit>> ChildProcesses::run(ChildCommand command) {
  if (command.folder.path.empty()) co_return co_await run_leader(loop_, command);
  std::exception_ptr cancelled;
  Result<ChildExit> result = ChildExit{};
  Result<> made;
  try {
    made = co_await run_blocking(loop_, [folder = command.folder] { return make_folder(folder); });
    if (made) result = co_await run_leader(loop_, command);
  } catch (...) {
    cancelled = std::current_exception();
  }
  co_await shield();
  if (made) co_await remove_folder(loop_, command.folder.path);  // else it may be somebody else's
  if (cancelled) std::rethrow_exception(cancelled);
  if (!made) co_return fail(std::move(made));
  co_return result;
}

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace kube

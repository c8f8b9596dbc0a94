#include "kube/kubelet/pod_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "kube/async/clone.h"
#include "kube/async/real_loop.h"
#include "kube/kubelet/embedded_init.h"
#include "kube/kubelet/host_rights.h"

namespace kube {
namespace {

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
// Descriptors as pod_init expects them; sources are first moved above, so that no dup2 overwrites another's
// source.
constexpr int kAboveTargets = 64;

std::unexpected<Error> io_error(std::string_view what) {
  return fail(ErrorKind::Io, fmt::format("{}: {}", what, std::strerror(errno)));
}

struct ChildDescriptors {
  int input, output, control, plan, program, container;
  const RootMapping* mapping;  // null: as we are
};

// Between clone and exec in a process with other threads: system calls only, no memory, no locks.
template <std::size_t N>
[[noreturn]] __attribute__((no_sanitize("address", "undefined"))) void give_up(const char (&why)[N]) {
  syscall(SYS_sendto, 3, why, N - 1, MSG_NOSIGNAL, nullptr, 0);
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

[[noreturn]] __attribute__((no_sanitize("address", "undefined"))) void become_init(
    const ChildDescriptors& fds) {
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  syscall(SYS_dup3, fds.input, 0, 0);
  syscall(SYS_dup3, fds.output, 1, 0);
  syscall(SYS_dup3, fds.output, 2, 0);
  syscall(SYS_dup3, fds.control, 3, 0);
  syscall(SYS_dup3, fds.plan, 4, 0);
  if (fds.container >= 0) syscall(SYS_dup3, fds.container, 6, 0);
  if (!close_on_exec_from(fds.container >= 0 ? 7 : 5)) give_up("error keep our descriptors from the pod");
  // Before exec, which takes all rights from a user that has no name in its namespace.
  if (fds.mapping != nullptr && !become_root(*fds.mapping))
    give_up("error make our user root of the container");
  std::uint64_t no_signals = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof(no_signals));
  char name[] = "pod-init";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  syscall(SYS_execveat, fds.program, "", arguments, environment, AT_EMPTY_PATH);
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

Result<UniqueFd> memory_file(const char* name, std::string_view content) {
  // Kernels from 6.3 want to be told that it is to be executed; older ones refuse the flag.
  constexpr unsigned kExecutable = 0x10;
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | kExecutable));
  if (!file) file = UniqueFd(memfd_create(name, MFD_CLOEXEC));
  if (!file) return io_error("make a file in memory");
  while (!content.empty()) {
    ssize_t n = ::write(file.get(), content.data(), content.size());
    if (n < 0) return io_error("write a file in memory");
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return file;
}

// One copy of pod_init in memory serves all containers of this process; it cannot change.
Result<int> init_program() {
  static const Result<UniqueFd> program = memory_file("pod-init", embedded_init());
  if (!program) return fail(program.error());
  return program->get();
}

Result<UniqueFd> move_up(int fd) {
  UniqueFd moved(fcntl(fd, F_DUPFD_CLOEXEC, kAboveTargets));
  if (!moved) return io_error("duplicate a descriptor");
  return moved;
}

}  // namespace

Task<Result<std::unique_ptr<PodProcess>>> PodProcess::start(Loop& loop, const LaunchPlan& plan) {
  return launch(loop, plan, Namespaces::Own, -1);
}

Task<Result<std::unique_ptr<PodProcess>>> PodProcess::start_inside(const LaunchPlan& plan) const {
  return launch(loop_, plan, Namespaces::OfContainer, pidfd_.get());
}

Task<Result<std::unique_ptr<PodProcess>>> PodProcess::launch(Loop& loop, const LaunchPlan& plan,
                                                             Namespaces namespaces, int container) {
  const Result<HostRights>& rights = host_rights();
  if (!rights) co_return fail(rights.error());
  Result<std::string> text = plan.encode();
  if (!text) co_return fail(text);
  Result<int> program = init_program();
  if (!program) co_return fail(program);
  Result<UniqueFd> plan_file = memory_file("launch-plan", *text);
  if (!plan_file) co_return fail(plan_file);

  std::array<int, 2> control{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) != 0)
    co_return io_error("make a control socket");
  std::unique_ptr<PodProcess> process(new PodProcess(loop));
  process->control_ = UniqueFd(control[0]);
  UniqueFd their_control(control[1]);
  std::array<int, 2> output{};
  if (pipe2(output.data(), O_CLOEXEC) != 0) co_return io_error("make a pipe");
  process->output_ = UniqueFd(output[0]);
  UniqueFd their_output(output[1]);
  UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) co_return io_error("open /dev/null");
  // Only our ends: O_NONBLOCK on a shared description would surprise the container.
  fcntl(process->control_.get(), F_SETFL, O_NONBLOCK);
  fcntl(process->output_.get(), F_SETFL, O_NONBLOCK);

  std::array<UniqueFd, 6> moved;
  const std::array<int, 6> sources{nothing.get(),    their_output.get(), their_control.get(),
                                   plan_file->get(), *program,           container};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] < 0) continue;
    Result<UniqueFd> up = move_up(sources[i]);
    if (!up) co_return fail(up);
    moved[i] = std::move(*up);
  }
  const bool own = namespaces == Namespaces::Own;
  const bool as_user = own && rights->makes_user_namespace;
  const RootMapping mapping = RootMapping::of_this_process();
  const ChildDescriptors fds{moved[0].get(),
                             moved[1].get(),
                             moved[2].get(),
                             moved[3].get(),
                             moved[4].get(),
                             moved[5].get(),
                             as_user ? &mapping : nullptr};
  int pidfd = -1;
  const pid_t pid =
      clone_with_pidfd(own ? kNamespaces | (as_user ? CLONE_NEWUSER : 0) : std::uint64_t{0}, &pidfd);
  if (pid < 0) co_return io_error("start a process");
  if (pid == 0) become_init(fds);
  process->pid_ = pid;
  process->pidfd_ = UniqueFd(pidfd);
  for (UniqueFd& fd : moved) fd.reset();
  their_control.reset();
  their_output.reset();

  Result<> shaken = co_await process->shake_hands();
  if (!shaken) co_return fail(shaken);
  co_return process;
}

Task<Result<>> PodProcess::shake_hands() {
  Result<std::string> ready = co_await hear();
  if (!ready) co_return fail(ready);
  if (ready->starts_with("error ")) co_return fail(ErrorKind::Io, ready->substr(6));
  if (*ready != "ready")
    co_return fail(ErrorKind::Protocol, "pod-init said \"" + *ready + "\" instead of ready");
  if (send(control_.get(), "go", 2, MSG_NOSIGNAL) != 2) co_return io_error("answer pod-init");
  Result<std::string> outcome = co_await hear();
  if (!outcome) co_return fail(outcome);
  if (outcome->starts_with("error ")) co_return fail(ErrorKind::InvalidInput, outcome->substr(6));
  if (*outcome != "started") co_return fail(ErrorKind::Protocol, "pod-init said \"" + *outcome + "\"");
  co_return Result<>{};
}

Task<Result<std::string>> PodProcess::hear() {
  std::array<char, 4200> text{};
  while (true) {
    const ssize_t n = recv(control_.get(), text.data(), text.size(), 0);
    if (n > 0) co_return std::string(text.data(), static_cast<std::size_t>(n));
    if (n == 0) co_return fail(ErrorKind::Io, "the container's first process was killed while it started");
    if (errno != EAGAIN && errno != EINTR) co_return io_error("listen to pod-init");
    Result<> readable = co_await wait_readable(loop_, control_.get());
    if (!readable) co_return fail(readable);
  }
}

bool PodProcess::signal(int number) const {
  if (reaped_ || !pidfd_) return false;
  return syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0;
}

void PodProcess::kill() {
  // From outside its namespace SIGKILL reaches a first process too, and its end is the end of all.
  signal(SIGKILL);
}

bool PodProcess::reap(bool block) {
  if (reaped_) return true;
  int status = 0;
  rusage used{};
  pid_t ended = 0;
  do {
    ended = wait4(pid_, &status, block ? 0 : WNOHANG, &used);
  } while (ended < 0 && errno == EINTR);
  if (ended == 0) return false;
  reaped_ = true;
  if (ended < 0) {
    // Somebody else in this process reaped it; its exit code is lost.
    exit_.code = 255;
    return true;
  }
  exit_.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  const auto time = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  exit_.cpu_time = time(used.ru_utime) + time(used.ru_stime);
  exit_.max_rss_kib = used.ru_maxrss;
  return true;
}

Task<Result<ProcessExit>> PodProcess::wait() {
  while (!reap(false)) {
    Result<> ended = co_await wait_readable(loop_, pidfd_.get());
    if (!ended) co_return fail(ended);
  }
  co_return exit_;
}

PodProcess::~PodProcess() {
  if (pid_ <= 0 || reaped_) return;
  kill();
  reap(true);
}

Result<> probe_namespaces() {
  const Result<HostRights>& rights = host_rights();
  if (!rights) return fail(rights.error());
  return {};
}

}  // namespace kube

#include "cmd/local/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

constexpr int kStartLimitMs = 60'000;
constexpr int kStopLimitMs = 30'000;

// Until the lock is free or the time is over.
bool wait_ended(const StateFolder& folder, int limit_ms) {
  for (int waited = 0; waited <= limit_ms; waited += 50) {
    if (!folder.running()) return true;
    poll(nullptr, 0, 50);
  }
  return false;
}

[[noreturn]] void become_daemon(const StateFolder& folder, Lifetime lifetime, pid_t caller, int ready_fd) {
  setsid();
  if (lifetime == Lifetime::WithCaller) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != caller) _exit(1);  // it died before we asked
  }
  const int log = open(folder.log().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int null = open("/dev/null", O_RDONLY);
  if (log < 0 || null < 0) _exit(1);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  const std::string fd = std::to_string(ready_fd);
  fcntl(ready_fd, F_SETFD, 0);
  execl("/proc/self/exe", "sparkctl", "local", "serve", fd.c_str(), static_cast<char*>(nullptr));
  _exit(1);
}

}  // namespace

Result<> start_daemon(const StateFolder& folder, Lifetime lifetime) {
  if (auto made = folder.create(); !made) return made;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorKind::Io, std::string("pipe: ") + std::strerror(errno));
  const pid_t caller = getpid();
  const pid_t child = fork();
  if (child < 0) return fail(ErrorKind::Io, std::string("fork: ") + std::strerror(errno));
  if (child == 0) become_daemon(folder, lifetime, caller, ends[1]);
  close(ends[1]);
  // "ok" when it answers, otherwise why not; the end without a word when it died.
  std::string said;
  pollfd readable{ends[0], POLLIN, 0};
  while (poll(&readable, 1, kStartLimitMs) > 0) {
    char buffer[1024];
    const ssize_t size = read(ends[0], buffer, sizeof buffer);
    if (size <= 0) break;
    said.append(buffer, static_cast<std::size_t>(size));
  }
  close(ends[0]);
  if (said == "ok") return {};
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return fail(ErrorKind::Unavailable,
              said.empty() ? "the local cluster did not start; see " + folder.log() : said);
}

Result<> stop_daemon(const StateFolder& folder) {
  const auto pid = folder.running();
  if (!pid) return {};
  kill(*pid, SIGTERM);
  if (wait_ended(folder, kStopLimitMs)) return {};
  kill(*pid, SIGKILL);
  if (wait_ended(folder, 5'000)) return {};
  return fail(ErrorKind::Timeout, "process " + std::to_string(*pid) + " does not end");
}

}  // namespace cmd

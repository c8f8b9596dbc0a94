#include "kube/async/clone.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace kube {

namespace {

// As getdents64 writes it; the name goes on to its 0.
struct FolderEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

}  // namespace

// Not clone3: seccomp cannot look into its arguments, so the usual profiles of containers refuse it to
// whoever may not make namespaces, and answer ENOSYS for everybody to come here.
pid_t clone_with_pidfd(std::uint64_t flags, int* pidfd) {
  // flags, stack (none: a copy), where the pidfd goes. Of the two others, 0 both, processors differ in the
  // order.
  const auto pid =
      static_cast<pid_t>(syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, pidfd, nullptr, nullptr));
  if (pid <= 0 || *pidfd >= 0) return pid;
  // Linux before 5.2 takes no notice of CLONE_PIDFD.
  ::kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = ENOSYS;
  return -1;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) bool close_on_exec_from(int first) noexcept {
  if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return true;
  // Linux before 5.11 does not know the flag. Descriptors may be numbered up to a thousand million: what is
  // open is read, not tried.
  const long folder = syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) {
    errno = ENOSYS;  // not ENOENT, which would read as if the program were missing
    return false;
  }
  alignas(FolderEntry) char entries[4096];
  long size = 0;
  while ((size = syscall(SYS_getdents64, folder, entries, sizeof(entries))) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const FolderEntry*>(entries + at);
      at += entry->size;
      int fd = 0;  // of "." and ".." too
      for (const char* digit = entry->name; *digit >= '0' && *digit <= '9'; ++digit)
        fd = fd * 10 + (*digit - '0');
      if (fd >= first) syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    }
  }
  const int error = errno;
  syscall(SYS_close, folder);
  errno = error;
  return size == 0;
}

}  // namespace kube

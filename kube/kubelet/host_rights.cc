#include "kube/kubelet/host_rights.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "kube/async/clone.h"
#include "kube/base/unique_fd.h"

namespace kube {
namespace {

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;

// How many ids the first user namespace has; any other one has been given fewer.
constexpr std::uint64_t kAllIds = 4294967295;

std::uint64_t mapped_ids() {
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0, outside = 0, count = 0, sum = 0;
  while (map >> inside >> outside >> count) sum += count;
  return map.eof() && sum > 0 ? sum : kAllIds;
}

__attribute__((no_sanitize("address", "undefined"))) bool write_text(const char* path, const char* text,
                                                                     std::size_t size) noexcept {
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  const long written = syscall(SYS_write, fd, text, size);
  const int error = errno;
  syscall(SYS_close, fd);
  errno = error;
  return written == static_cast<long>(size);
}

// What the child of a probe answers with: 0, or the step that failed.
__attribute__((no_sanitize("address", "undefined"))) int try_namespaces(const RootMapping* mapping) noexcept {
  if (mapping != nullptr && !become_root(*mapping)) return 2;
  // Some systems let everybody make user namespaces, but without the rights that matter in them.
  if (mapping != nullptr && syscall(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return 3;
  return 0;
}

// 0, an errno of clone, or minus the step that failed.
int probe(std::uint64_t flags, const RootMapping* mapping) {
  int pidfd = -1;
  const pid_t pid = clone_with_pidfd(flags, &pidfd);
  if (pid < 0) return errno;
  if (pid == 0) syscall(SYS_exit_group, try_namespaces(mapping));
  UniqueFd held(pidfd);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? -WEXITSTATUS(status) : -1;
}

// The kernel says EPERM; a seccomp profile of a container says ENOSYS as well.
bool refused(int error) {
  return error == EPERM || error == ENOSYS;
}

Result<HostRights> find_rights() {
  const std::uint64_t ids = mapped_ids();
  HostRights rights{
      .makes_user_namespace = false, .has_other_users = ids > 1, .mounts_in_user_namespace = ids != kAllIds};
  const int as_root = probe(kNamespaces, nullptr);
  if (as_root == 0) return rights;
  if (!refused(as_root) && as_root != ENOSPC && as_root != EUSERS)
    return fail(ErrorKind::Io, std::string("clone: ") + std::strerror(as_root));
  const RootMapping mapping = RootMapping::of_this_process();
  const int as_user = refused(as_root) ? probe(kNamespaces | CLONE_NEWUSER, &mapping) : as_root;
  if (as_user == 0)
    return HostRights{
        .makes_user_namespace = true, .has_other_users = false, .mounts_in_user_namespace = true};
  std::string why = "no right to make namespaces: ";
  if (as_user == ENOSPC || as_user == EUSERS) {
    why += "the limits in /proc/sys/user/max_*_namespaces are used up";
  } else {
    why +=
        "pods as processes need root (in a container: a privileged one), or user namespaces for ordinary "
        "users, "
        "which this system refuses";
    if (as_user == -3) why += " to fill (sysctl kernel.apparmor_restrict_unprivileged_userns)";
    if (refused(as_user))
      why += " (sysctl kernel.unprivileged_userns_clone, or a container's seccomp profile)";
  }
  return fail(ErrorKind::Forbidden, why);
}

}  // namespace

RootMapping RootMapping::of_this_process() {
  return {"0 " + std::to_string(geteuid()) + " 1\n", "0 " + std::to_string(getegid()) + " 1\n"};
}

__attribute__((no_sanitize("address", "undefined"))) bool become_root(const RootMapping& mapping) noexcept {
  constexpr char kDeny[] = "deny";  // or the kernel lets no ordinary user map groups
  return write_text("/proc/self/setgroups", kDeny, sizeof(kDeny) - 1) &&
         write_text("/proc/self/uid_map", mapping.users.data(), mapping.users.size()) &&
         write_text("/proc/self/gid_map", mapping.groups.data(), mapping.groups.size());
}

const Result<HostRights>& host_rights() {
  static const Result<HostRights> rights = find_rights();
  return rights;
}

}  // namespace kube

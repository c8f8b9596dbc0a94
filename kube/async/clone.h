// What those who start processes themselves need between clone and exec.
//
//   int pidfd = -1;
//   const pid_t pid = clone_with_pidfd(CLONE_NEWPID, &pidfd);
//   if (pid == 0) { …; if (close_on_exec_from(3)) syscall(SYS_execve, …); syscall(SYS_exit_group, 127); }
//
// Thread: any. The child has this thread alone: what other threads had locked stays locked in it, so it makes
// system calls only until it runs a program or ends.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace kube {

// A new process in the namespaces that `flags` (CLONE_NEW…) name; 0 in the child, on the caller's copied
// stack. -1 with errno; containers' seccomp profiles refuse namespaces by EPERM or ENOSYS.
pid_t clone_with_pidfd(std::uint64_t flags, int* pidfd);

// The program that this process becomes gets none of its descriptors from `first` (above 0) on. System calls
// only. False with errno.
bool close_on_exec_from(int first) noexcept;

}  // namespace kube

// A machine for tests that knows fewer system calls than this one: an older kernel, or a container's seccomp
// profile.
//
//   check_in_a_process([] {
//     if (!refuse_system_call(SYS_clone3, ENOSYS)) return kNoFilters;
//     return starts_a_program() ? 0 : 1;
//   });
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include <catch2/catch.hpp>

namespace kube {

// Where nobody may set a filter, a test has nothing to say.
inline constexpr int kNoFilters = 254;

// From here on this thread, and whatever it starts, gets `error` from system call `number`; with `flags` only
// where the first argument has one of them. False where no such filter may be set.
inline bool refuse_system_call(long number, int error, std::uint32_t flags = 0) {
  const auto field = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  std::array program{
      field(offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 3),
      field(offsetof(seccomp_data, args)),  // its lower half, on machines with little ends first
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0,
                           static_cast<std::uint8_t>(flags != 0 ? 1 : 0)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

// A filter stays for good, so whoever sets one runs in a process of its own; 0 is what it is to end with.
template <class Inside>
void check_in_a_process(Inside inside) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(inside());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoFilters) {
    WARN("skipped: this machine lets nobody filter system calls");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

}  // namespace kube

#include "kube/kubelet/host_rights.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <catch2/catch.hpp>

#include "kube/async/test_system_calls.h"

using namespace kube;

// Run by the test below, in a process of its own: rights are probed once in each.
TEST_CASE("rights are refused with what they need", "[.rights-refused]") {
  const Result<HostRights>& rights = host_rights();
  REQUIRE_FALSE(rights);
  CHECK(rights.error().kind() == ErrorKind::Forbidden);
  CHECK_THAT(rights.error().message(), Catch::Contains("pods as processes need root"));
  CHECK_THAT(rights.error().message(), Catch::Contains("a container's seccomp profile"));
}

TEST_CASE("where a container's seccomp profile refuses namespaces, we say what pods as processes need",
          "[kubelet]") {
  const int answer = GENERATE(EPERM, ENOSYS);
  const pid_t inside = ::fork();
  REQUIRE(inside >= 0);
  if (inside == 0) {
    constexpr auto kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER;
    if (!refuse_system_call(SYS_clone3, ENOSYS) || !refuse_system_call(SYS_clone, answer, kNamespaces))
      ::_exit(254);
    ::execl("/proc/self/exe", "host_rights_test", "[.rights-refused]", nullptr);
    ::_exit(255);
  }
  int status = 0;
  REQUIRE(::waitpid(inside, &status, 0) == inside);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 254) {
    WARN("skipped: this machine lets nobody filter system calls");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

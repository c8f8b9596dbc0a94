#include "kube/kubelet/host_rights.h"

#include <sched.h>
#include <sys/syscall.h>
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
  check_in_a_process([&] {
    constexpr auto kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER;
    if (!refuse_system_call(SYS_clone3, ENOSYS) || !refuse_system_call(SYS_clone, answer, kNamespaces))
      return kNoFilters;
    ::execl("/proc/self/exe", "host_rights_test", "[.rights-refused]", nullptr);
    return 255;
  });
}

// HostRights says what this process may do for containers: all, as root; or, as an ordinary user, what a user
// namespace allows.
//
//   Result<HostRights> rights = host_rights();          // probed once, by trying
//   if (rights->makes_user_namespace) flags |= CLONE_NEWUSER;
//
// Error Forbidden: neither way; the message says what would have to be changed. Thread: any.
#pragma once

#include <string>

#include "kube/base/result.h"

namespace kube {

struct HostRights {
  // Containers get a user namespace of their own, in which our user is root.
  bool makes_user_namespace = false;
  // We are root of the machine, or at least of a namespace with as many users; otherwise there is one user,
  // and whatever id a container wants to run under is another name for it.
  bool has_other_users = true;
  // File systems are mounted in a user namespace, ours or the container's: overlays keep their marks in
  // `user.` attributes there.
  bool mounts_in_user_namespace = false;
};

const Result<HostRights>& host_rights();

// In a child that was just cloned into a user namespace of its own: makes the user and group that it came
// from its root. System calls only. False with errno.
struct RootMapping {
  std::string users, groups;  // the texts to be written
  static RootMapping of_this_process();
};
bool become_root(const RootMapping& mapping) noexcept;

}  // namespace kube

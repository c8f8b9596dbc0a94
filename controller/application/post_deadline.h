// post_deadline() says how long the request may take that needs the lease: the creation of a driver, or of a
// schedule's run.
//
//   const auto deadline = post_deadline(leadership);      // nothing: the lease ends too soon, do not send it
//   if (!deadline) co_return ReconcileResult::again();
//
// It is the longest of a few that the lease is certain to outlast. One of a few seconds, as some
// installations have, leaves room for the shorter ones. Thread: the loop's only.
#pragma once

#include <optional>

#include "kube/runtime/leader_election.h"

namespace controller {

inline std::optional<kube::Duration> post_deadline(const kube::Leadership& leadership) {
  for (const int seconds : {10, 5, 2, 1}) {
    if (leadership.valid_for(std::chrono::seconds(seconds))) return std::chrono::seconds(seconds);
  }
  return std::nullopt;
}

}  // namespace controller

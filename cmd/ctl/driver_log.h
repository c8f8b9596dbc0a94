// Logs of an application's pods, from whichever moment they can be read.
//
//   co_return co_await follow_driver(session, cluster, "pi");     // until the driver has ended
//
// Thread: the loop's only.
#pragma once

#include "cmd/ctl/session.h"
#include "kube/async/retry.h"

namespace ctl {

// How often a command looks for what a person waits for.
constexpr kube::Backoff kLookAgain{
    .initial = std::chrono::milliseconds(300), .factor = 1.5, .max = std::chrono::seconds(2)};

struct LogRequest {
  std::string pod;
  kube::QueryParameters query = {};  // as the log subresource has it
  bool follow = false;
};
// Waits a while for a container that is about to start. Returns an exit code; what is wrong has been said.
kube::Task<int> print_log(Session& session, Cluster cluster, LogRequest request);

// Waits a while for the driver's pod first.
kube::Task<int> follow_driver(Session& session, Cluster cluster, std::string application);
// Of the current attempt, by what status says; waits that long for one. Error NotFound: there is none.
kube::Task<kube::Result<std::string>> wait_for_driver(Session& session, Cluster cluster,
                                                      std::string application,
                                                      kube::Duration patience = std::chrono::seconds(30));

}  // namespace ctl

// The local cluster as a background process: `sparkctl local up` starts it, `down` ends it, `run` uses it.
//
//   auto started = start_daemon(folder, Lifetime::OwnLife);      // returns when the cluster answers
//   stop_daemon(folder);                                         // returns when its last process has ended
//
// The background process is this binary again (`sparkctl local serve`), with its output in the folder's log,
// so it holds nothing of the caller's. Blocking. Thread: any.
#pragma once

#include "cmd/local/state_folder.h"

namespace cmd {

enum class Lifetime {
  OwnLife,     // until `down`
  WithCaller,  // also ends when the calling process does, however that ends
};

// Error: what the cluster said when it could not start.
kube::Result<> start_daemon(const StateFolder& folder, Lifetime lifetime);
// Ends it by SIGTERM, after 30 s by SIGKILL. Nothing running is fine.
kube::Result<> stop_daemon(const StateFolder& folder);

}  // namespace cmd

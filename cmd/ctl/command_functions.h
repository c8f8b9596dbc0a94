// One function for each command that has a session; each lives in a file of its name, and its row in
// command_table.cc.
//
// They print what was asked for to the session's `out`, everything else to `err`, and return an exit code
// (command.h). A command that is cancelled (Ctrl-C) leaves nothing half done: what it made for the time of
// its run goes with it.
#pragma once

#include "cmd/ctl/command.h"

namespace ctl {

kube::Task<int> render(Session& session, const Invocation& asked);
kube::Task<int> convert(Session& session, const Invocation& asked);
kube::Task<int> diff(Session& session, const Invocation& asked);

kube::Task<int> create(Session& session, const Invocation& asked);
kube::Task<int> delete_applications(Session& session, const Invocation& asked);
kube::Task<int> list(Session& session, const Invocation& asked);
kube::Task<int> status(Session& session, const Invocation& asked);
kube::Task<int> why(Session& session, const Invocation& asked);
kube::Task<int> log(Session& session, const Invocation& asked);
kube::Task<int> forward(Session& session, const Invocation& asked);
kube::Task<int> event(Session& session, const Invocation& asked);
kube::Task<int> rerun(Session& session, const Invocation& asked);
kube::Task<int> suspend(Session& session, const Invocation& asked);
kube::Task<int> resume(Session& session, const Invocation& asked);
kube::Task<int> run_now(Session& session, const Invocation& asked);
kube::Task<int> top(Session& session, const Invocation& asked);

kube::Task<int> completion(Session& session, const Invocation& asked);
kube::Task<int> complete(Session& session, const Invocation& asked);  // what the completion scripts ask

// With loops of their own: cmd/local.
int local_up(const Invocation& asked);
int local_run(const Invocation& asked);
int local_down(const Invocation& asked);
int local_kubelet(const Invocation& asked);
int local_serve(const Invocation& asked);

}  // namespace ctl

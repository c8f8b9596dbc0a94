// run_until_signal() is the last line of an operator's main(): it runs the manager until SIGTERM or SIGINT.
//
//   return run_until_signal(loop, manager, log);
//
// The first signal stops in order, within the manager's grace; a second one ends the process at once.
// Answers the exit code: 0 after a regular stop, 1 when the manager ended with an error.
// Thread: the one that made the loop.
#pragma once

#include "kube/async/real_loop.h"
#include "kube/runtime/manager.h"

namespace kube {

int run_until_signal(RealLoop& loop, Manager& manager, Log log);

}  // namespace kube

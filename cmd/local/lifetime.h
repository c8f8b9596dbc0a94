// run_until_stopped is the life of what one machine runs, a whole cluster or a node that has joined one.
//
//   JoinedNode node(…);                                  // Task<Result<T>> start(); Task<> stop();
//   co_await run_until_stopped(node, log, stopped, ready);
//
// `ready` is told what came of start(). What has started only in part is stopped as well.
// Thread: the loop's only.
#pragma once

#include <functional>

#include "kube/async/task.h"
#include "kube/base/log.h"

namespace cmd {

template <class Machine, class Ready>
kube::Task<> run_until_stopped(Machine& machine, kube::Log log, std::function<kube::Task<>()> stopped,
                               Ready ready) {
  auto started = co_await machine.start();
  const bool runs = started.has_value();
  ready(std::move(started));
  if (runs) co_await stopped();
  log.info("stopping");
  co_await machine.stop();
}

}  // namespace cmd

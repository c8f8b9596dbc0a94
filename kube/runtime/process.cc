#include "kube/runtime/process.h"

#include <csignal>
#include <cstdlib>

namespace kube {

namespace {

Task<> stop_on_signal(Loop* loop, Manager* manager, Log log) {
  const int signal = co_await wait_for_signal(*loop, {SIGTERM, SIGINT});
  log.info("stopping", {{"signal", signal}});
  manager->stop();
  co_await wait_for_signal(*loop, {SIGTERM, SIGINT});
  std::_Exit(1);
}

Task<> run(Loop* loop, Manager* manager, Log log, int* exit_code) {
  TaskGroup signals(*loop, log);
  signals.spawn("signals", stop_on_signal(loop, manager, log));
  const Result<> ended = co_await manager->run();
  *exit_code = ended ? 0 : 1;
  co_await signals.cancel_and_join();
}

}  // namespace

int run_until_signal(RealLoop& loop, Manager& manager, Log log) {
  // A peer that goes away while we write is an error of that call, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = 1;
  loop.run(run(&loop, &manager, std::move(log), &exit_code));
  return exit_code;
}

}  // namespace kube

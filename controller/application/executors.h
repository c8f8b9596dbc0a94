// Executor states in status: merged from the pods that are there, by upstream's rules, and bounded.
//
//   auto [states, app_selector, notes] = track_executors(status, seen.executors, state, 1000);
//
// Executors whose id is above `max_tracked` are left out, as upstream does, so that tools which compare the
// map with spec.executor.instances must stay below it; metrics count all of them (controller/metrics).
// Whatever that limit is, the map never grows beyond what etcd takes with everything that goes with it.
//
// Thread: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/application/decision.h"

namespace controller {

struct ExecutorTracking {
  std::map<std::string, api::PodState> states;
  std::string app_selector;  // Spark's application id as the executors carry it; "" when there are none
  std::vector<Note> notes;   // of new or changed executors
};

// Bytes of names and states. The API server stores each name once more in managedFields, and etcd refuses
// objects beyond 1.5 MB.
inline constexpr std::size_t kExecutorStateLimit = 512 << 10;

// Whether status tracks the executor: of the current attempt, and not above the limit.
bool is_tracked(const api::SparkApplicationStatus& status, const PodView& executor, std::int64_t max_tracked);

// `state` is the application's after the driver was looked at. Entries are never removed during a run, and
// one that has ended does not change any more. One that had not ended and whose pod is gone has completed
// with a run that succeeded, is unknown while the driver runs, and has failed otherwise.
//
// An executor that its driver deletes, at the end of the run or because dynamic allocation has no use for it,
// ends by SIGTERM: that is no failure. Neither is whatever becomes of executors that are deleted after their
// driver has succeeded.
ExecutorTracking track_executors(const api::SparkApplicationStatus& status,
                                 const std::vector<PodView>& executors, api::State state,
                                 std::int64_t max_tracked);

}  // namespace controller

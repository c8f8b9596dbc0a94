// Executor states in status: merged from the pods that are there, by upstream's rules.
//
//   auto [states, notes] = track_executors(status, seen.executors, state, 1000);
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

// `state` is the application's after the driver was looked at. Entries are never removed during a run; one
// that had not ended and whose pod is gone has completed with a run that succeeded, is unknown while the
// driver runs, and has failed otherwise. Executors whose id is above `max_tracked` are left out.
ExecutorTracking track_executors(const api::SparkApplicationStatus& status,
                                 const std::vector<PodView>& executors, api::State state,
                                 std::int64_t max_tracked);

}  // namespace controller

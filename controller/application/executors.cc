#include "controller/application/executors.h"

namespace controller {

namespace {

Note note_of(const PodView& pod, api::PodState state) {
  switch (state) {
    case api::PodState::Pending:
      return {false, "SparkExecutorPending", "Executor " + pod.key.name + " is pending"};
    case api::PodState::Running:
      return {false, "SparkExecutorRunning", "Executor " + pod.key.name + " is running"};
    case api::PodState::Completed:
      return {false, "SparkExecutorCompleted", "Executor " + pod.key.name + " completed"};
    case api::PodState::Failed: {
      const ContainerEnd end =
          pod.spark_container.value_or(ContainerEnd{-1, "Unknown (Container not Found)"});
      return {true, "SparkExecutorFailed",
              "Executor " + pod.key.name + " failed with ExitCode: " + std::to_string(end.exit_code) +
                  ", Reason: " + end.reason + ", Pod Message: " + pod.message};
    }
    case api::PodState::Unknown:
      return {true, "SparkExecutorUnknown", "Executor " + pod.key.name + " in unknown state"};
  }
  return {};
}

api::PodState after_loss(api::State state) {
  if (state == api::State::Running) return api::PodState::Unknown;
  // Spark removes its executors when it has succeeded: their absence then is their success.
  if (state == api::State::Completed || state == api::State::Succeeding) return api::PodState::Completed;
  return api::PodState::Failed;
}

}  // namespace

ExecutorTracking track_executors(const api::SparkApplicationStatus& status,
                                 const std::vector<PodView>& executors, api::State state,
                                 std::int64_t max_tracked) {
  ExecutorTracking result{status.executor_state, "", {}};
  std::map<std::string, bool> present;
  for (const PodView& pod : executors) {
    if (pod.submission_id != status.submission_id || pod.executor_id > max_tracked) continue;
    if (result.app_selector.empty()) result.app_selector = pod.app_selector;
    present[pod.key.name] = true;
    const api::PodState now = executor_state(pod);
    const auto known = result.states.find(pod.key.name);
    if (known != result.states.end() && known->second == now) continue;
    result.states[pod.key.name] = now;
    result.notes.push_back(note_of(pod, now));
  }
  for (auto& [name, old] : result.states) {
    const bool ended = old == api::PodState::Completed || old == api::PodState::Failed;
    if (!ended && !present.contains(name)) old = after_loss(state);
  }
  return result;
}

}  // namespace controller

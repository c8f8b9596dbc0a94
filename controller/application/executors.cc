#include "controller/application/executors.h"

#include "controller/application/event_texts.h"

namespace controller {

using api::PodState;

namespace {

// Quotes, colon, comma and the longest state.
constexpr std::size_t kEntryOverhead = 15;

bool has_ended(PodState state) {
  return state == PodState::Completed || state == PodState::Failed;
}

bool has_succeeded(api::State state) {
  return state == api::State::Succeeding || state == api::State::Completed;
}

// Whatever becomes of executors that are deleted after their driver has succeeded: it needs them no more.
PodState state_of(const PodView& pod, api::State app) {
  const PodState state = executor_state(pod);
  if (state != PodState::Failed || !pod.terminating || pod.trouble.reason || !has_succeeded(app))
    return state;
  const bool out_of_memory = pod.spark_container && pod.spark_container->reason == "OOMKilled";
  return out_of_memory ? PodState::Failed : PodState::Completed;
}

PodState after_loss(api::State app) {
  if (app == api::State::Running) return PodState::Unknown;
  // Spark removes its executors when it has succeeded: their absence then is their success.
  return has_succeeded(app) ? PodState::Completed : PodState::Failed;
}

std::size_t size_of(const std::map<std::string, PodState>& states) {
  std::size_t size = 0;
  for (const auto& [name, state] : states) size += name.size() + kEntryOverhead;
  return size;
}

}  // namespace

bool is_tracked(const api::SparkApplicationStatus& status, const PodView& executor,
                std::int64_t max_tracked) {
  return executor.submission_id == status.submission_id && executor.executor_id <= max_tracked;
}

ExecutorTracking track_executors(const api::SparkApplicationStatus& status,
                                 const std::vector<PodView>& executors, api::State state,
                                 std::int64_t max_tracked) {
  ExecutorTracking result{status.executor_state, "", {}};
  std::size_t size = size_of(result.states);
  std::map<std::string, bool> present;
  for (const PodView& pod : executors) {
    if (!is_tracked(status, pod, max_tracked)) continue;
    if (result.app_selector.empty()) result.app_selector = pod.app_selector;
    present[pod.key.name] = true;
    const PodState now = state_of(pod, state);
    const auto known = result.states.find(pod.key.name);
    if (known != result.states.end() && (known->second == now || has_ended(known->second))) continue;
    if (known == result.states.end()) {
      if (size + pod.key.name.size() + kEntryOverhead > kExecutorStateLimit) continue;
      size += pod.key.name.size() + kEntryOverhead;
    }
    result.states[pod.key.name] = now;
    result.notes.push_back(executor_note(pod, now));
  }
  for (auto& [name, old] : result.states) {
    if (!has_ended(old) && !present.contains(name)) old = after_loss(state);
  }
  return result;
}

}  // namespace controller

#include "kube/kubelet/container_state.h"

#include <algorithm>

namespace kube {

namespace {

Json terminated(const ContainerEnding& ending, const std::string& container_id) {
  Json json{{"exitCode", ending.exit_code},
            {"reason", ending.reason},
            {"startedAt", to_rfc3339(ending.started)},
            {"finishedAt", to_rfc3339(ending.finished)},
            {"containerID", container_id}};
  if (!ending.message.empty()) json["message"] = ending.message;
  return json;
}

Json condition(const Json& previous, const char* type, bool holds, const char* reason, TimePoint now) {
  Json json{{"type", type}, {"status", holds ? "True" : "False"}, {"lastProbeTime", nullptr}};
  if (*reason != '\0') json["reason"] = reason;
  json["lastTransitionTime"] = to_rfc3339(now);
  for (const Json& old : previous.value("conditions", Json::array())) {
    if (old.value("type", "") == type && old.value("status", "") == (holds ? "True" : "False")) {
      json["lastTransitionTime"] = old.value("lastTransitionTime", to_rfc3339(now));
    }
  }
  return json;
}

bool failed(const ContainerState& container) {
  return container.ended && container.ended->exit_code != 0;
}

}  // namespace

Json ContainerState::to_json(const std::string& pod_uid) const {
  const std::string id = "process://" + pod_uid + "-" + name;
  Json state;
  if (phase == Phase::Running) {
    state["running"] = {{"startedAt", to_rfc3339(started)}};
  } else if (phase == Phase::Ended && ended) {
    state["terminated"] = terminated(*ended, id);
  } else {
    state["waiting"] = {{"reason", waiting_reason}};
    if (!waiting_message.empty()) state["waiting"]["message"] = waiting_message;
  }
  Json last = Json::object();
  if (phase != Phase::Ended && ended) last["terminated"] = terminated(*ended, id);
  return {{"name", name},
          {"image", image},
          {"imageID", image},
          {"containerID", phase == Phase::Waiting && !ended ? "" : id},
          {"restartCount", restarts},
          {"ready", ready || (kind == Kind::Init && phase == Phase::Ended && !failed(*this))},
          {"started", phase == Phase::Running},
          {"state", state},
          {"lastState", last}};
}

std::string pod_phase(const PodStatusInput& input) {
  if (input.failed_reason) return "Failed";
  const auto& all = input.containers;
  if (input.over) {
    const bool any = std::any_of(all.begin(), all.end(), [](const ContainerState& container) {
      return container.kind != ContainerState::Kind::Sidecar && failed(container);
    });
    return any ? "Failed" : "Succeeded";
  }
  const bool started = std::any_of(all.begin(), all.end(), [](const ContainerState& container) {
    return container.kind == ContainerState::Kind::Main &&
           (container.phase != ContainerState::Phase::Waiting || container.ended);
  });
  return started ? "Running" : "Pending";
}

Json pod_status(const PodStatusInput& input, const Json& previous) {
  const std::string phase = pod_phase(input);
  const bool over = phase == "Succeeded" || phase == "Failed";
  bool initialized = true, ready = !over;
  Json init = Json::array(), main = Json::array();
  for (const ContainerState& container : input.containers) {
    (container.kind == ContainerState::Kind::Main ? main : init).push_back(container.to_json(input.uid));
    if (container.kind == ContainerState::Kind::Init) {
      initialized = initialized && container.phase == ContainerState::Phase::Ended && !failed(container);
    }
    if (container.kind == ContainerState::Kind::Sidecar) {
      initialized = initialized && (container.phase != ContainerState::Phase::Waiting || over);
    }
    if (container.kind == ContainerState::Kind::Main) ready = ready && container.ready;
  }
  const char* done = phase == "Succeeded" ? "PodCompleted" : phase == "Failed" ? "PodFailed" : "";
  const char* not_ready = over ? done : ready ? "" : "ContainersNotReady";
  Json status{
      {"phase", phase},
      {"startTime", to_rfc3339(input.started)},
      {"hostIP", input.host_ip},
      {"hostIPs", Json::array({{{"ip", input.host_ip}}})},
      {"podIP", input.pod_ip},
      {"podIPs", Json::array({{{"ip", input.pod_ip}}})},
      {"qosClass", previous.value("qosClass", "BestEffort")},
      {"conditions", Json::array({condition(previous, "PodReadyToStartContainers", !over, "", input.now),
                                  condition(previous, "Initialized", initialized || over, "", input.now),
                                  condition(previous, "Ready", ready, not_ready, input.now),
                                  condition(previous, "ContainersReady", ready, not_ready, input.now),
                                  condition(previous, "PodScheduled", true, "", input.now)})},
      {"containerStatuses", main},
  };
  if (!init.empty()) status["initContainerStatuses"] = init;
  if (input.failed_reason) {
    status["reason"] = *input.failed_reason;
    status["message"] = input.failed_message;
  }
  return status;
}

}  // namespace kube

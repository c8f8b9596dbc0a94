#include "kube/kubelet/pod_status.h"

#include <algorithm>

#include "kube/kubelet/pod_objects.h"

namespace kube {
namespace {

Json ended_json(const ContainerReport::Ended& ended, const std::string& id) {
  Json out = {{"exitCode", ended.exit.code},
              {"reason", exit_reason(ended.exit)},
              {"startedAt", to_rfc3339(ended.started)},
              {"finishedAt", to_rfc3339(ended.finished)},
              {"containerID", id}};
  if (!ended.exit.message.empty()) out["message"] = ended.exit.message;
  return out;
}

Json container_json(const Json& pod, const ContainerReport& container) {
  const std::string id = "process://" + string_at(pod, {"metadata", "uid"}) + "-" + container.name + "-" +
                         std::to_string(container.restarts);
  const bool was_started = container.running || container.ended;
  const bool done =
      container.role == ContainerRole::Init && container.ended && container.ended->exit.code == 0;
  Json out = {{"name", container.name},
              {"image", container.image},
              {"imageID", was_started ? container.image : ""},
              {"restartCount", container.restarts},
              {"ready", done || (container.running && container.ready)},
              {"started", container.running && container.started_up},
              {"lastState", Json::object()}};
  if (was_started) out["containerID"] = id;
  if (container.running) {
    out["state"] = {{"running", {{"startedAt", to_rfc3339(container.started)}}}};
  } else if (container.ended) {
    out["state"] = {{"terminated", ended_json(*container.ended, id)}};
  } else {
    Json waiting = {
        {"reason", container.waiting_reason.empty() ? "ContainerCreating" : container.waiting_reason}};
    if (!container.waiting_message.empty()) waiting["message"] = container.waiting_message;
    out["state"] = {{"waiting", waiting}};
  }
  if (container.last) out["lastState"] = {{"terminated", ended_json(*container.last, id)}};
  return out;
}

}  // namespace

std::string exit_reason(const ContainerExit& exit) {
  if (!exit.reason.empty()) return exit.reason;
  return exit.code == 0 ? "Completed" : "Error";
}

Json make_pod_status(const Json& pod, const PodReport& report, TimePoint now) {
  const bool over = report.phase == "Succeeded" || report.phase == "Failed";
  std::string unready;
  for (const ContainerReport& container : report.containers) {
    if (container.role == ContainerRole::Init) continue;
    if (!container.running || !container.ready) unready += (unready.empty() ? "" : " ") + container.name;
  }
  const bool ready = !over && report.phase == "Running" && unready.empty();

  Json conditions = Json::array();
  const Json& before = array_at(pod, {"status", "conditions"});
  auto condition = [&](const char* type, bool holds, const std::string& reason, const std::string& message) {
    Json out = {
        {"type", type}, {"status", holds ? "True" : "False"}, {"lastTransitionTime", to_rfc3339(now)}};
    if (!reason.empty()) out["reason"] = reason;
    if (!message.empty()) out["message"] = message;
    for (const Json& old : before) {
      if (string_at(old, {"type"}) == type && string_at(old, {"status"}) == (holds ? "True" : "False") &&
          old.contains("lastTransitionTime"))
        out["lastTransitionTime"] = old["lastTransitionTime"];
    }
    conditions.push_back(std::move(out));
  };
  const std::string why = over ? "PodCompleted" : "ContainersNotReady";
  const std::string which = "containers with unready status: [" + unready + "]";
  condition("PodReadyToStartContainers", !over && report.phase == "Running", "", "");
  condition("Initialized", report.initialized, report.initialized ? "" : "ContainersNotInitialized", "");
  condition("Ready", ready, ready ? "" : why, ready || over ? "" : which);
  condition("ContainersReady", ready, ready ? "" : why, ready || over ? "" : which);
  condition("PodScheduled", true, "", "");
  for (const Json& old : before) {
    const std::string type = string_at(old, {"type"});
    const bool ours = std::ranges::any_of(conditions, [&](const Json& c) { return c["type"] == type; });
    if (!ours) conditions.push_back(old);
  }

  Json status = {{"phase", report.phase},
                 {"hostIP", report.host_address},
                 {"hostIPs", Json::array({{{"ip", report.host_address}}})},
                 {"startTime", to_rfc3339(report.started)},
                 {"conditions", conditions},
                 {"containerStatuses", Json::array()}};
  // A merge patch removes what is null.
  status["reason"] = report.reason.empty() ? Json() : Json(report.reason);
  status["message"] = report.message.empty() ? Json() : Json(report.message);
  if (!report.pod_address.empty()) {
    status["podIP"] = report.pod_address;
    status["podIPs"] = Json::array({{{"ip", report.pod_address}}});
  }
  for (const ContainerReport& container : report.containers) {
    const char* list = container.role == ContainerRole::Main ? "containerStatuses" : "initContainerStatuses";
    status[list].push_back(container_json(pod, container));
  }
  return status;
}

}  // namespace kube

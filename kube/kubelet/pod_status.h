// A pod's status as the kubelet reports it, computed from what its containers are doing.
//
//   Json status = make_pod_status(pod, report, now);
//
// Conditions keep their lastTransitionTime as long as their status stays; those that others wrote (readiness
// gates, DisruptionTarget …) are carried over. Thread: pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"
#include "kube/kubelet/pod_runtime.h"

namespace kube {

enum class ContainerRole { Main, Init, Sidecar };

struct ContainerReport {
  struct Ended {
    ContainerExit exit;
    TimePoint started{}, finished{};
  };
  std::string name;
  std::string image;
  ContainerRole role = ContainerRole::Main;
  int restarts = 0;
  bool running = false;
  bool started_up = true;  // of a running one: its startup probe has held once
  bool ready = false;      // of a running one: its readiness probe holds
  TimePoint started{};
  std::optional<Ended> ended;  // the current state, when neither running nor waiting
  std::optional<Ended> last;   // the run before
  std::string waiting_reason;
  std::string waiting_message;
};

struct PodReport {
  std::string phase = "Pending";  // Pending, Running, Succeeded, Failed
  std::string reason, message;
  std::string pod_address, host_address;
  TimePoint started{};
  bool initialized = false;
  std::vector<ContainerReport> containers;
};

// What Kubernetes calls the end of a container: Completed or Error unless the runtime said otherwise.
std::string exit_reason(const ContainerExit& exit);

Json make_pod_status(const Json& pod, const PodReport& report, TimePoint now);

}  // namespace kube

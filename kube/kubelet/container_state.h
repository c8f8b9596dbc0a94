// ContainerState is what is known of one container of a pod, and how it reads in the pod's status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace kube {

struct ContainerEnding {
  int exit_code = 0;
  std::string reason;   // Completed, Error
  std::string message;  // termination message
  TimePoint started{};
  TimePoint finished{};
};

struct ContainerState {
  enum class Kind { Init, Sidecar, Main };
  enum class Phase { Waiting, Running, Ended };

  std::string name;
  std::string image;
  Kind kind = Kind::Main;
  Phase phase = Phase::Waiting;
  std::string waiting_reason = "ContainerCreating";
  std::string waiting_message;
  TimePoint started{};
  bool ready = false;
  int restarts = 0;
  std::optional<ContainerEnding> ended;  // of the current or the last start

  Json to_json(const std::string& pod_uid) const;
};

struct PodStatusInput {
  std::string uid;
  std::string host_ip, pod_ip;
  TimePoint started{};
  TimePoint now{};
  std::vector<ContainerState> containers;  // init containers first
  bool restarts_forever = false;  // restartPolicy Always: an ended main container is not the pod's end
  std::optional<std::string> failed_reason;  // the pod failed as a whole: DeadlineExceeded …
  std::string failed_message;
  // Every main container has ended for good.
  bool over = false;
};

std::string pod_phase(const PodStatusInput& input);
// A pod's whole status. `previous` keeps conditions' times where nothing changed.
Json pod_status(const PodStatusInput& input, const Json& previous);

}  // namespace kube

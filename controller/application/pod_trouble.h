// PodTrouble is what a pod says about itself that is out of the ordinary: why it does not start, or who took
// it away. Made when the pod is projected, so that a healthy pod costs an empty string.
//
//   PodTrouble trouble = trouble_of(pod["status"]);     // {Unschedulable, "0/3 nodes are available: …"}
//
// How its Spark container ended is not among it (PodView::spark_container). Thread: pure.
#pragma once

#include <optional>
#include <string>

#include "controller/application/failure_reason.h"
#include "kube/core/json_reader.h"

namespace controller {

struct PodTrouble {
  std::optional<FailureReason> reason;
  std::string text;  // the cluster's own words, bounded
  bool operator==(const PodTrouble&) const = default;
};

// In this order: the pod was disrupted, its node gave it up, a container cannot start, it cannot be
// scheduled.
PodTrouble trouble_of(kube::JsonView status);

}  // namespace controller

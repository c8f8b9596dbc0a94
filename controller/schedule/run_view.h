// RunView is what the controller of schedules keeps of a SparkApplication that a schedule has made.
//
//   Result<RunView> run = project_run(object);            // of an informer, or of a live list
//   if (run->is_running()) …
//
// Thread: values.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "api/spark_application_status.h"
#include "kube/base/clock.h"
#include "kube/core/json_reader.h"
#include "kube/core/object_key.h"

namespace controller {

struct RunView {
  kube::ObjectKey key = {};
  std::string uid = {};
  std::string resource_version = {};
  std::string schedule_uid = {};  // of the ScheduledSparkApplication that owns it; "" = none does
  api::State state = api::State::New;
  std::optional<kube::TimePoint> created = {};
  bool terminating = false;

  bool has_ended() const { return state == api::State::Completed || state == api::State::Failed; }
  // Without the version: what else a run's status tells changes nothing for its schedule.
  bool operator==(const RunView& other) const {
    return std::tie(key, uid, schedule_uid, state, created, terminating) ==
           std::tie(other.key, other.uid, other.schedule_uid, other.state, other.created, other.terminating);
  }
};

// Error InvalidInput: it is no object.
kube::Result<RunView> project_run(kube::JsonView object);

}  // namespace controller

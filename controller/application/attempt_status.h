// What of an attempt stands in status: its id, which pod is its driver, and how status tells that it was
// submitted, refused or lost its driver. decide() and the launcher share it.
//
//   const std::string id = next_id(app, policy);            // the label of the next attempt's pods
//   writer.write(app, submitted(app.status, driver), …);
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>

#include "controller/application/decision.h"
#include "controller/application/failure_reason.h"

namespace controller {

// The id of the attempt that would come next.
std::string next_id(const api::SparkApplication& app, const Policy& policy);

// Whether the pod is the driver that status speaks of: owner, id, name, and for our own ids the recorded
// time.
bool is_current_driver(const api::SparkApplication& app, const PodView& pod);

// Status changes that several steps share.
api::SparkApplicationStatus submitted(const api::SparkApplicationStatus& before, const PodView& driver);
api::SparkApplicationStatus refused(const api::SparkApplicationStatus& before, std::string submission_id,
                                    std::string message, kube::TimePoint now);
api::SparkApplicationStatus driver_lost(const api::SparkApplication& app, kube::TimePoint now);
// No submission can ever be made of this spec. Its id is used up, so that an edit is seen as one.
api::SparkApplicationStatus impossible(const api::SparkApplicationStatus& before, std::string submission_id,
                                       std::string message, kube::TimePoint now);

// The run has come to its end; `reason`: why it failed, if it did. Sets the end, forgets earlier attempts
// where the run was long enough, and counts what the cluster has to answer for. `before` is the status of the
// run.
void end_run(const api::SparkApplicationSpec& spec, const api::SparkApplicationStatus& before,
             std::optional<FailureReason> reason, kube::TimePoint now, api::SparkApplicationStatus& status);

}  // namespace controller

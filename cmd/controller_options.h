// What the flags of `spark-operator controller start` mean: the options of the parts that they are for.
//
//   auto options = application_options(flags, log);
//
// One function a part, each a plain mapping, so that a test can say of every flag what it changes.
// Thread: pure, but for submit_options(), connect_options(), spark_submit_options() and schedule_options(),
// which look at the environment, and submission_service_options(), which reads the TLS files.
#pragma once

#include "cmd/controller_flags.h"
#include "controller/application/application_controller.h"
#include "controller/connect/connect_controller.h"
#include "controller/schedule/schedule_controller.h"
#include "controller/submit/submitter_choice.h"
#include "kube/client/config.h"
#include "kube/runtime/manager.h"
#include "spark/submit_conf.h"

namespace cmd {

controller::ApplicationControllerOptions application_options(const ControllerFlags& flags,
                                                             const kube::Log& log);
controller::ScheduleControllerOptions schedule_options(const ControllerFlags& flags, const kube::Log& log);
controller::ConnectControllerOptions connect_options(const ControllerFlags& flags,
                                                     const kube::ClientConfig& config, const kube::Log& log);
spark::SubmitOptions submit_options(const ControllerFlags& flags, const kube::ClientConfig& config);
controller::SparkSubmitOptions spark_submit_options(const ControllerFlags& flags, const kube::Log& log);
// Only --submitter, and the gate RestSubmitter where that leaves it open.
controller::SubmitterMode submitter_mode(const ControllerFlags& flags);
// Of the gate RestSubmitter. Error: a file of --submitter-tls-… cannot be read.
kube::Result<controller::SubmissionServiceOptions> submission_service_options(const ControllerFlags& flags,
                                                                              const kube::Log& log);
controller::RestOptions rest_options(const ControllerFlags& flags, const kube::Log& log);
kube::ManagerOptions manager_options(const ControllerFlags& flags, kube::Loop& loop,
                                     kube::MetricsRegistry* metrics, const kube::Log& log);

}  // namespace cmd

// native_submission() is the whole native submitter as one pure function: SparkApplication in, objects to
// create out.
//
//   auto plan = plan_native_submission(app, options, attempt);   // app as read from the API server
//   if (!plan->submission) …                                     // only a JVM can do it: plan->obstacles
//
// It is prepare_application + spark_submit_arguments + driver_conf + build_submission, and what the pod
// webhook would add afterwards: the driver pod is mutated here, the executors' share goes into the executor
// pod template that the driver mounts. Pods made from it carry the annotation of spark/pod_mutation.h, so
// that a webhook adds nothing twice.
//
// Equal inputs give equal bytes: a second call for the same attempt, also by another process, builds the same
// objects. Errors are InvalidInput: a person must change the application.
#pragma once

#include <optional>
#include <vector>

#include "kube/base/result.h"
#include "spark/driver_builder.h"
#include "spark/fallback.h"
#include "spark/submit_conf.h"

namespace spark {

// Either why this application needs the JVM, or what to create.
struct NativePlan {
  std::vector<FallbackReason> obstacles;
  std::optional<Submission> submission;  // nothing when there are obstacles
};
Result<NativePlan> plan_native_submission(const api::SparkApplication& app, const SubmitOptions& options,
                                          const Attempt& attempt);

// The objects alone, obstacles or not.
Result<Submission> native_submission(const api::SparkApplication& app, const SubmitOptions& options,
                                     const Attempt& attempt);

// The obstacles alone; empty: native_submission() does the same job. Error: spark-submit would refuse the
// application as well.
Result<std::vector<FallbackReason>> native_obstacles(const api::SparkApplication& app,
                                                     const SubmitOptions& options, const Attempt& attempt);

}  // namespace spark

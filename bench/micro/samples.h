// Samples are the inputs that several benchmarks share: bench/application.yaml as a server would hold it, and
// what an operator makes of it.
//
// Thread: values.
#pragma once

#include <string>

#include "api/spark_application.h"
#include "controller/application/attempt_status.h"
#include "kube/core/json.h"
#include "spark/native_submission.h"

namespace bench {

// With namespace, uid, resourceVersion and creationTimestamp, as after creation.
kube::Json application_json();
api::SparkApplication application();

spark::SubmitOptions submit_options();
spark::Attempt attempt_of(const api::SparkApplication& app);

// The driver pod as the API server hands it out: defaults filled in, managedFields, a running status.
kube::Json driver_pod_json();
// The application while that driver runs, and what the caches hold.
api::SparkApplication running_application();
controller::Observation running_observation();

}  // namespace bench

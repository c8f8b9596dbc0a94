// The disruption budget that keeps a driver from being evicted: drains of nodes, and autoscalers that empty
// them, wait for it to end.
//
//   Json budget = driver_pod_disruption_budget(app);      // named like the driver pod
//
// Its name is that of the driver that runs (status.driverInfo.podName), not of the one that an edited spec
// would make. Pure functions.
#pragma once

#include "api/spark_application.h"
#include "kube/core/json.h"

namespace spark {

// policy/v1 PodDisruptionBudget.
kube::Json driver_pod_disruption_budget(const api::SparkApplication& app);

}  // namespace spark

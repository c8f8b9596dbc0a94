#include "spark/children/disruption_budget.h"

#include "api/names.h"
#include "spark/children/child_object.h"

namespace spark {

using kube::Json;

Json driver_pod_disruption_budget(const api::SparkApplication& app) {
  const std::string& running = app.status.driver_info.pod_name;
  Json labels = child_labels(app);
  labels[api::label::kLaunchedByOperator] = api::label::kTrue;
  Json budget = child_object(app, "policy/v1", "PodDisruptionBudget",
                             running.empty() ? api::driver_pod_name(app) : running, std::move(labels));
  // A whole number: for a share, the API server would have to know how many drivers the application wants.
  budget["spec"]["minAvailable"] = 1;
  budget["spec"]["selector"]["matchLabels"] = {{api::label::kAppName, app.metadata.name},
                                               {api::label::kSparkRole, api::label::kRoleDriver}};
  return budget;
}

}  // namespace spark

// Executors take connections from their own application's pods only.
#include "spark/feature_steps/feature_step.h"

namespace spark {

Result<> network_policy(DriverBuild& build) {
  const Json own = {{"spark-app-selector", build.conf.app_id}};
  const Json executors = {{"spark-app-selector", build.conf.app_id}, {"spark-role", "executor"}};
  Json rule;
  rule["from"].push_back({{"podSelector", {{"matchLabels", own}}}});
  Json policy;
  policy["metadata"]["labels"] = own;
  policy["spec"]["podSelector"]["matchLabels"] = executors;
  policy["spec"]["ingress"].push_back(std::move(rule));
  build.add_child("networking.k8s.io/v1", "NetworkPolicy", build.conf.resource_name_prefix + "-policy",
                  std::move(policy));
  return {};
}

}  // namespace spark

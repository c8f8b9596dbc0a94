// Would this application fit into its namespace's resource quotas? Asked when it is created or its spec
// changes, so that users hear it at once and not from a driver that never finds its executors.
//
//   auto demand = demand_of(app.spec);            // the driver's share and the executors'
//   auto full = exceeded_quota({.wanted = *demand, .pending = {…}}, quotas);
//   // "ns/small: memory: 4992Mi requested, 0 used, 8Gi of applications admitted before, 10Gi allowed"
//
// Counted are driver and executors as Spark will ask for them (spark/batch/pod_request.h; for dynamic
// allocation: those it starts with): cpu and requests.cpu, limits.cpu, memory and requests.memory,
// limits.memory. A quota with scopes counts the roles whose pods it is about: NotBestEffort all,
// BestEffort none (Spark's pods always request memory), Terminating by the template's activeDeadlineSeconds,
// PriorityClass by the role's class, CrossNamespacePodAffinity by its affinity. A quota with a scope that
// this code does not know is left to the API server.
//
// Unlike upstream's, memory counts once, limits count as limits, the overhead is Spark's for the language,
// and coreRequest counts. Error InvalidInput: an amount cannot be read; names the property. Pure functions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/core/quantity.h"

namespace webhook {

using ResourceAmounts = std::map<std::string, kube::Quantity>;

// What the pods of one role ask for together, and what scopes look at.
struct RoleDemand {
  ResourceAmounts amounts;
  std::string priority_class;
  bool terminating = false;
  bool cross_namespace_affinity = false;
};

struct Demand {
  RoleDemand driver, executors;
};

kube::Result<Demand> demand_of(const api::SparkApplicationSpec& spec);

// `wanted` comes on top of what is used and of what is `pending` (other applications whose pods are still to
// come); `held` is what its own present pods have in use and give back first.
struct QuotaQuestion {
  Demand wanted;
  std::optional<Demand> held = {};
  std::vector<std::shared_ptr<const Demand>> pending = {};
};

// The first quota (v1 ResourceQuota) that has not as much left; nullopt when all have.
std::optional<std::string> exceeded_quota(const QuotaQuestion& question,
                                          const std::vector<kube::Json>& quotas);

}  // namespace webhook

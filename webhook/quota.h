// Would this application fit into its namespace's resource quotas? Asked when it is created or its spec
// changes, so that users hear it at once and not from a driver that never finds its executors.
//
//   auto asks = requested_by(app.spec);                       // {"cpu": 3, "requests.memory": "4992Mi", …}
//   auto full = exceeded_quota(*asks, quotas);                // "ns/small: memory: 4992Mi requested, …"
//
// Counted are driver and executors as the operator will ask for them (for dynamic allocation: those it
// starts with): cpu and requests.cpu, limits.cpu, memory and requests.memory, limits.memory. Quotas with
// scopes are skipped. Unlike upstream's, memory counts once, limits count as limits, the overhead is Spark's
// for the language, and coreRequest counts.
// Error InvalidInput: an amount cannot be read; names the field. Pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/core/quantity.h"

namespace webhook {

using ResourceAmounts = std::map<std::string, kube::Quantity>;

kube::Result<ResourceAmounts> requested_by(const api::SparkApplicationSpec& spec);

// What the new spec wants beyond the old one's pods, which go first when a running application changes.
ResourceAmounts beyond(ResourceAmounts wanted, const ResourceAmounts& held);

// The first quota (v1 ResourceQuota) that has not as much left; nullopt when all have.
std::optional<std::string> exceeded_quota(const ResourceAmounts& requested,
                                          const std::vector<kube::Json>& quotas);

}  // namespace webhook

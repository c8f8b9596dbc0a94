// The config map of an application's Prometheus exporter. The pod webhook of a cluster mounts it into
// executors too, so it is there before the first pod is, whoever submits.
//
//   applied = co_await apply_config_map(client, spark::prometheus_config_map(app));
#pragma once

#include <optional>

#include "kube/client/api.h"

namespace controller {

// Nothing to do without a map; doing it twice changes nothing.
kube::Task<kube::Result<>> apply_config_map(kube::Client& client, std::optional<kube::Json> map);

}  // namespace controller

// rest_client_requests_total{code,host,method}: what this process asks of the API server, under client-go's
// name.
//
//   Client::create(loop, network, config, {.on_request = rest_client_observer(metrics, "10.0.0.1:6443")});
//
// code is the HTTP status, or "<error>" when no answer came.
// Thread: the loop's only. Lifetime: the registry outlives the observer.
#pragma once

#include <string>

#include "kube/client/client.h"
#include "kube/runtime/metrics.h"

namespace kube {

RequestObserver rest_client_observer(MetricsRegistry& metrics, const std::string& host);

}  // namespace kube

#include "kube/runtime/rest_client_metrics.h"

namespace kube {

RequestObserver rest_client_observer(MetricsRegistry& metrics, const std::string& host) {
  return [&metrics, host](std::string_view method, int code) {
    metrics
        .counter("rest_client_requests_total",
                 "Number of HTTP requests, partitioned by status code, method, and host.",
                 {{"code", code == 0 ? "<error>" : std::to_string(code)},
                  {"host", host},
                  {"method", std::string(method)}})
        .Increment();
  };
}

}  // namespace kube

// Prometheus through the JMX exporter: a config map, annotations and a Java agent.
//
//   if (auto map = prometheus_config_map(app)) apply(*map);       // before the driver pod
//   configure_prometheus(app);                                    // in memory, for one submission
//
// Port and mount on the pods are pod mutations (spark/pod_mutation.h). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/spark_application.h"
#include "kube/core/json.h"

namespace spark {

// Whether the operator's config map is needed: both files given by the user make it pointless.
bool needs_prometheus_config_map(const api::SparkApplication& app);

// v1 ConfigMap with the application as controller; nullopt when it is not needed.
std::optional<kube::Json> prometheus_config_map(const api::SparkApplication& app);

// sparkConf, annotations and java options of `app`, whose spec.monitoring.prometheus must be present.
void configure_prometheus(api::SparkApplication& app);

std::int32_t prometheus_port(const api::PrometheusSpec& prometheus);
std::string prometheus_port_name(const api::PrometheusSpec& prometheus);

}  // namespace spark

// Metrics of driver and executors: a config map for metrics.properties and the JMX exporter, annotations, and
// the exporter's Java agent.
//
//   if (auto map = prometheus_config_map(app)) apply(*map);       // before the driver pod
//   configure_monitoring(app);                                    // in memory, for one submission
//
// Without spec.monitoring.prometheus there is no exporter, but the user's own metrics.properties still count
// (upstream forgets them): sinks such as the PrometheusServlet are set up in it. Keys of sparkConf that
// begin with spark.metrics.conf are the user's and stay.
//
// Port and mount on the pods are pod mutations (spark/pod_mutation.h). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/spark_application.h"
#include "kube/core/json.h"

namespace spark {

// Whether the operator's config map is needed: files that the user brings in the image make it pointless.
bool needs_prometheus_config_map(const api::SparkApplication& app);

// v1 ConfigMap with the application as controller; nullopt when it is not needed.
std::optional<kube::Json> prometheus_config_map(const api::SparkApplication& app);

// sparkConf, annotations and java options of `app`.
void configure_monitoring(api::SparkApplication& app);

// spec.monitoring is there and asks for nothing that could be done.
bool monitoring_says_nothing(const api::SparkApplicationSpec& spec);

std::int32_t prometheus_port(const api::PrometheusSpec& prometheus);
std::string prometheus_port_name(const api::PrometheusSpec& prometheus);

}  // namespace spark

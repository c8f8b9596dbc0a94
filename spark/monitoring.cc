#include "spark/monitoring.h"

#include <array>
#include <string_view>

#include "api/constants.h"
#include "api/names.h"
#include "spark/application_owner.h"

namespace spark {

using kube::Json;

namespace {

// One rule of the JMX exporter. Every pattern begins with the metric's namespace and application.
struct ExporterRule {
  std::string_view pattern;
  std::string_view name;
  std::string_view type;
  std::string_view extra_label;  // for "$3"
};
constexpr std::array kRules{
    ExporterRule{R"(\.driver\.(BlockManager|DAGScheduler|jvm)\.(\S+)><>Value)", "spark_driver_$3_$4", "GAUGE",
                 ""},
    ExporterRule{R"(\.driver\.(\S+)\.StreamingMetrics\.streaming\.(\S+)><>Value)",
                 "spark_streaming_driver_$4", "GAUGE", ""},
    ExporterRule{R"(\.driver\.spark\.streaming\.(\S+)\.(.*)><>Value)", "spark_structured_streaming_driver_$4",
                 "GAUGE", "query_name"},
    ExporterRule{R"(\.(\S+)\.executor\.(\S+)><>Value)", "spark_executor_$4", "GAUGE", "executor_id"},
    ExporterRule{R"(\.driver\.DAGScheduler\.(.*)><>Count)", "spark_driver_DAGScheduler_$3_count", "COUNTER",
                 ""},
    ExporterRule{R"(\.driver\.HiveExternalCatalog\.(.*)><>Count)",
                 "spark_driver_HiveExternalCatalog_$3_count", "COUNTER", ""},
    ExporterRule{R"(\.driver\.CodeGenerator\.(.*)><>Count)", "spark_driver_CodeGenerator_$3_count", "COUNTER",
                 ""},
    ExporterRule{R"(\.driver\.LiveListenerBus\.(.*)><>Count)", "spark_driver_LiveListenerBus_$3_count",
                 "COUNTER", ""},
    ExporterRule{R"(\.driver\.LiveListenerBus\.(.*)><>Value)", "spark_driver_LiveListenerBus_$3", "GAUGE",
                 ""},
    ExporterRule{R"(\.(.*)\.executor\.(.*)><>Count)", "spark_executor_$4_count", "COUNTER", "executor_id"},
    ExporterRule{R"(\.([0-9]+)\.(jvm|NettyBlockTransfer)\.(.*)><>Value)", "spark_executor_$4_$5", "GAUGE",
                 "executor_id"},
    ExporterRule{R"(\.([0-9]+)\.HiveExternalCatalog\.(.*)><>Count)",
                 "spark_executor_HiveExternalCatalog_$4_count", "COUNTER", "executor_id"},
    ExporterRule{R"(\.([0-9]+)\.CodeGenerator\.(.*)><>Count)", "spark_executor_CodeGenerator_$4_count",
                 "COUNTER", "executor_id"},
};

std::string exporter_config() {
  std::string text = "\nlowercaseOutputName: true\nattrNameSnakeCase: true\nrules:\n";
  for (const ExporterRule& rule : kRules) {
    text.append("- pattern: metrics<name=(\\S+)\\.(\\S+)").append(rule.pattern).append("\n");
    text.append("  name: ").append(rule.name).append("\n  type: ").append(rule.type).append("\n");
    text.append("  labels:\n    app_namespace: \"$1\"\n    app_id: \"$2\"\n");
    if (!rule.extra_label.empty()) text.append("    ").append(rule.extra_label).append(": \"$3\"\n");
  }
  return text;
}

constexpr std::string_view kMetricsProperties =
    "\n*.sink.jmx.class=org.apache.spark.metrics.sink.JmxSink\n"
    "driver.source.jvm.class=org.apache.spark.metrics.source.JvmSource\n"
    "executor.source.jvm.class=org.apache.spark.metrics.source.JvmSource";

bool given(const std::optional<std::string>& text) {
  return text && !text->empty();
}

void annotate(api::SparkPodSpec& pod, const api::PrometheusSpec& prometheus) {
  const std::string port = std::to_string(prometheus_port(prometheus));
  pod.annotations["prometheus.io/scrape"] = "true";
  pod.annotations["prometheus.io/port"] = port;
  pod.annotations["prometheus.io/path"] = "/metrics";
  const std::string config = given(prometheus.config_file)
                                 ? *prometheus.config_file
                                 : std::string(api::path::kMetricsConf) + "/prometheus.yaml";
  const std::string agent = "-javaagent:" + prometheus.jmx_exporter_jar + "=" + port + ":" + config;
  pod.java_options = pod.java_options ? *pod.java_options + " " + agent : agent;
}

}  // namespace

std::int32_t prometheus_port(const api::PrometheusSpec& prometheus) {
  return prometheus.port.value_or(api::port::kJmxExporter);
}

std::string prometheus_port_name(const api::PrometheusSpec& prometheus) {
  return prometheus.port_name.value_or(api::port::kJmxExporterName);
}

bool needs_prometheus_config_map(const api::SparkApplication& app) {
  const auto& monitoring = app.spec.monitoring;
  if (!monitoring) return false;
  const bool own_file = given(monitoring->metrics_properties_file);
  if (!monitoring->prometheus) return monitoring->metrics_properties && !own_file;
  return !own_file || !given(monitoring->prometheus->config_file);
}

std::optional<Json> prometheus_config_map(const api::SparkApplication& app) {
  if (!needs_prometheus_config_map(app)) return std::nullopt;
  const api::MonitoringSpec& monitoring = *app.spec.monitoring;
  Json data = Json::object();
  if (!given(monitoring.metrics_properties_file))
    data["metrics.properties"] = monitoring.metrics_properties.value_or(std::string(kMetricsProperties));
  if (monitoring.prometheus && !given(monitoring.prometheus->config_file))
    data["prometheus.yaml"] = monitoring.prometheus->configuration.value_or(exporter_config());
  Json metadata = {{"name", api::prometheus_config_map_name(app.metadata.name)},
                   {"namespace", app.metadata.namespace_}};
  metadata["labels"][api::label::kCreatedByOperator] = "true";
  metadata["ownerReferences"].push_back(application_owner(app, Ownership::Controller));
  return Json{{"apiVersion", "v1"}, {"data", data}, {"kind", "ConfigMap"}, {"metadata", metadata}};
}

void configure_monitoring(api::SparkApplication& app) {
  if (!app.spec.monitoring || monitoring_says_nothing(app.spec)) return;
  const api::MonitoringSpec& monitoring = *app.spec.monitoring;
  app.spec.spark_conf.try_emplace("spark.metrics.conf",
                                  given(monitoring.metrics_properties_file)
                                      ? *monitoring.metrics_properties_file
                                      : std::string(api::path::kMetricsConf) + "/metrics.properties");
  if (!monitoring.prometheus) return;
  // The exporter's rules count on these two parts.
  app.spec.spark_conf["spark.metrics.namespace"] = app.metadata.namespace_ + "." + app.metadata.name;
  if (monitoring.expose_driver_metrics) annotate(app.spec.driver, *monitoring.prometheus);
  if (monitoring.expose_executor_metrics) annotate(app.spec.executor, *monitoring.prometheus);
}

bool monitoring_says_nothing(const api::SparkApplicationSpec& spec) {
  const auto& monitoring = spec.monitoring;
  return monitoring && !monitoring->prometheus && !monitoring->metrics_properties &&
         !given(monitoring->metrics_properties_file);
}

}  // namespace spark

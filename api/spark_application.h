// SparkApplication, kind of sparkoperator.k8s.io/v1beta2: what a user asks for (spec) and what became of it
// (status).
//
//   auto app = kube::decode<api::SparkApplication>(json);
//   if (!app) ...                              // `spec.driver.cores: expected integer, got "two"`
//   app->spec.driver.cores                     // as written; api::with_defaults() fills in what is absent
//   kube::encode(*app)                         // the same document again, fields we do not know included
//
// Status alone is ever written back, as a patch; `spec` belongs to the user.
// Kubernetes types that we only pass on (volumes, tolerations, affinity …) are Json, null when absent.
// Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/schema_hints.h"
#include "api/spark_application_status.h"
#include "api/spark_pod_spec.h"
#include "kube/core/fields.h"
#include "kube/core/object_meta.h"

namespace api {

inline constexpr const char* kGroup = "sparkoperator.k8s.io";
inline constexpr const char* kApiVersion = "sparkoperator.k8s.io/v1beta2";

enum class ApplicationType { Java, Python, Scala, R };
constexpr auto wire_names(ApplicationType) {
  return std::array{
      kube::WireName{ApplicationType::Java, "Java"},
      kube::WireName{ApplicationType::Python, "Python"},
      kube::WireName{ApplicationType::Scala, "Scala"},
      kube::WireName{ApplicationType::R, "R"},
  };
}

// Where the driver runs. `client` is let through by the schema, but there is no driver outside the cluster.
enum class DeployMode { Cluster, Client };
constexpr auto wire_names(DeployMode) {
  return std::array{kube::WireName{DeployMode::Cluster, "cluster"},
                    kube::WireName{DeployMode::Client, "client"}};
}

enum class RestartPolicyType { Never, Always, OnFailure };
constexpr auto wire_names(RestartPolicyType) {
  return std::array{
      kube::WireName{RestartPolicyType::Never, "Never"},
      kube::WireName{RestartPolicyType::Always, "Always"},
      kube::WireName{RestartPolicyType::OnFailure, "OnFailure"},
  };
}

struct Dependencies {
  std::vector<std::string> jars;
  std::vector<std::string> files;
  std::vector<std::string> py_files;
  std::vector<std::string> packages;          // Maven coordinates group:artifact:version
  std::vector<std::string> exclude_packages;  // group:artifact
  std::vector<std::string> repositories;
  std::vector<std::string> archives;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("jars", self.jars, Doc{"Jars for driver and executors."});
    field("files", self.files, Doc{"Files for the working folder of driver and executors."});
    field("pyFiles", self.py_files, Doc{"Python files, zips and eggs."});
    field("packages", self.packages, Doc{"Maven coordinates group:artifact:version of further jars."});
    field("excludePackages", self.exclude_packages,
          Doc{"Coordinates group:artifact to leave out when packages are resolved."});
    field("repositories", self.repositories, Doc{"Maven repositories to search for packages."});
    field("archives", self.archives, Doc{"Archives to unpack in the working folder of executors."});
  }
  bool operator==(const Dependencies&) const = default;
};

struct RestartPolicy {
  std::optional<RestartPolicyType> type;
  std::optional<std::int32_t> on_submission_failure_retries;         // absent: none under OnFailure
  std::optional<std::int32_t> on_failure_retries;                    // absent: none under OnFailure
  std::optional<std::int64_t> on_submission_failure_retry_interval;  // seconds, times the number of attempts
  std::optional<std::int64_t> on_failure_retry_interval;             // seconds, times the number of attempts
  // Ours; without them all is as upstream has it (docs/states.md has the arithmetic).
  std::optional<std::int64_t> max_retry_interval;                 // seconds
  std::optional<std::int64_t> reset_attempts_after;               // seconds
  std::optional<std::int32_t> on_infrastructure_failure_retries;  // absent: they count as any other failure
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("type", self.type, Doc{"Never, Always or OnFailure."});
    field("onSubmissionFailureRetries", self.on_submission_failure_retries, Minimum{0},
          Doc{"How often a failed submission is repeated under OnFailure."});
    field("onFailureRetries", self.on_failure_retries, Minimum{0},
          Doc{"How often a failed run is repeated under OnFailure."});
    field("onSubmissionFailureRetryInterval", self.on_submission_failure_retry_interval, Minimum{1},
          Doc{"Seconds before a submission is repeated, times the attempts so far."});
    field("onFailureRetryInterval", self.on_failure_retry_interval, Minimum{1},
          Doc{"Seconds before a run is repeated, times the attempts so far."});
    field(
        "maxRetryInterval", self.max_retry_interval, Minimum{1},
        Doc{"Longest wait before an attempt is repeated, in seconds. With it the interval doubles with each "
            "attempt and counts from the failure."});
    field("resetAttemptsAfter", self.reset_attempts_after, Minimum{1},
          Doc{"Seconds that a run must have lasted for the attempts before it to be forgotten."});
    field("onInfrastructureFailureRetries", self.on_infrastructure_failure_retries, Minimum{0},
          Doc{"How often a run is repeated under OnFailure that ended because its node, a preemption or an "
              "eviction took its driver away. With it such failures do not count as onFailureRetries."});
  }
  bool operator==(const RestartPolicy&) const = default;
};

struct PrometheusSpec {
  std::string jmx_exporter_jar;
  std::optional<std::int32_t> port;
  std::optional<std::string> port_name;
  std::optional<std::string> config_file;  // wins over configuration
  std::optional<std::string> configuration;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("jmxExporterJar", self.jmx_exporter_jar, kAlways, kRequired,
          Doc{"Path of the JMX exporter agent in the container."});
    field("port", self.port, Minimum{1024}, Maximum{49151},
          Doc{"Port of the JMX exporter; 8090 when absent."});
    field("portName", self.port_name, Doc{"Name of that port; jmx-exporter when absent."});
    field("configFile", self.config_file,
          Doc{"Path of the exporter configuration in the container; wins over configuration."});
    field("configuration", self.configuration, Doc{"Content of the exporter configuration."});
  }
  bool operator==(const PrometheusSpec&) const = default;
};

struct MonitoringSpec {
  bool expose_driver_metrics = false;
  bool expose_executor_metrics = false;
  std::optional<std::string> metrics_properties;       // content of a metrics.properties
  std::optional<std::string> metrics_properties_file;  // its path in the container instead
  std::optional<PrometheusSpec> prometheus;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("exposeDriverMetrics", self.expose_driver_metrics, kAlways, kRequired,
          Doc{"Whether the driver exposes metrics."});
    field("exposeExecutorMetrics", self.expose_executor_metrics, kAlways, kRequired,
          Doc{"Whether executors expose metrics."});
    field("metricsProperties", self.metrics_properties, Doc{"Content of the metrics.properties file."});
    field("metricsPropertiesFile", self.metrics_properties_file,
          Doc{"Path of the metrics.properties file in the container."});
    field("prometheus", self.prometheus, Doc{"Metrics through the JMX exporter."});
  }
  bool operator==(const MonitoringSpec&) const = default;
};

struct BatchSchedulerOptions {
  std::optional<std::string> queue;
  std::optional<std::string> priority_class_name;
  std::map<std::string, Json> resources;  // name to Quantity: a string or a whole number
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("queue", self.queue, Doc{"Queue of the batch scheduler."});
    field("priorityClassName", self.priority_class_name, Doc{"Priority class of the pod group."});
    field("resources", self.resources, Embedded{"Quantity"}, Doc{"Resources that the pod group reserves."});
  }
  bool operator==(const BatchSchedulerOptions&) const = default;
};

struct SparkUiOptions {
  std::optional<std::int32_t> service_port;
  std::optional<std::string> service_port_name;
  std::optional<std::string> service_type;
  StringMap service_annotations;
  StringMap service_labels;
  StringMap ingress_annotations;
  std::vector<Json> ingress_tls;  // networking/v1 IngressTLS
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("servicePort", self.service_port, Doc{"Port of the service; 4040 when absent."});
    field("servicePortName", self.service_port_name,
          Doc{"Name of that port; spark-driver-ui-port when absent."});
    field("serviceType", self.service_type, Doc{"Type of the service; ClusterIP when absent."});
    field("serviceAnnotations", self.service_annotations, Doc{"Annotations of the service."});
    field("serviceLabels", self.service_labels, Doc{"Labels of the service."});
    field("ingressAnnotations", self.ingress_annotations, Doc{"Annotations of the ingress."});
    field("ingressTLS", self.ingress_tls, Embedded{"IngressTLS"},
          Doc{"TLS hosts and secrets of the ingress."});
  }
  bool operator==(const SparkUiOptions&) const = default;
};

struct DriverIngressOptions {
  std::optional<std::int32_t> service_port;
  std::optional<std::string> service_port_name;
  std::optional<std::string> service_type;
  StringMap service_annotations;
  StringMap service_labels;
  StringMap ingress_annotations;
  std::optional<std::string> ingress_url_format;  // absent or empty: a service, no ingress
  std::vector<Json> ingress_tls;                  // networking/v1 IngressTLS
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("servicePort", self.service_port, kRequired, Doc{"Port of the driver and of the service."});
    field("servicePortName", self.service_port_name, kRequired, Doc{"Name of that port."});
    field("serviceType", self.service_type, Doc{"Type of the service; ClusterIP when absent."});
    field("serviceAnnotations", self.service_annotations, Doc{"Annotations of the service."});
    field("serviceLabels", self.service_labels, Doc{"Labels of the service."});
    field("ingressAnnotations", self.ingress_annotations, Doc{"Annotations of the ingress."});
    field("ingressURLFormat", self.ingress_url_format,
          Doc{"URL of the ingress; placeholders as in the operator flag."});
    field("ingressTLS", self.ingress_tls, Embedded{"IngressTLS"},
          Doc{"TLS hosts and secrets of the ingress."});
  }
  bool operator==(const DriverIngressOptions&) const = default;
};

struct DynamicAllocation {
  std::optional<bool> enabled;  // absent: false
  std::optional<std::int32_t> initial_executors;
  std::optional<std::int32_t> min_executors;
  std::optional<std::int32_t> max_executors;
  std::optional<bool> shuffle_tracking_enabled;
  std::optional<std::int64_t> shuffle_tracking_timeout;  // milliseconds
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("enabled", self.enabled, Doc{"Whether executors come and go with the load."});
    field("initialExecutors", self.initial_executors, Doc{"Executors at the start."});
    field("minExecutors", self.min_executors, Doc{"Fewest executors."});
    field("maxExecutors", self.max_executors, Doc{"Most executors."});
    field("shuffleTrackingEnabled", self.shuffle_tracking_enabled,
          Doc{"Whether executors with shuffle files stay; true when absent."});
    field("shuffleTrackingTimeout", self.shuffle_tracking_timeout,
          Doc{"Milliseconds after which shuffle files no longer hold an executor."});
  }
  bool operator==(const DynamicAllocation&) const = default;
};

struct SparkApplicationSpec {
  std::optional<bool> suspend;
  std::optional<ApplicationType> type;
  std::string spark_version;
  std::optional<DeployMode> mode;
  std::optional<std::string> proxy_user;
  std::optional<std::string> image;
  std::optional<std::string> image_pull_policy;
  std::vector<std::string> image_pull_secrets;
  std::optional<std::string> main_class;
  std::optional<std::string> main_application_file;
  std::vector<std::string> arguments;
  StringMap spark_conf;
  StringMap hadoop_conf;  // keys without "spark.hadoop."
  std::optional<std::string> spark_config_map;
  std::optional<std::string> hadoop_config_map;
  std::vector<Json> volumes;  // Volume; names that begin with spark-local-dir- become Spark's scratch space
  DriverSpec driver;
  ExecutorSpec executor;
  Dependencies deps;
  RestartPolicy restart_policy;
  std::optional<StringMap> node_selector;
  std::optional<std::int32_t> failure_retries;        // read by nobody; kept because manifests carry it
  std::optional<std::int64_t> retry_interval;         // read by nobody; kept because manifests carry it
  std::optional<std::string> python_version;          // "2" or "3"
  std::optional<std::string> memory_overhead_factor;  // decimal
  std::optional<MonitoringSpec> monitoring;
  std::optional<std::string> batch_scheduler;
  std::optional<std::int64_t> time_to_live_seconds;  // may be zero or negative: delete at once
  std::optional<BatchSchedulerOptions> batch_scheduler_options;
  std::optional<SparkUiOptions> spark_ui_options;
  std::vector<DriverIngressOptions> driver_ingress_options;
  std::optional<DynamicAllocation> dynamic_allocation;
  std::optional<bool> driver_pod_disruption_budget;
  std::optional<std::int64_t> active_deadline_seconds;  // ours: of one run
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("suspend", self.suspend, Doc{"Whether the application shall not run now."});
    field("type", self.type, kRequired, Doc{"Language of the application."});
    field("sparkVersion", self.spark_version, kAlways, kRequired, Doc{"Spark version of the image."});
    field("mode", self.mode, Doc{"Where the driver runs."});
    field("proxyUser", self.proxy_user, Doc{"User that Spark acts for in Hadoop."});
    field("image", self.image, Doc{"Container image of driver and executors."});
    field("imagePullPolicy", self.image_pull_policy, Doc{"When the image is pulled."});
    field("imagePullSecrets", self.image_pull_secrets, Doc{"Names of secrets to pull the image with."});
    field("mainClass", self.main_class, Doc{"Main class of a Java or Scala application."});
    field("mainApplicationFile", self.main_application_file, kRequired, Doc{"Jar, Python or R file to run."});
    field("arguments", self.arguments, Doc{"Arguments of the application."});
    field("sparkConf", self.spark_conf, Doc{"Spark properties."});
    field("hadoopConf", self.hadoop_conf, Doc{"Hadoop properties, without the prefix spark.hadoop."});
    field("sparkConfigMap", self.spark_config_map,
          Doc{"Config map with spark-defaults.conf and the like, mounted at /etc/spark/conf."});
    field("hadoopConfigMap", self.hadoop_config_map,
          Doc{"Config map with core-site.xml and the like, mounted at /etc/hadoop/conf."});
    field("volumes", self.volumes, Embedded{"Volume"}, Doc{"Volumes that driver and executors may mount."});
    field("driver", self.driver, kAlways, kRequired, Doc{"The driver pod."});
    field("executor", self.executor, kAlways, kRequired, Doc{"The executor pods."});
    field("deps", self.deps, Doc{"Further files of the application."});
    field("restartPolicy", self.restart_policy, Doc{"When the application runs again."});
    field("nodeSelector", self.node_selector,
          Doc{"Labels that the nodes of all pods must have; excludes those of driver and executor."});
    field("failureRetries", self.failure_retries, Doc{"Without effect."});
    field("retryInterval", self.retry_interval, Doc{"Without effect."});
    field("pythonVersion", self.python_version, OneOf{{"2", "3"}}, Doc{"Major version of Python."});
    field("memoryOverheadFactor", self.memory_overhead_factor,
          Doc{"Overhead as a part of the heap, a decimal number."});
    field("monitoring", self.monitoring, Doc{"Metrics of driver and executors."});
    field("batchScheduler", self.batch_scheduler, Doc{"Batch scheduler of the pods."});
    field("timeToLiveSeconds", self.time_to_live_seconds,
          Doc{"Seconds that a finished application is kept."});
    field("batchSchedulerOptions", self.batch_scheduler_options, Doc{"Settings of the batch scheduler."});
    field("sparkUIOptions", self.spark_ui_options, Doc{"Service and ingress of the Spark UI."});
    field("driverIngressOptions", self.driver_ingress_options,
          Doc{"Services and ingresses of further driver ports."});
    field("dynamicAllocation", self.dynamic_allocation, Doc{"Executors by load."});
    field("driverPodDisruptionBudget", self.driver_pod_disruption_budget,
          Doc{"Whether voluntary evictions spare the driver."});
    field("activeDeadlineSeconds", self.active_deadline_seconds, Minimum{1},
          Doc{"Seconds that one run may take from its submission; then it has failed, and the restart policy "
              "decides."});
  }
  bool operator==(const SparkApplicationSpec&) const = default;
};

struct SparkApplication {
  static constexpr const char* kKind = "SparkApplication";
  static constexpr const char* kPlural = "sparkapplications";
  static constexpr const char* kVersion = "v1beta2";

  std::string api_version = kApiVersion;
  std::string kind = kKind;
  kube::ObjectMeta metadata;
  SparkApplicationSpec spec;
  SparkApplicationStatus status;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("apiVersion", self.api_version);
    field("kind", self.kind);
    field("metadata", self.metadata, kAlways, kRequired);
    field("spec", self.spec, kAlways, kRequired, Doc{"What to run."});
    field("status", self.status, Doc{"What became of it."});
  }
  bool operator==(const SparkApplication&) const = default;
};

}  // namespace api

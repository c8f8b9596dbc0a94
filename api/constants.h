// The words that the operator, Spark, batch schedulers and users agree on: labels, annotations, container
// names, ports, paths. Whoever selects pods by label, or reads them in a dashboard, depends on these bytes.
//
//   pod.labels[api::label::kAppName] == app.metadata.name
//
// Thread: constants.
#pragma once

#include <cstdint>

namespace api {

namespace label {
inline constexpr const char* kAppName = "sparkoperator.k8s.io/app-name";
inline constexpr const char* kSubmissionId = "sparkoperator.k8s.io/submission-id";
inline constexpr const char* kLaunchedByOperator = "sparkoperator.k8s.io/launched-by-spark-operator";  // pods
inline constexpr const char* kCreatedByOperator =
    "sparkoperator.k8s.io/created-by-spark-operator";  // the rest
inline constexpr const char* kMutatedByOperator = "sparkoperator.k8s.io/mutated-by-spark-operator";
inline constexpr const char* kScheduledAppName = "sparkoperator.k8s.io/scheduled-app-name";
inline constexpr const char* kConnectName = "sparkoperator.k8s.io/connect-name";
// Set by Spark, except the role connect-server and the version.
inline constexpr const char* kSparkRole = "spark-role";
inline constexpr const char* kSparkAppSelector = "spark-app-selector";
inline constexpr const char* kSparkExecutorId = "spark-exec-id";
inline constexpr const char* kSparkVersion = "spark-version";
// Of batch schedulers.
inline constexpr const char* kYuniKornQueue = "queue";
inline constexpr const char* kPodGroup = "scheduling.x-k8s.io/pod-group";
// Labels with this prefix steer admission of the application itself and never go on to its pods.
inline constexpr const char* kKueuePrefix = "kueue.x-k8s.io/";

inline constexpr const char* kTrue = "true";
inline constexpr const char* kRoleDriver = "driver";
inline constexpr const char* kRoleExecutor = "executor";
inline constexpr const char* kRoleConnectServer = "connect-server";
}  // namespace label

namespace annotation {
// The driver pod's name where it is not <app>-driver, written before its first use, so that after an edit of
// the spec a driver can still be found.
inline constexpr const char* kDriverPodName = "sparkoperator.k8s.io/driver-pod-name";
// On an application: who submits it (auto, native, spark-submit). On a driver: spark-submit, when that made
// it.
inline constexpr const char* kSubmitter = "sparkoperator.k8s.io/submitter";
inline constexpr const char* kSubmittedBy = "sparkoperator.k8s.io/submitted-by";
// On a Connect server's service: what was written into it, as {"labels": [name…], "annotations": …, "spec":
// …}, so that what its user takes back can be taken out.
inline constexpr const char* kWrittenFields = "sparkoperator.k8s.io/written-fields";
inline constexpr const char* kVolcanoGroupName = "scheduling.k8s.io/group-name";
inline constexpr const char* kYuniKornTaskGroupName = "yunikorn.apache.org/task-group-name";
inline constexpr const char* kYuniKornTaskGroups = "yunikorn.apache.org/task-groups";
inline constexpr const char* kPrometheusScrape = "prometheus.io/scrape";
inline constexpr const char* kPrometheusPort = "prometheus.io/port";
inline constexpr const char* kPrometheusPath = "prometheus.io/path";
inline constexpr const char* kNginxRewriteTarget = "nginx.ingress.kubernetes.io/rewrite-target";
}  // namespace annotation

namespace container {
inline constexpr const char* kDriver = "spark-kubernetes-driver";
inline constexpr const char* kExecutor = "spark-kubernetes-executor";
inline constexpr const char* kLegacyExecutor = "executor";  // Spark before 3.0
}  // namespace container

namespace volume {
inline constexpr const char* kLocalDirPrefix = "spark-local-dir-";
inline constexpr const char* kSparkConfigMap = "spark-configmap-volume";
inline constexpr const char* kHadoopConfigMap = "hadoop-configmap-volume";
inline constexpr const char* kConnectConf = "spark-conf";
}  // namespace volume

namespace path {
inline constexpr const char* kSparkConf = "/etc/spark/conf";
inline constexpr const char* kHadoopConf = "/etc/hadoop/conf";
inline constexpr const char* kMetricsConf = "/etc/metrics/conf";
// Pod templates for spark-submit lie in <this>/<submission id>/.
inline constexpr const char* kTemplates = "/tmp/spark";
inline constexpr const char* kDriverTemplate = "driver-pod-template.yaml";
inline constexpr const char* kExecutorTemplate = "executor-pod-template.yaml";
// Files inside mounted secrets.
inline constexpr const char* kGcpKeyFile = "key.json";
inline constexpr const char* kHadoopTokenFile = "hadoop.token";
}  // namespace path

namespace env {
// Read by the operator.
inline constexpr const char* kSparkHome = "SPARK_HOME";
inline constexpr const char* kServiceHost = "KUBERNETES_SERVICE_HOST";
inline constexpr const char* kServicePort = "KUBERNETES_SERVICE_PORT";
// Set on pods.
inline constexpr const char* kGoogleCredentials = "GOOGLE_APPLICATION_CREDENTIALS";
inline constexpr const char* kHadoopTokenFile = "HADOOP_TOKEN_FILE_LOCATION";
inline constexpr const char* kPodIp = "POD_IP";
inline constexpr const char* kSparkNoDaemonize = "SPARK_NO_DAEMONIZE";
inline constexpr const char* kSparkConfDir = "SPARK_CONF_DIR";
inline constexpr const char* kHadoopConfDir = "HADOOP_CONF_DIR";
}  // namespace env

namespace port {
inline constexpr std::int32_t kUi = 4040;
inline constexpr std::int32_t kDriver = 7078;
inline constexpr std::int32_t kBlockManager = 7079;
inline constexpr std::int32_t kJmxExporter = 8090;
inline constexpr std::int32_t kConnect = 15002;
inline constexpr const char* kUiName = "spark-driver-ui-port";
inline constexpr const char* kJmxExporterName = "jmx-exporter";
}  // namespace port

// Keys of sparkConf that more than one room reads.
namespace spark_conf {
inline constexpr const char* kDriverPodName = "spark.kubernetes.driver.pod.name";
inline constexpr const char* kDriverCores = "spark.driver.cores";
inline constexpr const char* kDriverMemory = "spark.driver.memory";
inline constexpr const char* kExecutorCores = "spark.executor.cores";
inline constexpr const char* kExecutorMemory = "spark.executor.memory";
inline constexpr const char* kExecutorInstances = "spark.executor.instances";
inline constexpr const char* kDynamicAllocation = "spark.dynamicAllocation.enabled";
// The spelling that the Go operator's defaulter looks for. Spark itself does not know it.
inline constexpr const char* kDynamicAllocationLowerCase = "spark.dynamicallocation.enabled";
inline constexpr const char* kNamespace = "spark.kubernetes.namespace";
}  // namespace spark_conf

}  // namespace api

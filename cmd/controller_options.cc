#include "cmd/controller_options.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "cmd/process_parts.h"
#include "kube/async/child_process.h"

namespace cmd {

namespace {

// Where the driver's spark.master points. In a cluster the service environment says it, as for spark-submit.
std::string master_url(const kube::ClientConfig& config) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  auto in_cluster = spark::master_url(host == nullptr ? "" : host, port == nullptr ? "" : port);
  return in_cluster ? *in_cluster : "k8s://" + config.server;
}

spark::BatchSchedulers batch_schedulers(const ControllerFlags& flags) {
  return {.enabled = flags.enable_batch_scheduler,
          .by_default = flags.default_batch_scheduler,
          .kube_schedulers = flags.kube_scheduler_names};
}

// The flag was checked when it was parsed.
controller::Redaction redaction(const ControllerFlags& flags) {
  if (flags.redaction_regex.empty()) return {};
  return controller::Redaction::create(flags.redaction_regex).value();
}

}  // namespace

controller::ApplicationControllerOptions application_options(const ControllerFlags& flags,
                                                             const kube::Log& log) {
  controller::ApplicationControllerOptions options;
  options.namespaces = flags.namespaces;
  options.workers = flags.controller_threads;
  // A service is asked as upstream asks it, by as many as there are threads; what was said goes.
  const bool concurrency_given =
      std::ranges::find(flags.given, "--spark-submit-concurrency") != flags.given.end();
  options.long_workers = flags.gate("RestSubmitter") && !concurrency_given
                             ? std::max(flags.controller_threads, flags.spark_submit_concurrency)
                             : flags.spark_submit_concurrency;
  options.retry_qps = flags.workqueue_qps;
  options.retry_burst = flags.workqueue_bucket_size;
  options.retry_max_delay = flags.workqueue_max_delay;
  options.redaction = redaction(flags);
  options.policy.max_tracked_executors = flags.max_tracked_executor_per_app;
  options.policy.driver_pod_creation_grace = flags.driver_pod_creation_grace_period;
  if (flags.gate("DefaultTimeToLive")) {
    options.policy.default_time_to_live_seconds = flags.default_time_to_live_seconds;
  } else if (flags.default_time_to_live_seconds > 0) {
    log.warn("default time to live is ignored without its feature gate",
             {{"flag", "--default-time-to-live-seconds"}, {"gate", "DefaultTimeToLive"}});
  }
  if (flags.gate("PartialRestart")) options.policy.hash_scope = api::HashScope::WithoutExecutorScheduling;
  options.children.ui_service = flags.enable_ui_service;
  options.children.driver_pdb = flags.enable_driver_pdb;
  // Both were read when the flags were checked.
  options.children.ingress = {
      .url_format = flags.ingress_url_format,
      .class_name = flags.ingress_class_name,
      .tls = spark::parse_ingress_tls(flags.ingress_tls).value_or(std::vector<kube::Json>()),
      .annotations = spark::parse_ingress_annotations(flags.ingress_annotations)
                         .value_or(std::map<std::string, std::string>())};
  options.children.batch = batch_schedulers(flags);
  if (flags.enable_metrics) {
    options.metrics = {.prefix = flags.metrics_prefix,
                       .labels = flags.metrics_labels,
                       .submit_latency_buckets = flags.metrics_job_submit_latency_buckets,
                       .start_latency_buckets = flags.metrics_job_start_latency_buckets,
                       .most_label_sets = static_cast<std::size_t>(flags.metrics_max_label_sets)};
  }
  options.log = log;
  return options;
}

controller::ScheduleControllerOptions schedule_options(const ControllerFlags& flags, const kube::Log& log) {
  static const std::map<std::string, api::TimestampPrecision> precisions{
      {"nanos", api::TimestampPrecision::Nanos},     {"micros", api::TimestampPrecision::Micros},
      {"millis", api::TimestampPrecision::Millis},   {"seconds", api::TimestampPrecision::Seconds},
      {"minutes", api::TimestampPrecision::Minutes},
  };
  const char* zone = std::getenv("TZ");
  controller::ScheduleControllerOptions options{
      .namespaces = flags.namespaces,
      .workers = flags.controller_threads,
      .policy = {.precision = precisions.at(flags.timestamp_precision),
                 .local = api::TimeZone::local(zone == nullptr ? "" : zone)},
      .log = log};
  options.retry_qps = flags.workqueue_qps;
  options.retry_burst = flags.workqueue_bucket_size;
  options.retry_max_delay = flags.workqueue_max_delay;
  return options;
}

controller::ConnectControllerOptions connect_options(const ControllerFlags& flags,
                                                     const kube::ClientConfig& config, const kube::Log& log) {
  controller::ConnectControllerOptions options;
  options.namespaces = flags.namespaces;
  options.master_url = master_url(config);
  if (!flags.enable_service_links) options.service_links = spark::ServiceLinks::Off;
  options.workers = flags.controller_threads;
  options.retry_qps = flags.workqueue_qps;
  options.retry_burst = flags.workqueue_bucket_size;
  options.retry_max_delay = flags.workqueue_max_delay;
  options.redaction = redaction(flags);
  options.log = log;
  return options;
}

spark::SubmitOptions submit_options(const ControllerFlags& flags, const kube::ClientConfig& config) {
  spark::SubmitOptions options;
  options.master_url = master_url(config);
  options.load_spark_defaults = flags.gate("LoadSparkDefaults");
  options.enable_ui_service = flags.enable_ui_service;
  options.ingress_url_format = flags.ingress_url_format;
  options.partial_restart = flags.gate("PartialRestart");
  options.webhook_runs = flags.webhook_enabled;
  options.batch = batch_schedulers(flags);
  if (!flags.enable_service_links) options.service_links = spark::ServiceLinks::Off;
  return options;
}

controller::SparkSubmitOptions spark_submit_options(const ControllerFlags& flags, const kube::Log& log) {
  controller::SparkSubmitOptions options;
  options.environment = kube::inherited_environment();
  // It is a client of the same API server as we are, with the same credentials.
  if (!flags.kubeconfig.empty()) options.environment["KUBECONFIG"] = flags.kubeconfig;
  const auto home = options.environment.find("SPARK_HOME");
  if (!flags.spark_submit_path.empty()) {
    options.program = flags.spark_submit_path;
    // Of the Spark that it belongs to, whatever our own environment says.
    options.environment["SPARK_HOME"] =
        std::filesystem::path(flags.spark_submit_path).parent_path().parent_path();
  } else if (home == options.environment.end()) {
    options.unavailable = "env SPARK_HOME is not specified";
  } else {
    options.program = home->second + "/bin/spark-submit";
  }
  if (options.unavailable.empty() && access(options.program.c_str(), X_OK) != 0)
    options.unavailable = options.program + ": " + std::strerror(errno);
  options.timeout = flags.spark_submit_timeout;
  options.redaction = redaction(flags);
  options.lease = flags.leader_election ? flags.leader_election_lease_duration : kube::Duration::zero();
  options.log = log;
  return options;
}

controller::SubmitterMode submitter_mode(const ControllerFlags& flags) {
  const auto said = controller::submitter_mode(flags.submitter).value_or(controller::SubmitterMode::Auto);
  return said == controller::SubmitterMode::Auto && flags.gate("RestSubmitter")
             ? controller::SubmitterMode::Rest
             : said;
}

kube::Result<controller::SubmissionServiceOptions> submission_service_options(const ControllerFlags& flags,
                                                                              const kube::Log& log) {
  controller::SubmissionServiceOptions options;
  options.url = flags.submitter_service_url;
  options.startup_timeout = flags.submitter_startup_timeout;
  options.request_timeout = flags.submitter_request_timeout;
  options.tries = flags.submitter_max_retries;
  options.initial_backoff = flags.submitter_initial_backoff;
  options.redaction = redaction(flags);
  options.log = log;
  if (!flags.submitter_tls_enabled) return options;
  struct File {
    const std::string& path;
    const char* flag;
    std::string& into;
  };
  for (const File& file :
       {File{flags.submitter_tls_cert_file, "--submitter-tls-cert-file", options.certificate_chain},
        File{flags.submitter_tls_key_file, "--submitter-tls-key-file", options.private_key},
        File{flags.submitter_tls_ca_file, "--submitter-tls-ca-file", options.certificate_authorities}}) {
    auto text = read_file(file.path);
    if (!text) return kube::fail(std::move(text).error().while_doing(file.flag));
    file.into = *std::move(text);
  }
  return options;
}

controller::RestOptions rest_options(const ControllerFlags& flags, const kube::Log& log) {
  return {.lease = flags.leader_election ? flags.leader_election_lease_duration : kube::Duration::zero(),
          .log = log};
}

kube::ManagerOptions manager_options(const ControllerFlags& flags, kube::Loop& loop,
                                     kube::MetricsRegistry* metrics, const kube::Log& log) {
  kube::ManagerOptions options;
  options.sync_timeout = flags.cache_sync_timeout;
  options.component = "spark-application-controller";
  options.log = log;
  options.metrics = metrics;
  options.leader_election = leader_election(flags, loop, metrics, log);
  return options;
}

}  // namespace cmd

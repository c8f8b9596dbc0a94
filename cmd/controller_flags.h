// Flags of `spark-operator controller start`: upstream's names, types and defaults (releases 2.1 to 2.5 and
// its head).
//
//   auto flags = parse_controller_flags({"--namespaces=a,b", "--controller-threads", "20"});
//   if (!flags) → message and usage on stderr, exit code 1
//   for (auto& name : flags->without_effect()) …          // given, understood, and not acted on yet
//
// Lists are CSV and accumulate; `--namespaces=""` with the quote characters, as the chart renders it, is one
// empty name: all namespaces. Durations are Go's. Thread: pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cmd/process_flags.h"
#include "controller/metrics/latency_buckets.h"
#include "kube/base/clock.h"
#include "kube/base/log.h"
#include "kube/base/result.h"

namespace cmd {

struct ControllerFlags : ProcessFlags {
  int controller_threads = 10;
  std::string namespace_selector;
  kube::Duration cache_sync_timeout = std::chrono::seconds(30);
  std::int64_t max_tracked_executor_per_app = 1000;
  std::int64_t default_time_to_live_seconds = 0;
  bool enable_driver_pdb = false;

  int workqueue_qps = 10;
  int workqueue_bucket_size = 100;
  kube::Duration workqueue_max_delay = kube::Duration::max();

  bool enable_batch_scheduler = false;
  std::vector<std::string> kube_scheduler_names;
  std::string default_batch_scheduler;

  bool enable_ui_service = true;
  std::string ingress_class_name, ingress_url_format, ingress_tls, ingress_annotations;

  kube::Duration driver_pod_creation_grace_period = std::chrono::seconds(10);

  bool enable_metrics = false;
  std::string metrics_prefix;
  std::vector<std::string> metrics_labels;
  std::vector<double> metrics_job_submit_latency_buckets = controller::kSubmitLatencyBuckets;
  std::vector<double> metrics_job_start_latency_buckets = controller::kStartLatencyBuckets;
  int metrics_max_label_sets = 1000;
  std::string metric_tls_min_version = "VersionTLS12";
  std::vector<std::string> metric_tls_cipher_suites;
  std::string pprof_bind_address = "0";
  bool enable_http2 = false;

  // Ours: who starts drivers (docs/submitters.md).
  std::string submitter = "auto";
  std::string spark_submit_path;
  kube::Duration spark_submit_timeout = std::chrono::minutes(3);
  int spark_submit_concurrency = 4;
  bool webhook_enabled = false;

  // Ours: enableServiceLinks of the pods that are made.
  bool enable_service_links = false;

  // Ours: keys whose values are secret (controller/submit/redaction.h); "": its default.
  std::string redaction_regex;

  std::string timestamp_precision = "nanos";

  // The submission service of the gate RestSubmitter (docs/submitters.md). `max_retries` counts all tries.
  std::string submitter_service_url;
  kube::Duration submitter_startup_timeout = std::chrono::minutes(5);
  kube::Duration submitter_request_timeout = std::chrono::minutes(2);
  int submitter_max_retries = 3;
  kube::Duration submitter_initial_backoff = std::chrono::seconds(2);
  bool submitter_tls_enabled = false;
  std::string submitter_tls_cert_file, submitter_tls_key_file, submitter_tls_ca_file;

  // As given: PartialRestart, LoadSparkDefaults, RestSubmitter, DefaultTimeToLive, AllAlpha, AllBeta.
  std::map<std::string, bool> feature_gates;

  // Whether it is on: by its own name, else by its stage's.
  bool gate(const std::string& name) const;
  // Flags that were given a meaning by the user and have none here, or not without their gate.
  std::vector<std::string> without_effect() const;
};

// Error InvalidInput: unknown flag, wrong type or value; the message names the flag.
kube::Result<ControllerFlags> parse_controller_flags(std::vector<std::string> arguments);
std::string controller_usage();
std::vector<FlagRow> controller_flag_rows();

}  // namespace cmd

#include "cmd/controller_flags.h"

#include <algorithm>
#include <functional>
#include <set>

#include "controller/submit/redaction.h"
#include "controller/submit/submission_service.h"
#include "kube/base/white_space.h"
#include "kube/core/label_selector.h"
#include "spark/batch/batch_scheduler.h"
#include "spark/children/ui_objects.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

// Go's ways to write a boolean.
const std::set<std::string> kTrue{"1", "t", "T", "true", "TRUE", "True"};
const std::set<std::string> kFalse{"0", "f", "F", "false", "FALSE", "False"};

// All of them are alpha.
const std::set<std::string> kGates{"PartialRestart", "LoadSparkDefaults", "RestSubmitter",
                                   "DefaultTimeToLive"};
// Of Go's library: they switch the gates of a stage that are not named themselves.
constexpr const char* kAllAlpha = "AllAlpha";
constexpr const char* kAllBeta = "AllBeta";

// The flags, each bound to its member. One object so that usage and parsing come from one list.
class Flags final : public StartFlags {
 public:
  explicit Flags(ControllerFlags& into)
      : StartFlags("Run the controllers", "spark-operator controller start", into), flags_(into) {
    number("--controller-threads", flags_.controller_threads, "Concurrent reconciles of each controller");
    list("--namespaces", flags_.namespaces, "Namespaces to manage; none or \"\" means all");
    text("--namespace-selector", flags_.namespace_selector, "Label selector; adds matching namespaces");
    duration("--cache-sync-timeout", flags_.cache_sync_timeout, "How long caches may take to fill");
    number("--max-tracked-executor-per-app", flags_.max_tracked_executor_per_app, "Executors kept in status");
    number("--default-time-to-live-seconds", flags_.default_time_to_live_seconds,
           "Time to live of finished applications that name none (gate DefaultTimeToLive)");
    boolean("--enable-driver-pdb", flags_.enable_driver_pdb, "Allow driver disruption budgets");
    number("--workqueue-ratelimiter-bucket-qps", flags_.workqueue_qps, "Retries a second");
    number("--workqueue-ratelimiter-bucket-size", flags_.workqueue_bucket_size, "Retries at once");
    duration("--workqueue-ratelimiter-max-delay", flags_.workqueue_max_delay, "Longest delay of a retry");
    boolean("--enable-batch-scheduler", flags_.enable_batch_scheduler, "Enable batch schedulers");
    list("--kube-scheduler-names", flags_.kube_scheduler_names, "Schedulers treated as kube-scheduler");
    text("--default-batch-scheduler", flags_.default_batch_scheduler,
         "Batch scheduler of applications that name none");
    boolean("--enable-ui-service", flags_.enable_ui_service, "Create a service for the Spark UI");
    text("--ingress-class-name", flags_.ingress_class_name, "Class of created ingresses");
    text("--ingress-url-format", flags_.ingress_url_format, "Template of the Spark UI's address");
    text("--ingress-tls", flags_.ingress_tls, "JSON array of {hosts, secretName}");
    text("--ingress-annotations", flags_.ingress_annotations, "JSON object of annotations");
    duration("--driver-pod-creation-grace-period", flags_.driver_pod_creation_grace_period,
             "Accepted, and not needed: that a driver is gone is believed from a live read only");
    boolean("--enable-metrics", flags_.enable_metrics,
            "Count what applications and executors do (the process itself is always counted)");
    text("--metrics-prefix", flags_.metrics_prefix,
         "Put before the names of application metrics, without a separator");
    list("--metrics-labels", flags_.metrics_labels,
         "Labels of applications and executors that become labels of their metrics");
    numbers("--metrics-job-submit-latency-buckets", flags_.metrics_job_submit_latency_buckets,
            "Buckets, in seconds, of the time until an application is submitted");
    numbers("--metrics-job-start-latency-buckets", flags_.metrics_job_start_latency_buckets,
            "Buckets, in seconds, of the time until an application's driver runs");
    number(
        "--metrics-max-label-sets", flags_.metrics_max_label_sets,
        "How many combinations of label values application metrics keep apart; further ones count together");
    text("--metric-tls-min-version", flags_.metric_tls_min_version, "VersionTLS12 or VersionTLS13");
    list("--metric-tls-cipher-suites", flags_.metric_tls_cipher_suites, "TLS 1.2 suites");
    text("--pprof-bind-address", flags_.pprof_bind_address, "Accepted; there is no Go profiler here");
    boolean("--enable-http2", flags_.enable_http2, "Accepted; of releases up to 2.5.2");
    text("--scheduled-spark-application-timestamp-precision", flags_.timestamp_precision,
         "nanos, micros, millis, seconds or minutes");
    choice(
        "--submitter", {"auto", "native", "spark-submit"},
        "Who starts drivers of applications whose annotation does not say it; auto: spark-submit where only "
        "that can, with the gate RestSubmitter its service",
        [this](const std::string& value) { flags_.submitter = value; }, flags_.submitter);
    text("--spark-submit-path", flags_.spark_submit_path, "spark-submit; else $SPARK_HOME/bin/spark-submit");
    duration("--spark-submit-timeout", flags_.spark_submit_timeout, "How long one spark-submit may run");
    number("--spark-submit-concurrency", flags_.spark_submit_concurrency,
           "How many spark-submits may run at a time, beside --controller-threads; when given, also how many "
           "requests to a submission service");
    boolean("--webhook-enabled", flags_.webhook_enabled, "A pod webhook of this operator runs");
    boolean("--enable-service-links", flags_.enable_service_links,
            "Drivers and executors whose pod template does not say it find all Services of their namespace "
            "in their environment");
    text(
        "--redaction-regex", flags_.redaction_regex,
        "Keys whose values are kept out of status, events and logs; else a default that begins with Spark's");
    text("--submitter-service-url", flags_.submitter_service_url,
         "URL of a submission service, with its port (gate RestSubmitter)");
    duration("--submitter-startup-timeout", flags_.submitter_startup_timeout,
             "How long the submission service is waited for at the start");
    duration("--submitter-request-timeout", flags_.submitter_request_timeout,
             "How long the submission service may take for one try");
    number("--submitter-max-retries", flags_.submitter_max_retries,
           "How often the submission service is tried for one submission, the first time included");
    duration("--submitter-initial-backoff", flags_.submitter_initial_backoff,
             "Pause before the second try; doubles");
    boolean("--submitter-tls-enabled", flags_.submitter_tls_enabled,
            "Use the three files below with a submission service at https://");
    text("--submitter-tls-cert-file", flags_.submitter_tls_cert_file,
         "Certificate that is shown to the submission service");
    text("--submitter-tls-key-file", flags_.submitter_tls_key_file, "Its key");
    text("--submitter-tls-ca-file", flags_.submitter_tls_ca_file,
         "Authorities that the submission service's certificate is checked with");
    custom("--feature-gates", "NAME=true|false,…",
           "Features to switch on or off; AllAlpha: those that are not named",
           [this](const std::string& value) { return set_gates(value); });
    process_rows();
  }

 private:
  std::string set_gates(const std::string& value) {
    for (const std::string& item : split_csv(value)) {
      if (kube::trimmed(item).empty()) continue;
      const std::size_t equals = item.find('=');
      const std::string name(kube::trimmed(item.substr(0, equals)));
      const std::string state(equals == std::string::npos ? "" : kube::trimmed(item.substr(equals + 1)));
      if (!kGates.contains(name) && name != kAllAlpha && name != kAllBeta)
        return "unknown feature gate \"" + name + "\"";
      if (!kTrue.contains(state) && !kFalse.contains(state)) return "expected " + name + "=true or =false";
      flags_.feature_gates[name] = kTrue.contains(state);
    }
    return "";
  }

  Result<> check() const override {
    const auto wrong = [](const std::string& message) { return fail(ErrorKind::InvalidInput, message); };
    if (auto selector = kube::LabelSelector::parse(flags_.namespace_selector); !selector)
      return fail(std::move(selector).error().while_doing("--namespace-selector"));
    if (flags_.controller_threads < 1) return wrong("--controller-threads: expected at least 1");
    if (flags_.spark_submit_concurrency < 1) return wrong("--spark-submit-concurrency: expected at least 1");
    if (flags_.spark_submit_timeout <= kube::Duration::zero())
      return wrong("--spark-submit-timeout: must be longer than nothing");
    if (auto redaction = controller::Redaction::create(flags_.redaction_regex); !redaction)
      return wrong("--redaction-regex: " + redaction.error().message());
    if (flags_.metrics_max_label_sets < 1) return wrong("--metrics-max-label-sets: expected at least 1");
    for (const auto* buckets :
         {&flags_.metrics_job_submit_latency_buckets, &flags_.metrics_job_start_latency_buckets}) {
      if (!std::ranges::is_sorted(*buckets, std::ranges::less_equal()))
        return wrong("buckets of metrics: expected numbers that rise");
    }
    if (flags_.default_time_to_live_seconds < 0)
      return wrong("--default-time-to-live-seconds: must not be negative");
    const spark::BatchSchedulers batch{.enabled = flags_.enable_batch_scheduler,
                                       .by_default = flags_.default_batch_scheduler,
                                       .kube_schedulers = flags_.kube_scheduler_names};
    if (batch.enabled && !batch.by_default.empty() && !batch.knows(batch.by_default)) {
      return wrong(
          "--default-batch-scheduler: expected volcano, yunikorn or one of --kube-scheduler-names, got \"" +
          batch.by_default + "\"");
    }
    if (auto tls = spark::parse_ingress_tls(flags_.ingress_tls); !tls) return fail(std::move(tls));
    if (auto annotations = spark::parse_ingress_annotations(flags_.ingress_annotations); !annotations)
      return fail(std::move(annotations));
    static const std::set<std::string> precisions{"nanos", "micros", "millis", "seconds", "minutes"};
    if (!precisions.contains(flags_.timestamp_precision)) {
      return wrong(
          "--scheduled-spark-application-timestamp-precision: expected nanos, micros, millis, seconds or "
          "minutes");
    }
    return flags_.gate("RestSubmitter") ? check_submission_service() : Result<>{};
  }

  Result<> check_submission_service() const {
    const auto wrong = [](const std::string& message) { return fail(ErrorKind::InvalidInput, message); };
    if (auto url = controller::parse_service_url(flags_.submitter_service_url); !url)
      return fail(std::move(url).error().while_doing("--submitter-service-url"));
    if (flags_.submitter_max_retries < 1) return wrong("--submitter-max-retries: expected at least 1");
    if (flags_.submitter_startup_timeout <= kube::Duration::zero())
      return wrong("--submitter-startup-timeout: must be longer than nothing");
    if (flags_.submitter_request_timeout <= kube::Duration::zero())
      return wrong("--submitter-request-timeout: must be longer than nothing");
    if (flags_.submitter_initial_backoff < kube::Duration::zero())
      return wrong("--submitter-initial-backoff: must not be negative");
    if (flags_.submitter_tls_enabled &&
        (flags_.submitter_tls_cert_file.empty() || flags_.submitter_tls_key_file.empty() ||
         flags_.submitter_tls_ca_file.empty())) {
      return wrong(
          "--submitter-tls-enabled: needs --submitter-tls-cert-file, --submitter-tls-key-file and "
          "--submitter-tls-ca-file");
    }
    return {};
  }

  ControllerFlags& flags_;
};

}  // namespace

bool ControllerFlags::gate(const std::string& name) const {
  auto found = feature_gates.find(name);
  if (found == feature_gates.end()) found = feature_gates.find(kAllAlpha);
  return found != feature_gates.end() && found->second;
}

std::vector<std::string> ControllerFlags::without_effect() const {
  const bool no_service = !gate("RestSubmitter");
  std::vector<std::string> names;
  for (const std::string& name : given) {
    if (name == "--pprof-bind-address" || (no_service && name.starts_with("--submitter-")))
      names.push_back(name);
  }
  return names;
}

Result<ControllerFlags> parse_controller_flags(std::vector<std::string> arguments) {
  ControllerFlags flags;
  if (auto parsed = Flags(flags).parse(std::move(arguments)); !parsed) return fail(std::move(parsed));
  return flags;
}

std::vector<FlagRow> controller_flag_rows() {
  ControllerFlags flags;
  return Flags(flags).rows();
}

std::string controller_usage() {
  ControllerFlags flags;
  return Flags(flags).usage();
}

}  // namespace cmd

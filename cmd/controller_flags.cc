#include "cmd/controller_flags.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <set>

#include <CLI/CLI.hpp>

namespace cmd {

using kube::Duration;
using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

// Fields of one CSV record: `a,"b,c",""`.
std::vector<std::string> split_csv(const std::string& text) {
  std::vector<std::string> fields;
  if (text.empty()) return fields;
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      field += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.push_back(std::exchange(field, ""));
    } else {
      field += c;
    }
  }
  fields.push_back(field);
  return fields;
}

const std::set<std::string> kGates{"PartialRestart", "LoadSparkDefaults", "RestSubmitter",
                                   "DefaultTimeToLive"};

// The flags, each bound to its member. One object so that usage and parsing come from one list.
class Flags {
 public:
  explicit Flags(ControllerFlags& into)
      : flags_(into), app_("Run the controllers", "spark-operator controller start") {
    app_.add_option("ignored", ignored_, "Further arguments are accepted and ignored")->group("");
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
    boolean("--leader-election", flags_.leader_election, "Elect a leader among replicas");
    text("--leader-election-lock-name", flags_.leader_election_lock_name, "Name of the Lease");
    text("--leader-election-lock-namespace", flags_.leader_election_lock_namespace, "Namespace of the Lease");
    duration("--leader-election-lease-duration", flags_.leader_election_lease_duration,
             "Patience of candidates");
    duration("--leader-election-renew-deadline", flags_.leader_election_renew_deadline,
             "When a leader gives up");
    duration("--leader-election-retry-period", flags_.leader_election_retry_period, "Between renewals");
    duration("--driver-pod-creation-grace-period", flags_.driver_pod_creation_grace_period,
             "How long a driver pod may be missing after its submission");
    number("--kube-api-qps", flags_.kube_api_qps, "Requests a second; unset: no limit of our own");
    number("--kube-api-burst", flags_.kube_api_burst, "Requests at once");
    boolean("--enable-metrics", flags_.enable_metrics, "Count what applications do");
    text("--metrics-bind-address", flags_.metrics_bind_address, "host:port of /metrics; 0: none");
    text("--metrics-endpoint", flags_.metrics_endpoint, "Accepted; the path is always /metrics");
    text("--metrics-prefix", flags_.metrics_prefix, "Prefix of application metrics");
    list("--metrics-labels", flags_.metrics_labels, "Labels that become metric labels");
    numbers("--metrics-job-submit-latency-buckets", flags_.metrics_job_submit_latency_buckets,
            "Histogram buckets");
    numbers("--metrics-job-start-latency-buckets", flags_.metrics_job_start_latency_buckets,
            "Histogram buckets");
    text("--health-probe-bind-address", flags_.health_probe_bind_address,
         "host:port of /healthz and /readyz; 0: none");
    boolean("--secure-metrics", flags_.secure_metrics, "Serve metrics over TLS");
    text("--metric-tls-min-version", flags_.metric_tls_min_version, "VersionTLS12 or VersionTLS13");
    list("--metric-tls-cipher-suites", flags_.metric_tls_cipher_suites, "TLS 1.2 suites");
    text("--pprof-bind-address", flags_.pprof_bind_address, "Accepted; there is no Go profiler here");
    boolean("--enable-http2", flags_.enable_http2, "Accepted; of releases up to 2.5.2");
    text("--scheduled-spark-application-timestamp-precision", flags_.timestamp_precision,
         "nanos, micros, millis, seconds or minutes");
    text("--submitter-service-url", flags_.submitter_service_url,
         "URL of a submission service (gate RestSubmitter)");
    duration("--submitter-startup-timeout", flags_.submitter_startup_timeout, "Of the submission service");
    duration("--submitter-request-timeout", flags_.submitter_request_timeout, "Of the submission service");
    number("--submitter-max-retries", flags_.submitter_max_retries, "Of the submission service");
    duration("--submitter-initial-backoff", flags_.submitter_initial_backoff, "Of the submission service");
    boolean("--submitter-tls-enabled", flags_.submitter_tls_enabled, "Of the submission service");
    text("--submitter-tls-cert-file", flags_.submitter_tls_cert_file, "Of the submission service");
    text("--submitter-tls-key-file", flags_.submitter_tls_key_file, "Of the submission service");
    text("--submitter-tls-ca-file", flags_.submitter_tls_ca_file, "Of the submission service");
    custom("--feature-gates", "NAME=true|false,…", "Features to switch on or off",
           [this](const std::string& value) { return set_gates(value); });
    text("--kubeconfig", flags_.kubeconfig,
         "Path of a kubeconfig; else $KUBECONFIG, in-cluster, ~/.kube/config");
    boolean("--zap-devel", ignored_flag_, "Accepted, without effect as upstream");
    choice("--zap-encoder", {"json", "console"}, "Format of log lines", [this](const std::string& value) {
      flags_.log_format = value == "json" ? kube::LogFormat::Json : kube::LogFormat::Console;
    });
    custom("--zap-log-level", "debug|info|error|panic|N", "Least level of log lines",
           [this](const std::string& value) { return set_log_level(value); });
    choice("--zap-stacktrace-level", {"info", "error", "panic"}, "Accepted; there are no stack traces",
           [](const std::string&) {});
    choice("--zap-time-encoding", {"epoch", "millis", "nanos", "iso8601", "rfc3339", "rfc3339nano"},
           "Accepted, without effect as upstream", [](const std::string&) {});
  }

  Result<> parse(std::vector<std::string> arguments) {
    // The library takes "--name=" for a missing value, Go's for an empty one.
    for (auto it = arguments.begin(); it != arguments.end(); ++it) {
      if (!it->starts_with("--") || !it->ends_with("=") || it->find('=') != it->size() - 1) continue;
      it->pop_back();
      it = arguments.insert(it + 1, "");
    }
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return fail(ErrorKind::InvalidInput, error.what());
    }
    for (const CLI::Option* option : app_.get_options()) {
      if (option->count() > 0 && !option->get_lnames().empty())
        flags_.given.push_back("--" + option->get_lnames().front());
    }
    return check();
  }

  std::string usage() const { return app_.help(); }

 private:
  void text(const std::string& name, std::string& into, const std::string& help) {
    app_.add_option(name, into, help)->take_last();
  }
  void boolean(const std::string& name, bool& into, const std::string& help) {
    app_.add_flag(name, into, help)->take_last();
  }
  template <class Number>
  void number(const std::string& name, Number& into, const std::string& help) {
    app_.add_option(name, into, help)->take_last();
  }
  void custom(const std::string& name, const std::string& type, const std::string& help,
              std::function<std::string(const std::string&)> set) {
    app_.add_option(
            name,
            [set = std::move(set), name](const CLI::results_t& values) {
              for (const std::string& value : values) {
                if (const std::string problem = set(value); !problem.empty())
                  throw CLI::ValidationError(name, problem);
              }
              return true;
            },
            help)
        ->type_name(type)
        ->take_all();
  }
  void duration(const std::string& name, Duration& into, const std::string& help) {
    custom(name, "DURATION", help, [&into](const std::string& value) -> std::string {
      auto parsed = kube::parse_go_duration(value);
      if (!parsed) return parsed.error().message();
      into = *parsed;
      return "";
    });
  }
  void list(const std::string& name, std::vector<std::string>& into, const std::string& help) {
    custom(name, "LIST", help, [&into](const std::string& value) -> std::string {
      for (std::string& item : split_csv(value)) into.push_back(std::move(item));
      return "";
    });
  }
  void numbers(const std::string& name, std::vector<double>& into, const std::string& help) {
    custom(name, "NUMBERS", help, [&into](const std::string& value) -> std::string {
      for (const std::string& item : split_csv(value)) {
        double number = 0;
        const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
        if (error != std::errc() || end != item.data() + item.size())
          return "expected a number, got \"" + item + "\"";
        into.push_back(number);
      }
      return "";
    });
  }
  void choice(const std::string& name, std::vector<std::string> values, const std::string& help,
              std::function<void(const std::string&)> set) {
    std::string type;
    for (const std::string& value : values) type += (type.empty() ? "" : "|") + value;
    custom(name, type, help, [values, set = std::move(set), type](const std::string& value) -> std::string {
      if (std::find(values.begin(), values.end(), value) == values.end()) {
        return "expected one of " + type + ", got \"" + value + "\"";
      }
      set(value);
      return "";
    });
  }

  std::string set_gates(const std::string& value) {
    for (const std::string& item : split_csv(value)) {
      const std::size_t equals = item.find('=');
      const std::string name = item.substr(0, equals);
      const std::string state = equals == std::string::npos ? "" : item.substr(equals + 1);
      if (!kGates.contains(name)) return "unknown feature gate \"" + name + "\"";
      if (state != "true" && state != "false") return "expected " + name + "=true or =false";
      flags_.feature_gates[name] = state == "true";
    }
    return "";
  }

  std::string set_log_level(const std::string& value) {
    int verbosity = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), verbosity);
    const bool number = error == std::errc() && end == value.data() + value.size();
    if (value == "debug" || (number && verbosity > 0)) {
      flags_.log_level = kube::LogLevel::Debug;
    } else if (value == "info") {
      flags_.log_level = kube::LogLevel::Info;
    } else if (value == "error" || value == "panic") {
      flags_.log_level = kube::LogLevel::Error;
    } else {
      return "expected debug, info, error, panic or a number above 0, got \"" + value + "\"";
    }
    return "";
  }

  Result<> check() const {
    const auto wrong = [](const std::string& message) { return fail(ErrorKind::InvalidInput, message); };
    if (flags_.controller_threads < 1) return wrong("--controller-threads: expected at least 1");
    if (flags_.default_time_to_live_seconds < 0)
      return wrong("--default-time-to-live-seconds: must not be negative");
    static const std::set<std::string> precisions{"nanos", "micros", "millis", "seconds", "minutes"};
    if (!precisions.contains(flags_.timestamp_precision)) {
      return wrong(
          "--scheduled-spark-application-timestamp-precision: expected nanos, micros, millis, seconds or "
          "minutes");
    }
    if (flags_.leader_election) {
      if (flags_.leader_election_lease_duration <= flags_.leader_election_renew_deadline) {
        return wrong("--leader-election-lease-duration must be longer than --leader-election-renew-deadline");
      }
      if (flags_.leader_election_renew_deadline <= flags_.leader_election_retry_period * 6 / 5) {
        return wrong(
            "--leader-election-renew-deadline must be longer than 1.2 × --leader-election-retry-period");
      }
    }
    for (const std::string& address : {flags_.metrics_bind_address, flags_.health_probe_bind_address}) {
      if (address == "0") continue;
      if (auto parsed = parse_bind_address(address); !parsed) return fail(std::move(parsed));
    }
    return {};
  }

  ControllerFlags& flags_;
  CLI::App app_;
  std::vector<std::string> ignored_;
  bool ignored_flag_ = false;
};

}  // namespace

bool ControllerFlags::gate(const std::string& name) const {
  const auto found = feature_gates.find(name);
  return found != feature_gates.end() && found->second;
}

std::vector<std::string> ControllerFlags::without_effect() const {
  static const std::set<std::string> waiting{
      "--namespace-selector",
      "--enable-driver-pdb",
      "--enable-batch-scheduler",
      "--kube-scheduler-names",
      "--default-batch-scheduler",
      "--ingress-class-name",
      "--ingress-tls",
      "--ingress-annotations",
      "--enable-metrics",
      "--metrics-prefix",
      "--metrics-labels",
      "--metrics-job-submit-latency-buckets",
      "--metrics-job-start-latency-buckets",
      "--secure-metrics",
      "--metric-tls-min-version",
      "--metric-tls-cipher-suites",
      "--pprof-bind-address",
      "--scheduled-spark-application-timestamp-precision",
      "--submitter-service-url",
      "--submitter-startup-timeout",
      "--submitter-request-timeout",
      "--submitter-max-retries",
      "--submitter-initial-backoff",
      "--submitter-tls-enabled",
      "--submitter-tls-cert-file",
      "--submitter-tls-key-file",
      "--submitter-tls-ca-file",
  };
  std::vector<std::string> names;
  for (const std::string& name : given) {
    if (waiting.contains(name)) names.push_back(name);
  }
  return names;
}

Result<ControllerFlags> parse_controller_flags(std::vector<std::string> arguments) {
  ControllerFlags flags;
  Flags parser(flags);
  if (auto parsed = parser.parse(std::move(arguments)); !parsed) return fail(std::move(parsed));
  // "" among the names means all.
  if (std::find(flags.namespaces.begin(), flags.namespaces.end(), "") != flags.namespaces.end())
    flags.namespaces.clear();
  return flags;
}

std::string controller_usage() {
  ControllerFlags flags;
  return Flags(flags).usage();
}

Result<BindAddress> parse_bind_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  BindAddress address{host, 0};
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (colon == std::string::npos || error != std::errc() || end != port.data() + port.size()) {
    return fail(ErrorKind::InvalidInput, "expected host:port or :port, got \"" + text + "\"");
  }
  return address;
}

}  // namespace cmd

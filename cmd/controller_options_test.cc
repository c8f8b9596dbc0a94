#include "cmd/controller_options.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>

#include "cmd/process_parts.h"
#include "kube/async/sim_loop.h"

using namespace cmd;
using namespace std::chrono_literals;

namespace {

// All options that a command line leads to.
struct Options {
  explicit Options(const std::vector<std::string>& arguments)
      : flags(parse_controller_flags(arguments).value()),
        application(application_options(flags, {})),
        schedule(schedule_options(flags, {})),
        connect(connect_options(flags, {.server = "https://api:6443"}, {})),
        submit(submit_options(flags, {.server = "https://api:6443"})),
        spark_submit(spark_submit_options(flags, {})),
        service(submission_service_options(flags, {}).value()),
        manager(manager_options(flags, loop, nullptr, {})),
        client(client_options(flags, "agent")) {}

  kube::SimLoop loop;
  ControllerFlags flags;
  controller::ApplicationControllerOptions application;
  controller::ScheduleControllerOptions schedule;
  controller::ConnectControllerOptions connect;
  spark::SubmitOptions submit;
  controller::SparkSubmitOptions spark_submit;
  controller::SubmissionServiceOptions service;
  kube::ManagerOptions manager;
  kube::ClientOptions client;
};

struct Row {
  std::vector<std::string> arguments;  // the first is the flag in question
  std::function<bool(const Options&)> takes_effect;
};

// Each must hold with the flag and not without it.
const std::vector<Row> kRows{
    {{"--namespaces=a,b"}, [](auto& o) { return o.application.namespaces.size() == 2; }},
    {{"--controller-threads=33"}, [](auto& o) { return o.application.workers == 33; }},
    {{"--cache-sync-timeout=7s"}, [](auto& o) { return o.manager.sync_timeout == 7s; }},
    {{"--max-tracked-executor-per-app=5"},
     [](auto& o) { return o.application.policy.max_tracked_executors == 5; }},
    {{"--default-time-to-live-seconds=60", "--feature-gates=DefaultTimeToLive=true"},
     [](auto& o) { return o.application.policy.default_time_to_live_seconds == 60; }},
    {{"--workqueue-ratelimiter-bucket-qps=50"}, [](auto& o) { return o.application.retry_qps == 50; }},
    {{"--workqueue-ratelimiter-bucket-size=500"}, [](auto& o) { return o.application.retry_burst == 500; }},
    {{"--workqueue-ratelimiter-max-delay=6h"}, [](auto& o) { return o.application.retry_max_delay == 6h; }},
    {{"--enable-ui-service=false"}, [](auto& o) { return !o.submit.enable_ui_service; }},
    {{"--ingress-url-format={{$appName}}.x"},
     [](auto& o) { return o.submit.ingress_url_format == "{{$appName}}.x"; }},
    {{"--enable-driver-pdb"}, [](auto& o) { return o.application.children.driver_pdb; }},
    {{"--ingress-class-name=nginx"},
     [](auto& o) { return o.application.children.ingress.class_name == "nginx"; }},
    {{R"(--ingress-tls=[{"hosts":["*.x"],"secretName":"s"}])"},
     [](auto& o) { return o.application.children.ingress.tls.size() == 1; }},
    {{R"(--ingress-annotations={"a":"b"})"},
     [](auto& o) { return o.application.children.ingress.annotations.size() == 1; }},
    {{"--scheduled-spark-application-timestamp-precision=minutes"},
     [](auto& o) { return o.schedule.policy.precision != Options({}).schedule.policy.precision; }},
    {{"--leader-election"}, [](auto& o) { return o.manager.leader_election.has_value(); }},
    {{"--leader-election-lock-name=l", "--leader-election"},
     [](auto& o) { return o.manager.leader_election && o.manager.leader_election->lease.name == "l"; }},
    {{"--leader-election-lock-namespace=n", "--leader-election"},
     [](auto& o) { return o.manager.leader_election && o.manager.leader_election->lease.ns == "n"; }},
    {{"--leader-election-lease-duration=60s", "--leader-election"},
     [](auto& o) { return o.manager.leader_election && o.manager.leader_election->lease_duration == 60s; }},
    {{"--leader-election-renew-deadline=12s", "--leader-election"},
     [](auto& o) { return o.manager.leader_election && o.manager.leader_election->renew_deadline == 12s; }},
    {{"--leader-election-retry-period=3s", "--leader-election"},
     [](auto& o) { return o.manager.leader_election && o.manager.leader_election->retry_period == 3s; }},
    {{"--kube-api-qps=50"}, [](auto& o) { return o.client.qps == 50; }},
    {{"--kube-api-burst=60"}, [](auto& o) { return o.client.burst == 60; }},
    {{"--enable-metrics"}, [](auto& o) { return o.application.metrics.has_value(); }},
    {{"--metrics-prefix=p_", "--enable-metrics"},
     [](auto& o) { return o.application.metrics && o.application.metrics->prefix == "p_"; }},
    {{"--metrics-labels=a,b", "--enable-metrics"},
     [](auto& o) { return o.application.metrics && o.application.metrics->labels.size() == 2; }},
    {{"--metrics-job-submit-latency-buckets=1,2", "--enable-metrics"},
     [](auto& o) {
       return o.application.metrics &&
              o.application.metrics->submit_latency_buckets == std::vector<double>{1, 2};
     }},
    {{"--metrics-job-start-latency-buckets=1.5", "--enable-metrics"},
     [](auto& o) {
       return o.application.metrics &&
              o.application.metrics->start_latency_buckets == std::vector<double>{1.5};
     }},
    {{"--metrics-max-label-sets=9", "--enable-metrics"},
     [](auto& o) { return o.application.metrics && o.application.metrics->most_label_sets == 9; }},
    {{"--submitter=native"}, [](auto& o) { return o.flags.submitter == "native"; }},
    {{"--spark-submit-path=/opt/s/bin/spark-submit"},
     [](auto& o) { return o.spark_submit.program == "/opt/s/bin/spark-submit"; }},
    {{"--spark-submit-timeout=90s"}, [](auto& o) { return o.spark_submit.timeout == 90s; }},
    {{"--spark-submit-concurrency=7"}, [](auto& o) { return o.application.long_workers == 7; }},
    {{"--feature-gates=RestSubmitter=true", "--submitter-service-url=http://s:80/x"},
     [](auto& o) {
       return submitter_mode(o.flags) == controller::SubmitterMode::Rest && o.application.long_workers == 10;
     }},
    {{"--submitter=spark-submit", "--feature-gates=RestSubmitter=true",
      "--submitter-service-url=http://s:80/x"},
     [](auto& o) { return submitter_mode(o.flags) == controller::SubmitterMode::SparkSubmit; }},
    {{"--spark-submit-concurrency=3", "--feature-gates=RestSubmitter=true",
      "--submitter-service-url=http://s:80/x"},
     [](auto& o) { return o.application.long_workers == 3; }},
    {{"--submitter-service-url=http://s:80/x"}, [](auto& o) { return o.service.url == "http://s:80/x"; }},
    {{"--submitter-startup-timeout=9s"}, [](auto& o) { return o.service.startup_timeout == 9s; }},
    {{"--submitter-request-timeout=9s"}, [](auto& o) { return o.service.request_timeout == 9s; }},
    {{"--submitter-max-retries=9"}, [](auto& o) { return o.service.tries == 9; }},
    {{"--submitter-initial-backoff=9s"}, [](auto& o) { return o.service.initial_backoff == 9s; }},
    {{"--webhook-enabled"}, [](auto& o) { return o.submit.webhook_runs; }},
    {{"--enable-service-links"},
     [](auto& o) {
       return o.submit.service_links == spark::ServiceLinks::On &&
              o.connect.service_links == spark::ServiceLinks::On;
     }},
    {{"--feature-gates=PartialRestart=true"},
     [](auto& o) {
       return o.submit.partial_restart &&
              o.application.policy.hash_scope == api::HashScope::WithoutExecutorScheduling;
     }},
    {{"--feature-gates=LoadSparkDefaults=true"}, [](auto& o) { return o.submit.load_spark_defaults; }},
    {{"--namespace-selector=a=b"}, [](auto& o) { return o.flags.namespace_selector == "a=b"; }},
    {{"--driver-pod-creation-grace-period=9s"},
     [](auto& o) { return o.application.policy.driver_pod_creation_grace == 9s; }},
    {{"--redaction-regex=cheese"},
     [](auto& o) {
       return o.application.redaction.hides("cheese") && o.spark_submit.redaction.hides("cheese");
     }},
    {{"--enable-batch-scheduler"},
     [](auto& o) { return o.application.children.batch.enabled && o.submit.batch.enabled; }},
    {{"--kube-scheduler-names=coscheduling"},
     [](auto& o) { return o.submit.batch.kube_schedulers.size() == 1; }},
    {{"--default-batch-scheduler=volcano", "--enable-batch-scheduler"},
     [](auto& o) { return o.submit.batch.by_default == "volcano"; }},
    {{"--kubeconfig=/k"},
     [](auto& o) {
       const auto found = o.spark_submit.environment.find("KUBECONFIG");
       return found != o.spark_submit.environment.end() && found->second == "/k";
     }},
    {{"--zap-log-level=debug"}, [](auto& o) { return o.flags.log_level == kube::LogLevel::Debug; }},
    {{"--zap-encoder=console"}, [](auto& o) { return o.flags.log_format == kube::LogFormat::Console; }},
};

// Ports, paths and TLS: a running process shows them (controller_process_test.cc).
const std::set<std::string> kShownByProcess{"--metrics-bind-address",      "--metrics-endpoint",
                                            "--health-probe-bind-address", "--secure-metrics",
                                            "--metric-tls-min-version",    "--metric-tls-cipher-suites"};

// Understood so that nobody's command line breaks, and rightly without effect; the flag's help says so.
const std::set<std::string> kAccepted{"--pprof-bind-address", "--enable-http2", "--zap-devel",
                                      "--zap-stacktrace-level", "--zap-time-encoding"};

std::string name_of(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

}  // namespace

TEST_CASE("each flag changes what it says", "[flags]") {
  for (const Row& row : kRows) {
    INFO(row.arguments[0]);
    std::vector<std::string> without(row.arguments.begin() + 1, row.arguments.end());
    CHECK(row.takes_effect(Options(row.arguments)));
    CHECK_FALSE(row.takes_effect(Options(without)));
  }
}

TEST_CASE("every flag is in one of the lists: effective, shown by a process, accepted, or warned of",
          "[flags]") {
  std::set<std::string> effective;
  for (const Row& row : kRows) effective.insert(name_of(row.arguments[0]));
  for (const FlagRow& flag : controller_flag_rows()) {
    INFO(flag.name);
    const bool boolean = flag.type == "boolean";
    ControllerFlags given;
    given.given = {flag.name};
    const bool warned = !given.without_effect().empty();
    CHECK(effective.contains(flag.name) + kShownByProcess.contains(flag.name) +
              kAccepted.contains(flag.name) + warned >=
          1);
    if (kAccepted.contains(flag.name)) CHECK_THAT(flag.help, Catch::Contains("ccepted"));
    // Defaults are as one would write them.
    if (!flag.standard.empty() && !boolean)
      CHECK(parse_controller_flags({flag.name + "=" + flag.standard}).has_value());
  }
}

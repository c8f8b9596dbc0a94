#include "cmd/controller_process.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "controller/application/application_controller.h"
#include "controller/submit/submitter_choice.h"
#include "kube/async/child_process.h"
#include "kube/runtime/health_server.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/rest_client_metrics.h"

namespace cmd {

using kube::fail;
using kube::Result;
using kube::Task;

namespace {

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

// Where the driver's spark.master points. In a cluster the service environment says it, as for spark-submit.
std::string master_url(const kube::ClientConfig& config) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  auto in_cluster = spark::master_url(host == nullptr ? "" : host, port == nullptr ? "" : port);
  return in_cluster ? *in_cluster : "k8s://" + config.server;
}

class Process final : public ControllerProcess {
 public:
  Process(kube::Loop& loop, const ControllerFlags& flags, const kube::ClientConfig& config,
          std::unique_ptr<kube::Client> client, std::unique_ptr<kube::MetricsRegistry> metrics, kube::Log log)
      : metrics_(std::move(metrics)),
        client_(std::move(client)),
        children_(loop),
        native_(*client_, submit_options(flags, config)),
        spark_submit_(*client_, children_, submit_options(flags, config), spark_submit_options(flags, log)),
        submitter_(*controller::submitter_mode(flags.submitter), native_, spark_submit_),
        manager_(*client_, manager_options(loop, flags, log)) {
    controller::ApplicationController::add_to(manager_, submitter_, application_options(flags, log));
  }

  Result<> listen(kube::Loop& loop, kube::Network& network, const ControllerFlags& flags,
                  const kube::Log& log) {
    if (flags.health_probe_bind_address != "0") {
      auto added = add_server(loop, network, flags.health_probe_bind_address, nullptr, log);
      if (!added) return added;
    }
    if (flags.metrics_bind_address != "0") {
      return add_server(loop, network, flags.metrics_bind_address, metrics_.get(), log);
    }
    return {};
  }

  Task<Result<>> run() override { return manager_.run(); }
  void stop() override { manager_.stop(); }
  bool started() const override { return manager_.is_started(); }

 private:
  Result<> add_server(kube::Loop& loop, kube::Network& network, const std::string& at,
                      kube::MetricsRegistry* metrics, const kube::Log& log) {
    auto address = parse_bind_address(at);
    if (!address) return fail(std::move(address));
    auto& server = manager_.add(
        std::make_unique<kube::HealthServer>(loop, network,
                                             kube::HealthServerOptions{.at = {address->host, address->port},
                                                                       .metrics = metrics,
                                                                       .probes = metrics == nullptr,
                                                                       .log = log}));
    if (metrics == nullptr) {
      server.add_readyz("caches", [this]() -> Result<> {
        if (manager_.is_ready()) return {};
        return fail(kube::ErrorKind::Unavailable, "caches are not filled yet");
      });
    }
    return server.listen();
  }

  static spark::SubmitOptions submit_options(const ControllerFlags& flags, const kube::ClientConfig& config) {
    spark::SubmitOptions options;
    options.master_url = master_url(config);
    options.load_spark_defaults = flags.gate("LoadSparkDefaults");
    options.enable_ui_service = flags.enable_ui_service;
    options.ingress_url_format = flags.ingress_url_format;
    options.partial_restart = flags.gate("PartialRestart");
    options.webhook_runs = flags.webhook_enabled;
    return options;
  }

  static controller::SparkSubmitOptions spark_submit_options(const ControllerFlags& flags,
                                                             const kube::Log& log) {
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
    options.lease = flags.leader_election ? flags.leader_election_lease_duration : kube::Duration::zero();
    options.log = log;
    return options;
  }

  kube::ManagerOptions manager_options(kube::Loop& loop, const ControllerFlags& flags,
                                       const kube::Log& log) const {
    kube::ManagerOptions options;
    options.sync_timeout = flags.cache_sync_timeout;
    options.component = "spark-application-controller";
    options.log = log;
    options.metrics = metrics_.get();
    if (flags.leader_election) {
      options.leader_election = kube::LeaderElectionOptions{
          .lease = {flags.leader_election_lock_namespace, flags.leader_election_lock_name},
          .identity = host_name() + "_" + loop.random().uuid_v4(),
          .lease_duration = flags.leader_election_lease_duration,
          .renew_deadline = flags.leader_election_renew_deadline,
          .retry_period = flags.leader_election_retry_period,
          .log = log,
          .metrics = metrics_.get()};
    }
    return options;
  }

  static controller::ApplicationControllerOptions application_options(const ControllerFlags& flags,
                                                                      const kube::Log& log) {
    controller::ApplicationControllerOptions options;
    options.namespaces = flags.namespaces;
    options.workers = flags.controller_threads;
    options.long_workers = flags.spark_submit_concurrency;
    options.retry_qps = flags.workqueue_qps;
    options.retry_burst = flags.workqueue_bucket_size;
    options.retry_max_delay = flags.workqueue_max_delay;
    options.policy.max_tracked_executors = flags.max_tracked_executor_per_app;
    if (flags.gate("DefaultTimeToLive")) {
      options.policy.default_time_to_live_seconds = flags.default_time_to_live_seconds;
    }
    if (flags.gate("PartialRestart")) options.policy.hash_scope = api::HashScope::WithoutExecutorScheduling;
    options.log = log;
    return options;
  }

  std::unique_ptr<kube::MetricsRegistry> metrics_;
  std::unique_ptr<kube::Client> client_;
  kube::ChildProcesses children_;
  controller::NativeSubmitter native_;
  controller::SparkSubmitSubmitter spark_submit_;
  controller::SubmitterChoice submitter_;
  kube::Manager manager_;
};

}  // namespace

Result<std::unique_ptr<ControllerProcess>> ControllerProcess::create(kube::Loop& loop, kube::Network& network,
                                                                     const ControllerFlags& flags,
                                                                     const kube::ClientConfig& config,
                                                                     kube::Log log) {
  auto metrics = std::make_unique<kube::MetricsRegistry>();
  metrics->add_process_metrics();
  kube::ClientOptions options;
  options.user_agent = "spark-operator";
  options.qps = flags.kube_api_qps;
  options.burst = flags.kube_api_burst;
  options.on_request = kube::rest_client_observer(*metrics, config.server);
  auto client = kube::Client::create(loop, network, config, std::move(options));
  if (!client) return fail(std::move(client));
  auto process = std::make_unique<Process>(loop, flags, config, std::move(*client), std::move(metrics), log);
  if (auto listening = process->listen(loop, network, flags, log); !listening)
    return fail(std::move(listening));
  if (const auto names = flags.without_effect(); !names.empty()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
    log.warn("flags are accepted but have no effect in this version", {{"flags", list}});
  }
  return std::unique_ptr<ControllerProcess>(std::move(process));
}

}  // namespace cmd

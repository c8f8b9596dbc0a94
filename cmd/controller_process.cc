#include "cmd/controller_process.h"

#include "cmd/controller_options.h"
#include "cmd/process_parts.h"
#include "controller/submit/submitter_choice.h"
#include "kube/async/child_process.h"
#include "kube/async/task_group.h"

namespace cmd {

using kube::fail;
using kube::Result;
using kube::Task;

namespace {

class Process final : public ControllerProcess {
 public:
  // `service`: null without the gate RestSubmitter.
  Process(kube::Loop& loop, const ControllerFlags& flags, const kube::ClientConfig& config,
          std::unique_ptr<kube::Client> client, std::unique_ptr<kube::MetricsRegistry> metrics,
          std::unique_ptr<controller::SubmissionService> service, kube::Log log)
      : metrics_(std::move(metrics)),
        client_(std::move(client)),
        children_(loop),
        native_(*client_, submit_options(flags, config)),
        spark_submit_(*client_, children_, submit_options(flags, config), spark_submit_options(flags, log)),
        service_(std::move(service)),
        rest_(service_ ? std::make_unique<controller::RestSubmitter>(
                             *client_, *service_, submit_options(flags, config), rest_options(flags, log))
                       : nullptr),
        submitter_(submitter_mode(flags), native_, spark_submit_, rest_.get()),
        waiting_(loop, log),
        manager_(*client_, manager_options(flags, loop, metrics_.get(), log)) {
    controller::ApplicationControllerOptions applications = application_options(flags, log);
    controller::ScheduleControllerOptions schedules = schedule_options(flags, log);
    controller::ConnectControllerOptions connects = connect_options(flags, config, log);
    if (!flags.namespace_selector.empty() && !flags.all_namespaces) {
      applications.scope = &add_scope(flags, log);
      schedules.scope = connects.scope = applications.scope;
    }
    controller::ApplicationController::add_to(manager_, submitter_, std::move(applications));
    controller::ScheduleController::add_to(manager_, std::move(schedules));
    controller::ConnectController::add_to(manager_, std::move(connects));
  }

  Result<> listen(kube::Network& network, const ControllerFlags& flags, const kube::Log& log) {
    return add_endpoints(manager_, network, flags,
                         {.metrics = metrics_.get(),
                          .add_checks =
                              [this](kube::HealthServer& probes) {
                                probes.add_readyz("caches", [this] { return caches_filled(); });
                              },
                          .tls_min_version = flags.metric_tls_min_version,
                          .tls_cipher_suites = flags.metric_tls_cipher_suites,
                          .log = log});
  }

  // As upstream: without its submission service an operator does not begin, nor stand by.
  Task<Result<>> run() override {
    if (service_) {
      Result<> there;
      const auto wait = [](controller::SubmissionService* service, Result<>* out) -> Task<> {
        *out = co_await service->wait_until_there();
      };
      waiting_.spawn("submission service", wait(service_.get(), &there));
      co_await waiting_.join_or_cancel();
      if (!there) co_return fail(std::move(there));
    }
    co_return co_await manager_.run();
  }
  void stop() override {
    waiting_.cancel();
    manager_.stop();
  }
  bool started() const override { return manager_.is_started(); }

 private:
  kube::NamespaceScope& add_scope(const ControllerFlags& flags, const kube::Log& log) {
    return manager_.add(std::make_unique<kube::NamespaceScope>(
        *client_, kube::NamespaceScopeOptions{
                      .selector = flags.namespace_selector, .always = flags.namespaces, .log = log}));
  }

  Result<> caches_filled() const {
    if (manager_.is_ready()) return {};
    return fail(kube::ErrorKind::Unavailable, "caches are not filled yet");
  }

  std::unique_ptr<kube::MetricsRegistry> metrics_;
  std::unique_ptr<kube::Client> client_;
  kube::ChildProcesses children_;
  controller::NativeSubmitter native_;
  controller::SparkSubmitSubmitter spark_submit_;
  std::unique_ptr<controller::SubmissionService> service_;
  std::unique_ptr<controller::RestSubmitter> rest_;
  controller::SubmitterChoice submitter_;
  kube::TaskGroup waiting_;
  kube::Manager manager_;
};

}  // namespace

Result<std::unique_ptr<ControllerProcess>> ControllerProcess::create(kube::Loop& loop, kube::Network& network,
                                                                     const ControllerFlags& flags,
                                                                     const kube::ClientConfig& config,
                                                                     kube::Log log) {
  auto metrics = std::make_unique<kube::MetricsRegistry>();
  add_library_series(*metrics);
  auto made = make_client(loop, network, config, client_options(flags, "spark-operator"), *metrics);
  if (!made) return fail(std::move(made));
  std::unique_ptr<controller::SubmissionService> service;
  if (flags.gate("RestSubmitter")) {
    auto options = submission_service_options(flags, log);
    if (!options) return fail(std::move(options));
    auto created = controller::SubmissionService::create(loop, network, *std::move(options));
    if (!created) return fail(std::move(created));
    service = std::move(*created);
  }
  auto process = std::make_unique<Process>(loop, flags, config, std::move(made->client), std::move(metrics),
                                           std::move(service), log);
  if (auto listening = process->listen(network, flags, log); !listening) return fail(std::move(listening));
  warn_without_effect(log, flags.without_effect());
  return std::unique_ptr<ControllerProcess>(std::move(process));
}

}  // namespace cmd

#include "cmd/webhook_process.h"

#include <unistd.h>

#include <stdexcept>

#include "kube/async/real_loop.h"
#include "kube/runtime/health_server.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/rest_client_metrics.h"
#include "webhook/application_feed.h"
#include "webhook/authority_writer.h"
#include "webhook/review_service.h"
#include "webhook/routes.h"

namespace cmd {

using kube::fail;
using kube::Result;
using kube::Task;

namespace {

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

kube::ClientOptions client_options(const WebhookFlags& flags) {
  kube::ClientOptions options;
  options.user_agent = "spark-operator-webhook";
  options.qps = flags.kube_api_qps;
  options.burst = flags.kube_api_burst;
  return options;
}

// What one review thread asks the API server with.
struct ThreadClient {
  explicit ThreadClient(kube::Loop& loop) : network(loop) {}
  kube::TcpNetwork network;
  std::unique_ptr<kube::Client> client;
};

class Process final : public WebhookProcess {
 public:
  Process(kube::Network& network, const WebhookFlags& flags, const kube::ClientConfig& config,
          std::unique_ptr<kube::Client> client, std::unique_ptr<kube::MetricsRegistry> metrics,
          std::shared_ptr<const kube::RequestObserver> observe, kube::Log log)
      : flags_(flags),
        config_(config),
        log_(log),
        metrics_(std::move(metrics)),
        review_metrics_(metrics_->registry()),
        certificate_metrics_(kube::CertificateMetrics::create(metrics_->registry())),
        client_(std::move(client)),
        observe_(std::move(observe)),
        manager_(*client_, {.component = "spark-operator-webhook", .log = log, .metrics = metrics_.get()}) {
    manager_.add(std::make_unique<webhook::ApplicationFeed>(*client_, flags.namespaces, applications_, log));
    auto& service = manager_.add(std::make_unique<webhook::ReviewService>(
        *client_, network, service_options(), [this](kube::Loop& loop) { return routes_on(loop); }));
    service_ = &service;
    if (flags.enable_cert_manager) return;  // its injector writes the bundles
    auto& writer = manager_.add(std::make_unique<webhook::AuthorityWriter>(*client_, writer_options()));
    service.on_authorities([&writer](const std::string& pem) { writer.set_bundle(pem); });
  }

  Result<> listen(kube::Network& network) {
    if (flags_.health_probe_bind_address != "0") {
      auto added = add_server(network, flags_.health_probe_bind_address, nullptr);
      if (!added) return added;
    }
    if (flags_.metrics_bind_address != "0")
      return add_server(network, flags_.metrics_bind_address, metrics_.get());
    return {};
  }

  Task<Result<>> run() override { return manager_.run(); }
  void stop() override { manager_.stop(); }
  bool ready() const override { return service_->check().has_value(); }
  std::optional<kube::Endpoint> address() const override { return service_->local(); }

 private:
  Result<> add_server(kube::Network& network, const std::string& at, kube::MetricsRegistry* metrics) {
    auto address = parse_bind_address(at);
    if (!address) return fail(std::move(address));
    auto& server = manager_.add(
        std::make_unique<kube::HealthServer>(manager_.loop(), network,
                                             kube::HealthServerOptions{.at = {address->host, address->port},
                                                                       .metrics = metrics,
                                                                       .probes = metrics == nullptr,
                                                                       .log = log_}));
    if (metrics == nullptr) {
      server.add_healthz("healthz", [this] { return alive(); });
      server.add_readyz("readyz", [this] { return service_->check(); });
    }
    return server.listen();
  }

  // A kubelet must not kill a process that waits for its certificate, or is about to stop.
  Result<> alive() const {
    auto checked = service_->check();
    if (checked || checked.error().kind() == kube::ErrorKind::ShuttingDown || !service_->local()) return {};
    return checked;
  }

  webhook::ReviewServiceOptions service_options() {
    webhook::ReviewServiceOptions options;
    options.certificate.secret = {flags_.webhook_secret_namespace, flags_.webhook_secret_name};
    options.certificate.names = {
        .common_name = flags_.webhook_svc_name + "." + flags_.webhook_svc_namespace + ".svc",
        .organization = "spark-operator"};
    if (flags_.enable_cert_manager) options.certificate.layout = kube::SecretLayout::CertManager;
    options.certificate.metrics = &certificate_metrics_;
    options.certificate.log = log_;
    options.threads.listen = {flags_.webhook_host, static_cast<std::uint16_t>(flags_.webhook_port)};
    options.threads.threads = flags_.webhook_threads;
    options.threads.server.metrics = &review_metrics_;
    options.threads.server.log = log_;
    options.tls_min_version = flags_.webhook_tls_min_version;
    options.tls_cipher_suites = flags_.webhook_tls_cipher_suites;
    options.log = log_;
    return options;
  }

  webhook::AuthorityWriterOptions writer_options() const {
    webhook::AuthorityWriterOptions options;
    options.mutating_configuration = flags_.mutating_webhook_name;
    options.validating_configuration = flags_.validating_webhook_name;
    options.log = log_;
    if (flags_.leader_election) {
      options.election = kube::LeaderElectionOptions{
          .lease = {flags_.leader_election_lock_namespace, flags_.leader_election_lock_name},
          .identity = host_name() + "_" + manager_.loop().random().uuid_v4(),
          .lease_duration = flags_.leader_election_lease_duration,
          .renew_deadline = flags_.leader_election_renew_deadline,
          .retry_period = flags_.leader_election_retry_period,
          .log = log_,
          .metrics = metrics_.get()};
    }
    return options;
  }

  // Runs on a review thread.
  kube::ReviewRoutes routes_on(kube::Loop& loop) const {
    auto own = std::make_shared<ThreadClient>(loop);
    kube::ClientOptions options = client_options(flags_);
    // Families are looked up by name at each request: the registry's owner does that.
    options.on_request = [this](std::string_view method, int code) {
      manager_.loop().post_from_any_thread(
          [this, method = std::string(method), code] { (*observe_)(method, code); });
    };
    auto client = kube::Client::create(loop, own->network, config_, std::move(options));
    // The same configuration made the first client.
    if (!client) throw std::runtime_error(client.error().message());
    own->client = std::move(*client);
    kube::Client* inner = own->client.get();
    return webhook::review_routes(
        applications_, std::shared_ptr<kube::Client>(std::move(own), inner),
        {.namespaces = {flags_.namespaces.begin(), flags_.namespaces.end()},
         .validation = {.allow_operator_keys_in_spark_conf = flags_.allow_operator_keys_in_spark_conf},
         .enforce_quotas = flags_.enable_resource_quota_enforcement,
         .log = log_});
  }

  const WebhookFlags flags_;
  const kube::ClientConfig config_;
  const kube::Log log_;
  const std::shared_ptr<webhook::SharedApplications> applications_ =
      std::make_shared<webhook::SharedApplications>();
  std::unique_ptr<kube::MetricsRegistry> metrics_;
  kube::ReviewMetrics review_metrics_;
  kube::CertificateMetrics certificate_metrics_;
  std::unique_ptr<kube::Client> client_;
  const std::shared_ptr<const kube::RequestObserver> observe_;
  kube::Manager manager_;
  webhook::ReviewService* service_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<WebhookProcess>> WebhookProcess::create(kube::Loop& loop, kube::Network& network,
                                                               const WebhookFlags& flags,
                                                               const kube::ClientConfig& config,
                                                               kube::Log log) {
  auto metrics = std::make_unique<kube::MetricsRegistry>();
  metrics->add_process_metrics();
  kube::ClientOptions options = client_options(flags);
  // Only the client knows the server's name as metrics have it.
  auto observe = std::make_shared<kube::RequestObserver>();
  options.on_request = [observe](std::string_view method, int code) { (*observe)(method, code); };
  auto client = kube::Client::create(loop, network, config, std::move(options));
  if (!client) return fail(std::move(client));
  *observe = kube::rest_client_observer(*metrics, (*client)->host());
  auto process = std::make_unique<Process>(network, flags, config, std::move(*client), std::move(metrics),
                                           std::move(observe), log);
  if (auto listening = process->listen(network); !listening) return fail(std::move(listening));
  if (const auto names = flags.without_effect(); !names.empty()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
    log.warn("flags are accepted but have no effect in this version", {{"flags", list}});
  }
  return std::unique_ptr<WebhookProcess>(std::move(process));
}

}  // namespace cmd

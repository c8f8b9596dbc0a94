#include "cmd/webhook_process.h"

#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "cmd/process_parts.h"
#include "kube/async/real_loop.h"
#include "webhook/application_feed.h"
#include "webhook/authority_writer.h"
#include "webhook/review_service.h"
#include "webhook/routes.h"

namespace cmd {

using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kUserAgent = "spark-operator-webhook";

// What one review thread asks the API server with.
struct ThreadClient {
  explicit ThreadClient(kube::Loop& loop) : network(loop) {}
  kube::TcpNetwork network;
  std::unique_ptr<kube::Client> client;
};

// How many connections each of so many threads may keep. All descriptors that the process may have are used,
// as Go's runtime would; half of them, so that reads, probes and scrapers always find one.
int places_of_a_thread(int threads) {
  const int wanted = kube::ReviewServerOptions{}.max_connections;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return wanted;
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return wanted;
  const rlim_t sharing = threads > 0 ? static_cast<rlim_t>(threads) : std::thread::hardware_concurrency();
  const rlim_t fair = descriptors.rlim_cur / 2 / std::max<rlim_t>(sharing, 1);
  return static_cast<int>(std::clamp<rlim_t>(fair, 1, static_cast<rlim_t>(wanted)));
}

class Process final : public WebhookProcess {
 public:
  Process(kube::Network& network, const WebhookFlags& flags, const kube::ClientConfig& config,
          std::unique_ptr<kube::Client> client, std::unique_ptr<kube::MetricsRegistry> metrics,
          std::shared_ptr<const kube::RequestObserver> observe, kube::Log log)
      : flags_(flags),
        config_(config),
        log_(log),
        pending_(flags.enable_resource_quota_enforcement ? std::make_shared<webhook::PendingDemands>()
                                                         : nullptr),
        metrics_(std::move(metrics)),
        review_metrics_(metrics_->registry()),
        certificate_metrics_(kube::CertificateMetrics::create(metrics_->registry())),
        client_(std::move(client)),
        observe_(std::move(observe)),
        manager_(*client_, {.component = "spark-operator-webhook", .log = log, .metrics = metrics_.get()}) {
    manager_.add(
        std::make_unique<webhook::ApplicationFeed>(*client_, flags.namespaces, applications_, log, pending_));
    auto& service = manager_.add(std::make_unique<webhook::ReviewService>(
        *client_, network, service_options(), [this](kube::Loop& loop) { return routes_on(loop); }));
    service_ = &service;
    if (flags.enable_cert_manager) return;  // its injector writes the bundles
    auto& writer = manager_.add(std::make_unique<webhook::AuthorityWriter>(*client_, writer_options()));
    service.on_authorities([&writer](const std::string& pem) { writer.set_bundle(pem); });
  }

  Result<> listen(kube::Network& network) {
    return add_endpoints(manager_, network, flags_,
                         {.metrics = metrics_.get(),
                          .add_checks =
                              [this](kube::HealthServer& probes) {
                                probes.add_healthz("healthz", [this] { return alive(); });
                                probes.add_readyz("readyz", [this] { return service_->check(); });
                              },
                          .tls_min_version = flags_.webhook_tls_min_version,
                          .tls_cipher_suites = flags_.webhook_tls_cipher_suites,
                          .log = log_});
  }

  Task<Result<>> run() override { return manager_.run(); }
  void stop() override { manager_.stop(); }
  bool ready() const override { return service_->check().has_value(); }
  std::optional<kube::Endpoint> address() const override { return service_->local(); }

 private:
  // A kubelet must not kill a process that waits for its certificate, or is about to stop.
  Result<> alive() const {
    auto checked = service_->answers();
    if (checked || checked.error().kind() == kube::ErrorKind::ShuttingDown || !service_->local()) return {};
    return checked;
  }

  webhook::ReviewServiceOptions service_options() {
    webhook::ReviewServiceOptions options;
    options.certificate.secret = {flags_.webhook_secret_namespace, flags_.webhook_secret_name};
    options.certificate.names = {
        .common_name = flags_.webhook_svc_name + "." + flags_.webhook_svc_namespace + ".svc",
        .organization = "spark-operator"};
    options.certificate.adoption_delay = flags_.webhook_certificate_adoption_delay;
    if (flags_.enable_cert_manager) {
      options.certificate.layout = kube::SecretLayout::CertManager;
      options.folder.folder = flags_.webhook_cert_dir;
      options.folder.certificate_name = flags_.webhook_cert_name;
      options.folder.key_name = flags_.webhook_key_name;
      options.folder.poll_interval = std::chrono::seconds(2);  // three small files
      options.folder.metrics = &certificate_metrics_;
      options.folder.log = log_;
    } else {
      options.configurations = {{kube::kMutatingWebhookConfigurations, flags_.mutating_webhook_name},
                                {kube::kValidatingWebhookConfigurations, flags_.validating_webhook_name}};
    }
    options.shutdown_delay = flags_.webhook_shutdown_delay;
    options.certificate.metrics = &certificate_metrics_;
    options.certificate.log = log_;
    options.threads.listen = {flags_.webhook_host, static_cast<std::uint16_t>(flags_.webhook_port)};
    options.threads.threads = flags_.webhook_threads;
    options.threads.server.max_connections = places_of_a_thread(flags_.webhook_threads);
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
    options.election = leader_election(flags_, manager_.loop(), metrics_.get(), log_);
    return options;
  }

  // Runs on a review thread.
  kube::ReviewRoutes routes_on(kube::Loop& loop) const {
    auto own = std::make_shared<ThreadClient>(loop);
    kube::ClientOptions options = client_options(flags_, kUserAgent);
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
         .service_links = flags_.enable_service_links ? spark::ServiceLinks::On : spark::ServiceLinks::Off,
         .validation = {.allow_operator_keys_in_spark_conf = flags_.allow_operator_keys_in_spark_conf},
         .pending = pending_,
         .log = log_});
  }

  const WebhookFlags flags_;
  const kube::ClientConfig config_;
  const kube::Log log_;
  const std::shared_ptr<webhook::SharedApplications> applications_ =
      std::make_shared<webhook::SharedApplications>();
  const std::shared_ptr<webhook::PendingDemands> pending_;  // null: quotas are not enforced
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
  add_library_series(*metrics);
  auto made = make_client(loop, network, config, client_options(flags, kUserAgent), *metrics);
  if (!made) return fail(std::move(made));
  auto process = std::make_unique<Process>(network, flags, config, std::move(made->client),
                                           std::move(metrics), std::move(made->observe), log);
  if (auto listening = process->listen(network); !listening) return fail(std::move(listening));
  warn_without_effect(log, flags.without_effect());
  return std::unique_ptr<WebhookProcess>(std::move(process));
}

}  // namespace cmd

#include "cmd/process_parts.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "kube/http/certificate.h"
#include "kube/runtime/rest_client_metrics.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

// The certificate lives and dies with the process; a scraper that verifies it needs a mounted one.
constexpr kube::Duration kOwnCertificateValidity = std::chrono::hours(24 * 3650);

// The words of those who count them where there is something to count: one name has one help.
const std::map<std::string, std::string> kLibraryHelp{
    {"certwatcher_read_certificate_total", "Total number of certificate reads."},
    {"certwatcher_read_certificate_errors_total", "Total number of certificate read errors."},
    {"controller_runtime_webhook_panics_total", "Total number of handlers that ended by an exception."},
    {"controller_runtime_conversion_webhook_panics_total",
     "Total number of conversion handlers that ended by an exception."}};

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

Result<kube::KeyedCertificate> own_certificate(kube::TimePoint now) {
  const kube::CertificateValidity validity{now - std::chrono::hours(1), now + kOwnCertificateValidity};
  auto authority = kube::make_certificate_authority("spark-operator-metrics", validity);
  if (!authority) return authority;
  return kube::sign_certificate(*authority, {.common_name = "localhost",
                                             .dns_names = {"localhost", host_name()},
                                             .ip_addresses = {"127.0.0.1", "::1"},
                                             .validity = validity});
}

Result<kube::KeyedCertificate> mounted_certificate(const std::filesystem::path& folder) {
  auto certificate = read_file(folder / "tls.crt");
  if (!certificate) return fail(std::move(certificate));
  auto key = read_file(folder / "tls.key");
  if (!key) return fail(std::move(key));
  return kube::KeyedCertificate{std::move(*certificate), std::move(*key)};
}

Result<std::shared_ptr<kube::TlsServerContext>> metrics_tls(const EndpointOptions& options,
                                                            kube::TimePoint now) {
  std::error_code error;
  const std::filesystem::path folder =
      options.certificate_folder.empty()
          ? std::filesystem::temp_directory_path(error) / "k8s-metrics-server" / "serving-certs"
          : std::filesystem::path(options.certificate_folder);
  const bool mounted = std::filesystem::exists(folder / "tls.crt", error) &&
                       std::filesystem::exists(folder / "tls.key", error);
  auto keyed = mounted ? mounted_certificate(folder) : own_certificate(now);
  if (!keyed) return fail(std::move(keyed));
  return kube::TlsServerContext::create({.certificate_chain = keyed->certificate,
                                         .private_key = keyed->private_key,
                                         .min_version = options.tls_min_version,
                                         .cipher_suites = options.tls_cipher_suites});
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return fail(ErrorKind::Io, "cannot read " + path.string());
  return text.str();
}

kube::ClientOptions client_options(const ProcessFlags& flags, std::string user_agent) {
  kube::ClientOptions options;
  options.user_agent = std::move(user_agent);
  options.qps = flags.kube_api_qps;
  options.burst = flags.kube_api_burst;
  return options;
}

void add_library_series(kube::MetricsRegistry& metrics) {
  metrics.add_process_metrics();
  for (const char* name :
       {"certwatcher_read_certificate_total", "certwatcher_read_certificate_errors_total",
        "controller_runtime_webhook_panics_total", "controller_runtime_conversion_webhook_panics_total"}) {
    metrics.counter(name, kLibraryHelp.at(name));
  }
}

Result<CountedClient> make_client(kube::Loop& loop, kube::Network& network, const kube::ClientConfig& config,
                                  kube::ClientOptions options, kube::MetricsRegistry& metrics) {
  // Only the client knows the server's name as metrics have it.
  auto observe = std::make_shared<kube::RequestObserver>();
  options.on_request = [observe](std::string_view method, int code) { (*observe)(method, code); };
  auto client = kube::Client::create(loop, network, config, std::move(options));
  if (!client) return fail(std::move(client));
  *observe = kube::rest_client_observer(metrics, (*client)->host());
  return CountedClient{std::move(*client), std::move(observe)};
}

std::optional<kube::LeaderElectionOptions> leader_election(const ProcessFlags& flags, kube::Loop& loop,
                                                           kube::MetricsRegistry* metrics,
                                                           const kube::Log& log) {
  if (!flags.leader_election) return std::nullopt;
  return kube::LeaderElectionOptions{
      .lease = {flags.leader_election_lock_namespace, flags.leader_election_lock_name},
      .identity = host_name() + "_" + loop.random().uuid_v4(),
      .lease_duration = flags.leader_election_lease_duration,
      .renew_deadline = flags.leader_election_renew_deadline,
      .retry_period = flags.leader_election_retry_period,
      .log = log,
      .metrics = metrics};
}

Result<> add_endpoints(kube::Manager& manager, kube::Network& network, const ProcessFlags& flags,
                       const EndpointOptions& options) {
  const auto add = [&](const std::string& at,
                       kube::HealthServerOptions server) -> Result<kube::HealthServer*> {
    auto address = parse_bind_address(at);
    if (!address) return fail(std::move(address));
    server.at = {address->host, address->port};
    server.log = options.log;
    return &manager.add(std::make_unique<kube::HealthServer>(manager.loop(), network, std::move(server)));
  };
  if (flags.health_probe_bind_address != "0") {
    auto probes = add(flags.health_probe_bind_address, {});
    if (!probes) return fail(std::move(probes));
    if (options.add_checks) options.add_checks(**probes);
    if (auto listening = (*probes)->listen(); !listening) return listening;
  }
  // Also without --secure-metrics: a wrong version or suite is found when it is written, not when it counts.
  auto tls = metrics_tls(options, manager.loop().now());
  if (!tls) return fail(std::move(tls).error().while_doing("TLS of the metrics server"));
  if (flags.metrics_bind_address == "0") return {};
  auto metrics = add(flags.metrics_bind_address, {.metrics = options.metrics,
                                                  .metrics_path = flags.metrics_endpoint,
                                                  .probes = false,
                                                  .tls = flags.secure_metrics ? std::move(*tls) : nullptr});
  if (!metrics) return fail(std::move(metrics));
  return (*metrics)->listen();
}

void warn_without_effect(const kube::Log& log, const std::vector<std::string>& flags) {
  if (flags.empty()) return;
  std::string list;
  for (const std::string& name : flags) list += (list.empty() ? "" : " ") + name;
  log.warn("flags are accepted but have no effect in this version", {{"flags", list}});
}

}  // namespace cmd

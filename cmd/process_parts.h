// What every process of the operator is put together from, made from its flags.
//
//   auto made = make_client(loop, network, config, client_options(flags, "spark-operator"), metrics);
//   options.leader_election = leader_election(flags, loop, &metrics, log);
//   if (auto added = add_endpoints(manager, network, flags, endpoints); !added) …    // ports are taken here
//
// Thread: the loop's only.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/process_flags.h"
#include "kube/async/stream.h"
#include "kube/client/client.h"
#include "kube/runtime/health_server.h"
#include "kube/runtime/leader_election.h"
#include "kube/runtime/manager.h"

namespace cmd {

kube::ClientOptions client_options(const ProcessFlags& flags, std::string user_agent);

// Metrics of the process itself, and those names of upstream's libraries that every process there has, at 0
// where nothing here can count.
void add_library_series(kube::MetricsRegistry& metrics);

// A client whose requests are counted, and what counts them (for further clients of the same server).
struct CountedClient {
  std::unique_ptr<kube::Client> client;
  std::shared_ptr<const kube::RequestObserver> observe;
};
kube::Result<CountedClient> make_client(kube::Loop& loop, kube::Network& network,
                                        const kube::ClientConfig& config, kube::ClientOptions options,
                                        kube::MetricsRegistry& metrics);

// Nothing without --leader-election. The identity is upstream's: <host name>_<random>.
std::optional<kube::LeaderElectionOptions> leader_election(const ProcessFlags& flags, kube::Loop& loop,
                                                           kube::MetricsRegistry* metrics,
                                                           const kube::Log& log);

// A small file, such as a certificate. Error Io. Blocks: before the loop runs.
kube::Result<std::string> read_file(const std::filesystem::path& path);

struct EndpointOptions {
  kube::MetricsRegistry* metrics = nullptr;
  std::function<void(kube::HealthServer&)> add_checks = {};
  // Of the metrics server, with --secure-metrics; as in TlsServerOptions.
  std::string tls_min_version = "VersionTLS12";
  std::vector<std::string> tls_cipher_suites = {};
  // Where a tls.crt and tls.key may be mounted; "" = upstream's folder below the temporary one.
  std::string certificate_folder = "";
  kube::Log log = {};
};

// The servers of --health-probe-bind-address and --metrics-bind-address, listening already. Error: a port in
// use, TLS settings that are none.
kube::Result<> add_endpoints(kube::Manager& manager, kube::Network& network, const ProcessFlags& flags,
                             const EndpointOptions& options);

// One warning for all of them; nothing when there are none.
void warn_without_effect(const kube::Log& log, const std::vector<std::string>& flags);

}  // namespace cmd

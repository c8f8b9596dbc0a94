// Flags of `spark-operator webhook start`: upstream's names, types and defaults (releases 2.1 to 2.5 and its
// head), and few of our own.
//
//   auto flags = parse_webhook_flags({"--namespaces=a,b", "--webhook-port", "9443"});
//   if (!flags) → message and usage on stderr, exit code 1
//
// Spelling rules as in flag_parser.h. Thread: pure.
#pragma once

#include <string>
#include <vector>

#include "cmd/flag_parser.h"

namespace cmd {

struct WebhookFlags {
  std::vector<std::string> namespaces;  // empty: all
  std::string webhook_host;             // no flag: all addresses; a process of one machine names its own
  int webhook_port = 9443;              // 0: whichever is free
  std::string webhook_secret_name = "spark-operator-webhook-certs";
  std::string webhook_secret_namespace = "spark-operator";
  std::string webhook_svc_name = "spark-webhook";
  std::string webhook_svc_namespace = "spark-webhook";
  std::string mutating_webhook_name = "spark-operator-webhook";
  std::string validating_webhook_name = "spark-operator-webhook";
  bool enable_cert_manager = false;
  bool enable_resource_quota_enforcement = false;
  std::string webhook_tls_min_version = "VersionTLS12";
  std::vector<std::string> webhook_tls_cipher_suites;

  bool leader_election = false;
  std::string leader_election_lock_name = "spark-operator-lock";
  std::string leader_election_lock_namespace = "spark-operator";
  kube::Duration leader_election_lease_duration = std::chrono::seconds(15);
  kube::Duration leader_election_renew_deadline = std::chrono::seconds(14);
  kube::Duration leader_election_retry_period = std::chrono::seconds(4);

  // Unlike upstream (20, 30) without a limit of ours: the API server says when it is too much.
  double kube_api_qps = 0;
  int kube_api_burst = 0;
  std::string metrics_bind_address = "0";
  std::string health_probe_bind_address = ":8081";
  std::string kubeconfig;

  // Not of upstream.
  int webhook_threads = 0;  // 0: one a core
  bool allow_operator_keys_in_spark_conf = false;

  kube::LogLevel log_level = kube::LogLevel::Info;
  kube::LogFormat log_format = kube::LogFormat::Json;

  std::vector<std::string> given;  // flags that were on the command line

  // Flags that were given, mean something to upstream, and nothing here.
  std::vector<std::string> without_effect() const;
};

// Error InvalidInput: unknown flag, wrong type or value; the message names the flag.
kube::Result<WebhookFlags> parse_webhook_flags(std::vector<std::string> arguments);
std::string webhook_usage();

}  // namespace cmd

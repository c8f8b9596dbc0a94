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

#include "cmd/process_flags.h"

namespace cmd {

struct WebhookFlags : ProcessFlags {
  WebhookFlags() {
    leader_election_renew_deadline = std::chrono::seconds(14);
    leader_election_retry_period = std::chrono::seconds(4);
  }

  int webhook_port = 9443;  // 0: whichever is free
  std::string webhook_secret_name = "spark-operator-webhook-certs";
  std::string webhook_secret_namespace = "spark-operator";
  std::string webhook_svc_name = "spark-webhook";
  std::string webhook_svc_namespace = "spark-webhook";
  std::string mutating_webhook_name = "spark-operator-webhook";
  std::string validating_webhook_name = "spark-operator-webhook";
  bool enable_cert_manager = false;
  // Files of cert-manager: looked for with enable_cert_manager, else without meaning.
  std::string webhook_cert_dir = "/etc/k8s-webhook-server/serving-certs";
  std::string webhook_cert_name = "tls.crt";
  std::string webhook_key_name = "tls.key";
  bool enable_resource_quota_enforcement = false;
  std::string webhook_tls_min_version = "VersionTLS12";
  std::vector<std::string> webhook_tls_cipher_suites;

  // Not of upstream.
  std::string webhook_host;  // address to listen on; "": all. A process of one machine names its own
  int webhook_threads = 0;   // 0: one a core
  // How long API servers get to learn a new authority before a certificate of it is served, and, at the end,
  // to take their connections elsewhere.
  kube::Duration webhook_certificate_adoption_delay = std::chrono::seconds(30);
  kube::Duration webhook_shutdown_delay = std::chrono::seconds(5);
  bool allow_operator_keys_in_spark_conf = false;
  bool enable_service_links = false;  // as the controller's

  // Flags that were given, mean something to upstream, and nothing here.
  std::vector<std::string> without_effect() const;
};

// Error InvalidInput: unknown flag, wrong type or value; the message names the flag.
kube::Result<WebhookFlags> parse_webhook_flags(std::vector<std::string> arguments);
std::string webhook_usage();
std::vector<FlagRow> webhook_flag_rows();

}  // namespace cmd

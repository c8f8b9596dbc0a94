#include "cmd/webhook_flags.h"

#include <set>

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

class Flags final : public StartFlags {
 public:
  explicit Flags(WebhookFlags& into)
      : StartFlags("Run the admission webhook", "spark-operator webhook start", into), flags_(into) {
    list("--namespaces", flags_.namespaces, "Namespaces whose pods are mutated; none or \"\" means all");
    text("--webhook-host", flags_.webhook_host, "Address to listen on; none: all");
    number("--webhook-port", flags_.webhook_port, "Port to listen on; 0: a free one");
    text("--webhook-secret-name", flags_.webhook_secret_name, "Secret that holds the certificate");
    text("--webhook-secret-namespace", flags_.webhook_secret_namespace, "Its namespace");
    text("--webhook-svc-name", flags_.webhook_svc_name, "Service that leads here; the certificate is for it");
    text("--webhook-svc-namespace", flags_.webhook_svc_namespace, "Its namespace");
    text("--mutating-webhook-name", flags_.mutating_webhook_name,
         "MutatingWebhookConfiguration whose caBundle is kept right");
    text("--validating-webhook-name", flags_.validating_webhook_name,
         "ValidatingWebhookConfiguration whose caBundle is kept right");
    boolean("--enable-cert-manager", flags_.enable_cert_manager,
            "The Secret and the caBundles are cert-manager's");
    boolean("--enable-resource-quota-enforcement", flags_.enable_resource_quota_enforcement,
            "Refuse applications that do not fit into their namespace's quotas");
    text("--webhook-tls-min-version", flags_.webhook_tls_min_version, "VersionTLS12 or VersionTLS13");
    list("--webhook-tls-cipher-suites", flags_.webhook_tls_cipher_suites, "TLS 1.2 suites");
    number("--webhook-threads", flags_.webhook_threads, "Threads that answer reviews; 0: one a core");
    duration("--webhook-certificate-adoption-delay", flags_.webhook_certificate_adoption_delay,
             "From a new authority in the caBundles to a certificate of it being served");
    duration("--webhook-shutdown-delay", flags_.webhook_shutdown_delay,
             "From the signal to stop until the port is closed; API servers are sent elsewhere meanwhile");
    boolean("--allow-operator-keys-in-spark-conf", flags_.allow_operator_keys_in_spark_conf,
            "Let in sparkConf keys that are refused since release 2.5.2");
    boolean("--enable-service-links", flags_.enable_service_links,
            "As of the controller, for pods that were not made from its templates");
    process_rows();

    text("--webhook-cert-dir", flags_.webhook_cert_dir,
         "With --enable-cert-manager: serve from files of this folder where there are any, else from the "
         "Secret");
    text("--webhook-cert-name", flags_.webhook_cert_name, "The certificate and its chain in that folder");
    text("--webhook-key-name", flags_.webhook_key_name, "Its key in that folder");
    boolean("--enable-http2", ignored_flag_, "Accepted; of releases up to 2.5.2");
    boolean("--enable-metrics", ignored_flag_, "Accepted, without effect as upstream");
    text("--metrics-prefix", ignored_text_, "Accepted, without effect as upstream");
    list("--metrics-labels", ignored_list_, "Accepted, without effect as upstream");
    number("--controller-threads", ignored_number_, "Accepted, without effect as upstream");
    duration("--cache-sync-timeout", ignored_duration_, "Accepted, without effect as upstream");
    text("--label-selector-filter", ignored_text_, "Accepted, without effect as upstream");
  }

 private:
  Result<> check() const override {
    const auto wrong = [](const std::string& message) { return fail(ErrorKind::InvalidInput, message); };
    if (flags_.webhook_port < 0 || flags_.webhook_port > 65535)
      return wrong("--webhook-port: expected 0 to 65535");
    if (flags_.webhook_threads < 0 || flags_.webhook_threads > 1024)
      return wrong("--webhook-threads: expected 0 to 1024");
    if (flags_.webhook_certificate_adoption_delay < kube::Duration::zero())
      return wrong("--webhook-certificate-adoption-delay: must not be negative");
    if (flags_.webhook_shutdown_delay < kube::Duration::zero())
      return wrong("--webhook-shutdown-delay: must not be negative");
    if (flags_.webhook_tls_min_version != "VersionTLS12" && flags_.webhook_tls_min_version != "VersionTLS13")
      return wrong("--webhook-tls-min-version: expected VersionTLS12 or VersionTLS13");
    return {};
  }

  WebhookFlags& flags_;
  std::string ignored_text_;
  bool ignored_flag_ = false;
  int ignored_number_ = 0;
  kube::Duration ignored_duration_{};
  std::vector<std::string> ignored_list_;
};

}  // namespace

std::vector<std::string> WebhookFlags::without_effect() const {
  static const std::set<std::string> waiting{"--webhook-cert-dir", "--webhook-cert-name",
                                             "--webhook-key-name"};
  std::vector<std::string> names;
  for (const std::string& name : given) {
    if (!enable_cert_manager && waiting.contains(name)) names.push_back(name);
  }
  return names;
}

Result<WebhookFlags> parse_webhook_flags(std::vector<std::string> arguments) {
  WebhookFlags flags;
  if (auto parsed = Flags(flags).parse(std::move(arguments)); !parsed) return fail(std::move(parsed));
  return flags;
}

std::vector<FlagRow> webhook_flag_rows() {
  WebhookFlags flags;
  return Flags(flags).rows();
}

std::string webhook_usage() {
  WebhookFlags flags;
  return Flags(flags).usage();
}

}  // namespace cmd

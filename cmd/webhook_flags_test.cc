#include "cmd/webhook_flags.h"

#include <catch2/catch.hpp>

using namespace cmd;
using namespace std::chrono_literals;

TEST_CASE("the webhook's defaults are upstream's", "[flags]") {
  const WebhookFlags flags = parse_webhook_flags({}).value();
  CHECK(flags.webhook_port == 9443);
  CHECK(flags.webhook_secret_name == "spark-operator-webhook-certs");
  CHECK(flags.webhook_svc_name == "spark-webhook");
  CHECK(flags.mutating_webhook_name == "spark-operator-webhook");
  CHECK(flags.leader_election_renew_deadline == 14s);
  CHECK(flags.leader_election_retry_period == 4s);
  CHECK(flags.namespaces.empty());
  CHECK(flags.without_effect().empty());
}

TEST_CASE("the webhook takes what upstream's charts pass", "[flags]") {
  const auto flags = parse_webhook_flags({"--zap-log-level=info",
                                          "--zap-encoder=console",
                                          "--namespaces=default",
                                          "--webhook-secret-name=spark-operator-webhook-certs",
                                          "--webhook-secret-namespace=spark-operator",
                                          "--webhook-svc-name=spark-operator-webhook-svc",
                                          "--webhook-svc-namespace=spark-operator",
                                          "--webhook-port=9443",
                                          "--mutating-webhook-name=spark-operator-webhook",
                                          "--validating-webhook-name=spark-operator-webhook",
                                          "--enable-resource-quota-enforcement=true",
                                          "--enable-cert-manager=true",
                                          "--enable-metrics=true",
                                          "--metrics-bind-address=:8080",
                                          "--metrics-endpoint=/metrics",
                                          "--metrics-prefix=",
                                          "--metrics-labels=app_type",
                                          "--kube-api-qps=20",
                                          "--kube-api-burst=30",
                                          "--leader-election=true",
                                          "--leader-election-lock-name=spark-operator-webhook-lock",
                                          "--leader-election-lock-namespace=spark-operator",
                                          "--enable-http2=false",
                                          "--controller-threads=10",
                                          "--cache-sync-timeout=30s",
                                          "--label-selector-filter=a=b"});
  REQUIRE(flags);
  CHECK(flags->namespaces == std::vector<std::string>{"default"});
  CHECK(flags->webhook_svc_name == "spark-operator-webhook-svc");
  CHECK(flags->enable_cert_manager);
  CHECK(flags->enable_resource_quota_enforcement);
  CHECK(flags->leader_election);
  CHECK(flags->kube_api_qps == 20);
  CHECK(flags->without_effect().empty());
  CHECK(parse_webhook_flags({"--namespaces=\"\""}).value().namespaces.empty());
  CHECK(parse_webhook_flags({"--secure-metrics", "--webhook-cert-dir=/x"}).value().without_effect() ==
        std::vector<std::string>{"--webhook-cert-dir"});
}

TEST_CASE("the webhook leaves no service links in pods unless a flag says so", "[flags]") {
  CHECK_FALSE(parse_webhook_flags({}).value().enable_service_links);
  CHECK(parse_webhook_flags({"--enable-service-links"}).value().enable_service_links);
}

TEST_CASE("wrong webhook flags are refused by name", "[flags]") {
  const std::vector<std::vector<std::string>> rows{
      {"--webhook-port=70000", "webhook-port"},
      {"--webhook-tls-min-version=VersionTLS11", "webhook-tls-min-version"},
      {"--webhook-threads=-1", "webhook-threads"},
      {"--namespace-selector=a=b", "namespace-selector"},
      {"--feature-gates=PartialRestart=true", "feature-gates"},
      {"--metrics-bind-address=nowhere", "host:port"},
  };
  for (const auto& row : rows) {
    INFO(row[0]);
    const auto flags = parse_webhook_flags({row[0]});
    REQUIRE_FALSE(flags);
    CHECK_THAT(flags.error().message(), Catch::Contains(row[1]));
  }
}

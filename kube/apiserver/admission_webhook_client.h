// AdmissionWebhookClient asks one webhook about one write: finds its address, speaks TLS to it, and checks
// that its answer is one.
//
//   auto answer = co_await client.ask(webhook, request, WebhookKind::Mutating);
//   if (!answer) …answer.error() is the text behind `failed calling webhook "x": `…
//
// A service is reached at an address of its Endpoints, EndpointSlices or, where nobody fills those, at a
// ready pod that its selector picks; its certificate must be for NAME.NAMESPACE.svc. Connections are kept by
// address and authorities. Thread: the loop's only. Lifetime: outlives its calls.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "kube/apiserver/admission_webhook.h"
#include "kube/apiserver/cluster.h"
#include "kube/http/client.h"

namespace kube::apiserver {

enum class WebhookKind { Mutating, Validating };

struct WebhookAnswer {
  bool allowed = false;
  Json status;      // metav1.Status as sent; null when there was none
  Json operations;  // JSON patch; null when there was none
  std::vector<std::string> warnings;
};

class AdmissionWebhookClient {
 public:
  AdmissionWebhookClient(Cluster& cluster, Network& network) : cluster_(cluster), network_(network) {}

  // Within webhook.timeout. `request` is the `request` of the review.
  Task<Result<WebhookAnswer>> ask(const AdmissionWebhook& webhook, Json request, WebhookKind kind);

 private:
  struct Target {
    Endpoint address;
    std::string server_name;
    std::string host_header;
    std::string url;   // for messages, without query
    std::string path;  // as it goes on the wire
    bool tls = true;
  };
  Result<Target> target_of(const AdmissionWebhook& webhook) const;
  Result<Endpoint> endpoint_of(const AdmissionWebhook::Service& service) const;
  Result<std::shared_ptr<HttpClient>> client_for(const Target& target, const std::string& ca_bundle);

  Cluster& cluster_;
  Network& network_;
  std::map<std::string, std::shared_ptr<HttpClient>> clients_;
};

}  // namespace kube::apiserver

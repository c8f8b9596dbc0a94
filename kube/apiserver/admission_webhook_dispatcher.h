// AdmissionWebhooks shows a write to all webhooks that want to see it: the mutating ones one after another,
// by the names of their configurations, then the validating ones all at once.
//
//   auto mutated = co_await webhooks.mutate(write, object, before, warnings);    // what they made of it
//   auto allowed = co_await webhooks.validate(write, object, before, warnings);
//
// Refusals and their texts are the real server's: what a webhook denied, what could not be asked under
// failurePolicy Fail (500), what a dry run may not ask (400). Match conditions (CEL) are not evaluated: they
// hold. Thread: the loop's only. Lifetime: outlives its calls.
#pragma once

#include <string>
#include <vector>

#include "kube/apiserver/admission_webhook_client.h"
#include "kube/apiserver/refusal.h"

namespace kube::apiserver {

class AdmissionWebhooks {
 public:
  AdmissionWebhooks(Cluster& cluster, Network& network);

  // Is there any webhook at all?
  bool any() const;
  // Would any webhook see this? `object` and `before` may be null, not both.
  bool wanted(WebhookKind kind, const WriteAttributes& write, const Json* object, const Json* before) const;

  // `object` is null for DELETE and stays so.
  Task<Granted<Json>> mutate(WriteAttributes write, Json object, ObjectRef before,
                             std::vector<std::string>& warnings);
  Task<Granted<>> validate(WriteAttributes write, Json object, ObjectRef before,
                           std::vector<std::string>& warnings);

 private:
  const std::vector<AdmissionWebhook>& all(WebhookKind kind) const;
  std::optional<Resource> wants(const AdmissionWebhook& webhook, const WriteAttributes& write,
                                const Json* object, const Json* before) const;
  Json request_of(const WriteAttributes& write, const Resource& shown, const Json& object,
                  const ObjectRef& before);
  Task<Granted<WebhookAnswer>> ask(WebhookKind kind, AdmissionWebhook webhook, WriteAttributes write,
                                   Resource shown, Json object, ObjectRef before);
  Task<> ask_one(AdmissionWebhook webhook, WriteAttributes write, Resource shown, Json object,
                 ObjectRef before, std::optional<Granted<WebhookAnswer>>* into);

  Cluster& cluster_;
  AdmissionWebhookClient client_;
  // Parsed once for each version of their table; empty tables cost a look.
  struct Parsed {
    bool fresh = false;
    std::vector<AdmissionWebhook> webhooks;
  };
  mutable Parsed mutating_, validating_;
};

}  // namespace kube::apiserver

// WebhookPass carries one write past the admission webhooks, although writing itself knows no waiting.
//
// ObjectWriter decides and writes in one go. At two places it shows the pass what it has: mutate(), once the
// object is decoded and defaulted, and validate(), right before it is stored. Where webhooks want to see
// that, the writer is sent back with a refusal that nobody gets to see; the request handler lets the webhooks
// be asked and starts the writer again, which now gets what they said. An object that changed in between is
// shown anew.
//
//   WebhookPass pass(webhooks, call);
//   while (true) {
//     auto written = writer.update(call, body);
//     if (!pass.waits()) co_return written;
//     if (auto asked = co_await pass.ask(); !asked) co_return refuse(asked);
//   }
//
// Thread: the loop's only. Lifetime: outlives the write; the call outlives it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/apiserver/admission_webhook_dispatcher.h"
#include "kube/apiserver/api_call.h"

namespace kube::apiserver {

class WebhookPass {
 public:
  // Writes of exempt kinds and of subresources that are no objects pass by.
  WebhookPass(AdmissionWebhooks& webhooks, ApiCall& call);
  ~WebhookPass();
  WebhookPass(const WebhookPass&) = delete;
  WebhookPass& operator=(const WebhookPass&) = delete;

  // For ObjectWriter. `before` is null for a creation. Granted: `object` is what webhooks have made of it.
  Granted<> mutate(const ObjectRef& before, Json& object);
  Granted<> validate(const ObjectRef& before, Json& object);
  Granted<> remove(const ObjectRef& object);

  // The writer was sent back: ask() and let it begin again.
  bool waits() const { return question_.has_value(); }
  Task<Granted<>> ask();

 private:
  struct Question {
    WebhookKind kind;
    std::string operation;
    ObjectRef before;
    Json object;
  };
  WriteAttributes attributes(std::string operation, const std::string& name) const;
  Granted<> put(Question question);
  void forget_unless(const ObjectRef& before);

  AdmissionWebhooks& webhooks_;
  ApiCall& call_;
  bool exempt_;
  std::optional<Question> question_;
  std::uint64_t seen_version_ = 0;  // of `before` when webhooks were asked; 0: a creation
  std::string seen_uid_;
  std::optional<Json> mutated_, validated_;
  bool removal_allowed_ = false;
  int asked_ = 0;
  std::vector<std::string> own_warnings_, warnings_;  // of the call before, of the webhooks
};

}  // namespace kube::apiserver

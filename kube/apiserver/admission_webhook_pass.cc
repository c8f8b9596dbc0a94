#include "kube/apiserver/admission_webhook_pass.h"

#include <utility>

namespace kube::apiserver {

namespace {

// An object that others change faster than webhooks answer; the real server gives up likewise.
constexpr int kMostQuestions = 20;

Json options_of(const ApiCall& call, const std::string& operation) {
  Json options = {{"apiVersion", "meta.k8s.io/v1"},
                  {"kind", operation == "DELETE"   ? "DeleteOptions"
                           : operation == "CREATE" ? "CreateOptions"
                                                   : "UpdateOptions"}};
  if (operation == "DELETE") {
    if (call.deletion.grace_period_seconds)
      options["gracePeriodSeconds"] = *call.deletion.grace_period_seconds;
    if (!call.deletion.uid.empty()) options["preconditions"]["uid"] = call.deletion.uid;
    if (!call.deletion.resource_version.empty())
      options["preconditions"]["resourceVersion"] = call.deletion.resource_version;
    if (call.deletion.propagation)
      options["propagationPolicy"] = *call.deletion.propagation == Propagation::Background   ? "Background"
                                     : *call.deletion.propagation == Propagation::Foreground ? "Foreground"
                                                                                             : "Orphan";
  } else {
    if (!call.info.field_manager.empty()) options["fieldManager"] = call.info.field_manager;
    if (!call.field_validation.empty()) options["fieldValidation"] = call.field_validation;
  }
  if (call.dry_run || call.deletion.dry_run) options["dryRun"] = {"All"};
  return options;
}

}  // namespace

WebhookPass::WebhookPass(AdmissionWebhooks& webhooks, ApiCall& call)
    : webhooks_(webhooks),
      call_(call),
      exempt_(!call.served || is_exempt(*call.served) || !webhooks.any()),
      own_warnings_(call.warnings) {
  if (!exempt_) call_.webhooks = this;
}

WebhookPass::~WebhookPass() {
  call_.webhooks = nullptr;
  for (std::string& warning : warnings_) call_.warnings.push_back(std::move(warning));
}

WriteAttributes WebhookPass::attributes(std::string operation, const std::string& name) const {
  WriteAttributes write;
  write.served = call_.served;
  write.options = options_of(call_, operation);
  write.operation = std::move(operation);
  write.subresource = call_.info.subresource;
  write.ns = call_.info.ns;
  write.name = name;
  write.dry_run = call_.dry_run || call_.deletion.dry_run;
  write.user = call_.info.user;
  return write;
}

Granted<> WebhookPass::put(Question question) {
  if (++asked_ > kMostQuestions)
    return refuse(Refusal::conflict(call_.served->resource, call_.info.name,
                                    "the object has been modified; please apply your changes to the latest "
                                    "version and try again"));
  question_ = std::move(question);
  return refuse(Refusal::internal("admission webhooks have not been asked"));
}

// What was said about another version of the object does not hold for this one.
void WebhookPass::forget_unless(const ObjectRef& before) {
  const std::uint64_t version = before ? before->version() : 0;
  const std::string uid = before ? before->uid() : "";
  if (version == seen_version_ && uid == seen_uid_) return;
  seen_version_ = version;
  seen_uid_ = uid;
  mutated_.reset();
  validated_.reset();
  removal_allowed_ = false;
  warnings_.clear();
}

Granted<> WebhookPass::mutate(const ObjectRef& before, Json& object) {
  forget_unless(before);
  if (mutated_) {
    object = *mutated_;
    return {};
  }
  std::string operation = before ? "UPDATE" : "CREATE";
  const Json* old = before ? &before->json() : nullptr;
  if (!webhooks_.wanted(WebhookKind::Mutating, attributes(operation, call_.info.name), &object, old))
    return {};
  return put({WebhookKind::Mutating, std::move(operation), before, object});
}

Granted<> WebhookPass::validate(const ObjectRef& before, Json& object) {
  forget_unless(before);
  if (validated_) {
    // The one that was looked at, with its name and uid, not what chance made of it this time.
    object = *validated_;
    return {};
  }
  std::string operation = before ? "UPDATE" : "CREATE";
  const Json* old = before ? &before->json() : nullptr;
  if (!webhooks_.wanted(WebhookKind::Validating, attributes(operation, call_.info.name), &object, old))
    return {};
  return put({WebhookKind::Validating, std::move(operation), before, object});
}

Granted<> WebhookPass::remove(const ObjectRef& object) {
  forget_unless(object);
  if (removal_allowed_) return {};
  const WriteAttributes write = attributes("DELETE", object->key().name);
  if (!webhooks_.wanted(WebhookKind::Mutating, write, nullptr, &object->json()) &&
      !webhooks_.wanted(WebhookKind::Validating, write, nullptr, &object->json()))
    return {};
  return put({WebhookKind::Mutating, "DELETE", object, Json()});
}

Task<Granted<>> WebhookPass::ask() {
  Question question = std::move(*question_);
  question_.reset();
  call_.warnings = own_warnings_;  // those of the writer come again
  std::string name =
      question.before ? question.before->key().name : string_at(question.object, {"metadata", "name"});
  WriteAttributes write = attributes(question.operation, name);
  if (question.kind == WebhookKind::Mutating) {
    auto mutated = co_await webhooks_.mutate(write, question.object, question.before, warnings_);
    if (!mutated) co_return refuse(mutated);
    if (question.operation != "DELETE") {
      mutated_ = std::move(*mutated);
      co_return Granted<>{};
    }
  }
  auto allowed = co_await webhooks_.validate(write, question.object, question.before, warnings_);
  if (!allowed) co_return allowed;
  if (question.operation == "DELETE")
    removal_allowed_ = true;
  else
    validated_ = std::move(question.object);
  co_return Granted<>{};
}

}  // namespace kube::apiserver

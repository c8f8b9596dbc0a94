#include "kube/apiserver/admission_webhook_dispatcher.h"

#include <algorithm>
#include <optional>

#include "kube/async/task_group.h"
#include "kube/core/patch.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kMutatingTable = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
constexpr std::string_view kValidatingTable = "validatingwebhookconfigurations.admissionregistration.k8s.io";

Json kind_json(const Resource& resource) {
  return {{"group", resource.group}, {"version", resource.version}, {"kind", resource.kind}};
}
Json resource_json(const Resource& resource) {
  return {{"group", resource.group}, {"version", resource.version}, {"resource", resource.plural}};
}

// As the webhook asked to see it.
Json shown_as(Json object, const Resource& resource) {
  if (!object.is_object()) return object;
  object["apiVersion"] = resource.api_version();
  object["kind"] = resource.kind;
  return object;
}

// "admission webhook "x" denied the request: why", with the webhook's own code and reason.
Refusal denied(const std::string& name, const Json& status) {
  const std::string by = "admission webhook \"" + name + "\" denied the request";
  const std::string message = string_at(status, {"message"}), reason = string_at(status, {"reason"});
  const Json* code = find_path(status, {"code"});
  const int number = code && code->is_number_integer() ? code->get<int>() : 0;
  Refusal refusal(number < 400 || number > 599 ? 400 : number, reason,
                  !message.empty()  ? by + ": " + message
                  : !reason.empty() ? by + ": " + reason
                                    : by + " without explanation");
  if (const Json* details = find_path(status, {"details"}); details && details->is_object())
    refusal.details() = *details;
  return refusal;
}

Refusal not_called(const std::string& name, const std::string& why) {
  return Refusal::internal("failed calling webhook \"" + name + "\": " + why);
}

}  // namespace

AdmissionWebhooks::AdmissionWebhooks(Cluster& cluster, Network& network)
    : cluster_(cluster), client_(cluster, network) {
  cluster_.store.on_commit([this](std::string_view table, const Change&) {
    if (table == kMutatingTable) mutating_.fresh = false;
    if (table == kValidatingTable) validating_.fresh = false;
  });
}

const std::vector<AdmissionWebhook>& AdmissionWebhooks::all(WebhookKind kind) const {
  const bool mutating = kind == WebhookKind::Mutating;
  Parsed& parsed = mutating ? mutating_ : validating_;
  if (parsed.fresh) return parsed.webhooks;
  parsed.webhooks.clear();
  // The table is ordered by name.
  for (const ObjectRef& configuration : cluster_.store.list(mutating ? kMutatingTable : kValidatingTable))
    for (AdmissionWebhook& webhook : webhooks_of(configuration->json()))
      parsed.webhooks.push_back(std::move(webhook));
  parsed.fresh = true;
  return parsed.webhooks;
}

std::optional<Resource> AdmissionWebhooks::wants(const AdmissionWebhook& webhook,
                                                 const WriteAttributes& write, const Json* object,
                                                 const Json* before) const {
  ObjectRef ns = write.ns.empty() ? nullptr : cluster_.store.get("namespaces", {"", write.ns});
  const Json* labels = ns ? find_path(ns->json(), {"metadata", "labels"}) : nullptr;
  return match(webhook, write, cluster_.registry, labels, object, before);
}

bool AdmissionWebhooks::any() const {
  return !all(WebhookKind::Mutating).empty() || !all(WebhookKind::Validating).empty();
}

bool AdmissionWebhooks::wanted(WebhookKind kind, const WriteAttributes& write, const Json* object,
                               const Json* before) const {
  return std::ranges::any_of(all(kind), [&](const AdmissionWebhook& webhook) {
    return wants(webhook, write, object, before).has_value();
  });
}

Json AdmissionWebhooks::request_of(const WriteAttributes& write, const Resource& shown, const Json& object,
                                   const ObjectRef& before) {
  const Resource& asked = write.served->resource;
  Json user = {{"username", write.user.username}};
  if (!write.user.uid.empty()) user["uid"] = write.user.uid;
  if (!write.user.groups.empty()) user["groups"] = write.user.groups;
  if (write.user.extra.is_object() && !write.user.extra.empty()) user["extra"] = write.user.extra;
  Json request = {{"uid", cluster_.new_uid()},
                  {"kind", kind_json(shown)},
                  {"resource", resource_json(shown)},
                  {"requestKind", kind_json(asked)},
                  {"requestResource", resource_json(asked)},
                  {"operation", write.operation},
                  {"userInfo", std::move(user)},
                  {"object", shown_as(object, shown)},
                  {"oldObject", before ? shown_as(before->json(), shown) : Json()},
                  {"dryRun", write.dry_run},
                  {"options", write.options}};
  if (!write.name.empty()) request["name"] = write.name;
  if (!write.ns.empty()) request["namespace"] = write.ns;
  if (!write.subresource.empty()) {
    request["subResource"] = write.subresource;
    request["requestSubResource"] = write.subresource;
  }
  return request;
}

Task<Granted<WebhookAnswer>> AdmissionWebhooks::ask(WebhookKind kind, AdmissionWebhook webhook,
                                                    WriteAttributes write, Resource shown, Json object,
                                                    ObjectRef before) {
  if (write.dry_run && !webhook.no_side_effects)
    co_return refuse(
        Refusal::bad_request("admission webhook \"" + webhook.name + "\" does not support dry run"));
  auto answer = co_await client_.ask(webhook, request_of(write, shown, object, before), kind);
  if (!answer) {
    cluster_.log.warn("admission webhook not asked", {{"webhook", webhook.name}, {"error", answer.error()}});
    if (!webhook.ignore_failure) co_return refuse(not_called(webhook.name, answer.error().message()));
    WebhookAnswer ignored;
    ignored.allowed = true;
    co_return ignored;
  }
  if (!answer->allowed) co_return refuse(denied(webhook.name, answer->status));
  co_return std::move(*answer);
}

Task<Granted<Json>> AdmissionWebhooks::mutate(WriteAttributes write, Json object, ObjectRef before,
                                              std::vector<std::string>& warnings) {
  // A copy: the configurations may change while one is asked.
  const std::vector<AdmissionWebhook> webhooks = all(WebhookKind::Mutating);
  // What the object was after each that wants to be asked again when others have changed it since.
  std::vector<std::optional<Json>> left(webhooks.size());
  const Json* old = before ? &before->json() : nullptr;
  for (int round = 1; round <= 2; ++round) {
    for (std::size_t i = 0; i < webhooks.size(); ++i) {
      const AdmissionWebhook& webhook = webhooks[i];
      if (round == 2 && (!left[i] || *left[i] == object)) continue;
      const auto shown = wants(webhook, write, object.is_null() ? nullptr : &object, old);
      if (!shown) continue;
      auto answer = co_await ask(WebhookKind::Mutating, webhook, write, *shown, object, before);
      if (!answer) co_return refuse(answer);
      for (std::string& warning : answer->warnings) warnings.push_back(std::move(warning));
      if (answer->operations.is_array() && !answer->operations.empty()) {
        if (object.is_null())
          co_return refuse(Refusal::internal("admission webhook \"" + webhook.name +
                                             "\" attempted to modify the object, which is not supported for "
                                             "this operation"));
        auto patched = apply_json_patch(shown_as(object, *shown), answer->operations);
        if (!patched) co_return refuse(Refusal::internal(patched.error().message()));
        if (!patched->is_object()) co_return refuse(Refusal::internal("the patched object is no object"));
        object = shown_as(std::move(*patched), write.served->resource);
      }
      if (webhook.reinvoke) left[i] = object;
    }
  }
  co_return object;
}

Task<> AdmissionWebhooks::ask_one(AdmissionWebhook webhook, WriteAttributes write, Resource shown,
                                  Json object, ObjectRef before,
                                  std::optional<Granted<WebhookAnswer>>* into) {
  into->emplace(co_await ask(WebhookKind::Validating, std::move(webhook), std::move(write), std::move(shown),
                             std::move(object), std::move(before)));
}

Task<Granted<>> AdmissionWebhooks::validate(WriteAttributes write, Json object, ObjectRef before,
                                            std::vector<std::string>& warnings) {
  const Json* now = object.is_null() ? nullptr : &object;
  const Json* old = before ? &before->json() : nullptr;
  std::vector<std::pair<AdmissionWebhook, Resource>> chosen;
  for (const AdmissionWebhook& webhook : all(WebhookKind::Validating))
    if (auto shown = wants(webhook, write, now, old)) chosen.emplace_back(webhook, std::move(*shown));
  std::vector<std::optional<Granted<WebhookAnswer>>> answers(chosen.size());
  TaskGroup asking(cluster_.loop, cluster_.log);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    asking.spawn("webhook " + chosen[i].first.name,
                 ask_one(chosen[i].first, write, chosen[i].second, object, before, &answers[i]));
  co_await asking.join_or_cancel();
  // All were asked; the first refusal in their order is the answer.
  for (auto& answer : answers) {
    if (!answer) co_return refuse(Refusal::internal("a validating webhook was not asked"));
    if (!*answer) co_return refuse(*answer);
    for (std::string& warning : (*answer)->warnings) warnings.push_back(std::move(warning));
  }
  co_return Granted<>{};
}

}  // namespace kube::apiserver

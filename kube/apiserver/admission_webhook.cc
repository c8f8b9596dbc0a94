#include "kube/apiserver/admission_webhook.h"

#include <algorithm>

#include "kube/core/base64.h"

namespace kube::apiserver {

namespace {

std::vector<std::string> strings_at(const Json& json, std::string_view key) {
  std::vector<std::string> strings;
  if (const Json* list = find_path(json, {key}); list && list->is_array())
    for (const Json& item : *list)
      if (item.is_string()) strings.push_back(item.get<std::string>());
  return strings;
}

AdmissionWebhook::Rule rule_of(const Json& json) {
  AdmissionWebhook::Rule rule;
  rule.operations = strings_at(json, "operations");
  rule.groups = strings_at(json, "apiGroups");
  rule.versions = strings_at(json, "apiVersions");
  rule.resources = strings_at(json, "resources");
  const std::string scope = string_at(json, {"scope"});
  rule.scope = scope == "Namespaced" ? AdmissionWebhook::Scope::Namespaced
               : scope == "Cluster"  ? AdmissionWebhook::Scope::Cluster
                                     : AdmissionWebhook::Scope::Any;
  return rule;
}

// Absent selects everything.
LabelSelector selector_at(const Json& json, std::string_view key, std::string& broken) {
  const Json* found = find_path(json, {key});
  if (!found || found->is_null()) return {};
  auto selector = LabelSelector::from_json(*found);
  if (selector) return std::move(*selector);
  broken = std::string(key) + ": " + selector.error().message();
  return {};
}

int integer_at(const Json& json, std::initializer_list<std::string_view> path, int otherwise) {
  const Json* found = find_path(json, path);
  return found && found->is_number_integer() ? found->get<int>() : otherwise;
}

AdmissionWebhook webhook_of(const Json& json) {
  AdmissionWebhook webhook;
  webhook.name = string_at(json, {"name"});
  if (const Json* rules = find_path(json, {"rules"}); rules && rules->is_array())
    for (const Json& rule : *rules) webhook.rules.push_back(rule_of(rule));
  webhook.namespaces = selector_at(json, "namespaceSelector", webhook.broken);
  webhook.objects = selector_at(json, "objectSelector", webhook.broken);
  webhook.equivalent = string_at(json, {"matchPolicy"}) != "Exact";
  webhook.ignore_failure = string_at(json, {"failurePolicy"}) == "Ignore";
  webhook.reinvoke = string_at(json, {"reinvocationPolicy"}) == "IfNeeded";
  const std::string effects = string_at(json, {"sideEffects"});
  webhook.no_side_effects = effects == "None" || effects == "NoneOnDryRun";
  webhook.timeout = std::chrono::seconds(std::clamp(integer_at(json, {"timeoutSeconds"}, 10), 1, 30));
  const std::vector<std::string> versions = strings_at(json, "admissionReviewVersions");
  // The first that is known counts; none at all is an old object.
  const auto known =
      std::ranges::find_if(versions, [](const std::string& v) { return v == "v1" || v == "v1beta1"; });
  webhook.accepts_v1 = known == versions.end() || *known == "v1";
  webhook.url = string_at(json, {"clientConfig", "url"});
  if (const Json* service = find_path(json, {"clientConfig", "service"}); service && service->is_object())
    webhook.service =
        AdmissionWebhook::Service{string_at(*service, {"namespace"}), string_at(*service, {"name"}),
                                  string_at(*service, {"path"}), integer_at(*service, {"port"}, 443)};
  if (auto bundle = decode_base64(string_at(json, {"clientConfig", "caBundle"})))
    webhook.ca_bundle = std::move(*bundle);
  else
    webhook.broken = "clientConfig.caBundle: " + bundle.error().message();
  if (webhook.url.empty() && !webhook.service)
    webhook.broken = "clientConfig: exactly one of url or service is required";
  return webhook;
}

bool has(const std::vector<std::string>& list, const std::string& value) {
  return std::ranges::any_of(list, [&](const std::string& one) { return one == "*" || one == value; });
}

// "pods", "pods/status", "pods/*", "*", "*/*", "*/scale".
bool matches_resource(const std::string& pattern, const std::string& resource,
                      const std::string& subresource) {
  const auto slash = pattern.find('/');
  const std::string wanted = pattern.substr(0, slash);
  const std::string wanted_part = slash == std::string::npos ? "" : pattern.substr(slash + 1);
  if (wanted != "*" && wanted != resource) return false;
  return wanted_part == "*" || wanted_part == subresource;
}

bool matches_rule(const AdmissionWebhook::Rule& rule, const WriteAttributes& write, const Resource& as) {
  const bool is_namespace = as.group.empty() && as.plural == "namespaces";
  const bool in_namespace = as.namespaced && !is_namespace;
  if (rule.scope == AdmissionWebhook::Scope::Namespaced && !in_namespace) return false;
  if (rule.scope == AdmissionWebhook::Scope::Cluster && in_namespace) return false;
  return has(rule.operations, write.operation) && has(rule.groups, as.group) &&
         has(rule.versions, as.version) &&
         std::ranges::any_of(rule.resources, [&](const std::string& pattern) {
           return matches_resource(pattern, as.plural, write.subresource);
         });
}

bool matches_any(const AdmissionWebhook& webhook, const WriteAttributes& write, const Resource& as) {
  return std::ranges::any_of(
      webhook.rules, [&](const AdmissionWebhook::Rule& rule) { return matches_rule(rule, write, as); });
}

bool selected(const LabelSelector& selector, const Json* labels) {
  return selector.matches([&](std::string_view key) -> std::optional<std::string_view> {
    if (!labels || !labels->is_object()) return std::nullopt;
    const auto found = labels->find(key);
    if (found == labels->end() || !found->is_string()) return std::nullopt;
    return found->get_ref<const std::string&>();
  });
}

const Json* labels_of(const Json* object) {
  return object && object->is_object() ? find_path(*object, {"metadata", "labels"}) : nullptr;
}

}  // namespace

std::vector<AdmissionWebhook> webhooks_of(const Json& configuration) {
  std::vector<AdmissionWebhook> webhooks;
  if (const Json* entries = find_path(configuration, {"webhooks"}); entries && entries->is_array())
    for (const Json& entry : *entries) webhooks.push_back(webhook_of(entry));
  return webhooks;
}

std::optional<Resource> match(const AdmissionWebhook& webhook, const WriteAttributes& write,
                              const ResourceRegistry& registry, const Json* namespace_labels,
                              const Json* object, const Json* before) {
  const Resource& asked = write.served->resource;
  std::optional<Resource> shown;
  if (matches_any(webhook, write, asked)) shown = asked;
  // The same object under another version or group.
  if (!shown && webhook.equivalent)
    for (const ServedRef& other : registry.of_table(write.served->table()))
      if (!shown && matches_any(webhook, write, other->resource)) shown = other->resource;
  if (!shown) return std::nullopt;

  if (!webhook.namespaces.matches_everything()) {
    const bool is_namespace = asked.group.empty() && asked.plural == "namespaces";
    // Of a namespace itself its own labels count; other objects without one are always selected.
    const Json* labels = is_namespace ? labels_of(object ? object : before) : namespace_labels;
    if ((is_namespace || asked.namespaced) && !selected(webhook.namespaces, labels)) return std::nullopt;
  }
  if (webhook.objects.matches_everything()) return shown;
  const bool wanted = (object && selected(webhook.objects, labels_of(object))) ||
                      (before && selected(webhook.objects, labels_of(before)));
  return wanted ? shown : std::nullopt;
}

bool is_exempt(const ServedResource& served) {
  return served.listed_only_for_create || served.resource.group == "admissionregistration.k8s.io";
}

}  // namespace kube::apiserver

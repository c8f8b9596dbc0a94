// AdmissionWebhook is one entry of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration: what it
// wants to see, and where it is reached.
//
//   for (const AdmissionWebhook& webhook : webhooks_of(configuration->json())) …
//   if (auto shown = match(webhook, attributes, registry, namespace_labels)) …ask it, as shown->kind…
//
// Thread: values and pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/apiserver/faults.h"
#include "kube/apiserver/resource_registry.h"
#include "kube/apiserver/store.h"
#include "kube/base/clock.h"
#include "kube/core/label_selector.h"

namespace kube::apiserver {

struct AdmissionWebhook {
  enum class Scope { Any, Namespaced, Cluster };
  struct Rule {
    std::vector<std::string> operations, groups, versions, resources;
    Scope scope = Scope::Any;
  };
  struct Service {
    std::string ns, name, path;
    int port = 443;
  };

  std::string name;  // "pods.web.example.com"
  std::vector<Rule> rules;
  LabelSelector namespaces, objects;
  bool equivalent = true;  // matchPolicy
  bool ignore_failure = false;
  bool reinvoke = false;  // IfNeeded
  bool no_side_effects = true;
  Duration timeout = 10s;
  bool accepts_v1 = true;  // otherwise it is asked in v1beta1
  std::string url;         // or:
  std::optional<Service> service;
  std::string ca_bundle;  // PEM; "" = the system's authorities
  std::string broken;     // why this entry cannot be used; "" = it can
};

// In the order of the configuration.
std::vector<AdmissionWebhook> webhooks_of(const Json& configuration);

// A write, as rules and selectors see it.
struct WriteAttributes {
  ServedRef served;
  std::string operation;  // CREATE, UPDATE, DELETE
  std::string subresource;
  std::string ns, name;
  bool dry_run = false;
  UserInfo user;
  Json options;
};

// The version that the webhook is shown; nullopt: it does not want to see this. `namespace_labels` are those
// of the object's namespace; null: there are none to select by. `object` and `before` may be null, not both.
std::optional<Resource> match(const AdmissionWebhook& webhook, const WriteAttributes& write,
                              const ResourceRegistry& registry, const Json* namespace_labels,
                              const Json* object, const Json* before);

// Configurations are never shown to webhooks: a broken one could not be repaired any more.
bool is_exempt(const ServedResource& served);

}  // namespace kube::apiserver

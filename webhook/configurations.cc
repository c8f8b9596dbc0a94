#include "webhook/configurations.h"

#include <algorithm>

#include "api/constants.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "kube/core/base64.h"

namespace webhook {

using kube::Json;

namespace {

Json client_config(const ConfigurationOptions& options, const std::string& path) {
  Json config = Json::object();
  if (!options.url.empty()) {
    config["url"] = options.url + path;
  } else {
    config["service"] = {{"name", options.service_name},
                         {"namespace", options.service_namespace},
                         {"port", options.service_port},
                         {"path", path}};
  }
  if (!options.ca_bundle.empty()) config["caBundle"] = kube::encode_base64(options.ca_bundle);
  return config;
}

Json entry(const ConfigurationOptions& options, const std::string& path, Json rule) {
  Json out = {{"name", path.substr(1) + "." + api::kGroup},
              {"admissionReviewVersions", {"v1"}},
              {"clientConfig", client_config(options, path)},
              {"sideEffects", "None"},
              {"rules", Json::array({std::move(rule)})}};
  if (!options.failure_policy.empty()) out["failurePolicy"] = options.failure_policy;
  if (options.timeout_seconds != 0) out["timeoutSeconds"] = options.timeout_seconds;
  const bool all =
      options.namespaces.empty() || std::ranges::find(options.namespaces, "") != options.namespaces.end();
  if (!all)
    out["namespaceSelector"]["matchExpressions"] = Json::array(
        {{{"key", "kubernetes.io/metadata.name"}, {"operator", "In"}, {"values", options.namespaces}}});
  return out;
}

Json rule(const char* group, const char* version, const char* plural, std::vector<std::string> operations) {
  return {{"apiGroups", {group}},
          {"apiVersions", {version}},
          {"resources", {plural}},
          {"operations", std::move(operations)}};
}

Json own_kinds(const ConfigurationOptions& options, const char* application, const char* scheduled,
               const char* connect) {
  return Json::array(
      {entry(options, application, rule(api::kGroup, "v1beta2", "sparkapplications", {"CREATE", "UPDATE"})),
       entry(options, scheduled,
             rule(api::kGroup, "v1beta2", "scheduledsparkapplications", {"CREATE", "UPDATE"})),
       entry(options, connect, rule(api::kGroup, "v1alpha1", "sparkconnects", {"CREATE", "UPDATE"}))});
}

Json configuration(const char* kind, const std::string& name, Json entries) {
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", kind},
          {"metadata", {{"name", name}}},
          {"webhooks", std::move(entries)}};
}

}  // namespace

Json mutating_configuration(const ConfigurationOptions& options) {
  Json entries = own_kinds(options, path::kMutateApplication, path::kMutateScheduled, path::kMutateConnect);
  Json pods = entry(options, path::kMutatePod, rule("", "v1", "pods", {"CREATE"}));
  pods["objectSelector"]["matchLabels"][api::label::kLaunchedByOperator] = api::label::kTrue;
  entries.insert(entries.begin(), std::move(pods));
  return configuration("MutatingWebhookConfiguration", options.name, std::move(entries));
}

Json validating_configuration(const ConfigurationOptions& options) {
  return configuration(
      "ValidatingWebhookConfiguration", options.name,
      own_kinds(options, path::kValidateApplication, path::kValidateScheduled, path::kValidateConnect));
}

}  // namespace webhook

#include "kube/core/gvk.h"

#include <array>

namespace kube {

Result<GroupVersion> GroupVersion::parse(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  if (api_version.empty() ||
      api_version.find('/', slash == std::string_view::npos ? 0 : slash + 1) != std::string_view::npos)
    return fail(ErrorKind::InvalidInput, "unexpected GroupVersion string: " + std::string(api_version));
  if (slash == std::string_view::npos) return GroupVersion{"", std::string(api_version)};
  return GroupVersion{std::string(api_version.substr(0, slash)), std::string(api_version.substr(slash + 1))};
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      escaped += c;
    } else {
      escaped += '%';
      escaped += kHex[static_cast<unsigned char>(c) >> 4];
      escaped += kHex[static_cast<unsigned char>(c) & 0xf];
    }
  }
  return escaped;
}

std::string Resource::collection_path(std::string_view ns) const {
  std::string path = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (namespaced && !ns.empty()) path += "/namespaces/" + url_escape(ns);
  return path + "/" + plural;
}

std::string Resource::object_path(const ObjectKey& key, std::string_view subresource) const {
  std::string path = collection_path(key.ns) + "/" + url_escape(key.name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

std::span<const Resource> builtin_resources() {
  static const std::array kAll{kPods,
                               kServices,
                               kConfigMaps,
                               kSecrets,
                               kEvents,
                               kNamespaces,
                               kNodes,
                               kServiceAccounts,
                               kPersistentVolumeClaims,
                               kResourceQuotas,
                               kEndpoints,
                               kLeases,
                               kEventsV1,
                               kDeployments,
                               kStatefulSets,
                               kReplicaSets,
                               kJobs,
                               kIngresses,
                               kIngressClasses,
                               kPodDisruptionBudgets,
                               kPriorityClasses,
                               kStorageClasses,
                               kRoles,
                               kRoleBindings,
                               kClusterRoles,
                               kClusterRoleBindings,
                               kTokenReviews,
                               kSubjectAccessReviews,
                               kSelfSubjectAccessReviews,
                               kCustomResourceDefinitions,
                               kMutatingWebhookConfigurations,
                               kValidatingWebhookConfigurations};
  return kAll;
}

}  // namespace kube

// Resource is what the API server calls a kind of object: group, version, kind and plural, and so the URL
// paths.
//
//   kPods.object_path({"ns", "pi-driver"}, "status");   // "/api/v1/namespaces/ns/pods/pi-driver/status"
//   kPods.collection_path();                            // "/api/v1/pods": all namespaces
//   const Resource widgets{"example.com", "v1", "Widget", "widgets"};
//
// Thread: values and constants.
#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>

#include "kube/base/result.h"
#include "kube/core/object_key.h"

namespace kube {

// "v1" → {"", "v1"}; "apps/v1" → {"apps", "v1"}. Error: InvalidInput with the API server's words.
struct GroupVersion {
  std::string group;
  std::string version;

  static Result<GroupVersion> parse(std::string_view api_version);
  std::string to_string() const { return group.empty() ? version : group + "/" + version; }
  auto operator<=>(const GroupVersion&) const = default;
};

struct GroupVersionKind {
  std::string group;
  std::string version;
  std::string kind;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  std::string to_string() const { return api_version() + ", Kind=" + kind; }
  auto operator<=>(const GroupVersionKind&) const = default;
};

struct Resource {
  std::string group;
  std::string version;
  std::string kind;
  std::string plural;
  bool namespaced = true;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  GroupVersionKind gvk() const { return {group, version, kind}; }
  // "pods", "widgets.example.com": as messages and RBAC name it.
  std::string group_resource() const { return group.empty() ? plural : plural + "." + group; }

  // All of a namespace; of all namespaces when it is "". Names are escaped for URLs.
  std::string collection_path(std::string_view ns = "") const;
  std::string object_path(const ObjectKey& key, std::string_view subresource = "") const;

  auto operator<=>(const Resource&) const = default;
};

// Percent-encodes what may not stand in one path segment or query value.
std::string url_escape(std::string_view text);

inline const Resource kPods{"", "v1", "Pod", "pods"};
inline const Resource kServices{"", "v1", "Service", "services"};
inline const Resource kConfigMaps{"", "v1", "ConfigMap", "configmaps"};
inline const Resource kSecrets{"", "v1", "Secret", "secrets"};
inline const Resource kEvents{"", "v1", "Event", "events"};
inline const Resource kNamespaces{"", "v1", "Namespace", "namespaces", false};
inline const Resource kNodes{"", "v1", "Node", "nodes", false};
inline const Resource kServiceAccounts{"", "v1", "ServiceAccount", "serviceaccounts"};
inline const Resource kPersistentVolumeClaims{"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"};
inline const Resource kResourceQuotas{"", "v1", "ResourceQuota", "resourcequotas"};
inline const Resource kEndpoints{"", "v1", "Endpoints", "endpoints"};
inline const Resource kLeases{"coordination.k8s.io", "v1", "Lease", "leases"};
inline const Resource kEventsV1{"events.k8s.io", "v1", "Event", "events"};
inline const Resource kDeployments{"apps", "v1", "Deployment", "deployments"};
inline const Resource kStatefulSets{"apps", "v1", "StatefulSet", "statefulsets"};
inline const Resource kReplicaSets{"apps", "v1", "ReplicaSet", "replicasets"};
inline const Resource kJobs{"batch", "v1", "Job", "jobs"};
inline const Resource kIngresses{"networking.k8s.io", "v1", "Ingress", "ingresses"};
inline const Resource kIngressClasses{"networking.k8s.io", "v1", "IngressClass", "ingressclasses", false};
inline const Resource kPodDisruptionBudgets{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"};
inline const Resource kPriorityClasses{"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false};
inline const Resource kStorageClasses{"storage.k8s.io", "v1", "StorageClass", "storageclasses", false};
inline const Resource kRoles{"rbac.authorization.k8s.io", "v1", "Role", "roles"};
inline const Resource kRoleBindings{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"};
inline const Resource kClusterRoles{"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false};
inline const Resource kClusterRoleBindings{"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding",
                                           "clusterrolebindings", false};
inline const Resource kTokenReviews{"authentication.k8s.io", "v1", "TokenReview", "tokenreviews", false};
inline const Resource kSubjectAccessReviews{"authorization.k8s.io", "v1", "SubjectAccessReview",
                                            "subjectaccessreviews", false};
inline const Resource kSelfSubjectAccessReviews{"authorization.k8s.io", "v1", "SelfSubjectAccessReview",
                                                "selfsubjectaccessreviews", false};
inline const Resource kCustomResourceDefinitions{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                                 "customresourcedefinitions", false};
inline const Resource kMutatingWebhookConfigurations{"admissionregistration.k8s.io", "v1",
                                                     "MutatingWebhookConfiguration",
                                                     "mutatingwebhookconfigurations", false};
inline const Resource kValidatingWebhookConfigurations{"admissionregistration.k8s.io", "v1",
                                                       "ValidatingWebhookConfiguration",
                                                       "validatingwebhookconfigurations", false};

// All constants above, in their order.
std::span<const Resource> builtin_resources();

}  // namespace kube

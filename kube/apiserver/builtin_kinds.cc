// The built-in kinds: one row each. Events are one table with two faces, core/v1 and events.k8s.io/v1.

#include <array>
#include <string_view>

#include "kube/apiserver/builtin_kinds.h"

namespace kube::apiserver {

namespace {

using namespace std::string_view_literals;

// clang-format off
constexpr std::array kKinds = {
    //          group                           version  kind                              plural                             scope            short       subresources (blank between)     categories
    BuiltinKind{"",                             "v1",    "Pod",                            "pods",                            Scope::Namespace, "po",      "status binding log portforward eviction ephemeralcontainers resize", "all"},
    BuiltinKind{"",                             "v1",    "Service",                        "services",                        Scope::Namespace, "svc",     "status", "all"},
    BuiltinKind{"",                             "v1",    "ConfigMap",                      "configmaps",                      Scope::Namespace, "cm",      "", ""},
    BuiltinKind{"",                             "v1",    "Secret",                         "secrets",                         Scope::Namespace, "",        "", ""},
    BuiltinKind{"",                             "v1",    "Event",                          "events",                          Scope::Namespace, "ev",      "", ""},
    BuiltinKind{"",                             "v1",    "Namespace",                      "namespaces",                      Scope::Cluster,   "ns",      "status finalize", ""},
    BuiltinKind{"",                             "v1",    "Node",                           "nodes",                           Scope::Cluster,   "no",      "status", ""},
    BuiltinKind{"",                             "v1",    "ServiceAccount",                 "serviceaccounts",                 Scope::Namespace, "sa",      "token", ""},
    BuiltinKind{"",                             "v1",    "PersistentVolumeClaim",          "persistentvolumeclaims",          Scope::Namespace, "pvc",     "status", ""},
    BuiltinKind{"",                             "v1",    "PersistentVolume",               "persistentvolumes",               Scope::Cluster,   "pv",      "status", ""},
    BuiltinKind{"",                             "v1",    "ResourceQuota",                  "resourcequotas",                  Scope::Namespace, "quota",   "status", ""},
    BuiltinKind{"",                             "v1",    "LimitRange",                     "limitranges",                     Scope::Namespace, "limits",  "", ""},
    BuiltinKind{"",                             "v1",    "Endpoints",                      "endpoints",                       Scope::Namespace, "ep",      "", ""},
    BuiltinKind{"apps",                         "v1",    "Deployment",                     "deployments",                     Scope::Namespace, "deploy",  "status", "all"},
    BuiltinKind{"apps",                         "v1",    "ReplicaSet",                     "replicasets",                     Scope::Namespace, "rs",      "status", "all"},
    BuiltinKind{"apps",                         "v1",    "StatefulSet",                    "statefulsets",                    Scope::Namespace, "sts",     "status", "all"},
    BuiltinKind{"apps",                         "v1",    "DaemonSet",                      "daemonsets",                      Scope::Namespace, "ds",      "status", "all"},
    BuiltinKind{"batch",                        "v1",    "Job",                            "jobs",                            Scope::Namespace, "",        "status", "all"},
    BuiltinKind{"batch",                        "v1",    "CronJob",                        "cronjobs",                        Scope::Namespace, "cj",      "status", "all"},
    BuiltinKind{"events.k8s.io",                "v1",    "Event",                          "events",                          Scope::Namespace, "ev",      "", ""},
    BuiltinKind{"coordination.k8s.io",          "v1",    "Lease",                          "leases",                          Scope::Namespace, "",        "", ""},
    BuiltinKind{"discovery.k8s.io",             "v1",    "EndpointSlice",                  "endpointslices",                  Scope::Namespace, "",        "", ""},
    BuiltinKind{"networking.k8s.io",            "v1",    "Ingress",                        "ingresses",                       Scope::Namespace, "ing",     "status", ""},
    BuiltinKind{"networking.k8s.io",            "v1",    "IngressClass",                   "ingressclasses",                  Scope::Cluster,   "",        "", ""},
    BuiltinKind{"networking.k8s.io",            "v1",    "NetworkPolicy",                  "networkpolicies",                 Scope::Namespace, "netpol",  "", ""},
    BuiltinKind{"policy",                       "v1",    "PodDisruptionBudget",            "poddisruptionbudgets",            Scope::Namespace, "pdb",     "status", ""},
    BuiltinKind{"rbac.authorization.k8s.io",    "v1",    "Role",                           "roles",                           Scope::Namespace, "",        "", ""},
    BuiltinKind{"rbac.authorization.k8s.io",    "v1",    "RoleBinding",                    "rolebindings",                    Scope::Namespace, "",        "", ""},
    BuiltinKind{"rbac.authorization.k8s.io",    "v1",    "ClusterRole",                    "clusterroles",                    Scope::Cluster,   "",        "", ""},
    BuiltinKind{"rbac.authorization.k8s.io",    "v1",    "ClusterRoleBinding",             "clusterrolebindings",             Scope::Cluster,   "",        "", ""},
    BuiltinKind{"scheduling.k8s.io",            "v1",    "PriorityClass",                  "priorityclasses",                 Scope::Cluster,   "pc",      "", ""},
    BuiltinKind{"storage.k8s.io",               "v1",    "StorageClass",                   "storageclasses",                  Scope::Cluster,   "sc",      "", ""},
    BuiltinKind{"autoscaling",                  "v2",    "HorizontalPodAutoscaler",        "horizontalpodautoscalers",        Scope::Namespace, "hpa",     "status", "all"},
    BuiltinKind{"admissionregistration.k8s.io", "v1",    "MutatingWebhookConfiguration",   "mutatingwebhookconfigurations",   Scope::Cluster,   "",        "", "api-extensions"},
    BuiltinKind{"admissionregistration.k8s.io", "v1",    "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", Scope::Cluster,   "",        "", "api-extensions"},
    BuiltinKind{"apiextensions.k8s.io",         "v1",    "CustomResourceDefinition",       "customresourcedefinitions",       Scope::Cluster,   "crd crds", "status", "api-extensions"},
    BuiltinKind{"authentication.k8s.io",        "v1",    "TokenReview",                    "tokenreviews",                    Scope::Review,    "",        "", ""},
    BuiltinKind{"authentication.k8s.io",        "v1",    "SelfSubjectReview",              "selfsubjectreviews",              Scope::Review,    "",        "", ""},
    BuiltinKind{"authorization.k8s.io",         "v1",    "SubjectAccessReview",            "subjectaccessreviews",            Scope::Review,    "",        "", ""},
    BuiltinKind{"authorization.k8s.io",         "v1",    "SelfSubjectAccessReview",        "selfsubjectaccessreviews",        Scope::Review,    "",        "", ""},
};
// clang-format on

}  // namespace

std::span<const BuiltinKind> builtin_kinds() {
  return kKinds;
}

}  // namespace kube::apiserver

// The paths that the webhook serves, and the two objects that make an API server ask there, as upstream's
// chart renders them. Charts have their own; this is for clusters without one: laptops and tests.
//
//   Json mutating = mutating_configuration(
//       {.name = "spark-operator-webhook", .url = "https://127.0.0.1:9443", .ca_bundle = pem});
//
// Pods are only sent when they carry the label launched-by-spark-operator. Thread: pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "kube/core/json.h"

namespace webhook {

namespace path {
inline constexpr const char* kMutatePod = "/mutate--v1-pod";
inline constexpr const char* kMutateApplication = "/mutate-sparkoperator-k8s-io-v1beta2-sparkapplication";
inline constexpr const char* kValidateApplication = "/validate-sparkoperator-k8s-io-v1beta2-sparkapplication";
inline constexpr const char* kMutateScheduled =
    "/mutate-sparkoperator-k8s-io-v1beta2-scheduledsparkapplication";
inline constexpr const char* kValidateScheduled =
    "/validate-sparkoperator-k8s-io-v1beta2-scheduledsparkapplication";
inline constexpr const char* kMutateConnect = "/mutate-sparkoperator-k8s-io-v1alpha1-sparkconnect";
inline constexpr const char* kValidateConnect = "/validate-sparkoperator-k8s-io-v1alpha1-sparkconnect";
}  // namespace path

inline constexpr std::array kServedPaths{
    path::kMutatePod,         path::kMutateApplication, path::kValidateApplication, path::kMutateScheduled,
    path::kValidateScheduled, path::kMutateConnect,     path::kValidateConnect};

struct ConfigurationOptions {
  std::string name = "spark-operator-webhook";
  // Where: a base URL, or a Service when it is empty.
  std::string url = {};
  std::string service_name = {}, service_namespace = {};
  int service_port = 9443;
  std::string ca_bundle = {};                // PEM; "" = somebody injects it
  std::vector<std::string> namespaces = {};  // none, or "" among them: all
  std::string failure_policy = "Fail";
  int timeout_seconds = 10;
};

kube::Json mutating_configuration(const ConfigurationOptions& options);
kube::Json validating_configuration(const ConfigurationOptions& options);

}  // namespace webhook

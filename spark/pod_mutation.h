// mutate_pod() applies to a pod what spec.driver or spec.executor asks for and Spark has no property for:
// env, volumes, affinity, tolerations, security contexts, sidecars …; and what the operator wants of all pods
// (ServiceLinks). One function for both ways a pod can be made right:
//
//   webhook:           patch = diff(pod, *mutate_pod(pod, app, role, links))
//   native submitter:  the driver pod as built;
//                      executors by executor_pod_template(), which Spark itself mounts
//
// A pod that was made right at submission says so in the annotation kMutatedAnnotation; mutate_pod() then
// returns it as it is (or applies just the fields that were left out on purpose), except that a driver's
// owner reference is added in any case. Hence twice is once.
//
// Spark writes some fields after it has read a template, while a webhook comes after Spark. Where that
// changes the outcome for executors is listed at kAfterTemplate in the .cc, with what we do about it.
//
// Order and precedence are upstream's: lists append, affinity/DNS/security contexts/lifecycle replace, node
// selectors merge. Errors (InvalidInput) are those that make upstream's webhook refuse the pod, and a pod
// that is none. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/submit_conf.h"

namespace spark {

// Value kMutatedFully: nothing is left to do. kMutatedPartly: the executor fields of the PartialRestart gate
// are (priority class, node selector, tolerations, affinity, scheduler), because they may change while
// executors come and go.
inline constexpr std::string_view kMutatedAnnotation = "sparkoperator.k8s.io/mutated-at-submission";
inline constexpr std::string_view kMutatedFully = "all";
inline constexpr std::string_view kMutatedPartly = "all-but-scheduling";

Result<Json> mutate_pod(const Json& pod, const api::SparkApplication& app, PodRole role,
                        ServiceLinks links = ServiceLinks::On);

// The one mutation that no application asks for; part of mutate_pod() and executor_pod_template(). Of `pod`
// (or pod template) itself nothing is read: at a webhook the API server has already filled in its default.
// `own_template`: the application's, for the pod's role.
void apply_service_links(Json& pod, const Json& own_template, ServiceLinks links);

// By the pod's label spark-role; nullopt for what is neither.
std::optional<PodRole> pod_role(std::string_view spark_role_label);

// The executors' pod template with their share of the mutations (v1 PodTemplateSpec).
Result<Json> executor_pod_template(const api::SparkApplication& app, const SubmitOptions& options);

// Properties the executors need where a template comes too early (see above); set after all others.
SparkConf executor_properties(const api::SparkApplication& app, const SubmitOptions& options);

// Which fields of spec.executor cannot reach executors without the pod webhook, e.g. "executor.memoryLimit".
std::vector<std::string> fields_needing_webhook(const api::SparkApplication& app);

// "<name>-vol", or a hashed form where that is no legal volume name.
std::string config_map_volume_name(std::string_view config_map);

}  // namespace spark

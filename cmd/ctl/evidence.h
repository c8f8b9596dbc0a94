// Evidence is what can be seen of an application from outside of the operator: the application, its pods,
// events, quotas, its service account, webhooks that stand in its way, and what the API server would say to
// its driver now.
//
//   Evidence seen = co_await gather(*cluster, "pi");
//   Diagnosis why = diagnose(seen, loop.now());             // diagnosis.h
//
// Each look is for itself: what may not be read (by role) or cannot be asked is told in `unseen`, and the
// rest counts all the same. The last look creates the driver pod as a dry run: admission, quota and webhooks
// answer as they would to the operator, and nothing is stored. Thread: the loop's only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/ctl/session.h"

namespace ctl {

struct WebhookTrouble {
  std::string configuration;  // "MutatingWebhookConfiguration spark-operator-webhook"
  std::string service;        // "spark-operator/spark-operator-webhook-svc"
};

struct Evidence {
  std::string ns, name;
  kube::Json application;  // null: it is not there
  bool pods_seen = false;
  std::vector<kube::Json> drivers, executors;  // of the current attempt
  std::vector<kube::Json> events;              // about the application and its driver, oldest first
  std::vector<kube::Json> quotas;              // of the namespace
  std::string namespace_phase;                 // "Terminating"; "" = not seen
  std::string service_account;                 // that the driver asks for
  std::optional<bool> service_account_is_there;
  std::vector<WebhookTrouble> webhooks;  // that refuse when they cannot be asked, and nobody is behind them
  std::optional<kube::Error> refusal;    // of the driver pod, now
  int waiting_before = 0;                // applications that were created earlier and are not submitted yet
  std::optional<kube::TimePoint> last_submission;  // of any application: an operator was at work then
  std::vector<std::string> unseen;
};

// Error: the application cannot be asked for at all.
kube::Task<kube::Result<Evidence>> gather(Cluster cluster, std::string name);

}  // namespace ctl

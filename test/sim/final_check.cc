#include "test/sim/final_check.h"

#include <set>

#include "api/spark_application.h"
#include "api/spec_hash.h"
#include "kube/core/fields.h"
#include "test/sim/direct_client.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using api::State;
using kube::Json;

namespace {

std::string check_application(const kube::apiserver::StoredObject& object,
                              kube::apiserver::ApiServer& server) {
  const std::string name = object.key().name;
  auto app = kube::decode<api::SparkApplication>(object.json());
  if (!app) return name + ": " + app.error().message();
  if (app->metadata.deletion_timestamp) return name + " is stuck in its deletion";
  const State state = app->status.application_state.state;
  const std::string word(api::to_string(state));
  const bool suspended = app->spec.suspend.value_or(false);
  for (const auto& pod : server.store().list(kPodTable, object.key().ns)) {
    if (owner_uid(pod->json(), "SparkApplication") == object.uid() && !has_ended(pod->json())) {
      return name + " is " + word + " with a live driver " + pod->key().name;
    }
  }
  if (!api::is_terminal(state)) {
    if (suspended)
      return state == State::Suspended ? "" : name + " is to be suspended and is stuck in " + word;
    return name + " is stuck in " + word + " (" + app->status.application_state.error_message + ")";
  }
  if (app->spec.time_to_live_seconds) return name + " is " + word + " and its time to live is over";
  if (api::spec_changed(app->status.submission_id, app->spec)) {
    return name + " was edited, and " + word + " is what came of the spec before";
  }
  const api::RestartPolicy& policy = app->spec.restart_policy;
  if (state == State::Failed && policy.type == api::RestartPolicyType::OnFailure &&
      app->status.execution_attempts <= policy.on_failure_retries.value_or(0) &&
      app->status.submission_attempts <= policy.on_submission_failure_retries.value_or(0)) {
    return name + " is FAILED with retries left";
  }
  return "";
}

}  // namespace

std::string final_check(kube::apiserver::ApiServer& server) {
  for (const auto& app : server.store().list(kApplicationTable)) {
    if (std::string wrong = check_application(*app, server); !wrong.empty()) return wrong;
  }
  std::set<std::string> uids;
  const char* const tables[] = {kApplicationTable, kPodTable, "configmaps", "services"};
  for (const char* table : tables) {
    for (const auto& object : server.store().list(table)) uids.insert(object->uid());
  }
  for (const char* table : tables) {
    for (const auto& object : server.store().list(table)) {
      const auto owners = object->json().at("metadata").find("ownerReferences");
      if (owners == object->json().at("metadata").end() || owners->empty()) continue;
      bool owned = false;
      for (const Json& owner : *owners) owned |= uids.contains(owner.value("uid", ""));
      if (!owned)
        return std::string(table) + " " + object->key().to_string() + " is left of an owner that is gone";
      if (object->is_terminating())
        return std::string(table) + " " + object->key().to_string() + " never goes";
    }
  }
  return "";
}

}  // namespace sim

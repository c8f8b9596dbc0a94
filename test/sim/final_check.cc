#include "test/sim/final_check.h"

#include <set>

#include "api/names.h"
#include "api/scheduled_spark_application.h"
#include "api/spark_application.h"
#include "api/spec_hash.h"
#include "kube/core/fields.h"
#include "spark/connect/connect_objects.h"
#include "test/sim/connect_invariants.h"
#include "test/sim/direct_client.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using api::State;
using kube::Json;

namespace {

// Clocks that were set back by more lengthen what is left of a time to live.
constexpr kube::Duration kMostSkew = std::chrono::minutes(10);

std::string check_application(const kube::apiserver::StoredObject& object, kube::apiserver::ApiServer& server,
                              kube::TimePoint now) {
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
  const bool ended_later = app->status.termination_time.value_or(now) > now + kMostSkew;
  if (app->spec.time_to_live_seconds && !ended_later)
    return name + " is " + word + " and its time to live is over";
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

// Of those that have ended in `state` and that status knows of no more are kept than it may; the list names
// all of them.
std::string check_history(const api::ScheduledSparkApplication& schedule, kube::apiserver::ApiServer& server,
                          State state, std::int32_t limit, const std::vector<std::string>& listed) {
  const std::string& name = schedule.metadata.name;
  const auto known = api::scheduled_run_time(name, schedule.status.last_run_name);
  std::set<std::string> kept;
  int count = 0;
  for (const auto& run : server.store().list(kApplicationTable, schedule.metadata.namespace_)) {
    if (owner_uid(run->json(), api::ScheduledSparkApplication::kKind) != schedule.metadata.uid) continue;
    if (kube::string_at(run->json(), {"status", "applicationState", "state"}) != api::to_string(state))
      continue;
    kept.insert(run->key().name);
    const auto time = api::scheduled_run_time(name, run->key().name);
    if (known && time && *time <= *known) ++count;
  }
  if (count > limit)
    return name + " keeps " + std::to_string(count) + " runs instead of " + std::to_string(limit);
  if (kept != std::set<std::string>(listed.begin(), listed.end()))
    return name + " does not list the runs that it keeps";
  return "";
}

std::string check_schedule(const kube::apiserver::StoredObject& object, kube::apiserver::ApiServer& server) {
  const std::string& name = object.key().name;
  auto schedule = kube::decode<api::ScheduledSparkApplication>(object.json());
  if (!schedule) return name + ": " + schedule.error().message();
  if (schedule->metadata.deletion_timestamp) return name + " is stuck in its deletion";
  const auto& spec = schedule->spec;
  const auto& status = schedule->status;
  if (status.schedule_state != api::ScheduleState::Scheduled)
    return name + " is " + std::string(api::to_string(status.schedule_state)) + " (" + status.reason + ")";
  std::string wrong =
      check_history(*schedule, server, State::Completed, spec.successful_run_history_limit.value_or(1),
                    status.past_successful_run_names);
  if (!wrong.empty()) return wrong;
  return check_history(*schedule, server, State::Failed, spec.failed_run_history_limit.value_or(1),
                       status.past_failed_run_names);
}

std::string check_connect(const kube::apiserver::StoredObject& object, kube::apiserver::ApiServer& server) {
  const std::string& name = object.key().name;
  const api::SparkConnect connect = decoded_connect(object);
  const auto is_of_it = [&](const auto& owned) {
    return owner_uid(owned->json(), api::SparkConnect::kKind) == object.uid();
  };
  if (connect.metadata.deletion_timestamp) return name + " is stuck in its deletion";
  if (connect.status.state != api::ConnectState::Ready)
    return name + " is stuck: " + object.json().value("status", Json()).dump();
  const auto pod = server.store().get(kPodTable, {object.key().ns, api::connect_server_pod_name(name)});
  if (!pod || pod->is_terminating() || phase_of(pod->json()) != "Running")
    return name + " is Ready, and its server is not";
  if (!is_of_it(pod)) return name + " has somebody else's server";
  if (kube::string_at(pod->json(), {"metadata", "annotations", spark::kConnectSpecHashAnnotation}) !=
      spark::connect_spec_hash(connect.spec))
    return name + " was edited, and its server is of the spec before";
  const std::string wanted = spark::connect_service_name(connect);
  int services = 0, maps = 0;
  for (const auto& service : server.store().list("services", object.key().ns)) {
    if (!is_of_it(service)) continue;
    ++services;
    if (service->key().name != wanted) return name + " still has the service " + service->key().name;
  }
  for (const auto& map : server.store().list("configmaps", object.key().ns)) maps += is_of_it(map) ? 1 : 0;
  if (services != 1 || maps != 1) return name + " lacks its service or its config map";
  if (connect.status.server.service_name != wanted) return name + " names another service in status";
  return "";
}

}  // namespace

std::string final_check(kube::apiserver::ApiServer& server, kube::TimePoint now) {
  for (const auto& schedule : server.store().list(kScheduleTable)) {
    if (std::string wrong = check_schedule(*schedule, server); !wrong.empty()) return wrong;
  }
  for (const auto& connect : server.store().list(kConnectTable)) {
    if (std::string wrong = check_connect(*connect, server); !wrong.empty()) return wrong;
  }
  for (const auto& app : server.store().list(kApplicationTable)) {
    if (std::string wrong = check_application(*app, server, now); !wrong.empty()) return wrong;
  }
  std::set<std::string> uids;
  const char* const tables[] = {kScheduleTable, kConnectTable, kApplicationTable,
                                kPodTable,      "configmaps",  "services"};
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

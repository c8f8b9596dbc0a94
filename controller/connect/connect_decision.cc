#include "controller/connect/connect_decision.h"

#include <algorithm>

#include "api/constants.h"
#include "api/names.h"
#include "api/validation.h"
#include "kube/core/conditions.h"
#include "spark/connect/connect_objects.h"

namespace controller {

using api::ConnectState;
using api::SparkConnect;
using api::SparkConnectStatus;
using kube::Condition;
using kube::Json;
using kube::TimePoint;
using std::chrono::seconds;

namespace {

// A node that takes every server away at once must not make us create one after the other.
constexpr kube::Duration kReplacePause = seconds(10);

constexpr const char* kNotReady = "ServerPodNotReady";

std::vector<Condition> conditions_of(const SparkConnectStatus& status) {
  std::vector<Condition> conditions;
  for (const Json& json : status.conditions) {
    if (auto condition = kube::decode<Condition>(json)) conditions.push_back(*std::move(condition));
  }
  return conditions;
}

std::optional<std::int64_t> observed_generation(const SparkConnectStatus& status) {
  const auto conditions = conditions_of(status);
  const Condition* ready = kube::find_condition(conditions, SparkConnectStatus::kServerPodReady);
  return ready == nullptr ? std::nullopt : ready->observed_generation;
}

struct Finding {
  ConnectState state = ConnectState::Provisioning;
  std::string reason = kNotReady;
  std::string message = {};
};

void set_finding(SparkConnectStatus& status, Finding finding, std::optional<std::int64_t> generation,
                 TimePoint now) {
  std::vector<Condition> conditions = conditions_of(status);
  kube::set_condition(conditions,
                      {.type = SparkConnectStatus::kServerPodReady,
                       .status = finding.state == ConnectState::Ready ? "True" : "False",
                       .observed_generation = generation,
                       .reason = std::move(finding.reason),
                       .message = std::move(finding.message)},
                      std::chrono::floor<seconds>(now));
  status.conditions.clear();
  for (const Condition& condition : conditions) status.conditions.push_back(kube::encode(condition));
  status.state = finding.state;
}

std::string words_of(const ConnectPodView& server) {
  if (server.trouble.reason)
    return "[" + std::string(to_string(*server.trouble.reason)) + "] " + server.trouble.text;
  if (server.end) {
    std::string words = exit_code_words(server.end->exit_code);
    if (!server.end->reason.empty() && server.end->reason != "Error") words += ", " + server.end->reason;
    if (!server.end->message.empty()) words += ": " + server.end->message;
    return words;
  }
  return server.message;
}

Finding not_ready(ConnectState state, const std::string& words) {
  return {state, kNotReady, "Server pod is not ready: " + words};
}

Finding look_at(const ConnectPodView& server) {
  if (server.terminating) return not_ready(ConnectState::Provisioning, "it is being replaced");
  if (server.has_ended()) {
    const std::string words = words_of(server);
    return {ConnectState::Failed, "ServerPodEnded",
            "Server pod has ended" + (words.empty() ? std::string() : ": " + words)};
  }
  if (server.ready) return {ConnectState::Ready, "ServerPodReady", "Server pod is ready"};
  std::string words = words_of(server);
  if (server.restarts > 0)
    return not_ready(ConnectState::NotReady,
                     "its container was restarted " + std::to_string(server.restarts) +
                         (server.restarts == 1 ? " time" : " times") + (words.empty() ? "" : ", " + words));
  if (server.phase == PodPhase::Running && server.started)
    return not_ready(ConnectState::NotReady,
                     words.empty() ? "it does not answer its readiness probe" : words);
  return not_ready(ConnectState::Provisioning, words.empty() ? "it is starting" : words);
}

std::optional<Note> note_of(const SparkConnectStatus& before, const SparkConnectStatus& after) {
  if (before.state == after.state) return std::nullopt;
  const auto conditions = conditions_of(after);
  const Condition* ready = kube::find_condition(conditions, SparkConnectStatus::kServerPodReady);
  const std::string message = ready == nullptr ? "" : ready->message;
  switch (after.state) {
    case ConnectState::Ready:
      return Note{false, "SparkConnectReady", message};
    case ConnectState::NotReady:
      return Note{true, "SparkConnectNotReady", message};
    case ConnectState::Failed:
      return Note{true, "SparkConnectFailed", message};
    case ConnectState::New:
    case ConnectState::Provisioning:
      return std::nullopt;
  }
  return std::nullopt;
}

bool is_from_another_spec(const SparkConnect& connect, const ConnectPodView& server) {
  if (!server.spec_hash.empty()) return spark::connect_spec_changed(server.spec_hash, connect.spec);
  const auto observed = observed_generation(connect.status);
  return observed && connect.metadata.generation && *observed < *connect.metadata.generation;
}

}  // namespace

std::string lower_case_phase(PodPhase phase) {
  switch (phase) {
    case PodPhase::Pending:
      return "pending";
    case PodPhase::Running:
      return "running";
    case PodPhase::Succeeded:
      return "succeeded";
    case PodPhase::Failed:
      return "failed";
    case PodPhase::Unknown:
      return "unknown";
  }
  return "unknown";
}

bool same_status(const SparkConnectStatus& a, const SparkConnectStatus& b) {
  SparkConnectStatus left = a, right = b;
  left.last_update_time = right.last_update_time = std::nullopt;
  return left == right;
}

void mark_failed(const SparkConnect& connect, std::string reason, std::string message, TimePoint now,
                 ConnectDecision& decision) {
  // Not what was observed of this generation: it has not been carried out.
  set_finding(decision.status, {ConnectState::Failed, std::move(reason), std::move(message)},
              observed_generation(connect.status), now);
  decision.notes.clear();
  if (auto note = note_of(connect.status, decision.status)) decision.notes.push_back(*std::move(note));
}

ConnectDecision decide_connect(const SparkConnect& connect, const ConnectObservation& seen, TimePoint now,
                               std::string_view master_url, spark::ServiceLinks links) {
  ConnectDecision decision;
  SparkConnectStatus& status = decision.status;
  status = connect.status;
  if (!status.start_time) status.start_time = std::chrono::floor<seconds>(now);
  status.executors = seen.executors;
  status.server.service_name = spark::connect_service_name(connect);
  status.server.pod_name = api::connect_server_pod_name(connect.metadata.name);
  status.server.pod_ip = seen.server && !seen.server->terminating ? seen.server->ip : "";

  // What earlier releases let through may run; what no server can be made of may not.
  const auto faults = api::validate(connect, api::kAsStored);
  auto pod = spark::connect_server_pod(connect, master_url, links);
  if (!faults.empty() || !pod) {
    std::string message = faults.empty() ? pod.error().message() : api::describe(faults);
    if (seen.server && !seen.server->has_ended()) message += "; the server of the earlier spec runs on";
    mark_failed(connect, "InvalidSpec", std::move(message), now, decision);
    return decision;
  }
  decision.children = plan_children(
      {spark::connect_config_map(connect, links), spark::connect_service(connect)}, seen.children, {});

  Finding finding;
  if (!seen.server) {
    decision.server = CreateServer{*std::move(pod)};
    finding = not_ready(ConnectState::Provisioning, "it is being created");
  } else {
    const ConnectPodView& server = *seen.server;
    finding = look_at(server);
    if (server.terminating) {
      // Its last event brings us back.
    } else if (is_from_another_spec(connect, server)) {
      decision.server = DeleteServer{server, "the spec was edited", true};
      finding = not_ready(ConnectState::Provisioning, "it is replaced, because the spec was edited");
      decision.notes.push_back({false, "SparkConnectServerReplaced", "the spec was edited"});
    } else if (server.has_ended() && server.restarts_always) {
      const kube::TimePoint due = server.created.value_or(now) + kReplacePause;
      if (due > now) {
        decision.server = Wait{due - now};
      } else {
        decision.server = DeleteServer{server, finding.message};
        decision.notes.push_back({true, "SparkConnectServerReplaced", finding.message});
        finding = not_ready(ConnectState::Provisioning, "it is replaced. " + finding.message);
      }
    }
  }
  set_finding(status, std::move(finding), connect.metadata.generation, now);
  if (auto note = note_of(connect.status, status)) decision.notes.push_back(*std::move(note));
  return decision;
}

}  // namespace controller

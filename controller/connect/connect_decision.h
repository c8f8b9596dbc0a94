// decide_connect() is the mind of the controller of SparkConnects: from one of them and the objects that it
// owns to what is to be done, and what status says of it. Pure.
//
//   ConnectDecision decision = decide_connect(connect, seen, now, master_url);
//   // first decision.children (config map, service), then decision.server, then decision.status
//
// Rules (docs/connect.md):
// - There is one server pod, of a fixed name. An edit of the spec deletes it, by UID, and the next look makes
//   it anew; which spec a server was made from is its annotation. One without (another operator's) is left
//   alone until the spec's generation moves.
// - A server whose pod has ended although it was to restart for ever was taken away by its node: it is made
//   anew. One that was to end (restartPolicy Never, OnFailure) stays as Failed.
// - An impossible spec changes nothing that runs.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/spark_connect.h"
#include "controller/application/decision.h"
#include "controller/children/child_plan.h"
#include "controller/connect/connect_pod_view.h"
#include "spark/submit_conf.h"

namespace controller {

// What belongs to the SparkConnect by UID.
struct ConnectObservation {
  std::optional<ConnectPodView> server = {};
  std::map<std::string, std::int64_t> executors = {};  // number by phase in lower case
  std::vector<ChildView> children = {};                // config maps and services
};

struct CreateServer {
  kube::Json pod;
};
struct DeleteServer {
  ConnectPodView pod;
  std::string why;
  bool for_an_edit = false;  // rests on a view of the spec, which is to be read live before
};
using ConnectStep = std::variant<Wait, CreateServer, DeleteServer>;

struct ConnectDecision {
  std::vector<ChildStep> children = {};
  ConnectStep server = Wait{};
  api::SparkConnectStatus status = {};  // all but lastUpdateTime
  std::vector<Note> notes = {};         // once status is written
};

ConnectDecision decide_connect(const api::SparkConnect& connect, const ConnectObservation& seen,
                               kube::TimePoint now, std::string_view master_url,
                               spark::ServiceLinks links = spark::ServiceLinks::On);

// Status once something was refused: Failed, with the reason as a word for machines.
void mark_failed(const api::SparkConnect& connect, std::string reason, std::string message,
                 kube::TimePoint now, ConnectDecision& decision);

// Nothing that is worth a write.
bool same_status(const api::SparkConnectStatus& a, const api::SparkConnectStatus& b);

// For executors' phases.
std::string lower_case_phase(PodPhase phase);

}  // namespace controller

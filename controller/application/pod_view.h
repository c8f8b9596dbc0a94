// PodView is what the controller keeps of a driver or executor pod: the fields that decisions read, some 500
// bytes.
//
//   Result<PodView> pod = project_pod(view);          // kube::JsonView, from a list, a watch or a live read
//   pod->belongs_to(app.metadata.uid), pod->is_driver(), driver_state(*pod)
//
// A pod belongs to an application by its owner reference's UID, never by a name or label alone.
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/spark_application_status.h"
#include "controller/application/pod_trouble.h"
#include "kube/core/json_reader.h"
#include "kube/core/object_meta.h"

namespace controller {

enum class PodPhase { Pending, Running, Succeeded, Failed, Unknown };
PodPhase pod_phase(std::string_view name);  // as in status.phase; what is none of them is Unknown

// How the Spark container ended.
struct ContainerEnd {
  std::int64_t exit_code = 0;
  std::string reason;
  std::string message = "";  // a driver's termination message
  bool operator==(const ContainerEnd&) const = default;
};

struct PodView {
  kube::ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::optional<kube::TimePoint> created;
  bool terminating = false;

  std::string app_name;       // label; leads to the application's key
  std::string submission_id;  // label
  std::string role;           // label spark-role
  std::string app_selector;   // label spark-app-selector: Spark's application id
  std::int64_t executor_id = 0;
  std::string submitted_by;  // annotation; "" for what was made natively, or by another operator

  // The reference to a SparkApplication, wherever in the list it stands; "" when there is none.
  std::string owner_uid;
  std::string owner_name;
  // Any other controlling owner, for messages about foreign pods.
  std::string other_owner;

  PodPhase phase = PodPhase::Unknown;
  std::optional<ContainerEnd> spark_container;  // terminated state
  std::string message;                          // status.message, such as an eviction's
  PodTrouble trouble;

  std::uint32_t label_set = 0;  // under which labels metrics count it (controller/metrics/label_sets.h)

  bool is_driver() const { return role == "driver"; }
  bool is_executor() const { return role == "executor"; }
  bool belongs_to(const std::string& app_uid) const { return !owner_uid.empty() && owner_uid == app_uid; }
  // The Spark container may still be at work.
  bool alive() const;
  bool operator==(const PodView&) const = default;
};

kube::Result<PodView> project_pod(kube::JsonView pod);
kube::Result<PodView> project_pod(const kube::Json& pod);

// PENDING, RUNNING, COMPLETED, FAILED or UNKNOWN, as upstream derives them from phase and Spark's container:
// a driver whose container has ended is over although a sidecar keeps the pod running, and a failed pod whose
// driver container exited with 0 has completed.
api::PodState driver_state(const PodView& pod);
// An executor that was deleted and then ended by SIGTERM has completed.
api::PodState executor_state(const PodView& pod);

}  // namespace controller

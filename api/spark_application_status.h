// SparkApplicationStatus is what the operator reports; only the operator writes it, as a patch.
//
//   status.application_state.state == State::SubmissionFailed   // "SUBMISSION_FAILED" on the wire
//   to_string(state), is_terminal(state)
//
// On the wire driverInfo, applicationState with its state, and both times are always there (times as null
// when unset), because clients and the CRD's `required` list count on it:
//   {"lastSubmissionAttemptTime":null,"terminationTime":null,"driverInfo":{},"applicationState":{"state":""}}
//
// Times have whole seconds. Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema_hints.h"
#include "kube/base/clock.h"
#include "kube/core/fields.h"
#include "kube/core/json.h"

namespace api {

using kube::Json;

enum class State {
  New,
  Submitted,
  Running,
  Completed,
  Failed,
  SubmissionFailed,
  PendingRerun,
  Invalidating,
  Succeeding,
  Failing,
  Suspending,
  Suspended,
  Resuming,
  Unknown,
};

inline constexpr std::array kStates{
    kube::WireName{State::New, ""},
    kube::WireName{State::Submitted, "SUBMITTED"},
    kube::WireName{State::Running, "RUNNING"},
    kube::WireName{State::Completed, "COMPLETED"},
    kube::WireName{State::Failed, "FAILED"},
    kube::WireName{State::SubmissionFailed, "SUBMISSION_FAILED"},
    kube::WireName{State::PendingRerun, "PENDING_RERUN"},
    kube::WireName{State::Invalidating, "INVALIDATING"},
    kube::WireName{State::Succeeding, "SUCCEEDING"},
    kube::WireName{State::Failing, "FAILING"},
    kube::WireName{State::Suspending, "SUSPENDING"},
    kube::WireName{State::Suspended, "SUSPENDED"},
    kube::WireName{State::Resuming, "RESUMING"},
    kube::WireName{State::Unknown, "UNKNOWN"},
};
constexpr auto wire_names(State) {
  return kStates;
}
constexpr std::string_view to_string(State state) {
  return kStates[static_cast<std::size_t>(state)].name;
}

// Nothing happens to the application any more unless somebody edits its spec or its time to live ends.
constexpr bool is_terminal(State state) {
  return state == State::Completed || state == State::Failed;
}

// Of a driver or an executor. Only those of executors are stored.
enum class PodState { Pending, Running, Completed, Failed, Unknown };

inline constexpr std::array kPodStates{
    kube::WireName{PodState::Pending, "PENDING"},     kube::WireName{PodState::Running, "RUNNING"},
    kube::WireName{PodState::Completed, "COMPLETED"}, kube::WireName{PodState::Failed, "FAILED"},
    kube::WireName{PodState::Unknown, "UNKNOWN"},
};
constexpr auto wire_names(PodState) {
  return kPodStates;
}
constexpr std::string_view to_string(PodState state) {
  return kPodStates[static_cast<std::size_t>(state)].name;
}

struct ApplicationState {
  State state = State::New;
  std::string error_message;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("state", self.state, kube::kAlways, kRequired, kOpenWords,
          Doc{"State of the application; empty when new."});
    field("errorMessage", self.error_message, Doc{"Why the application or its submission failed."});
  }
  bool operator==(const ApplicationState&) const = default;
};

struct DriverInfo {
  std::string web_ui_service_name;
  std::string web_ui_address;
  std::int32_t web_ui_port = 0;
  std::string web_ui_ingress_name;
  std::string web_ui_ingress_address;
  std::string pod_name;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("webUIServiceName", self.web_ui_service_name, Doc{"Name of the service in front of the Spark UI."});
    field("webUIAddress", self.web_ui_address, Doc{"Address of the Spark UI inside the cluster."});
    field("webUIPort", self.web_ui_port, Doc{"Port of the Spark UI service."});
    field("webUIIngressName", self.web_ui_ingress_name, Doc{"Name of the ingress in front of the Spark UI."});
    field("webUIIngressAddress", self.web_ui_ingress_address, Doc{"Address of the Spark UI from outside."});
    field("podName", self.pod_name, Doc{"Name of the driver pod."});
  }
  bool operator==(const DriverInfo&) const = default;
};

struct SparkApplicationStatus {
  std::string spark_application_id;
  std::string submission_id;
  std::optional<kube::TimePoint> last_submission_attempt_time;
  std::optional<kube::TimePoint> termination_time;
  DriverInfo driver_info;
  ApplicationState application_state;
  std::map<std::string, PodState> executor_state;  // by pod name
  std::int32_t execution_attempts = 0;
  std::int32_t submission_attempts = 0;
  std::int32_t infrastructure_failures = 0;  // counted only where the spec has a budget for them
  std::int64_t observed_generation = 0;      // 0: not known
  std::vector<Json> conditions;              // metav1.Condition
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("sparkApplicationId", self.spark_application_id, Doc{"Id that Spark gave the current run."});
    field("submissionID", self.submission_id, Doc{"Id of the last submission, a label of its pods."});
    field("lastSubmissionAttemptTime", self.last_submission_attempt_time, kube::kAlways, kNullable,
          Doc{"When the application was last submitted or its submission last tried."});
    field("terminationTime", self.termination_time, kube::kAlways, kNullable,
          Doc{"When the current run ended."});
    field("driverInfo", self.driver_info, kube::kAlways, kRequired, Doc{"The driver pod and its UI."});
    field("applicationState", self.application_state, kube::kAlways,
          Doc{"Where in its life the application is."});
    field("executorState", self.executor_state, kOpenWords, Doc{"State of each executor, by pod name."});
    field("executionAttempts", self.execution_attempts,
          Doc{"How often the application was started since its spec last changed."});
    field("submissionAttempts", self.submission_attempts,
          Doc{"How often its submission was tried since the last run that started."});
    field("infrastructureFailures", self.infrastructure_failures,
          Doc{"How many of its runs ended because their driver was taken away, where "
              "onInfrastructureFailureRetries is set."});
    field("observedGeneration", self.observed_generation,
          Doc{"Generation of the spec that this status was decided on."});
    field("conditions", self.conditions, Embedded{"Condition"}, ListMapKey{"type"},
          Doc{"What the state means for tools that know conditions."});
  }
  bool operator==(const SparkApplicationStatus&) const = default;
};

}  // namespace api

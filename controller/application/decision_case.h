// Case is one application as decide() finds it, for tables of cases in tests.
//
//   Case c;
//   c.app.spec.arguments = {"10"};
//   c.in(State::Running).with_driver(PodPhase::Failed);
//   CHECK(c.next() == State::Failing);
//
// Thread: values.
#pragma once

#include <variant>

#include "controller/application/attempt_status.h"

namespace controller {

inline const kube::TimePoint kNow = kube::parse_rfc3339("2026-01-01T12:00:00Z").value();
inline const Policy kPolicy;

struct Case {
  api::SparkApplication app;
  Observation seen;

  Case() {
    app.metadata.name = "pi";
    app.metadata.namespace_ = "ns";
    app.metadata.uid = "app-1";
    app.metadata.resource_version = "10";
    app.spec.spark_version = "3.5.7";
    app.spec.image = "spark:3.5.7";
  }

  // As if this spec had been submitted: status holds the id made from it.
  Case& in(State state) {
    if (state != State::New && app.status.submission_id.empty()) {
      app.status.submission_id = next_id(app, kPolicy);
      app.status.driver_info.pod_name = "pi-driver";
      app.status.submission_attempts = 1;
      app.status.execution_attempts = 1;
      app.status.last_submission_attempt_time = kNow - std::chrono::minutes(1);
    }
    app.status.application_state.state = state;
    return *this;
  }

  PodView driver(PodPhase phase) const {
    PodView pod;
    pod.key = {"ns", "pi-driver"};
    pod.uid = "pod-1";
    pod.resource_version = "11";
    pod.created = app.status.last_submission_attempt_time;
    pod.app_name = "pi";
    pod.submission_id = app.status.submission_id;
    pod.role = "driver";
    pod.owner_uid = "app-1";
    pod.owner_name = "pi";
    pod.app_selector = "spark-1";
    pod.phase = phase;
    return pod;
  }
  Case& with_driver(PodPhase phase) {
    seen.drivers.push_back(driver(phase));
    return *this;
  }
  Decision decide() const { return controller::decide(app, seen, kNow, kPolicy); }
  State next() const { return decide().status.value().application_state.state; }
};

template <class S>
bool is(const Decision& decision) {
  return std::holds_alternative<S>(decision.step);
}

inline api::RestartPolicy on_failure(int retries) {
  api::RestartPolicy policy;
  policy.type = api::RestartPolicyType::OnFailure;
  policy.on_failure_retries = retries;
  policy.on_submission_failure_retries = retries;
  policy.on_failure_retry_interval = 10;
  policy.on_submission_failure_retry_interval = 10;
  return policy;
}

}  // namespace controller

// FaultSource decides what goes wrong with the calls of the operators, by the chances of the plan.
//
//   server.faults().set_hook([&](const RequestInfo& request) { return faults.decide(request); });
//   faults.stop();                          // from now on everything works
//
// Users and the pretending kubelet are spared: what they cannot do is of no interest.
// Thread: the loop's only.
#pragma once

#include <functional>
#include <string>

#include "kube/apiserver/faults.h"
#include "test/sim/plan.h"
#include "test/sim/simulated_spark_submit.h"
#include "test/sim/trace.h"

namespace sim {

class FaultSource {
 public:
  FaultSource(const Plan& plan, Trace& trace)
      : plan_(plan), trace_(trace), random_(plan.seed * 2'654'435'761 + 11) {}

  // Asks for the crash of an operator, right now or right after the effect of the call.
  std::function<void(const std::string& name)> crash = [](const std::string&) {};
  // Asks for an operator to be frozen after some more steps of its code.
  std::function<void(const std::string& name, int steps)> freeze = [](const std::string&, int) {};
  // Tells of a POST that is going to land later than its sender waits.
  std::function<void(const kube::apiserver::RequestInfo&, kube::Duration delay)> late = [](const auto&,
                                                                                           auto) {};

  kube::apiserver::FaultAction decide(const kube::apiserver::RequestInfo& request);
  void stop() { stopped_ = true; }

 private:
  kube::apiserver::FaultAction draw(const kube::apiserver::RequestInfo& request);
  kube::apiserver::FaultAction draw_watch();

  const Plan& plan_;
  Trace& trace_;
  kube::Random random_;
  bool stopped_ = false;
};

inline constexpr const char* kOperatorUser = "operator";

// Whether a request comes from an operator or its spark-submit.
inline bool from_operator(const kube::apiserver::RequestInfo& request) {
  return request.user.username == kOperatorUser;
}
// The operator's process: the user agent, without what its child adds.
inline std::string process_of(const kube::apiserver::RequestInfo& request) {
  return request.user_agent.substr(0, request.user_agent.find('/'));
}
// Spark deletes the driver that it has just made when it cannot make what belongs to it, by name.
inline bool from_spark_submit(const kube::apiserver::RequestInfo& request) {
  return request.user_agent.ends_with(kSparkSubmitAgent);
}
inline bool is_application(const kube::apiserver::RequestInfo& request) {
  return request.resource == "sparkapplications";
}
inline bool is_schedule(const kube::apiserver::RequestInfo& request) {
  return request.resource == "scheduledsparkapplications";
}
inline bool is_connect(const kube::apiserver::RequestInfo& request) {
  return request.resource == "sparkconnects";
}
// A driver's, or that of a Connect server: operators create no other pods.
inline bool is_pod_post(const kube::apiserver::RequestInfo& request) {
  return request.verb == "create" && request.resource == "pods" && request.subresource.empty();
}

}  // namespace sim

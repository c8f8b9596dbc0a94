// CrashWorld plays one case of the crash test: an API server, one operator, a pretending kubelet and a story,
// with the operator killed and started again at the writes that the case names.
//
//   CrashWorld world(*CrashCase::parse("edit/native/alone/7after"), {});
//   CrashWorld::Outcome outcome = world.run();
//   outcome.violation                    // "", or what was broken
//   outcome.end                          // end_state(): to be equal to that of the case without kills
//   outcome.writes                       // "POST pods pi-driver", …: what a case may be killed at
//
// The invariants watch every moment of it. Once the story has been told the world settles, and for an hour
// after that the operator must write nothing but its lease. Thread: one. A world runs once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/apiserver/api_server.h"
#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "test/sim/crash_case.h"
#include "test/sim/crash_scenarios.h"
#include "test/sim/fleet.h"
#include "test/sim/invariants.h"
#include "test/sim/plan.h"
#include "test/sim/pretend_kubelet.h"
#include "test/sim/simulated_submission_service.h"
#include "test/sim/trace.h"

namespace sim {

class CrashWorld {
 public:
  CrashWorld(CrashCase what, Trace::Print print);
  ~CrashWorld();

  struct Outcome {
    std::string violation;
    std::string end;
    std::vector<std::string> writes;  // of the operator that was started first
    std::size_t kills = 0;            // carried out
    std::string tail;
  };
  Outcome run();

 private:
  void play();
  kube::Task<> prepare();
  kube::apiserver::FaultAction decide(const kube::apiserver::RequestInfo& request);
  void answered(const kube::apiserver::RequestInfo& request);
  bool counts(const kube::apiserver::RequestInfo& request) const;
  void kill(const std::string& name);
  bool violated() const {
    return invariants_.violated() || sink_->escaped_exception() || fleet_.escaped_exception();
  }
  void tear_down();

  const CrashCase case_;
  const Plan plan_;
  kube::SimLoop loop_;
  kube::SimNetwork net_;
  Trace trace_;
  std::shared_ptr<TraceSink> sink_;
  kube::apiserver::ApiServer server_;
  Invariants invariants_;
  std::optional<SimulatedSubmissionService> service_;  // where it starts drivers
  kube::TaskGroup servers_, pods_, people_, operators_;
  PretendKubelet kubelet_;
  Fleet fleet_;
  Story story_;
  kube::Timer again_;
  std::vector<std::string> writes_;
  int since_kill_ = 0;
  std::size_t kills_ = 0;
  std::string kill_when_answered_;  // this request
  std::string must_not_write_;      // after this; "" = may write
};

}  // namespace sim

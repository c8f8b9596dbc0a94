// World is everything at once, in one thread and by one seed: an API server, operators that crash and return,
// a pretending kubelet, users, vandals, faults; and the invariants that watch them.
//
//   World world(42, {});
//   World::Outcome outcome = world.run();
//   outcome.violation                     // "" or what was broken
//   outcome.hash                          // the same for the same seed
//
// First things go wrong for a while; then faults end, users come to rest, and everything has to come to a
// good end within simulated minutes, and to stay so. Thread: one. A World runs once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/apiserver/api_server.h"
#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "test/sim/connect_user.h"
#include "test/sim/disasters.h"
#include "test/sim/fault_source.h"
#include "test/sim/fleet.h"
#include "test/sim/invariants.h"
#include "test/sim/plan.h"
#include "test/sim/pretend_kubelet.h"
#include "test/sim/sabotage_proxy.h"
#include "test/sim/schedule_user.h"
#include "test/sim/trace.h"
#include "test/sim/user.h"

namespace sim {

struct WorldOptions {
  Trace::Print print = Trace::Print::No;
  Sabotage sabotage = Sabotage::None;
  Invariants::Form form = Invariants::Form::Checked;
  // False: the world is left as it stands, for a process that ends with it.
  bool tear_down = true;
};

class World {
 public:
  explicit World(std::uint64_t seed, WorldOptions options = {});
  ~World();

  struct Outcome {
    std::string violation;
    std::string plan;
    std::string tail;
    std::uint64_t hash = 0;
    std::size_t lines = 0;
    FailOvers::Measured planned, unplanned;
  };
  Outcome run();

 private:
  void play();
  kube::Task<> prepare();
  void begin();
  void come_to_rest();
  void await_good_end();
  void stop_operators();
  void tear_down();
  bool escaped_exception() const { return sink_->escaped_exception() || fleet_.escaped_exception(); }

  const WorldOptions options_;
  const Plan plan_;
  kube::SimLoop loop_;
  kube::SimNetwork net_;
  Trace trace_;
  std::shared_ptr<TraceSink> sink_;
  kube::apiserver::ApiServer server_;
  SabotageProxy proxy_;
  Invariants invariants_;
  FaultSource faults_;
  kube::TaskGroup servers_;
  kube::TaskGroup pods_;
  kube::TaskGroup people_;
  kube::TaskGroup disasters_;
  PretendKubelet kubelet_;
  std::vector<std::unique_ptr<User>> users_;
  std::vector<std::unique_ptr<ScheduleUser>> schedule_users_;
  std::vector<std::unique_ptr<ConnectUser>> connect_users_;
  bool chaos_ = true;
  Fleet fleet_;
  Disasters whole_disasters_;
  FailOvers fail_overs_;
  // Lets the world take another step before its time goes on.
  kube::Timer again_;
};

}  // namespace sim

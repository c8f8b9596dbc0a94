// Fleet is the operators of a world: starts them, starts them again after their end, and is where disasters
// find them.
//
//   Fleet fleet({loop, net, trace, invariants}, plan, "http://apiserver");
//   tasks.spawn("operator", fleet.supervise(0));
//   fleet.crash("operator-0-1");             // kill -9 and the cable
//   fleet.freeze("operator-0-1", 7);         // SIGSTOP, seven steps of its code later; thaw() is SIGCONT
//   fleet.run_ready();                       // after each step of the world: has any process done something?
//
// Each run of an operator has a name of its own, which is its host, its identity and its user agent.
// Thread: the loop's only. Lifetime: tear down as World does: crash all, wait for all_buried().
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/wait_list.h"
#include "test/sim/invariants.h"
#include "test/sim/operator_process.h"
#include "test/sim/plan.h"
#include "test/sim/trace.h"

namespace sim {

class Fleet {
 public:
  struct World {
    kube::SimLoop& loop;
    kube::SimNetwork& net;
    Trace& trace;
    Invariants& invariants;
  };
  Fleet(World world, const Plan& plan, std::string server);

  // Whether a spark-submit that an operator has started dies half-way.
  std::function<bool()> submit_dies = [] { return false; };

  // Starts operator `number` and the next after each end, until close().
  kube::Task<> supervise(int number);
  // Nobody is started any more.
  void close() { closing_ = true; }

  void crash(const std::string& name);
  void stop(const std::string& name);
  void freeze(const std::string& name, int after_steps);
  void thaw(const std::string& name, bool arrivals_first);
  // Bytes between it and the API server vanish.
  void cut_off(const std::string& name);
  void reconnect(const std::string& name);
  // Its connections to the API server are reset.
  void reset_connections(const std::string& name);
  void reconnect_all();
  void thaw_all();

  // Running processes, by number. Null where none runs right now.
  OperatorProcess* process(int number) { return processes_[static_cast<std::size_t>(number)].get(); }
  OperatorProcess* find(const std::string& name);
  int size() const { return static_cast<int>(processes_.size()); }
  // Who works and can reach the API server; "" = nobody.
  std::string leader();
  bool is_cut_off(const std::string& name) const { return cut_off_.contains(name); }
  // Its watches may be dead without its knowledge.
  bool was_cut_off(const std::string& name) const { return ever_cut_off_.contains(name); }
  // Grows with everything that the world does to operators: nothing happened between two equal values.
  std::uint64_t disturbances() const { return disturbances_; }
  kube::SteadyTime quiet_since() const { return quiet_since_; }
  void disturb(const std::string& words);

  bool run_ready();
  void stop_all();
  bool all_returned() const;
  void crash_all();
  // Those that have ended; true when none is left. A process is destroyed here only.
  bool all_buried();
  // An operator has logged that an exception escaped a task of its own.
  bool escaped_exception() const;

 private:
  void start(int number);

  World world_;
  const Plan& plan_;
  const std::string server_;  // URL
  const std::string server_host_;
  std::vector<std::unique_ptr<OperatorProcess>> processes_;
  std::vector<int> lives_;
  std::vector<std::unique_ptr<OperatorProcess>> graveyard_;
  std::vector<std::shared_ptr<TraceSink>> sinks_;
  std::set<std::string> cut_off_, ever_cut_off_;
  kube::WaitList down_;
  std::uint64_t disturbances_ = 0;
  kube::SteadyTime quiet_since_{};
  bool closing_ = false;
};

}  // namespace sim

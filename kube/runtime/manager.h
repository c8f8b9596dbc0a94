// Manager starts and stops the parts of an operator in the only safe order.
//
//   Manager manager(client, {.leader_election = LeaderElectionOptions{…}, .log = log, .metrics = &metrics});
//   Informer<Web>& webs = manager.add(std::make_unique<Informer<Web>>(client, kWebs, options));
//   manager.add(std::make_unique<HealthServer>(loop, network, probes));
//   manager.add(std::make_unique<Controller>(loop, "web", reconciler, controller_options));
//   Result<> ended = co_await manager.run();              // until stop(), or until a part has failed
//
// Start: parts without leadership (servers, informers, event recorder) → all of them ready, or fail after
// sync_timeout → the lease → parts that need it. A standby thus waits with warm caches.
// Stop: parts that need leadership stop taking work and get `grace` to finish → they are cancelled → the
// lease is released, as nothing that needs it can act any more → the others stop, events flushed. Losing the
// lease cancels work at once, without grace, and run() answers an Error: the process should end.
// Thread: the loop's only. Lifetime: owns what was added; client and registry outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/client/client.h"
#include "kube/runtime/event_recorder.h"
#include "kube/runtime/leader_election.h"
#include "kube/runtime/runnable.h"

namespace kube {

struct ManagerOptions {
  std::optional<LeaderElectionOptions> leader_election = {};  // nothing: always leading
  Duration sync_timeout = 2min;
  Duration grace = 20s;
  std::string component = "operator";  // events say it
  Log log = {};
  MetricsRegistry* metrics = nullptr;
};

class Manager {
 public:
  Manager(Client& client, ManagerOptions options = {});
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Before run(). Answers what was added, for wiring.
  template <class Part>
  Part& add(std::unique_ptr<Part> part) {
    Part& reference = *part;
    parts_.push_back(std::move(part));
    return reference;
  }

  // Keeps what the parts call back into for as long as they live.
  template <class Owner>
  Owner& keep(std::unique_ptr<Owner> owner) {
    Owner& reference = *owner;
    kept_.push_back(std::move(owner));
    return reference;
  }

  Client& client() const { return client_; }
  Loop& loop() const { return loop_; }
  const Log& log() const { return options_.log; }
  MetricsRegistry* metrics() const { return options_.metrics; }
  EventRecorder& events() { return *events_; }
  Leadership& leadership() { return *leadership_; }

  // All parts without leadership are ready (informers have synced).
  bool is_ready() const;
  // The parts that need leadership have been started.
  bool is_started() const { return started_; }

  Task<Result<>> run();
  void stop();

 private:
  Task<> run_part(Runnable& part);
  Task<Result<>> start_all();
  Task<> wait_leading();
  void abort_leading();
  Task<> stop_all();

  Client& client_;
  Loop& loop_;
  const ManagerOptions options_;
  UndisputedLeadership undisputed_;
  std::unique_ptr<LeaderElector> elector_;
  Leadership* leadership_;
  EventRecorder* events_;
  std::vector<std::shared_ptr<void>> kept_;  // declared before, hence destroyed after the parts
  std::vector<std::unique_ptr<Runnable>> parts_;
  TaskGroup standing_;  // parts without leadership
  TaskGroup leading_;   // parts with
  TaskGroup electing_;
  WaitList changed_;
  std::optional<Error> failed_;
  bool stop_requested_ = false;
  bool stopping_ = false;
  bool started_ = false;
  bool lost_ = false;
};

}  // namespace kube

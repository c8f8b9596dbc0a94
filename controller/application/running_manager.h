// RunningManager is an operator's manager in front of a FakeApi, for as long as a test lets it run. Each
// start is a process of its own, whose caches are in sync when start() returns.
//
//   RunningManager running(api);
//   running.start(*client, {}, [&](kube::Manager& manager) { ScheduleController::add_to(manager, {…}); });
//   running.stop();                                     // as SIGTERM: work in flight gets its grace
//   running.crash();                                    // as SIGKILL: nothing is finished
//
// What still runs is stopped by the destructor. For this room's tests. Thread: one. Lifetime: the FakeApi,
// the client and whatever the parts refer to outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "controller/application/fake_api.h"
#include "kube/runtime/manager.h"

namespace controller {

class RunningManager {
 public:
  explicit RunningManager(FakeApi& api) : api_(api) {}
  ~RunningManager() { stop(); }
  RunningManager(const RunningManager&) = delete;
  RunningManager& operator=(const RunningManager&) = delete;

  void start(kube::Client& client, kube::ManagerOptions options,
             const std::function<void(kube::Manager&)>& add_parts) {
    manager_ = std::make_unique<kube::Manager>(client, std::move(options));
    add_parts(*manager_);
    tasks_.emplace(api_.server.loop);
    tasks_->spawn("manager", run(manager_.get()));
    api_.server.loop.run_for(std::chrono::seconds(1));
  }
  void stop() {
    if (!manager_) return;
    manager_->stop();
    end();
  }
  void crash() {
    tasks_->cancel();
    end();
  }

  bool runs() const { return manager_ != nullptr; }
  kube::Manager& manager() { return *manager_; }

 private:
  static kube::Task<> run(kube::Manager* manager) { (void)co_await manager->run(); }
  void end() {
    api_.server.loop.run(tasks_->join());
    manager_.reset();
  }

  FakeApi& api_;
  std::unique_ptr<kube::Manager> manager_;
  std::optional<kube::TaskGroup> tasks_;
};

}  // namespace controller

// Controller runs a reconciler over the keys of a work queue, with N workers and never two on one key.
//
//   Controller controller(loop, "web", [this](ReconcileRequest r) { return reconcile(std::move(r)); },
//                         {.workers = 10, .log = log, .metrics = &metrics});
//   pods.on_change([&](auto& change) { controller.queue().add(owner_of(change)); });
//   co_await controller.run();                 // until stop(); normally Manager does this
//
//   Task<Result<ReconcileResult>> Webs::reconcile(ReconcileRequest request) {
//     auto web = webs_.get(request.key);                    // observe: from the informer's cache
//     if (web == nullptr) co_return ReconcileResult::done();
//     …                                                     // decide, act
//     co_return ReconcileResult::after(30s);                // or done(), or fail(error)
//   }
//
// What happens next: done() forgets the key's failures; after(t) too, and comes back at t. again() and
// conflicts come back after the key's own back-off; other errors after it and the queue's token bucket, and
// not before retry_after(). Errors that waiting alone does not cure come back too, ever more rarely (rights
// are granted, quotas raised); only InvalidInput is terminal: the next change of the object brings the key
// back. An exception that escapes a reconcile is counted as a panic and treated as an error. Keys may be
// added before run(): they wait.
//
// Thread: the loop's only. Lifetime: outlives run(); stop() may be called at any time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kube/base/log.h"
#include "kube/core/object_key.h"
#include "kube/runtime/runnable.h"
#include "kube/runtime/work_queue.h"

namespace kube {

struct ReconcileRequest {
  ObjectKey key = {};
  Lane lane = Lane::Known;
  int failures = 0;  // of this key since its last success
  Log log = {};      // bound to controller, object and reconcileID
};

struct ReconcileResult {
  std::optional<Duration> requeue_after = {};
  bool requeue = false;           // after the back-off
  std::optional<Lane> lane = {};  // of the requeue; nothing = as this one was

  static ReconcileResult done() { return {}; }
  static ReconcileResult after(Duration delay) { return {.requeue_after = delay}; }
  static ReconcileResult again() { return {.requeue = true}; }
};

// Called on the loop; several run at once, each for another key. Not itself a coroutine with captures: return
// the Task of a member function.
using Reconciler = std::function<Task<Result<ReconcileResult>>(ReconcileRequest)>;

struct ControllerMetrics;

struct ControllerOptions {
  int workers = 10;
  Duration grace = 20s;  // for work in flight after stop(); then it is cancelled
  Duration backoff_initial = 5ms;
  Duration backoff_max = 1000s;
  double retry_qps = 10;
  double retry_burst = 100;
  Duration retry_max_delay = Duration::max();
  // New lane's fairness; null: by namespace.
  std::function<std::string(const ObjectKey&)> fair_by = {};
  std::string kind = "";  // what the object is called in log lines; "" = "object"
  Log log = {};
  MetricsRegistry* metrics = nullptr;  // null: nothing is counted
};

class Controller final : public Runnable {
 public:
  Controller(Loop& loop, std::string name, Reconciler reconciler, ControllerOptions options = {});
  ~Controller() override;

  WorkQueue<ObjectKey>& queue() { return queue_; }
  const std::string& name() const override { return name_; }

  Task<Result<>> run() override;
  void stop() override;
  void abort() override;

  bool needs_leadership() const override { return true; }
  int active_workers() const { return active_; }

 private:
  Task<> work();
  Task<> reconcile(WorkQueue<ObjectKey>::Item item);
  void finish(WorkQueue<ObjectKey>::Item& item, const Result<ReconcileResult>& result, const Log& log);

  Loop& loop_;
  const std::string name_;
  const Reconciler reconciler_;
  const ControllerOptions options_;
  const Log log_;
  std::unique_ptr<ControllerMetrics> metrics_;
  WorkQueue<ObjectKey> queue_;
  TaskGroup workers_;
  WaitList stopping_;
  bool stopped_ = false;
  bool aborted_ = false;
  int active_ = 0;
};

}  // namespace kube

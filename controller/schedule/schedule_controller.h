// The controller of ScheduledSparkApplications: makes SparkApplications when they are due, and prunes the
// ended ones.
//
//   ScheduleController::add_to(manager, {.policy = {.local = api::TimeZone::local(tz)}, .log = log});
//   co_await manager.run();
//
// Watches the schedules and the applications that schedules made. Whether a run is started or skipped, or
// others are deleted for it, is decided on a live read of the schedule (and, where runs must not overlap, of
// its runs); it is created only while the lease is held without a break since then. A name that is taken by a
// run of the same schedule means that the run was started before; taken by anybody else, it is left alone and
// the run skipped. Runs of the history are deleted as they were seen, by UID and resourceVersion: one that
// was edited meanwhile is running again.
//
// Thread: the loop's only. Lifetime: the manager owns it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/application/stored_object.h"
#include "controller/schedule/schedule_decision.h"
#include "kube/client/api.h"
#include "kube/client/status_api.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/namespace_scope.h"

namespace controller {

inline const kube::Resource kScheduledSparkApplications{
    "sparkoperator.k8s.io", "v1beta2", "ScheduledSparkApplication", "scheduledsparkapplications"};

struct ScheduleControllerOptions {
  std::vector<std::string> namespaces = {};  // empty: all, or those in `scope`
  kube::NamespaceScope* scope = nullptr;     // more namespaces, by label; of the same manager
  int workers = 10;
  kube::Duration grace = std::chrono::seconds(20);
  double retry_qps = 10;
  double retry_burst = 100;
  kube::Duration retry_max_delay = kube::Duration::max();
  SchedulePolicy policy;
  kube::Log log = {};
};

class ScheduleController {
 public:
  static ScheduleController& add_to(kube::Manager& manager, ScheduleControllerOptions options);

 private:
  using Reconciled = kube::Result<kube::ReconcileResult>;

  ScheduleController(kube::Manager& manager, ScheduleControllerOptions options);

  kube::Task<Reconciled> reconcile(kube::ReconcileRequest request);
  kube::Task<Reconciled> settle_due(const api::ScheduledSparkApplication& cached, kube::Log log);
  kube::Task<Reconciled> carry_out(const api::ScheduledSparkApplication& schedule, ScheduleDecision decision,
                                   kube::Log log);
  kube::Task<Reconciled> start(const kube::Json& object, const api::ScheduledSparkApplication& schedule,
                               StartRun run, std::uint64_t term, kube::Log log);
  kube::Task<Reconciled> refused(const api::ScheduledSparkApplication& schedule, kube::Error error,
                                 kube::Log log);
  kube::Task<Reconciled> remove(const std::vector<RunView>& runs, kube::Log log);
  kube::Task<Reconciled> write(const api::ScheduledSparkApplication& schedule,
                               api::ScheduledSparkApplicationStatus status, std::vector<Note> notes,
                               kube::Log log);
  std::vector<RunView> runs_of(const api::ScheduledSparkApplication& schedule) const;
  kube::Task<kube::Result<std::vector<RunView>>> live_runs(const api::ScheduledSparkApplication& schedule);

  kube::Client& client_;
  kube::StatusApi statuses_;
  kube::Loop& loop_;
  kube::EventRecorder& events_;
  kube::Leadership& leadership_;
  const ScheduleControllerOptions options_;
  kube::Informer<StoredObject<api::ScheduledSparkApplication>>* schedules_ = nullptr;
  kube::Informer<RunView>* runs_ = nullptr;
  kube::Controller* controller_ = nullptr;
};

// The application that a schedule's run is: its template verbatim, its labels, itself as owner. `schedule` is
// the object as the server has it.
kube::Json make_run(const kube::Json& schedule, const StartRun& run);

}  // namespace controller

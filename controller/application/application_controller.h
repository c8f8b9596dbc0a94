// The controller of SparkApplications: observe (caches), decide (pure), act (one effect, one status patch).
//
//   ApplicationController::add_to(manager, submitter, {.workers = 10, .log = log});
//   co_await manager.run();
//
// Watches applications and the pods that the operator launched; new applications wait in their own lane
// behind work on known ones. Submissions that take long (spark-submit) have a queue and workers of their own,
// so that they hold no place that anything else needs; while one is under way for an application, nothing
// else is done about it, but it is ended when it is not due any more. Thread: the loop's only.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/application/application_view.h"
#include "controller/application/audit.h"
#include "controller/application/driver_log.h"
#include "controller/application/first_seen_specs.h"
#include "controller/application/launcher.h"
#include "controller/application/removal.h"
#include "controller/metrics/application_metrics.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/namespace_scope.h"

namespace controller {

struct ApplicationControllerOptions {
  std::vector<std::string> namespaces;    // empty: all, or those in `scope`
  kube::NamespaceScope* scope = nullptr;  // more namespaces, by label; of the same manager
  int workers = 10;
  int long_workers = 4;  // submissions that take long, at a time
  kube::Duration grace = std::chrono::seconds(20);
  double retry_qps = 10;
  double retry_burst = 100;
  kube::Duration retry_max_delay = kube::Duration::max();
  Policy policy;
  spark::ChildrenOptions children;  // what is kept around applications
  Redaction redaction;
  // Nothing: what applications do is not counted. Needs the manager's registry.
  std::optional<ApplicationMetricsOptions> metrics = {};
  kube::Log log;
};

class ApplicationController final : public Audited {
 public:
  // Adds informers, the controller and its audit to the manager. `submitter` outlives the manager's run.
  static ApplicationController& add_to(kube::Manager& manager, Submitter& submitter,
                                       ApplicationControllerOptions options);
  ~ApplicationController() override;

  const kube::Store<ApplicationView>& applications() const { return apps_->store(); }
  const kube::Store<PodView>& pods() const { return pods_->store(); }

  std::vector<kube::ObjectKey> keys() const override { return apps_->store().keys(); }
  std::optional<std::string> stands_still(const kube::ObjectKey& key) const override;
  void wake(const kube::ObjectKey& key) override;

 private:
  ApplicationController(kube::Manager& manager, Submitter& submitter, ApplicationControllerOptions options);

  kube::Task<kube::Result<kube::ReconcileResult>> reconcile(kube::ReconcileRequest request);
  kube::Task<kube::Result<kube::ReconcileResult>> submit_long(kube::ReconcileRequest request);
  kube::Task<kube::Result<kube::ReconcileResult>> launch_if_due(kube::ReconcileRequest request);
  std::shared_ptr<const ApplicationView> view_of(const kube::ObjectKey& key);
  void hand_over(const api::SparkApplication& app);
  bool still_due(const api::SparkApplication& live, const std::string& id) const;
  kube::Task<kube::Result<kube::ReconcileResult>> act(api::SparkApplication app, Observation seen,
                                                      Decision decision, kube::Log log);
  kube::Task<kube::Result<kube::ReconcileResult>> confirm_driver_gone(const api::SparkApplication& app,
                                                                      Observation seen, kube::Log log);
  kube::Task<kube::Result<kube::ReconcileResult>> write_decided(const api::SparkApplication& app,
                                                                Decision decision, kube::Log log);
  kube::Task<kube::Result<kube::ReconcileResult>> write(const api::SparkApplication& app,
                                                        api::SparkApplicationStatus status,
                                                        std::vector<Note> notes, kube::Log log);
  kube::Task<kube::Result<kube::ReconcileResult>> keep_children(const api::SparkApplication& app,
                                                                kube::Log log);
  void tell_harmless_edit(const ApplicationView& before, const ApplicationView& after);
  Observation observe(const ReadApplication& read) const;

  kube::Client& client_;
  kube::Loop& loop_;
  kube::Leadership& leadership_;
  const ApplicationControllerOptions options_;
  const std::unique_ptr<ApplicationMetrics> metrics_;  // null: not counted
  StatusWriter writer_;
  Children children_;
  Launcher launcher_;
  DriverLog driver_log_;
  Removal removal_;
  kube::Informer<ApplicationView>* apps_ = nullptr;
  kube::Informer<PodView>* pods_ = nullptr;
  kube::Controller* controller_ = nullptr;
  kube::Controller* long_controller_ = nullptr;
  // What either controller is at: never both on one application.
  std::set<kube::ObjectKey> reconciling_, submitting_;
  kube::WaitList reconciled_;
  // The version that an application was last handed over with: another one is reason enough not to wait for
  // the end of a back-off.
  std::map<kube::ObjectKey, std::string> handed_over_;
  // Versions that we have replaced by our own write while the cache still shows them: deciding on them again
  // could only end in conflicts. Our own event is on its way.
  std::map<kube::ObjectKey, std::string> replaced_;
  FirstSeenSpecs first_seen_;
  // New applications that people have been told of.
  std::set<kube::ObjectKey> announced_;
};

}  // namespace controller

// The controller of SparkConnects: keeps a Spark Connect server, the service in front of it and the pod
// template of its executors as the spec says, and tells in status how it is.
//
//   ConnectController::add_to(manager, {.master_url = "k8s://https://10.0.0.1:443", .log = log});
//   co_await manager.run();
//
// Watches the SparkConnects and what belongs to them by label. Where their kind is not served (definitions of
// an old release) the rest of the process does without. Names are fixed, every object has the SparkConnect as
// its controller, every delete has a UID, so whatever is done twice or because of an old view finds the first
// or is refused; a server is deleted for an edit, and a service that the spec calls otherwise, only after a
// live read has shown the same spec. What is somebody else's, by UID, is never touched. Deletion is the
// garbage collector's; the server's own hook lets Spark end its executors first.
//
// Thread: the loop's only. Lifetime: the manager owns it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/application/stored_object.h"
#include "controller/connect/connect_decision.h"
#include "controller/submit/redaction.h"
#include "kube/client/api.h"
#include "kube/client/status_api.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/namespace_scope.h"

namespace controller {

inline const kube::Resource kSparkConnects{"sparkoperator.k8s.io", "v1alpha1", "SparkConnect",
                                           "sparkconnects"};

struct ConnectControllerOptions {
  std::vector<std::string> namespaces = {};  // empty: all, or those in `scope`
  kube::NamespaceScope* scope = nullptr;     // more namespaces, by label; of the same manager
  std::string master_url = {};               // of servers, as spark::master_url() makes it
  spark::ServiceLinks service_links = spark::ServiceLinks::On;
  int workers = 10;
  kube::Duration grace = std::chrono::seconds(20);
  double retry_qps = 10;
  double retry_burst = 100;
  kube::Duration retry_max_delay = kube::Duration::max();
  Redaction redaction = {};
  kube::Log log = {};
};

class ConnectController {
 public:
  static ConnectController& add_to(kube::Manager& manager, ConnectControllerOptions options);

 private:
  using Reconciled = kube::Result<kube::ReconcileResult>;

  ConnectController(kube::Manager& manager, ConnectControllerOptions options);

  void watch_children(kube::Manager& manager, const kube::Resource& resource);
  ConnectObservation observe(const api::SparkConnect& connect) const;
  kube::Task<Reconciled> reconcile(kube::ReconcileRequest request);
  kube::Task<kube::Result<>> carry_out(const api::SparkConnect& connect, ChildStep step, kube::Log log);
  kube::Task<kube::Result<>> settle_child(const api::SparkConnect& connect, ChildStep step,
                                          kube::Error refusal, kube::Log log);
  kube::Task<kube::Result<>> patch_child(ChildStep step, kube::Log log);
  kube::Task<kube::Result<>> create_server(const api::SparkConnect& connect, kube::Json pod, kube::Log log);
  kube::Task<kube::Result<>> settle_server(const api::SparkConnect& connect, std::string name,
                                           kube::Error refusal, kube::Log log);
  kube::Task<kube::Result<>> confirm_spec(const api::SparkConnect& connect);
  kube::Task<kube::Result<>> delete_server(const api::SparkConnect& connect, DeleteServer step,
                                           kube::Log log);
  kube::Task<Reconciled> write(const api::SparkConnect& connect, ConnectDecision decision, kube::Log log);
  kube::Error without_secrets(const api::SparkConnect& connect, const kube::Error& error) const;

  kube::Client& client_;
  kube::StatusApi statuses_;
  kube::Loop& loop_;
  kube::EventRecorder& events_;
  const ConnectControllerOptions options_;
  kube::Informer<StoredObject<api::SparkConnect>>* connects_ = nullptr;
  kube::Informer<ConnectPodView>* pods_ = nullptr;
  std::vector<kube::Informer<ChildView>*> children_;
  kube::Controller* controller_ = nullptr;
};

}  // namespace controller

// Children keeps the objects around an application as it wants them: UI service, ingresses, disruption
// budget, pod group, the exporter's config map. One step, idempotent, from whatever is there to what
// spark/children/application_children.h says.
//
//   Children children(manager, options, [&](const ObjectKey& app) { queue.add(app); });
//   auto kept = co_await children.ensure(app, spark::AttemptPhase::Active, ids, Children::View::Cached, log);
//   if (kept.error) …                           // the rest has been done all the same
//   status.driver_info = kept.driver_info;
//
// Caches say what is there, so when nothing differs nothing is asked: the usual application costs one create.
// An object is the application's if its controller is, by UID; objects of others are never touched. One of a
// predecessor under the same name, and one of an earlier attempt, are replaced, by UID; before that the
// application is read live unless the caller has just done so. Refused rights on one kind (or a kind that is
// not served) keep nothing else from working: what cannot be watched is created and found by name.
//
// Thread: the loop's only. Lifetime: what it is given outlives it; the manager owns its informers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/application/decision.h"
#include "controller/children/child_plan.h"
#include "kube/base/log.h"
#include "kube/client/client.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/manager.h"
#include "kube/runtime/namespace_scope.h"
#include "spark/children/application_children.h"

namespace controller {

class Children {
 public:
  // Told when an object of an application has changed by somebody else's hand.
  using Wake = std::function<void(const kube::ObjectKey& app)>;

  // Adds informers to the manager.
  Children(kube::Manager& manager, spark::ChildrenOptions options, std::vector<std::string> namespaces,
           kube::NamespaceScope* scope, kube::Log log, Wake wake);
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // What the application was read from.
  enum class View { Cached, Live };

  struct Kept {
    api::DriverInfo driver_info;       // what status should say now
    std::vector<Note> notes;           // what people should know
    std::optional<kube::Error> error;  // the first; Conflict: the view is old, an event is on its way
  };
  // `app` is the one whose status names the attempt.
  kube::Task<Kept> ensure(const api::SparkApplication& app, spark::AttemptPhase phase, AttemptIds ids,
                          View view, kube::Log log);

  const spark::ChildrenOptions& options() const { return options_; }

 private:
  using Place = std::pair<kube::Resource, kube::ObjectKey>;
  // What our own write has made of a place, until the cache shows it.
  struct Written {
    ChildView child;
    bool gone = false;
    kube::SteadyTime until{};
  };
  struct Work;

  void watch(kube::Manager& manager, const kube::Resource& resource, std::string label_selector);
  void changed(const kube::Change<ChildView>& change);
  std::vector<ChildView> present(const std::string& app_uid);
  kube::Task<kube::Result<>> carry_out(Work& work, const ChildStep& step);
  kube::Task<kube::Result<>> create(Work& work, const ChildStep& step);
  kube::Task<kube::Result<>> settle(Work& work, const ChildStep& step, kube::Error refusal);
  kube::Task<kube::Result<>> patch(Work& work, const ChildStep& step);
  kube::Task<kube::Result<>> remove(Work& work, const ChildView& child);
  kube::Task<kube::Result<>> confirm_view(Work& work);
  void remember(ChildView child, bool gone);

  kube::Client& client_;
  const spark::ChildrenOptions options_;
  const std::vector<std::string> namespaces_;
  kube::NamespaceScope* const scope_;
  const kube::Log log_;
  const Wake wake_;
  std::vector<kube::Informer<ChildView>*> informers_;
  std::map<Place, Written> written_;
};

}  // namespace controller

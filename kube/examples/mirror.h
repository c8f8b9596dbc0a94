// Mirror copies each ConfigMap that is labelled `example.org/mirror-to: NAMESPACE` there, and keeps the copy
// equal.
//
//   manager.add(...) happens inside: Mirror mirror(manager);  then run the manager.
#pragma once

#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/manager.h"

namespace example {

// What we read of a ConfigMap; everything else is not kept.
struct Map {
  std::string uid;
  std::string target;  // namespace of the copy
  kube::Json data;
};

class Mirror {
 public:
  explicit Mirror(kube::Manager& manager);

 private:
  kube::Task<kube::Result<kube::ReconcileResult>> reconcile(kube::ReconcileRequest request);

  kube::Manager& manager_;
  kube::Informer<Map>& maps_;
};

}  // namespace example

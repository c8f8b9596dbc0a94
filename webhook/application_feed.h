// ApplicationFeed keeps SharedApplications as the API server has them.
//
//   auto known = std::make_shared<SharedApplications>();
//   manager.add(std::make_unique<ApplicationFeed>(client, namespaces, known, log));
//
// Reviews need not wait for it: what it does not know yet is read live. Hence it never holds up readiness.
// With PendingDemands, these are kept too, and more is kept of each application: what quotas are held
// against. Thread: the loop's only. Lifetime: the client outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/runtime/informer.h"
#include "webhook/pending_demands.h"
#include "webhook/shared_applications.h"

namespace webhook {

inline const kube::Resource kSparkApplications{api::kGroup, api::SparkApplication::kVersion,
                                               api::SparkApplication::kKind, api::SparkApplication::kPlural};

class ApplicationFeed final : public kube::Runnable {
 public:
  // Of these namespaces; none = all.
  ApplicationFeed(kube::Client& client, std::vector<std::string> namespaces,
                  std::shared_ptr<SharedApplications> into, kube::Log log,
                  std::shared_ptr<PendingDemands> pending = nullptr);

  const std::string& name() const override { return informer_.name(); }
  kube::Task<kube::Result<>> run() override { return informer_.run(); }
  void stop() override { informer_.stop(); }
  bool has_synced() const { return informer_.has_synced(); }

 private:
  kube::Informer<api::SparkApplication> informer_;
};

}  // namespace webhook

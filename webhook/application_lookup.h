// ApplicationLookup finds the application of a pod: as the informer has it, else by a live read. Reading live
// is what keeps a cache that lags behind (a driver that starts faster than a watch event travels, a webhook
// that has just been started) from becoming the reason why a pod is refused.
//
//   ApplicationLookup lookup(known, &client, {.deadline = 3s});
//   Result<Application> app = co_await lookup.find({"ns", "pi"}, /*uid=*/"");
//
// Errors: those of the read (NotFound: there is no such application), InvalidInput (it cannot be decoded).
// Thread: the client's loop only. Lifetime: the client outlives it and its calls.
#pragma once

#include <string>

#include "kube/client/api.h"
#include "webhook/shared_applications.h"

namespace webhook {

class ApplicationLookup {
 public:
  ApplicationLookup(std::shared_ptr<const SharedApplications> known, kube::Client& client,
                    kube::Duration deadline);

  // `uid`: what the pod itself says about its owner; "" = nothing. An application of another uid is a
  // predecessor that the cache still knows, and must not become the owner of a new one's driver.
  // Only what the informer knows; else null.
  Application known(const kube::ObjectKey& key, const std::string& uid) const;
  // Also what it does not: by a read of the API server.
  kube::Task<kube::Result<Application>> find(kube::ObjectKey key, std::string uid);

 private:
  std::shared_ptr<const SharedApplications> known_;
  kube::Client& client_;
  const kube::Duration deadline_;
};

}  // namespace webhook

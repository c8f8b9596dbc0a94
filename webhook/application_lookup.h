// ApplicationLookup finds the application that a pod was made for: as the informer has it, else by a live
// read. Reading live is what keeps a cache that lags behind (a driver that starts faster than a watch event
// travels, a webhook that has just been started) from becoming the reason why a pod is refused.
//
//   ApplicationLookup lookup(known, client, 3s);
//   Result<Application> app = co_await lookup.find({"ns", "pi"}, {.uid = "4be2…"});
//
// A name does not tell which one: an application that is deleted may be made again under the same name. The
// cache may then still hold the former one, whose uid as its owner would be a driver's end; and a pod of the
// former one may come late, which is no pod of the one that is there now.
//
// Errors: those of the read (NotFound: there is no such application, or only another of that name),
// InvalidInput (it cannot be decoded).
// Thread: the client's loop only. Lifetime: the client outlives it and its calls.
#pragma once

#include <string>

#include "kube/client/api.h"
#include "webhook/shared_applications.h"

namespace webhook {

// What a pod says itself about the application that it was made for.
struct PodOrigin {
  std::string uid = {};            // of the application that it names as its owner; "" = none
  std::string submission_id = {};  // its label; only looked at without a uid
};

// Whether the application can be the one that the pod was made for: has that uid, or is at that attempt, or
// just before it (api/spec_hash.h: an id of this operator is derived from the application's uid). Ids of
// other makers tell nothing, so that a pod with no more than those is any application's. Pure function.
bool is_application_of(const api::SparkApplication& app, const PodOrigin& pod);

class ApplicationLookup {
 public:
  ApplicationLookup(std::shared_ptr<const SharedApplications> known, kube::Client& client,
                    kube::Duration deadline);

  // As the informer knows it; null when it does not, or knows another of that name.
  Application known(const kube::ObjectKey& key, const PodOrigin& pod) const;
  // Also what it does not know: by a read of the API server.
  kube::Task<kube::Result<Application>> find(kube::ObjectKey key, PodOrigin pod);

 private:
  std::shared_ptr<const SharedApplications> known_;
  kube::Client& client_;
  const kube::Duration deadline_;
};

}  // namespace webhook

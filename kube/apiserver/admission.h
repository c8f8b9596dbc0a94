// Admission is what happens to an object between its request and the store: defaults that the real server
// writes into stored objects, the service account of pods, cluster IPs, namespaces that must exist, checks of
// names and values.
//
//   Admission admission(cluster, {.service_cidr = "10.96.0.0/16"});
//   if (auto admitted = admission.create(*call.served, object); !admitted) return refuse(admitted);
//
// Thread: the loop's only.
#pragma once

#include "kube/apiserver/cluster.h"
#include "kube/apiserver/refusal.h"
#include "kube/apiserver/service_addresses.h"

namespace kube::apiserver {

class Admission {
 public:
  Admission(Cluster& cluster, std::string service_cidr)
      : cluster_(cluster), addresses_(cluster, service_cidr) {}

  // What comes before admission webhooks, and again with the rest: the namespace is open, defaults, service
  // account, priority.
  Granted<> prepare(const ServedResource& served, Json& object);
  // Mutates, then checks. `object` has its metadata complete.
  Granted<> create(const ServedResource& served, Json& object);
  // `after` keeps what may not change; `status` says that only that part may.
  Granted<> update(const ServedResource& served, const Json& before, Json& after, bool status);
  Granted<> remove(const ServedResource& served, const StoredObject& object);

  const ServiceAddresses& addresses() const { return addresses_; }

 private:
  Granted<> add_service_account(Json& pod);
  Granted<> namespace_is_open(const ServedResource& served, const Json& object) const;
  Granted<> check_priority(Json& pod) const;

  Cluster& cluster_;
  ServiceAddresses addresses_;
};

}  // namespace kube::apiserver

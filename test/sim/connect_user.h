// ConnectUser is one person with one SparkConnect: creates it, edits what its server is made from and the
// service in front of it, breaks it and mends it, deletes it and creates it again, at times that the seed
// says.
//
//   ConnectUser user(loop, server, plan, 0);
//   tasks.spawn("user", user.live());
//
// Thread: the loop's only. Lifetime: the object outlives its tasks.
#pragma once

#include <string>

#include "test/sim/direct_client.h"
#include "test/sim/plan.h"

namespace sim {

// Of a small SparkConnect.
kube::Json connect_spec();

class ConnectUser {
 public:
  ConnectUser(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number);

  kube::Task<> live();

 private:
  kube::Task<> act();
  kube::Task<> create();
  kube::Task<> edit(kube::Json spec);

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  const Plan& plan_;
  kube::Random random_;
  DirectClient api_;
  const kube::ObjectKey key_;
  int edits_ = 0;
};

}  // namespace sim

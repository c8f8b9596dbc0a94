// ConnectUser is one person with one SparkConnect: creates it, edits what its server is made from and the
// service in front of it, breaks it and mends it, deletes it and creates it again, at times that the seed
// says.
//
//   ConnectUser user(loop, server, plan, 0);
//   tasks.spawn("user", user.live());
//
// Thread: the loop's only. Lifetime: the object outlives its tasks.
#pragma once

#include "test/sim/person.h"

namespace sim {

// Of a small SparkConnect.
kube::Json connect_spec();

class ConnectUser final : public Person {
 public:
  ConnectUser(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number);

 private:
  kube::Task<> act() override;
  kube::Task<> create() override;

  int edits_ = 0;
};

}  // namespace sim

// User is one person with one application: creates it, edits it, renames its driver pod, suspends and resumes
// it, deletes it and creates it again under the same name, at times that the seed says. Vandals are persons
// who touch what is not theirs.
//
//   tasks.spawn("user", User(loop, server, plan, "app-0").live());
//
// Thread: the loop's only. Lifetime: the object outlives its tasks.
#pragma once

#include <string>

#include "test/sim/direct_client.h"
#include "test/sim/plan.h"

namespace sim {

class User {
 public:
  User(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number);

  const kube::ObjectKey& application() const { return key_; }
  // During the chaos.
  kube::Task<> live();
  // Afterwards: takes back wishes that would never end (restart for ever).
  kube::Task<> come_to_rest();

 private:
  kube::Task<> act();
  kube::Task<> create();

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  const Plan& plan_;
  kube::Random random_;
  DirectClient api_;
  kube::ObjectKey key_;
  int edits_ = 0;
};

// Deletes a pod of ours now and then.
kube::Task<> vandalise(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan,
                       const bool& go_on);
// Puts a pod of a stranger under the name that an application's driver would have.
kube::Task<> occupy_names(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan);

}  // namespace sim

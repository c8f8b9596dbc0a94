// User is one person with one application: creates it, edits it, renames its driver pod, suspends and resumes
// it, deletes it and creates it again under the same name, at times that the seed says. Vandals are persons
// who touch what is not theirs.
//
//   User user(loop, server, plan, 0);
//   tasks.spawn("user", user.live());
//   tasks.spawn("user", user.come_to_rest());       // once faults have ended
//
// Thread: the loop's only. Lifetime: the object outlives its tasks.
#pragma once

#include "test/sim/person.h"

namespace sim {

class User final : public Person {
 public:
  User(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number);

  // Takes back wishes that would never end (restart for ever).
  kube::Task<> come_to_rest();

 private:
  kube::Task<> act() override;
  kube::Task<> create() override;

  int edits_ = 0;
};

// Deletes a pod of ours now and then.
kube::Task<> vandalise(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan,
                       const bool& go_on);
// Puts a pod of a stranger under the name that an application's driver would have.
kube::Task<> occupy_names(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan);

}  // namespace sim

// Person is somebody with one object: makes it, does something to it now and then, deletes it and makes it
// again, at times that the seed says. What exactly is for those who derive from it: User, ScheduleUser,
// ConnectUser.
//
//   User user(loop, server, plan, 0);
//   tasks.spawn("user", user.live());
//
// Thread: the loop's only. Lifetime: the object outlives its tasks, all that is given outlives it.
#pragma once

#include <string>

#include "test/sim/direct_client.h"
#include "test/sim/plan.h"

namespace sim {

class Person {
 public:
  virtual ~Person() = default;
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;

  // During the chaos.
  kube::Task<> live();

 protected:
  struct Habits {
    const char* name;
    std::uint64_t seed;
    kube::ObjectKey key;
    const char* table;
    std::string collection;  // path to POST to
    double hasty;            // chance that an action comes at once, between two steps of one reconcile
    kube::Duration pause;    // before others, about
  };
  Person(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, Habits habits);

  virtual kube::Task<> create() = 0;
  // One of the things that such a person does, drawn. The object may be gone.
  virtual kube::Task<> act() = 0;

  // Null when it is gone.
  kube::apiserver::ObjectRef object() const { return server_.store().get(habits_.table, habits_.key); }
  const kube::ObjectKey& key() const { return habits_.key; }
  kube::Task<> post(kube::Json object);
  kube::Task<> edit(kube::Json spec);
  kube::Task<> remove();
  // At once, or while what it had is still going away.
  kube::Task<> create_again();

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  const Plan& plan_;
  kube::Random random_;

 private:
  std::string path() const { return habits_.collection + "/" + habits_.key.name; }

  const Habits habits_;
  DirectClient api_;
};

}  // namespace sim

// Removal carries out the deletions that were decided on: each by UID, so that a name that was taken anew
// meanwhile is left alone. What has gone already is as good as deleted.
//
//   Removal removal(client);
//   Result<Removed> done = co_await removal.driver(step, log);     // Removed::Changed: decide again
//
// Thread: the loop's only. Lifetime: the client outlives its tasks.
#pragma once

#include "controller/application/decision.h"
#include "kube/base/log.h"
#include "kube/client/api.h"

namespace controller {

enum class Removed {
  Done,
  Changed,  // it is not any more what was decided on; nothing was deleted
};

class Removal {
 public:
  explicit Removal(kube::Client& client) : client_(client) {}

  kube::Task<kube::Result<Removed>> driver(DeleteDriver step, kube::Log log);
  // With `step.look_first` only if the application, read live, is the one that was seen. Some at a time: the
  // rest is found by the next look.
  kube::Task<kube::Result<Removed>> executors(const api::SparkApplication& app, DeleteExecutors step,
                                              kube::Log log);
  // Exactly the version whose time to live has ended.
  kube::Task<kube::Result<Removed>> application(const api::SparkApplication& app, kube::Log log);

 private:
  kube::Client& client_;
};

}  // namespace controller

// Batch schedulers (Volcano, YuniKorn, the co-scheduling plug-in of kube-scheduler): which one an application
// has, what its pods must say for it, and the pod group that some of them want.
//
//   auto chosen = choose_batch_scheduler(app.spec, schedulers);     // Error: a name that nobody knows
//   auto marked = mark_for_batch_scheduler(app, schedulers);        // in memory, for one submission
//   if (auto group = pod_group(stored, schedulers)) …               // to be there before the driver
//
// The scheduler's name reaches the pods from the flag as well as from the spec: mark_for_batch_scheduler()
// writes it into `spec.batchScheduler` of the application in memory, which decides about the pods'
// schedulerName (spark/pod_mutation.h). What users wrote themselves for a scheduler is kept to the letter:
// YuniKorn's task groups, and Volcano's group name, which also means that the group is theirs to make.
//
// Pure functions. Errors are InvalidInput.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "kube/core/json.h"

namespace spark {

// Of the operator's flags.
struct BatchSchedulers {
  bool enabled = false;                        // --enable-batch-scheduler
  std::string by_default;                      // --default-batch-scheduler
  std::vector<std::string> kube_schedulers{};  // --kube-scheduler-names

  // Whether --default-batch-scheduler may say so.
  bool knows(const std::string& name) const;
};

struct ChosenScheduler {
  enum class Kind { None, Volcano, YuniKorn, KubeScheduler };
  Kind kind = Kind::None;
  std::string name;  // as the pods' schedulerName
};

kube::Result<ChosenScheduler> choose_batch_scheduler(const api::SparkApplicationSpec& spec,
                                                     const BatchSchedulers& schedulers);

// Labels, annotations and the scheduler's name of `app`, in memory.
kube::Result<> mark_for_batch_scheduler(api::SparkApplication& app, const BatchSchedulers& schedulers);

// The PodGroup of Volcano or kube-scheduler, with the application as controller; nullopt: none is wanted.
// `app` as stored: a group name in it is the user's.
kube::Result<std::optional<kube::Json>> pod_group(const api::SparkApplication& app,
                                                  const BatchSchedulers& schedulers);

}  // namespace spark

// Submitter starts one attempt's driver. How (natively, by spark-submit) is its own business; that only one
// starts is the launcher's (controller/application/launcher.h).
//
// Thread: the loop's only. Lifetime: outlives its calls.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "api/spark_application.h"
#include "controller/application/pod_view.h"
#include "kube/async/task.h"
#include "spark/submit_conf.h"

namespace controller {

// Asked right before the request that creates a driver: how long that request may take at most, because the
// lease is certain to be held that long; nothing: it must not be sent.
using PostPermit = std::function<std::optional<kube::Duration>()>;

class Submitter {
 public:
  virtual ~Submitter() = default;
  virtual std::string_view name() const = 0;

  // Creates the driver pod, if `may_post` says so and within the time it gives; otherwise ShuttingDown and no
  // pod. InvalidInput: nothing can be built from this application. Any other error is the API server's or the
  // way to it.
  virtual kube::Task<kube::Result<PodView>> create_driver(const api::SparkApplication& app,
                                                          const spark::Attempt& attempt,
                                                          PostPermit may_post) = 0;

  // Makes what else the attempt needs, owned by the driver pod. Doing it twice finds the first. Conflict:
  // another object stands in the way and its owner still exists.
  virtual kube::Task<kube::Result<>> complete(const api::SparkApplication& app, const spark::Attempt& attempt,
                                              const PodView& driver) = 0;
};

}  // namespace controller

#include "controller/application/final_status.h"

#include "controller/application/conditions.h"

namespace controller {

api::SparkApplicationStatus finalized(const api::SparkApplication& app, api::SparkApplicationStatus next,
                                      kube::TimePoint now) {
  next.observed_generation = app.metadata.generation.value_or(0);
  next.conditions = conditions_of(next, app.status.conditions, now);
  return next;
}

}  // namespace controller

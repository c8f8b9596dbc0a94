#include "controller/application/final_status.h"

namespace controller {

api::SparkApplicationStatus finalized(const api::SparkApplication& app, api::SparkApplicationStatus next,
                                      kube::TimePoint) {
  next.observed_generation = app.metadata.generation.value_or(0);
  return next;
}

}  // namespace controller

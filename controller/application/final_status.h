// What every status says that is written, whatever was decided: the generation of the spec that it answers
// to. Conditions belong here too: they are computed from the status as it is going to be.
//
//   SparkApplicationStatus status = finalized(app, std::move(next), now);      // StatusWriter does it
//
// A CRD that does not know these fields prunes them; nothing is ever decided on them alone.
// Thread: pure functions.
#pragma once

#include "api/spark_application.h"
#include "kube/base/clock.h"

namespace controller {

// `app` as it was decided on; `next` is to replace its status.
api::SparkApplicationStatus finalized(const api::SparkApplication& app, api::SparkApplicationStatus next,
                                      kube::TimePoint now);

}  // namespace controller

// Defaults of a SparkApplication, applied in memory: no write ever goes to a user's spec. The webhook turns
// the difference into a patch where the Go operator did so.
//
//   const SparkApplicationSpec spec = with_defaults(app.spec);
//   spec.restart_policy.type          // always set
//   spec.executor.instances           // 1, unless sparkConf says or dynamic allocation decides
//
// Two differences to the Go operator, whose faults they were: sparkConf's dynamic allocation is recognised in
// Spark's own spelling too, and retry intervals are never absent where they are used, with or without a
// webhook. Applying the defaults twice changes nothing. Thread: pure functions.
#pragma once

#include "api/spark_application.h"

namespace api {

SparkApplicationSpec with_defaults(SparkApplicationSpec spec);

// spec.dynamicAllocation decides where it is present (by its `enabled`), else sparkConf does.
bool dynamic_allocation_enabled(const SparkApplicationSpec& spec);

}  // namespace api

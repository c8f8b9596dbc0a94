// The applications of a file, or one by the name that people typed.
//
//   auto found = applications_in(text, "app.yaml", "team-a");
//   for (const Manifest& one : *found) …   // SparkApplications; of a schedule the one that it would make
//
// Error InvalidInput names file, document, path, and what was expected. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "kube/core/json.h"

namespace ctl {

struct Manifest {
  kube::Json object;          // as written, namespace filled in
  api::SparkApplication app;  // decoded; of a ScheduledSparkApplication: a run of it
  bool is_schedule = false;
  std::string what;  // "SparkApplication team-a/pi", for messages
};

// Other kinds are passed by; `ns` is for objects that name none. Error: also when no application is there.
kube::Result<std::vector<Manifest>> applications_in(std::string_view text, const std::string& source,
                                                    const std::string& ns);

}  // namespace ctl

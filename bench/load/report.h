// What a load run is told to do, and what it answers: values, printed as JSON for whoever makes tables of
// them.
//
//   Quantiles create = quantiles(std::move(durations));     // milliseconds
//
// Thread: values.
#pragma once

#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace bench {

struct LoadPlan {
  kube::Json application = {};               // SparkApplication: the template
  std::vector<std::string> namespaces = {};  // taken in turn
  std::string prefix = "load";               // names are <prefix>-000000, <prefix>-000001, …
  int count = 0;
  double per_minute = 0;                              // 0: as fast as the connections allow
  int connections = 20;                               // writers, and so requests under way at once
  kube::Duration patience = std::chrono::minutes(5);  // for what has been written to have its effect
};

// Nearest-rank quantiles, in milliseconds; all zero for nothing.
struct Quantiles {
  std::size_t count = 0;
  double p50 = 0, p90 = 0, p99 = 0, max = 0;

  kube::Json to_json() const;
};
Quantiles quantiles(std::vector<kube::Duration> durations);

struct LoadReport {
  int wanted = 0;
  int failures = 0;
  std::string first_failure = {};
  int pods_seen = 0;
  int submitted_seen = 0;
  std::int64_t writes = 0;            // answered with success
  kube::Duration creating = {};       // from the first request to the last application's answer
  kube::Duration all_pods = {};       // … to the last driver pod seen
  kube::Duration all_submitted = {};  // … to the last status SUBMITTED seen
  // From the moment when an application's creation was due (with a rate) or sent (without one).
  Quantiles create;     // to its answer
  Quantiles pod;        // to the driver pod, seen by a watch
  Quantiles submitted;  // to the status, seen by a watch

  kube::Json to_json() const;
};

double milliseconds(kube::Duration duration);

}  // namespace bench

// SimulatedSparkSubmit stands in for the spark-submit process of one simulated operator: from its arguments
// and pod templates it creates the driver pod, then what belongs to it, over its operator's host, in steps
// that take simulated time. Whatever ends its operator ends it between any two of them.
//
//   SimulatedSparkSubmit process(client, [] { return false; });
//   SparkSubmitSubmitter submitter(client, process, options, {.program = "/opt/spark/bin/spark-submit"});
//
// As Spark's own it takes its driver back when something that belongs to it is refused. `dies` is asked once
// the pod is there: true, and a signal ends it before it makes anything else. Thread: the loop's only.
// Lifetime: the client outlives its runs.
#pragma once

#include <functional>
#include <string>

#include "kube/async/child_process.h"
#include "kube/client/client.h"
#include "kube/core/json.h"

namespace sim {

// Ends the user agent of its requests.
inline constexpr const char* kSparkSubmitAgent = "/spark-submit";

class SimulatedSparkSubmit final : public kube::ChildRunner {
 public:
  SimulatedSparkSubmit(kube::Client& client, std::function<bool()> dies)
      : client_(client), dies_(std::move(dies)) {}

  kube::Task<kube::Result<kube::ChildExit>> run(kube::ChildCommand command) override;

 private:
  // False: it did not live that long; `exit` says why.
  kube::Task<bool> pass(const kube::ChildCommand& command, kube::Duration duration, kube::ChildExit& exit);
  kube::Task<> submit(const kube::ChildCommand& command, kube::ChildExit& exit);

  kube::Client& client_;
  const std::function<bool()> dies_;
};

}  // namespace sim

// SimulatedSubmissionService is upstream's submission service on a host of its own: it runs a spark-submit
// (simulated_spark_submit.h) for whoever posts arguments and templates, to its end, whether or not the
// operator that asked is still there to hear the answer.
//
//   SimulatedSubmissionService service(loop, net, "http://apiserver", tasks, [] { return false; });
//   // operators: {.url = SimulatedSubmissionService::kUrl}
//
// It knows ids: a request of one that is being submitted waits for that, one that has been is a duplicate,
// one that has failed is tried again. What it sends carries the name of the operator that asked first.
// Thread: the loop's only. Lifetime: outlives `tasks`, which cancels its work.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/async/wait_list.h"
#include "kube/http/server.h"
#include "test/sim/simulated_spark_submit.h"

namespace sim {

class SimulatedSubmissionService {
 public:
  static constexpr const char* kUrl = "http://submitter:8080/api/v1/spark-submit";

  SimulatedSubmissionService(kube::Loop& loop, kube::SimNetwork& net, std::string server,
                             kube::TaskGroup& tasks, std::function<bool()> dies);

 private:
  struct Submission {
    bool runs = false;
    bool done = false;
    std::string errors;  // of the last one that failed
  };
  kube::Task<> answer(kube::HttpExchange& exchange);
  kube::Task<> run(std::string id, std::string asked_by, kube::ChildCommand command);

  kube::Loop& loop_;
  kube::Network& host_;
  const std::string server_;  // URL of the API server
  kube::TaskGroup& tasks_;
  const std::function<bool()> dies_;
  kube::WaitList ended_;
  std::map<std::string, Submission> submissions_;  // by id
  kube::HttpServer http_;
};

}  // namespace sim

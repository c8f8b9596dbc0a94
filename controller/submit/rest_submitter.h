// RestSubmitter starts drivers by upstream's submission service (feature gate RestSubmitter): it posts what a
// spark-submit is given, arguments and pod templates, and the service runs one.
//
//   RestSubmitter submitter(client, *service, options, {.lease = 15s, .log = log});
//   auto start = submitter.begin(app, attempt, "the feature gate RestSubmitter is on");
//
// Exactly one driver, though nobody can end what the service has begun (docs/one-driver.md):
//  - a pod that stands under the name is never started over (AlreadyExists);
//  - every try carries the attempt's id, so that a service which knows it repeats nothing, and any service
//    meets the pod's name;
//  - without the permit no try is made; the answer of one under way is waited for, and nothing follows it;
//  - a success and a refusal are both believed of the pod only; without a clear answer nothing is concluded,
//    and the same id is tried again.
//
// Thread: the loop's only. Lifetime: client and service outlive it.
#pragma once

#include <string>

#include "controller/submit/submission_service.h"
#include "controller/submit/submitter.h"
#include "kube/client/client.h"

namespace controller {

struct RestOptions {
  // How long an operator that has lost the lease may go on: the lease's duration.
  kube::Duration lease = std::chrono::seconds(15);
  kube::Log log = {};
};

class RestSubmitter final : public Submitter {
 public:
  RestSubmitter(kube::Client& client, SubmissionService& service, spark::SubmitOptions options,
                RestOptions rest)
      : client_(client), service_(service), options_(std::move(options)), rest_(std::move(rest)) {}

  // `why` ends the sentence "the submission service starts the driver: …" of the event that announces it.
  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt, std::string why);
  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt) override {
    return begin(app, attempt, "");
  }
  kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                    const spark::Attempt& attempt,
                                                    const PodView& driver) override;

 private:
  kube::Client& client_;
  SubmissionService& service_;
  const spark::SubmitOptions options_;
  const RestOptions rest_;
};

}  // namespace controller

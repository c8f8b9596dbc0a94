// NativeSubmitter builds the driver pod and its children itself (spark/native_submission.h) and creates them:
// no JVM. An application that needs one is InvalidInput here, with the reasons.
#pragma once

#include "controller/submit/submitter.h"
#include "kube/client/api.h"
#include "spark/native_submission.h"

namespace controller {

class NativeSubmitter final : public Submitter {
 public:
  NativeSubmitter(kube::Client& client, spark::SubmitOptions options)
      : client_(client), options_(std::move(options)) {}

  // What begin() does, in two steps, for whoever has an answer to obstacles.
  kube::Result<spark::NativePlan> plan(const api::SparkApplication& app, const spark::Attempt& attempt) const;
  std::unique_ptr<DriverStart> begin(const api::SparkApplication& app, spark::Submission built);

  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt) override;
  kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                    const spark::Attempt& attempt,
                                                    const PodView& driver) override;

 private:
  kube::Client& client_;
  const spark::SubmitOptions options_;
};

// "a; b" of the reasons' texts.
std::string join_reasons(const std::vector<spark::FallbackReason>& reasons);

}  // namespace controller

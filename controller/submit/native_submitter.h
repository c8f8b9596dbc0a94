// NativeSubmitter builds the driver pod and its children itself (spark/native_submission.h) and creates them:
// no JVM.
#pragma once

#include "controller/submit/submitter.h"
#include "kube/client/api.h"

namespace controller {

class NativeSubmitter final : public Submitter {
 public:
  NativeSubmitter(kube::Client& client, spark::SubmitOptions options)
      : client_(client), options_(std::move(options)) {}

  std::string_view name() const override { return "native"; }
  kube::Task<kube::Result<PodView>> create_driver(const api::SparkApplication& app,
                                                  const spark::Attempt& attempt,
                                                  PostPermit may_post) override;
  kube::Task<kube::Result<>> complete(const api::SparkApplication& app, const spark::Attempt& attempt,
                                      const PodView& driver) override;

 private:
  kube::Task<kube::Result<>> create_child(const kube::Json& child, const PodView& driver);

  kube::Client& client_;
  const spark::SubmitOptions options_;
};

}  // namespace controller

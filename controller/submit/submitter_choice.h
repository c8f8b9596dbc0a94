// SubmitterChoice picks the submitter for each application: natively unless only a JVM can do it, then
// spark-submit where there is one; or whichever the operator's flag or the application's annotation
// sparkoperator.k8s.io/submitter names.
//
//   SubmitterChoice submitters(SubmitterMode::Auto, native, spark_submit);
//
// A choice that cannot be carried out fails the submission, with what stands in the way; nobody else is then
// asked, since two submitters that answer differently are what a forced choice is to rule out. A driver that
// was found is completed by the submitter that made it, whatever the choice is now.
// Thread: the loop's only. Lifetime: the submitters outlive it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/submit/native_submitter.h"
#include "controller/submit/spark_submit_submitter.h"

namespace controller {

enum class SubmitterMode { Auto, Native, SparkSubmit };
// "auto", "native", "spark-submit"; nullopt for any other word.
std::optional<SubmitterMode> submitter_mode(std::string_view word);

class SubmitterChoice final : public Submitter {
 public:
  SubmitterChoice(SubmitterMode by_default, NativeSubmitter& native, SparkSubmitSubmitter& spark_submit)
      : default_(by_default), native_(native), spark_submit_(spark_submit) {}

  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt) override;
  kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                    const spark::Attempt& attempt,
                                                    const PodView& driver) override;

 private:
  const SubmitterMode default_;
  NativeSubmitter& native_;
  SparkSubmitSubmitter& spark_submit_;
};

}  // namespace controller

// SubmitterChoice picks the submitter for each application: natively unless only a JVM can do it, then
// spark-submit where there is one; or whichever the operator's flags or the application's annotation
// sparkoperator.k8s.io/submitter name.
//
//   SubmitterChoice submitters(SubmitterMode::Auto, native, spark_submit);
//   SubmitterChoice submitters(SubmitterMode::Rest, native, spark_submit, &rest);    // gate RestSubmitter
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
#include "controller/submit/rest_submitter.h"
#include "controller/submit/spark_submit_submitter.h"

namespace controller {

enum class SubmitterMode { Auto, Native, SparkSubmit, Rest };
// "auto", "native", "spark-submit", "rest"; nullopt for any other word.
std::optional<SubmitterMode> submitter_mode(std::string_view word);

class SubmitterChoice final : public Submitter {
 public:
  // `rest`: null where there is no submission service.
  SubmitterChoice(SubmitterMode by_default, NativeSubmitter& native, SparkSubmitSubmitter& spark_submit,
                  RestSubmitter* rest = nullptr)
      : default_(by_default), native_(native), spark_submit_(spark_submit), rest_(rest) {}

  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt) override;
  kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                    const spark::Attempt& attempt,
                                                    const PodView& driver) override;

 private:
  const SubmitterMode default_;
  NativeSubmitter& native_;
  SparkSubmitSubmitter& spark_submit_;
  RestSubmitter* const rest_;
};

}  // namespace controller

#include "controller/submit/submitter_choice.h"

#include "api/constants.h"
#include "kube/core/object_meta.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

std::optional<SubmitterMode> submitter_mode(std::string_view word) {
  if (word == "auto") return SubmitterMode::Auto;
  if (word == "native") return SubmitterMode::Native;
  if (word == "spark-submit") return SubmitterMode::SparkSubmit;
  if (word == "rest") return SubmitterMode::Rest;
  return std::nullopt;
}

Result<std::unique_ptr<DriverStart>> SubmitterChoice::begin(const api::SparkApplication& app,
                                                            const spark::Attempt& attempt) {
  const std::string asked = kube::annotation_of(app.metadata, api::annotation::kSubmitter);
  const auto mode = asked.empty() ? default_ : submitter_mode(asked);
  if (!mode) {
    return fail(ErrorKind::InvalidInput, std::string("annotation ") + api::annotation::kSubmitter +
                                             ": expected auto, native, spark-submit or rest, got \"" + asked +
                                             "\"");
  }
  const std::string by_annotation = std::string("the annotation ") + api::annotation::kSubmitter + " says so";
  if (*mode == SubmitterMode::SparkSubmit) {
    return spark_submit_.begin(app, attempt,
                               asked.empty() ? "the operator is told to by --submitter" : by_annotation);
  }
  if (*mode == SubmitterMode::Rest && rest_ == nullptr) {
    return fail(ErrorKind::InvalidInput, std::string("annotation ") + api::annotation::kSubmitter +
                                             ": rest needs the operator's feature gate RestSubmitter");
  }
  if (*mode == SubmitterMode::Rest) {
    return rest_->begin(app, attempt, asked.empty() ? "the feature gate RestSubmitter is on" : by_annotation);
  }
  auto plan = native_.plan(app, attempt);
  if (!plan) return fail(std::move(plan));
  if (plan->submission) return native_.begin(app, *std::move(plan->submission));
  const std::string reasons = join_reasons(plan->obstacles);
  if (*mode == SubmitterMode::Native)
    return fail(ErrorKind::InvalidInput, "the native submitter cannot do this: " + reasons);
  if (!spark_submit_.unavailable().empty()) {
    return fail(ErrorKind::InvalidInput, "only spark-submit can do this (" + reasons +
                                             "), and it cannot be run: " + spark_submit_.unavailable());
  }
  return spark_submit_.begin(app, attempt, reasons);
}

Result<std::unique_ptr<DriverStart>> SubmitterChoice::resume(const api::SparkApplication& app,
                                                             const spark::Attempt& attempt,
                                                             const PodView& driver) {
  if (driver.submitted_by == "rest" && rest_ != nullptr) return rest_->resume(app, attempt, driver);
  // A service's, too: what is looked for is the same, whoever runs Spark's program.
  if (driver.submitted_by == "spark-submit" || driver.submitted_by == "rest")
    return spark_submit_.resume(app, attempt, driver);
  return native_.resume(app, attempt, driver);
}

}  // namespace controller

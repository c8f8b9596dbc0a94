// SparkSubmitInput is all that a spark-submit is given for one attempt, wherever it runs: arguments and pod
// templates, and what people should be told about them.
//
//   auto input = spark_submit_input(app, options, attempt, spark::PodTemplates::Files);
//   run(input->arguments, input->templates);
//   remark_on_driver(*input, driver);                   // once it is there
//   for (Note& note : input->remarks) …
//
// Error InvalidInput: no submission can come of this application, the message says why. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "controller/application/decision.h"
#include "controller/submit/process_templates.h"
#include "kube/core/object_key.h"

namespace controller {

struct SparkSubmitInput {
  kube::ObjectKey driver;
  std::vector<std::string> arguments;  // with secret values in plain text
  ProcessTemplates templates;
  std::vector<Note> remarks;
};

// Of the application as it is stored.
kube::Result<SparkSubmitInput> spark_submit_input(const api::SparkApplication& stored,
                                                  const spark::SubmitOptions& options,
                                                  const spark::Attempt& attempt,
                                                  spark::PodTemplates templates);

// For logs, once redacted.
std::string command_line(const std::vector<std::string>& words);

// Adds the remark that a webhook was to change the driver, and has not.
void remark_on_driver(SparkSubmitInput& input, const kube::Json& driver);

}  // namespace controller

#include "controller/submit/spark_submit_input.h"

#include "api/names.h"
#include "controller/application/event_texts.h"
#include "controller/submit/remarks.h"
#include "spark/pod_mutation.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

Result<SparkSubmitInput> spark_submit_input(const api::SparkApplication& stored,
                                            const spark::SubmitOptions& options,
                                            const spark::Attempt& attempt, spark::PodTemplates how) {
  auto app = spark::prepare_application(stored, options, attempt);
  if (!app) return fail(std::move(app));
  if (app->spec.mode != api::DeployMode::Cluster) {
    return fail(
        ErrorKind::InvalidInput,
        "spec.mode is not cluster: the driver would run inside of the operator, which does not do that");
  }
  SparkSubmitInput input;
  input.driver = {app->metadata.namespace_, api::driver_pod_name(*app)};
  auto arguments = process_arguments(*app, options, attempt, how);
  if (!arguments) return fail(std::move(arguments));
  input.arguments = *std::move(arguments);
  auto templates = process_templates(*app, options);
  if (!templates) return fail(std::move(templates));
  input.templates = *std::move(templates);

  input.remarks = webhook_remarks(*app, options);
  for (Note& note : idle_field_remarks(stored, options)) input.remarks.push_back(std::move(note));
  if (!input.templates.lost.empty()) {
    input.remarks.push_back(event(EventReason::SparkPodWebhookNeeded,
                                  {"spark-submit overwrites in the driver what these say, which only a pod "
                                   "webhook can mend: " +
                                   listed(input.templates.lost)}));
  }
  return input;
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_of(" \t\n\"'\\$") == std::string::npos;
    line.append(line.empty() ? "" : " ").append(plain ? word : kube::dump_json(kube::Json(word)));
  }
  return line;
}

void remark_on_driver(SparkSubmitInput& input, const kube::Json& driver) {
  const bool seen_by_webhook =
      !kube::string_at(driver, {"metadata", "annotations", spark::kMutatedAnnotation}).empty();
  if (!input.templates.driver_needs_webhook || seen_by_webhook) return;
  input.remarks.push_back(event(
      EventReason::SparkPodWebhookNeeded,
      {"the pod webhook has not changed the driver as spec.driver and spec.volumes ask for: does it run, "
       "and for this namespace?"}));
}

}  // namespace controller

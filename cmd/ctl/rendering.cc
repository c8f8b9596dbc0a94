#include "cmd/ctl/rendering.h"

#include "api/names.h"
#include "api/spec_hash.h"
#include "api/validation.h"
#include "cmd/controller_options.h"
#include "cmd/ctl/shell_words.h"
#include "controller/submit/process_templates.h"
#include "kube/core/yaml.h"
#include "spark/native_submission.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

constexpr const char* kMaster = "k8s://https://kubernetes.default.svc:443";

// The application as the operator would meet it, and the attempt it would make.
Result<spark::Attempt> prepare(api::SparkApplication& app, const RenderOptions& options) {
  if (!options.spark_version.empty()) app.spec.spark_version = options.spark_version;
  const auto faults = api::validate_submission(app, api::kAsStored);
  if (!faults.empty()) return fail(ErrorKind::InvalidInput, api::describe(faults));
  const spark::Attempt attempt = options.attempt.value_or(
      spark::Attempt{.submission_id = api::next_attempt_id(app.metadata.uid, app.status.submission_id,
                                                           api::spec_hash(app.spec))});
  app.status = {};
  app.status.submission_id = attempt.submission_id;
  app.status.driver_info.pod_name = api::driver_pod_name(app);
  return attempt;
}

}  // namespace

Result<RenderOptions> render_options(std::string_view operator_flags) {
  auto words = shell_words(operator_flags);
  if (!words) return fail(std::move(words).error().while_doing("--operator-flags"));
  auto flags = cmd::parse_controller_flags(*std::move(words));
  if (!flags) return fail(std::move(flags).error().while_doing("--operator-flags"));
  RenderOptions options;
  options.submit = cmd::submit_options(*flags, {});
  options.submit.master_url = kMaster;
  options.children = cmd::application_options(*flags, {}).children;
  return options;
}

Result<Rendered> render_objects(api::SparkApplication app, const RenderOptions& options) {
  auto attempt = prepare(app, options);
  if (!attempt) return fail(std::move(attempt));
  auto plan = spark::plan_native_submission(app, options.submit, *attempt);
  if (!plan) return fail(std::move(plan));
  Rendered out;
  for (const spark::FallbackReason& reason : plan->obstacles) out.obstacles.push_back(reason.text);
  if (!plan->submission) return out;

  auto before = spark::application_children(app, options.children, spark::AttemptPhase::Starting);
  auto around = spark::application_children(app, options.children, spark::AttemptPhase::Active);
  spark::Submission& submission = *plan->submission;
  const std::string driver = kube::string_at(submission.driver_pod, {"metadata", "name"});
  out.problems = around.problems;
  const std::size_t already = before.objects.size();
  for (Json& object : before.objects) out.objects.push_back(std::move(object));
  for (Json& object : submission.pre_resources) out.objects.push_back(std::move(object));
  out.objects.push_back(std::move(submission.driver_pod));
  for (Json& object : spark::with_owner(std::move(submission.children), driver, ""))
    out.objects.push_back(std::move(object));
  // Both phases begin with the same objects.
  for (std::size_t i = already; i < around.objects.size(); ++i)
    out.objects.push_back(std::move(around.objects[i]));
  return out;
}

Result<std::string> render_script(api::SparkApplication stored, const RenderOptions& options) {
  auto attempt = prepare(stored, options);
  if (!attempt) return fail(std::move(attempt));
  auto app = spark::prepare_application(stored, options.submit, *attempt);
  if (!app) return fail(std::move(app));
  auto arguments = controller::process_arguments(*app, options.submit, *attempt);
  if (!arguments) return fail(std::move(arguments));
  auto templates = controller::process_templates(*app, options.submit);
  if (!templates) return fail(std::move(templates));

  const std::string driver = spark::template_path(attempt->submission_id, spark::PodRole::Driver);
  const std::string executor = spark::template_path(attempt->submission_id, spark::PodRole::Executor);
  std::string out = "#!/bin/sh\n";
  out += "# SparkApplication " + app->metadata.namespace_ + "/" + app->metadata.name + ", Spark " +
         app->spec.spark_version + "\n";
  for (const std::string& field : templates->lost)
    out += "# spark-submit writes over " + field + ", which only a pod webhook can mend\n";
  out += "mkdir -p " + shell_quoted(driver.substr(0, driver.rfind('/'))) + "\n";
  out += here_document(driver, kube::to_yaml(templates->driver));
  out += here_document(executor, kube::to_yaml(templates->executor));
  out += "exec \"$SPARK_HOME\"/bin/spark-submit";
  for (std::size_t i = 0; i < arguments->size(); ++i) {
    const std::string& word = (*arguments)[i];
    const bool follows = i > 0 && (*arguments)[i - 1].starts_with("--") && !word.starts_with("--");
    out += (follows ? " " : " \\\n  ") + shell_quoted(word);
  }
  return out + "\n";
}

}  // namespace ctl

#include "spark/native_submission.h"

#include "api/spark_application.h"
#include "kube/core/yaml.h"
#include "spark/pod_mutation.h"
#include "spark/pod_template_shape.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

std::string unknown_version(const api::SparkApplication& app) {
  return "spec.sparkVersion: expected a version such as 3.5.7, got \"" + app.spec.spark_version +
         "\", and the image's tag names none either";
}

// Why an application has no DriverConf, and spark-submit, which does not look at its version, makes a driver
// all the same. `app` is prepared.
std::optional<FallbackReason> obstacle_before_conf(const api::SparkApplication& app) {
  if (app.spec.mode != api::DeployMode::Cluster)
    return FallbackReason{"mode", "spec.mode is not cluster: no driver pod would be made"};
  const auto version = resolve_version(app.spec.spark_version, app.spec.image.value_or(""));
  if (!version) return FallbackReason{"spark-version", unknown_version(app)};
  if (find_line(*version) == nullptr)
    return FallbackReason{"spark-line", "Spark " + version->to_string() + " is of a line we do not know"};
  return std::nullopt;
}

// The DriverConf for one attempt; `app` is prepared.
Result<DriverConf> conf_of(const api::SparkApplication& app, const SubmitOptions& options,
                           const Attempt& attempt) {
  auto version = resolve_version(app.spec.spark_version, app.spec.image.value_or(""));
  if (!version) return fail(ErrorKind::InvalidInput, unknown_version(app));
  auto arguments = spark_submit_arguments(app, options, attempt);
  if (!arguments)
    return fail(std::move(arguments).error().while_doing("failed to build spark-submit arguments"));

  if (auto shaped = check_pod_template(app.spec.driver.pod_template, "spec.driver.template"); !shaped)
    return fail(shaped);
  auto executors = executor_pod_template(app, options);
  if (!executors) return fail(std::move(executors).error().while_doing("spec"));
  Submitter submitter = options.submitter;
  submitter.files[template_path(attempt.submission_id, PodRole::Driver)] =
      kube::dump_json(pod_template(app, PodRole::Driver));
  submitter.files[template_path(attempt.submission_id, PodRole::Executor)] = kube::to_yaml(*executors);
  auto conf =
      driver_conf(*arguments, std::move(submitter),
                  {.submission_id = attempt.submission_id, .version = *version, .submit_time = attempt.time});
  if (!conf) return conf;
  const SparkConf extra = executor_properties(app, options);
  for (const auto& [key, value] : extra.entries()) conf->conf.set(key, value);
  return conf;
}

// The objects; the driver with its share of the mutations.
Result<Submission> build(const DriverConf& conf, const api::SparkApplication& app,
                         const SubmitOptions& options) {
  auto submission = build_submission(conf);
  if (!submission) return submission;
  auto pod = mutate_pod(submission->driver_pod, app, PodRole::Driver, options.service_links);
  if (!pod) return fail(std::move(pod).error().while_doing("spec.driver"));
  submission->driver_pod = *std::move(pod);
  return submission;
}

}  // namespace

Result<NativePlan> plan_native_submission(const api::SparkApplication& stored, const SubmitOptions& options,
                                          const Attempt& attempt) {
  auto app = prepare_application(stored, options, attempt);
  if (!app) return fail(app);
  if (auto obstacle = obstacle_before_conf(*app)) return NativePlan{{*std::move(obstacle)}, {}};
  auto conf = conf_of(*app, options, attempt);
  if (!conf) return fail(conf);
  NativePlan plan{fallback_reasons(*conf), {}};
  if (!plan.obstacles.empty()) return plan;
  auto built = build(*conf, *app, options);
  if (!built) return fail(std::move(built));
  plan.submission = *std::move(built);
  return plan;
}

Result<Submission> native_submission(const api::SparkApplication& stored, const SubmitOptions& options,
                                     const Attempt& attempt) {
  auto app = prepare_application(stored, options, attempt);
  if (!app) return fail(app);
  auto conf = conf_of(*app, options, attempt);
  if (!conf) return fail(conf);
  return build(*conf, *app, options);
}

Result<std::vector<FallbackReason>> native_obstacles(const api::SparkApplication& stored,
                                                     const SubmitOptions& options, const Attempt& attempt) {
  auto app = prepare_application(stored, options, attempt);
  if (!app) return fail(app);
  if (auto obstacle = obstacle_before_conf(*app)) return std::vector{*std::move(obstacle)};
  auto conf = conf_of(*app, options, attempt);
  if (!conf) return fail(conf);
  return fallback_reasons(*conf);
}

}  // namespace spark

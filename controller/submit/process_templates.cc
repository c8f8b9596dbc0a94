#include "controller/submit/process_templates.h"

#include <algorithm>
#include <array>

#include "api/constants.h"
#include "spark/pod_mutation.h"
#include "spark/pod_template_shape.h"
#include "spark/spark_version.h"

namespace controller {

using kube::fail;
using kube::Json;
using kube::Result;

namespace {

constexpr const char* kBySparkSubmit = "spark-submit";

// Spark writes these into every driver, behind what a template holds, and the last entry counts.
constexpr std::array<std::string_view, 5> kWrittenBySpark{
    "SPARK_USER", "SPARK_APPLICATION_ID", "SPARK_DRIVER_BIND_ADDRESS", "SPARK_LOCAL_DIRS", "SPARK_CONF_DIR"};

std::vector<std::string> written_over(const api::SparkApplication& app) {
  const api::DriverSpec& driver = app.spec.driver;
  const auto& conf = app.spec.spark_conf;
  std::vector<std::string> fields;
  if (driver.memory_limit) fields.emplace_back("driver.memoryLimit");
  if (app.spec.spark_config_map) fields.emplace_back("sparkConfigMap");
  if (app.spec.hadoop_config_map && conf.contains("spark.kubernetes.hadoop.configMapName"))
    fields.emplace_back("hadoopConfigMap");
  for (const Json& variable : driver.env) {
    const std::string name = kube::string_at(variable, {"name"});
    if (std::ranges::find(kWrittenBySpark, name) != kWrittenBySpark.end() || driver.env_vars.contains(name) ||
        driver.env_secret_key_refs.contains(name) || conf.contains("spark.kubernetes.driverEnv." + name))
      fields.push_back("driver.env." + name);
  }
  return fields;
}

// With the mark of a pod that was made right, which is no mutation in itself.
bool changes_anything(const Json& before, Json after) {
  Json& annotations = after["metadata"]["annotations"];
  if (annotations.is_object()) annotations.erase(std::string(spark::kMutatedAnnotation));
  Json plain = before;
  if (!plain["metadata"].contains("annotations")) plain["metadata"]["annotations"] = Json::object();
  return plain != after;
}

// Before what stands at the end of the list: proxy user, the application and its own arguments.
std::size_t end_of_conf(const std::vector<std::string>& arguments, const api::SparkApplicationSpec& spec) {
  std::size_t behind = spec.arguments.size();
  if (spec.main_application_file) behind += 1;
  if (spec.proxy_user && !spec.proxy_user->empty()) behind += 2;
  return arguments.size() - behind;
}

}  // namespace

Result<std::vector<std::string>> process_arguments(const api::SparkApplication& app,
                                                   const spark::SubmitOptions& options,
                                                   const spark::Attempt& attempt,
                                                   spark::PodTemplates templates) {
  auto arguments = spark::spark_submit_arguments(app, options, attempt, templates);
  if (!arguments)
    return fail(std::move(arguments).error().while_doing("failed to build spark-submit arguments"));
  const spark::SparkConf extra = spark::executor_properties(app, options);
  std::size_t at = end_of_conf(*arguments, app.spec);
  for (const auto& [key, value] : extra.entries()) {
    const auto position = arguments->begin() + static_cast<std::ptrdiff_t>(at);
    arguments->insert(position, {"--conf", key + "=" + value});
    at += 2;
  }
  return arguments;
}

Result<ProcessTemplates> process_templates(const api::SparkApplication& app,
                                           const spark::SubmitOptions& options) {
  if (auto shaped = spark::check_pod_template(app.spec.driver.pod_template, "spec.driver.template"); !shaped)
    return fail(std::move(shaped));
  ProcessTemplates out;
  auto executor = spark::executor_pod_template(app, options);
  if (!executor) return fail(std::move(executor).error().while_doing("spec"));
  out.executor = *std::move(executor);

  Json driver = spark::pod_template(app, spark::PodRole::Driver);
  Json& containers = driver["spec"]["containers"];
  if (!containers.is_array() || containers.empty())
    containers = Json::array({{{"name", api::container::kDriver}, {"resources", Json::object()}}});
  // Spark takes these over from a template, so they are no work for a webhook.
  spark::apply_service_links(driver, app.spec.driver.pod_template, options.service_links);
  auto mutated = spark::mutate_pod(driver, app, spark::PodRole::Driver);
  if (!mutated) return fail(std::move(mutated).error().while_doing("spec.driver"));

  // The webhook goes by the label mutated-by, which a driver with a template of its own does not get.
  const bool webhook_looks = options.webhook_runs && (app.spec.driver.pod_template.is_null() ||
                                                      spark::is_below_3_0(app.spec.spark_version));
  if (webhook_looks) {
    out.driver_needs_webhook = changes_anything(driver, *mutated);
    // The webhook reads the application as it is stored, where a scheduler of the operator's flag is not.
    if (const auto& name = app.spec.batch_scheduler; name && !name->empty())
      driver["spec"]["schedulerName"] = *name;
    out.driver = std::move(driver);
  } else {
    out.lost = written_over(app);
    out.driver = *std::move(mutated);
  }
  out.driver["metadata"]["annotations"][api::annotation::kSubmittedBy] = kBySparkSubmit;
  return out;
}

}  // namespace controller

// The arguments and the pod templates that a spark-submit process gets. The templates are the user's, with
// owner references as upstream writes them, and with the pod mutations that Spark has no property for.
//
//   auto templates = process_templates(app, options);       // app as prepared for one attempt
//   write(template_path(id, PodRole::Driver), to_yaml(templates->driver));
//
// Executors get theirs as from the native submitter. The driver's share goes into its template unless a pod
// webhook runs that will look at it: a template comes before Spark and a webhook after it, so the webhook
// does it better. `lost` names what Spark then writes over. A driver made so carries the annotation
// submitted-by. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "spark/submit_conf.h"

namespace controller {

struct ProcessTemplates {
  kube::Json driver;
  kube::Json executor;
  bool driver_needs_webhook = false;  // left to it, and there is something to do
  std::vector<std::string> lost;      // "driver.memoryLimit"
};

// spark::spark_submit_arguments(), and the executors' environment that a template cannot carry.
kube::Result<std::vector<std::string>> process_arguments(
    const api::SparkApplication& app, const spark::SubmitOptions& options, const spark::Attempt& attempt,
    spark::PodTemplates templates = spark::PodTemplates::Files);

kube::Result<ProcessTemplates> process_templates(const api::SparkApplication& app,
                                                 const spark::SubmitOptions& options);

}  // namespace controller

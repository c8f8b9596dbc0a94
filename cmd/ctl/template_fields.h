// lift_template() finds in a pod template what a SparkApplication has fields for, and moves it there: the
// reverse of what the operator does when it makes templates for spark-submit
// (controller/submit/process_templates.h).
//
//   Json rest = lift_template(text_of_driver_template, PodRole::Driver, app);
//   app.spec.driver.tolerations        // were spec.tolerations of the template
//   app.spec.driver.pod_template = rest;   // null when nothing is left
//
// Order is kept within each list; where a list was partly the template's and partly Spark's, the template's
// items come last afterwards, as those of the fields do. What has no field, or would mean something else
// there, stays in the template. Pure function.
#pragma once

#include "api/spark_application.h"
#include "kube/core/json.h"
#include "spark/submit_conf.h"

namespace ctl {

kube::Json lift_template(kube::Json pod_template, spark::PodRole role, api::SparkApplication& app);

}  // namespace ctl

// What Spark would refuse in an application's sparkConf after a driver has been started for it: numbers and
// sizes that are none, and bounds of dynamic allocation that contradict each other. For whoever wants to say
// so earlier.
//
//   conf_faults(app.spec, "spec")         // {{"spec.sparkConf[spark.driver.memory]", "expected …"}}
//   conf_faults(schedule.spec.app_template, "spec.template")
//
// Typed fields win over sparkConf, so keys that a field replaces are not looked at. Neither are values with
// references (${env:…}), which only Spark can resolve, and empty ones. A value is never part of a message,
// since it may be a secret. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/spark_application.h"
#include "api/validation.h"

namespace spark {

std::vector<api::Fault> conf_faults(const api::SparkApplicationSpec& spec, const std::string& path);

}  // namespace spark

// YuniKorn's task groups: what a driver's annotation says about the pods that are to be placed together.
//
//   auto groups = task_groups(app, {"spark-driver", "spark-executor"});
//   driver.annotations["yunikorn.apache.org/task-groups"] = *groups;
//
// Pure function.
#pragma once

#include <string>

#include "api/spark_application.h"
#include "kube/base/result.h"

namespace spark {

struct TaskGroupNames {
  std::string driver;
  std::string executor;
};

// Compact JSON: the driver, and the first executors if there are any. Error InvalidInput: a size cannot be
// read.
kube::Result<std::string> task_groups(const api::SparkApplication& app, const TaskGroupNames& names);

}  // namespace spark

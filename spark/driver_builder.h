// build_submission() makes the Kubernetes objects that one `spark-submit --deploy-mode cluster` would have
// made.
//
//   Result<Submission> submission = build_submission(driver_conf);
//   Json pod = post(submission->driver_pod);                    // first: nothing else exists before it
//   apply each of with_owner(submission->children, name, uid);  // then these, in this order
//
// A row of feature steps writes the pod, each seeing what earlier ones wrote; spark/feature_steps/ has one
// file a step, under Spark's names. Steps read the line's table (spark/spark_version.h), so a new Spark line
// is data.
//
// Pure: no clock, no environment, no chance. Errors are InvalidInput and mean the same as Spark's refusals.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/driver_conf.h"

namespace spark {

// Every object has apiVersion, kind, metadata.name and metadata.namespace.
struct Submission {
  std::string app_id;  // label spark-app-selector, "spark-<32 hex>"
  Json driver_pod;     // carries its owner reference to the SparkApplication (from the pod template)
  std::vector<Json> pre_resources;  // to be created before the pod (PodGroup of Volcano's step); usually none
  std::vector<Json> children;  // to be created after it, in this order; the driver's config map comes last
};

Result<Submission> build_submission(const DriverConf& conf);

// The children, each owned by the driver pod (controller, as Spark writes it: any other owner is replaced).
std::vector<Json> with_owner(std::vector<Json> children, std::string_view driver_pod_name,
                             std::string_view driver_pod_uid);

}  // namespace spark

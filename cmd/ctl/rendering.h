// What an operator would make of an application, without an operator and without a cluster.
//
//   auto options = render_options("--enable-batch-scheduler");   // flags of the operator that is meant
//   auto made = render_objects(app, *options);           // made->objects, in the order of creation
//   auto script = render_script(app, *options);          // a shell script that ends in spark-submit
//
// Ids that depend on the application's UID or on the time are those of an application without UID, submitted
// at the beginning of 1970, so that equal inputs print equal bytes. Pure functions. Errors are InvalidInput:
// the operator would refuse the application in the same words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/children/application_children.h"
#include "spark/submit_conf.h"

namespace ctl {

struct RenderOptions {
  spark::SubmitOptions submit;
  spark::ChildrenOptions children;
  std::string spark_version = {};              // instead of spec.sparkVersion; "": as it is
  std::optional<spark::Attempt> attempt = {};  // nothing: derived, see above
};

// `operator_flags`: as after `spark-operator controller start`, in a shell's spelling.
kube::Result<RenderOptions> render_options(std::string_view operator_flags);

struct Rendered {
  std::vector<kube::Json> objects;
  std::vector<std::string> obstacles;  // why only spark-submit can do it; then there are no objects
  std::vector<std::string> problems;   // what the spec asks for and cannot be made
};
kube::Result<Rendered> render_objects(api::SparkApplication app, const RenderOptions& options);

// Writes the pod templates, then runs spark-submit as the operator's other submitter does.
kube::Result<std::string> render_script(api::SparkApplication app, const RenderOptions& options);

}  // namespace ctl

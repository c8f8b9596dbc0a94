#include "api/defaults.h"
#include "api/spec_hash.h"
#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"
#include "kube/core/fields.h"

namespace bench {

void submission_benchmarks(Suite& suite) {
  const api::SparkApplication app = application();
  const spark::SubmitOptions options = submit_options();
  const spark::Attempt attempt = attempt_of(app);
  const kube::Json json = application_json();

  suite.measure("submission: build driver pod, service, config map (Spark 3.5)",
                [&] { return spark::native_submission(app, options, attempt); });
  suite.measure("submission: is there a reason for spark-submit",
                [&] { return spark::native_obstacles(app, options, attempt); });
  const spark::Submission built = must(spark::native_submission(app, options, attempt), "build");
  suite.measure("submission: driver pod to bytes", [&] { return kube::dump_json(built.driver_pod); });
  suite.measure("application: decode from JSON value",
                [&] { return kube::decode<api::SparkApplication>(json); });
  suite.measure("application: apply defaults", [&] { return api::with_defaults(app.spec); });
  suite.measure("application: hash of the spec", [&] { return api::spec_hash(app.spec); });
}

}  // namespace bench

#include "kube/apiserver/schema.h"
#include "api/crd.h"
#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"

namespace bench {

void schema_benchmarks(Suite& suite) {
  kube::apiserver::SchemaSet schemas;
  const kube::apiserver::Schema* root =
      schemas.add_structural(api::object_schema(api::Kind::SparkApplication));
  const kube::Json object = application_json();

  suite.measure("API server: prune, default and validate an application by its CRD", [&] {
    kube::Json copy = object;
    kube::apiserver::prune(copy, *root);
    kube::apiserver::apply_defaults(copy, *root);
    return kube::apiserver::validate(copy, *root);
  });
}

}  // namespace bench

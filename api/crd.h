// The CustomResourceDefinitions, generated from the field lists and from the schemas of embedded Kubernetes
// types.
//
//   kube::Json definition = crd(Kind::SparkApplication);   // apiextensions.k8s.io/v1, ready to apply
//   std::string file = crd_yaml(Kind::SparkApplication);   // what lies in the chart's crds folder
//
// The files in the chart are compared with this by a test; API_UPDATE_CRDS=1 makes that test write them
// instead. Thread: pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kube/core/json.h"

namespace api {

enum class Kind { SparkApplication, ScheduledSparkApplication, SparkConnect };
inline constexpr std::array kKinds{Kind::SparkApplication, Kind::ScheduledSparkApplication,
                                   Kind::SparkConnect};

// "sparkapplications.sparkoperator.k8s.io"
std::string crd_name(Kind kind);

kube::Json crd(Kind kind);

std::string crd_yaml(Kind kind);
// "sparkoperator.k8s.io_sparkapplications.yaml"
std::string crd_file_name(Kind kind);

// The schema of a whole object of this kind: crd()'s openAPIV3Schema.
kube::Json object_schema(Kind kind);

// A Kubernetes type by its name in the API reference, references resolved; null when our CRDs do not embed
// it.
kube::Json kubernetes_type(std::string_view name);

}  // namespace api

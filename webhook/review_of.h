// Reviews for this room's tests.
//
//   Review review = review_of("CREATE", pod);   // object and old object as an API server sends them
#pragma once

#include <utility>

#include "kube/admission/review.h"

namespace webhook {

inline kube::Review review_of(std::string operation, const kube::Json& object,
                              const kube::Json& old = nullptr) {
  kube::Review review;
  review.uid = "r1";
  review.operation = std::move(operation);
  review.kind.kind = kube::string_at(object, {"kind"});
  review.name = kube::string_at(object, {"metadata", "name"});
  review.namespace_ = kube::string_at(object, {"metadata", "namespace"});
  if (!object.is_null()) review.object = kube::dump_json(object);
  if (!old.is_null()) review.old_object = kube::dump_json(old);
  return review;
}

inline kube::Json application_json(kube::Json spec = kube::Json::object()) {
  kube::Json object = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                       {"kind", "SparkApplication"},
                       {"metadata", {{"name", "pi"}, {"namespace", "ns"}, {"uid", "u1"}}},
                       {"spec",
                        {{"type", "Python"},
                         {"sparkVersion", "3.5.7"},
                         {"mainApplicationFile", "local:///pi.py"},
                         {"driver", kube::Json::object()},
                         {"executor", kube::Json::object()}}}};
  object["spec"].merge_patch(spec);
  return object;
}

}  // namespace webhook

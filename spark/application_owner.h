// Owner references to a SparkApplication.
//
//   object["metadata"]["ownerReferences"].push_back(application_owner(app, Ownership::Controller));
//
// Pure functions.
#pragma once

#include "api/spark_application.h"
#include "kube/core/json.h"

namespace spark {

enum class Ownership {
  Controller,  // controller and blockOwnerDeletion: driver pods, services, ingresses, config maps …
  Plain,       // neither flag: executor pods, which the driver controls
};

inline kube::Json application_owner(const api::SparkApplication& app, Ownership ownership) {
  kube::Json owner = {{"apiVersion", api::kApiVersion},
                      {"kind", "SparkApplication"},
                      {"name", app.metadata.name},
                      {"uid", app.metadata.uid}};
  if (ownership == Ownership::Controller) owner["blockOwnerDeletion"] = owner["controller"] = true;
  return owner;
}

}  // namespace spark

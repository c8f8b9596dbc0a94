// What all children of an application have: their head, and the labels by which they are known.
//
//   Json service = child_object(app, "v1", "Service", name, child_labels(app));
//
// Pure functions.
#pragma once

#include <string_view>

#include "api/constants.h"
#include "api/spark_application.h"
#include "spark/application_owner.h"

namespace spark {

// The application's name, and the attempt's id (status.submissionID) where there is one.
inline kube::Json child_labels(const api::SparkApplication& app) {
  kube::Json labels = {{api::label::kAppName, app.metadata.name}};
  if (!app.status.submission_id.empty()) labels[api::label::kSubmissionId] = app.status.submission_id;
  return labels;
}

// Kind, name, labels, and the application as controller.
inline kube::Json child_object(const api::SparkApplication& app, std::string_view api_version,
                               std::string_view kind, std::string_view name, kube::Json labels) {
  kube::Json metadata = {
      {"labels", std::move(labels)}, {"name", name}, {"namespace", app.metadata.namespace_}};
  metadata["ownerReferences"].push_back(application_owner(app, Ownership::Controller));
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

}  // namespace spark

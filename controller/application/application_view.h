// ApplicationView is what the informer keeps of a SparkApplication: its text, and what is looked at without
// decoding.
//
//   auto view = apps.store().get(key);
//   Result<api::SparkApplication> app = view->decode();   // error names the path; a bad object fails alone
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "api/spark_application.h"
#include "kube/core/gvk.h"
#include "kube/core/json_reader.h"

namespace controller {

inline const kube::Resource kSparkApplications{"sparkoperator.k8s.io", "v1beta2", "SparkApplication",
                                               "sparkapplications"};

// An application as far as it can be read.
struct ReadApplication {
  api::SparkApplication app;
  std::string unreadable;  // what is wrong with its spec, with the path; `app` has an empty one then
};

struct ApplicationView {
  kube::ObjectKey key;
  std::string uid;
  std::string resource_version;
  api::State state = api::State::New;
  std::string submission_id;
  std::string text;             // the object without managedFields
  std::uint32_t label_set = 0;  // under which labels metrics count it (controller/metrics/label_sets.h)

  kube::Result<api::SparkApplication> decode() const;
  // A spec that no schema has checked may be anything; what stands beside it is read all the same. Error:
  // status or metadata cannot be read, as when a later operator wrote a state that we do not know.
  kube::Result<ReadApplication> read() const;
};

kube::Result<ApplicationView> project_application(kube::JsonView object);

}  // namespace controller

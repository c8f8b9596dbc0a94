// SharedApplications is what all review threads know of the applications in the cluster: one thread follows
// the API server and writes, every review thread reads.
//
//   SharedApplications known;
//   known.put(std::make_shared<const api::SparkApplication>(…));       // the thread of the informer
//   std::shared_ptr<const api::SparkApplication> app = known.find({"ns", "pi"});   // any; null: not known
//
// What find() answers never changes; it may be behind the API server. Thread: any.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>

#include "api/spark_application.h"
#include "kube/core/json_reader.h"
#include "kube/core/object_key.h"

namespace webhook {

using Application = std::shared_ptr<const api::SparkApplication>;

class SharedApplications {
 public:
  void put(Application application);
  void remove(const kube::ObjectKey& key);
  Application find(const kube::ObjectKey& key) const;
  std::size_t size() const;

 private:
  mutable std::shared_mutex guard_;  // guards applications_
  std::map<kube::ObjectKey, Application> applications_;
};

// An application without what is never looked at for a pod (sparkConf, arguments, dependencies, most of pod
// templates, status but for the id of the last submission …): a third of its size. Error InvalidInput: it
// cannot be decoded.
kube::Result<api::SparkApplication> project_for_pods(kube::JsonView object);
// The same with what its pods will request and how far it has come: sparkConf and more of status, and what
// templates say about scheduling.
kube::Result<api::SparkApplication> project_for_quotas(kube::JsonView object);

}  // namespace webhook

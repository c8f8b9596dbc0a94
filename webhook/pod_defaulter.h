// PodDefaulter answers `/mutate--v1-pod`: driver and executor pods get what their application asks for and
// Spark has no property for (spark/pod_mutation.h). Pods that were made right at submission get no patch.
//
//   PodDefaulter defaulter(lookup, {.namespaces = {"team-a"}, .log = log});
//   Verdict verdict = co_await defaulter.decide(review);
//
// Untouched: anything but the creation of a pod, pods of other namespaces, pods without the label app-name
// (a SparkConnect's, anybody else's). Refused with 403: the application does not exist, the pod is neither
// driver nor executor, a mutation cannot be made. With 500, so that clients may try again: the application
// could not be read.
// Thread: the loop's only. Lifetime: the lookup outlives it; a review outlives its decide().
#pragma once

#include <set>
#include <string>

#include "kube/admission/review.h"
#include "kube/base/log.h"
#include "spark/submit_conf.h"
#include "webhook/application_lookup.h"

namespace webhook {

struct PodDefaulterOptions {
  std::set<std::string> namespaces = {};  // none = all
  spark::ServiceLinks service_links = spark::ServiceLinks::On;
  kube::Log log = {};
};

class PodDefaulter {
 public:
  PodDefaulter(ApplicationLookup& lookup, PodDefaulterOptions options);

  kube::Task<kube::Verdict> decide(const kube::Review& review);

 private:
  kube::Verdict refused(const kube::Review& review, kube::Verdict verdict) const;

  ApplicationLookup& lookup_;
  const PodDefaulterOptions options_;
  kube::JsonReader reader_;
};

}  // namespace webhook

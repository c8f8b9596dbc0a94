// PodDefaulter answers `/mutate--v1-pod`: driver and executor pods get what their application asks for and
// Spark has no property for (spark/pod_mutation.h). Pods that were made right at submission get no patch.
//
//   PodDefaulter defaulter(lookup, {.namespaces = {"team-a"}, .log = log});
//   Verdict verdict = co_await defaulter.decide(review);
//   std::optional<Verdict> known = defaulter.decide_at_once(review);   // where nothing has to be read
//
// Untouched: anything but the creation of a pod, pods of other namespaces, pods without the label app-name
// (a SparkConnect's, anybody else's). Refused with 403: the application that the pod was made for does not
// exist (though another may have its name by now), the pod is neither driver nor executor, a mutation cannot
// be made. With 500, so that clients may try again: the application could not be read.
// Thread: the loop's only. Lifetime: the lookup outlives it; a review outlives its decide().
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>

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
  // The same verdict; nothing when the application would have to be read live.
  std::optional<kube::Verdict> decide_at_once(const kube::Review& review);

 private:
  struct Question {
    kube::ObjectKey application;
    PodOrigin origin;
    std::optional<spark::PodRole> role;
    kube::JsonView pod;  // until another review is read
  };
  // What the review asks, unless it is answered already.
  std::variant<kube::Verdict, Question> read(const kube::Review& review);
  kube::Verdict answer(const kube::Review& review, const Question& question,
                       const api::SparkApplication& app) const;
  kube::Verdict refused(const kube::Review& review, kube::Verdict verdict) const;

  ApplicationLookup& lookup_;
  const PodDefaulterOptions options_;
  kube::JsonReader reader_;
};

}  // namespace webhook

#include "webhook/pod_defaulter.h"

#include "api/constants.h"
#include "spark/pod_mutation.h"

namespace webhook {

using kube::Json;
using kube::JsonView;
using kube::Verdict;

namespace {

// The uid of the application of that name that the pod names as its owner; "" when it names none.
std::string owner_uid(JsonView metadata, std::string_view application) {
  std::string uid;
  metadata["ownerReferences"].for_each_item([&](JsonView owner) {
    if (owner["kind"].string_or() == api::SparkApplication::kKind &&
        owner["apiVersion"].string_or() == api::kApiVersion && owner["name"].string_or() == application)
      uid = owner["uid"].string_or();
  });
  return uid;
}

}  // namespace

PodDefaulter::PodDefaulter(ApplicationLookup& lookup, PodDefaulterOptions options)
    : lookup_(lookup), options_(std::move(options)) {}

kube::Task<Verdict> PodDefaulter::decide(const kube::Review& review) {
  if (review.operation != "CREATE" || !review.sub_resource.empty()) co_return Verdict::allow();
  auto view = review.read(reader_);
  if (!view) co_return Verdict::error(400, view.error().message());
  const JsonView metadata = (*view)["metadata"];
  const JsonView labels = metadata["labels"];
  const kube::ObjectKey application{std::string(metadata["namespace"].string_or(review.namespace_)),
                                    std::string(labels[api::label::kAppName].string_or())};
  if (application.name.empty()) co_return Verdict::allow();
  if (!options_.namespaces.empty() && !options_.namespaces.contains(application.ns))
    co_return Verdict::allow();
  const auto role = spark::pod_role(labels[api::label::kSparkRole].string_or());
  std::string uid = owner_uid(metadata, application.name);
  // The views end with the first wait: another review will use the reader.
  const Json pod = view->to_json();

  const std::string what = "SparkApplication " + application.to_string();
  const auto found = co_await lookup_.find(application, std::move(uid));
  if (!found) {
    const std::string why = "cannot read " + what + " of the pod: " + found.error().message();
    const bool definite =
        found.error().is_not_found() || found.error().kind() == kube::ErrorKind::InvalidInput;
    co_return refused(review, definite ? Verdict::deny(why) : Verdict::error(500, why));
  }
  if (!role)
    co_return refused(review, Verdict::deny("the pod of " + what + " is neither driver nor executor: label " +
                                            api::label::kSparkRole));
  const auto mutated = spark::mutate_pod(pod, **found, *role, options_.service_links);
  if (!mutated)
    co_return refused(review,
                      Verdict::deny("cannot mutate the pod of " + what + ": " + mutated.error().message()));
  co_return Verdict::patch(pod, *mutated);
}

Verdict PodDefaulter::refused(const kube::Review& review, Verdict verdict) const {
  options_.log.warn("pod refused", {{"pod", review.key().to_string()},
                                    {"requestID", review.uid},
                                    {"code", verdict.code},
                                    {"reason", verdict.message}});
  return verdict;
}

}  // namespace webhook

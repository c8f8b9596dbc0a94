#include "webhook/pod_defaulter.h"

#include "api/constants.h"
#include "spark/pod_mutation.h"
#include "spark/pod_outline.h"

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

std::variant<Verdict, PodDefaulter::Question> PodDefaulter::read(const kube::Review& review) {
  if (review.operation != "CREATE" || !review.sub_resource.empty()) return Verdict::allow();
  auto view = review.read(reader_);
  if (!view) return Verdict::error(400, view.error().message());
  const JsonView metadata = (*view)["metadata"];
  const JsonView labels = metadata["labels"];
  Question question;
  question.application = {std::string(metadata["namespace"].string_or(review.namespace_)),
                          std::string(labels[api::label::kAppName].string_or())};
  if (question.application.name.empty()) return Verdict::allow();
  if (!options_.namespaces.empty() && !options_.namespaces.contains(question.application.ns))
    return Verdict::allow();
  question.origin.uid = owner_uid(metadata, question.application.name);
  if (question.origin.uid.empty())
    question.origin.submission_id = labels[api::label::kSubmissionId].string_or();
  question.role = spark::pod_role(labels[api::label::kSparkRole].string_or());
  question.pod = *view;
  return question;
}

Verdict PodDefaulter::answer(const kube::Review& review, const Question& question,
                             const api::SparkApplication& app) const {
  const auto what = [&] { return "the pod of SparkApplication " + question.application.to_string(); };
  if (!question.role)
    return refused(
        review, Verdict::deny(what() + " is neither driver nor executor: label " + api::label::kSparkRole));
  const Json pod = spark::pod_outline(question.pod);
  const auto mutated = spark::mutate_pod(pod, app, *question.role, options_.service_links);
  if (!mutated)
    return refused(review, Verdict::deny("cannot mutate " + what() + ": " + mutated.error().message()));
  return Verdict::patch(pod, *mutated);
}

std::optional<Verdict> PodDefaulter::decide_at_once(const kube::Review& review) {
  auto asked = read(review);
  if (auto* verdict = std::get_if<Verdict>(&asked)) return std::move(*verdict);
  const auto& question = std::get<Question>(asked);
  const Application app = lookup_.known(question.application, question.origin);
  if (!app) return std::nullopt;
  return answer(review, question, *app);
}

kube::Task<Verdict> PodDefaulter::decide(const kube::Review& review) {
  auto asked = read(review);
  if (auto* verdict = std::get_if<Verdict>(&asked)) co_return std::move(*verdict);
  auto& question = std::get<Question>(asked);
  const auto found = co_await lookup_.find(question.application, question.origin);
  if (found) {
    // Others have been read meanwhile.
    auto pod = review.read(reader_);
    if (!pod) co_return Verdict::error(400, pod.error().message());
    question.pod = *pod;
    co_return answer(review, question, **found);
  }
  const std::string why = "cannot read SparkApplication " + question.application.to_string() +
                          " of the pod: " + found.error().message();
  const bool definite = found.error().is_not_found() || found.error().kind() == kube::ErrorKind::InvalidInput;
  co_return refused(review, definite ? Verdict::deny(why) : Verdict::error(500, why));
}

Verdict PodDefaulter::refused(const kube::Review& review, Verdict verdict) const {
  options_.log.warn("pod refused", {{"pod", review.key().to_string()},
                                    {"requestID", review.uid},
                                    {"code", verdict.code},
                                    {"reason", verdict.message}});
  return verdict;
}

}  // namespace webhook

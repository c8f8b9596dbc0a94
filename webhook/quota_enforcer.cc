#include "webhook/quota_enforcer.h"

#include "kube/client/api.h"
#include "webhook/quota.h"

namespace webhook {

using kube::Json;
using kube::Verdict;

namespace {

// What has pods now, or is about to.
bool holds_pods(api::State state) {
  return state != api::State::New && state != api::State::Suspended &&
         state != api::State::SubmissionFailed && !api::is_terminal(state);
}

struct Asked {
  kube::ObjectKey application;
  QuotaQuestion question;
};

// What the review's application needs, and what it gives back first; nothing when nothing new is asked for.
kube::Result<std::optional<Asked>> asked_by(const kube::Review& review) {
  auto object = review.object_json();
  if (!object) return kube::fail(std::move(object));
  auto app = kube::decode<api::SparkApplication>(*object);
  if (!app) return kube::fail(std::move(app));
  if (app->spec.suspend.value_or(false)) return std::optional<Asked>();
  auto wanted = demand_of(app->spec);
  if (!wanted) return kube::fail(std::move(wanted));
  // By the object's own name: that of the review is empty where the API server has made up the name, and one
  // place for all such applications would let a burst of them pass.
  Asked asked{{review.namespace_, app->metadata.name}, {.wanted = std::move(*wanted)}};
  if (review.operation != "UPDATE") return std::optional(std::move(asked));
  auto old_object = review.old_object_json();
  if (!old_object) return kube::fail(std::move(old_object));
  auto before = kube::decode<api::SparkApplication>(*old_object);
  // What could not be decoded never had pods.
  if (!before) return std::optional(std::move(asked));
  if (before->spec == app->spec) return std::optional<Asked>();
  if (holds_pods(before->status.application_state.state))
    if (auto held = demand_of(before->spec)) asked.question.held = std::move(*held);
  return std::optional(std::move(asked));
}

}  // namespace

QuotaEnforcer::QuotaEnforcer(kube::Client& client, std::shared_ptr<PendingDemands> pending,
                             kube::Duration deadline)
    : client_(client), pending_(std::move(pending)), deadline_(deadline) {}

kube::Task<Verdict> QuotaEnforcer::decide(const kube::Review& review) {
  if (review.operation != "CREATE" && review.operation != "UPDATE") co_return Verdict::allow();
  auto asked = asked_by(review);
  if (!asked) co_return Verdict::deny("cannot compute resource requests: " + asked.error().message());
  if (!*asked) co_return Verdict::allow();
  auto& [application, question] = **asked;
  kube::JsonApi quotas(client_, kube::kResourceQuotas, review.namespace_);
  quotas.with_deadline(deadline_);
  auto listed = co_await quotas.list();
  if (!listed) co_return Verdict::error(500, "cannot list resource quotas: " + listed.error().message());
  // Nothing waits from here to expect(): two reviews of one thread cannot both take what is left.
  const kube::TimePoint now = client_.loop().now();
  question.pending = pending_->of(application.ns, application, now);
  if (const auto full = exceeded_quota(question, listed->items))
    co_return Verdict::deny("SparkApplication " + application.to_string() +
                            " does not fit into resource quota " + *full);
  if (!review.dry_run && !question.held && !listed->items.empty())
    pending_->expect(application, std::move(question.wanted), now);
  co_return Verdict::allow();
}

}  // namespace webhook

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

// What the review's application needs beyond what it already holds; empty when nothing new is asked for.
kube::Result<ResourceAmounts> needed_by(const kube::Review& review) {
  auto object = review.object_json();
  if (!object) return kube::fail(std::move(object));
  auto app = kube::decode<api::SparkApplication>(*object);
  if (!app) return kube::fail(std::move(app));
  if (app->spec.suspend.value_or(false)) return ResourceAmounts{};
  auto wanted = requested_by(app->spec);
  if (!wanted || review.operation != "UPDATE") return wanted;
  auto old_object = review.old_object_json();
  if (!old_object) return kube::fail(std::move(old_object));
  auto before = kube::decode<api::SparkApplication>(*old_object);
  if (!before) return kube::fail(std::move(before));
  if (before->spec == app->spec) return ResourceAmounts{};
  if (!holds_pods(before->status.application_state.state)) return wanted;
  auto held = requested_by(before->spec);
  return held ? beyond(std::move(*wanted), *held) : std::move(*wanted);
}

}  // namespace

QuotaEnforcer::QuotaEnforcer(kube::Client& client, kube::Duration deadline)
    : client_(client), deadline_(deadline) {}

kube::Task<Verdict> QuotaEnforcer::decide(const kube::Review& review) {
  if (review.operation != "CREATE" && review.operation != "UPDATE") co_return Verdict::allow();
  auto needed = needed_by(review);
  if (!needed) co_return Verdict::deny("cannot compute resource requests: " + needed.error().message());
  if (needed->empty()) co_return Verdict::allow();
  kube::JsonApi quotas(client_, kube::kResourceQuotas, review.namespace_);
  quotas.with_deadline(deadline_);
  auto listed = co_await quotas.list();
  if (!listed) co_return Verdict::error(500, "cannot list resource quotas: " + listed.error().message());
  if (const auto full = exceeded_quota(*needed, listed->items))
    co_return Verdict::deny("SparkApplication " + review.key().to_string() +
                            " does not fit into resource quota " + *full);
  co_return Verdict::allow();
}

}  // namespace webhook

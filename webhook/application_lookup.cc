#include "webhook/application_lookup.h"

#include "api/spec_hash.h"
#include "webhook/application_feed.h"

namespace webhook {

namespace {

std::string is_another(const api::SparkApplication& app, const PodOrigin& pod) {
  const std::string found = "the one of that name has uid " + app.metadata.uid;
  return pod.uid.empty() ? found + " and is not at the pod's attempt " + pod.submission_id
                         : found + ", the pod was made for uid " + pod.uid;
}

}  // namespace

bool is_application_of(const api::SparkApplication& app, const PodOrigin& pod) {
  if (!pod.uid.empty()) return app.metadata.uid == pod.uid;
  const auto spec = api::spec_part(pod.submission_id);
  if (!spec) return true;
  const std::string& current = app.status.submission_id;
  return pod.submission_id == current ||
         pod.submission_id == api::next_attempt_id(app.metadata.uid, current, *spec);
}

ApplicationLookup::ApplicationLookup(std::shared_ptr<const SharedApplications> known, kube::Client& client,
                                     kube::Duration deadline)
    : known_(std::move(known)), client_(client), deadline_(deadline) {}

Application ApplicationLookup::known(const kube::ObjectKey& key, const PodOrigin& pod) const {
  Application found = known_->find(key);
  return found && is_application_of(*found, pod) ? found : nullptr;
}

kube::Task<kube::Result<Application>> ApplicationLookup::find(kube::ObjectKey key, PodOrigin pod) {
  if (Application found = known(key, pod)) co_return found;
  kube::JsonApi applications(client_, kSparkApplications, key.ns);
  applications.with_deadline(deadline_);
  auto object = co_await applications.get(key.name);
  if (!object) co_return kube::fail(std::move(object));
  auto decoded = kube::decode<api::SparkApplication>(*object);
  if (!decoded) co_return kube::fail(std::move(decoded));
  // A uid that is gone never returns, nor does an attempt that status has left: whoever made the pod is late.
  if (!is_application_of(*decoded, pod))
    co_return kube::fail(kube::ErrorKind::NotFound, is_another(*decoded, pod));
  co_return std::make_shared<const api::SparkApplication>(std::move(*decoded));
}

}  // namespace webhook

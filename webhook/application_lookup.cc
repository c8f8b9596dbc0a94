#include "webhook/application_lookup.h"

#include "webhook/application_feed.h"

namespace webhook {

ApplicationLookup::ApplicationLookup(std::shared_ptr<const SharedApplications> known, kube::Client& client,
                                     kube::Duration deadline)
    : known_(std::move(known)), client_(client), deadline_(deadline) {}

Application ApplicationLookup::known(const kube::ObjectKey& key, const std::string& uid) const {
  Application found = known_->find(key);
  return found && (uid.empty() || found->metadata.uid == uid) ? found : nullptr;
}

kube::Task<kube::Result<Application>> ApplicationLookup::find(kube::ObjectKey key, std::string uid) {
  if (Application found = known(key, uid)) co_return found;
  kube::JsonApi applications(client_, kSparkApplications, key.ns);
  applications.with_deadline(deadline_);
  auto object = co_await applications.get(key.name);
  if (!object) co_return kube::fail(std::move(object));
  auto decoded = kube::decode<api::SparkApplication>(*object);
  if (!decoded) co_return kube::fail(std::move(decoded));
  co_return std::make_shared<const api::SparkApplication>(std::move(*decoded));
}

}  // namespace webhook

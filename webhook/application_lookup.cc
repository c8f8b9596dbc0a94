#include "webhook/application_lookup.h"

#include "webhook/application_feed.h"

namespace webhook {

ApplicationLookup::ApplicationLookup(std::shared_ptr<const SharedApplications> known, kube::Client& client,
                                     kube::Duration deadline)
    : known_(std::move(known)), client_(client), deadline_(deadline) {}

kube::Task<kube::Result<Application>> ApplicationLookup::find(kube::ObjectKey key, std::string uid) {
  Application known = known_->find(key);
  if (known && (uid.empty() || known->metadata.uid == uid)) co_return known;
  kube::JsonApi applications(client_, kSparkApplications, key.ns);
  applications.with_deadline(deadline_);
  auto object = co_await applications.get(key.name);
  if (!object) co_return kube::fail(std::move(object));
  auto decoded = kube::decode<api::SparkApplication>(*object);
  if (!decoded) co_return kube::fail(std::move(decoded));
  co_return std::make_shared<const api::SparkApplication>(std::move(*decoded));
}

}  // namespace webhook

#include "webhook/application_feed.h"

namespace webhook {

ApplicationFeed::ApplicationFeed(kube::Client& client, std::vector<std::string> namespaces,
                                 std::shared_ptr<SharedApplications> into, kube::Log log,
                                 std::shared_ptr<PendingDemands> pending)
    : informer_(client, {.resource = kSparkApplications,
                         .project = pending ? project_for_quotas : project_for_pods,
                         .namespaces = std::move(namespaces),
                         .log = std::move(log)}) {
  informer_.on_change(
      [into, pending, &loop = client.loop()](const kube::Change<api::SparkApplication>& change) {
        const bool gone = change.type == kube::ChangeType::Deleted;
        if (gone)
          into->remove(change.key);
        else
          into->put(change.object);
        if (pending && gone) pending->forget(change.key);
        if (pending && !gone) pending->see(*change.object, loop.now());
      });
}

}  // namespace webhook

#include "webhook/application_feed.h"

namespace webhook {

ApplicationFeed::ApplicationFeed(kube::Client& client, std::vector<std::string> namespaces,
                                 std::shared_ptr<SharedApplications> into, kube::Log log)
    : informer_(client, {.resource = kSparkApplications,
                         .project = project_for_pods,
                         .namespaces = std::move(namespaces),
                         .log = std::move(log)}) {
  informer_.on_change([into](const kube::Change<api::SparkApplication>& change) {
    if (change.type == kube::ChangeType::Deleted)
      into->remove(change.key);
    else
      into->put(change.object);
  });
}

}  // namespace webhook

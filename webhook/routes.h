// review_routes() puts the handlers of one review thread together: which path is answered by whom.
//
//   auto routes = review_routes(known, client, {.namespaces = {"team-a"}, .log = log});
//   ReviewServer server(loop, routes, …);
//
// The client is for live reads and belongs to the thread; what is shared (known) never changes under a
// reader. Thread: the client's loop only, the routes with it. Lifetime: the routes own what they need.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "api/validation.h"
#include "kube/admission/review_routes.h"
#include "kube/base/log.h"
#include "kube/client/client.h"
#include "spark/submit_conf.h"
#include "webhook/configurations.h"
#include "webhook/pending_demands.h"
#include "webhook/shared_applications.h"

namespace webhook {

struct RouteOptions {
  std::set<std::string> namespaces = {};  // whose pods are mutated; none = all
  spark::ServiceLinks service_links = spark::ServiceLinks::On;
  api::ValidationOptions validation = {};
  std::shared_ptr<PendingDemands> pending = {};            // given: quotas are enforced
  kube::Duration read_deadline = std::chrono::seconds(5);  // half of what an API server usually waits
  kube::Log log = {};
};

kube::ReviewRoutes review_routes(std::shared_ptr<const SharedApplications> known,
                                 std::shared_ptr<kube::Client> client, RouteOptions options);

}  // namespace webhook

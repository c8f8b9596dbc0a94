#include "webhook/routes.h"

#include "webhook/defaulters.h"
#include "webhook/pod_defaulter.h"
#include "webhook/quota_enforcer.h"
#include "webhook/validators.h"

namespace webhook {

using kube::Review;
using kube::Verdict;

namespace {

struct Handlers {
  Handlers(std::shared_ptr<const SharedApplications> known, std::shared_ptr<kube::Client> own_client,
           const RouteOptions& options)
      : client(std::move(own_client)),
        log(options.log),
        validation(options.validation),
        lookup(std::move(known), *client, options.read_deadline),
        pods(lookup,
             {.namespaces = options.namespaces, .service_links = options.service_links, .log = options.log}),
        quotas(*client, options.pending, options.read_deadline) {}

  std::shared_ptr<kube::Client> client;
  kube::Log log;
  api::ValidationOptions validation;
  ApplicationLookup lookup;
  PodDefaulter pods;
  QuotaEnforcer quotas;
};
using HandlersPtr = std::shared_ptr<Handlers>;

using Validate = Verdict (*)(const Review&, const api::ValidationOptions&);

// A refusal is the user's to see; one line lets an operator count them.
Verdict logged(const kube::Log& log, const Review& review, Verdict verdict) {
  if (!verdict.allowed)
    log.info("refused", {{"kind", review.kind.kind},
                         {"object", review.key().to_string()},
                         {"requestID", review.uid},
                         {"code", verdict.code},
                         {"reason", verdict.message}});
  return verdict;
}

void add_validator(kube::ReviewRoutes& routes, const char* path, const HandlersPtr& handlers,
                   Validate validate) {
  routes.add(path, [handlers, validate](const Review& review) {
    return logged(handlers->log, review, validate(review, handlers->validation));
  });
}

kube::Task<Verdict> validate_with_quotas(HandlersPtr handlers, const Review& review) {
  Verdict verdict = validate_application(review, handlers->validation);
  if (verdict.allowed) verdict = co_await handlers->quotas.decide(review);
  co_return logged(handlers->log, review, std::move(verdict));
}

}  // namespace

kube::ReviewRoutes review_routes(std::shared_ptr<const SharedApplications> known,
                                 std::shared_ptr<kube::Client> client, RouteOptions options) {
  auto handlers = std::make_shared<Handlers>(std::move(known), std::move(client), options);
  kube::ReviewRoutes routes;
  routes.add_task(
      path::kMutatePod, [handlers](const Review& review) { return handlers->pods.decide(review); },
      [handlers](const Review& review) { return handlers->pods.decide_at_once(review); });
  routes.add(path::kMutateApplication, default_application);
  routes.add(path::kMutateScheduled, default_nothing);
  routes.add(path::kMutateConnect, default_nothing);
  if (options.pending) {
    routes.add_task(path::kValidateApplication,
                    [handlers](const Review& review) { return validate_with_quotas(handlers, review); });
  } else {
    add_validator(routes, path::kValidateApplication, handlers, validate_application);
  }
  add_validator(routes, path::kValidateScheduled, handlers, validate_scheduled_application);
  add_validator(routes, path::kValidateConnect, handlers, validate_connect);
  return routes;
}

}  // namespace webhook

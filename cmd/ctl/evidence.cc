#include "cmd/ctl/evidence.h"

#include <algorithm>

#include "api/constants.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/rendering.h"
#include "controller/application/application_view.h"
#include "kube/client/api.h"
#include "kube/core/fields.h"

namespace ctl {

using kube::Json;
using kube::Result;
using kube::Task;

namespace {

// States in which the next thing to happen is a submission.
bool is_to_be_submitted(const std::string& state) {
  return state == "NEW" || state == "SUBMISSION_FAILED" || state == "PENDING_RERUN" || state == "RESUMING";
}

class Gatherer {
 public:
  Gatherer(Cluster cluster, std::string name) : cluster_(cluster) {
    seen_.ns = cluster.ns;
    seen_.name = std::move(name);
  }

  Task<Result<Evidence>> gather() {
    auto app =
        co_await kube::JsonApi(*cluster_.client, controller::kSparkApplications, seen_.ns).get(seen_.name);
    if (!app && !app.error().is_not_found())
      co_return kube::fail(
          std::move(app).error().while_doing("SparkApplication " + seen_.ns + "/" + seen_.name));
    if (app) seen_.application = *std::move(app);
    co_await events();
    if (seen_.application.is_null()) co_return std::move(seen_);
    co_await pods();
    co_await around();
    const std::string state = state_of(seen_.application);
    if (state == "NEW") co_await others();
    if (is_to_be_submitted(state)) {
      co_await webhooks();
      co_await try_driver();
    }
    co_return std::move(seen_);
  }

 private:
  bool note(const kube::Error& error, const std::string& what) {
    seen_.unseen.push_back(what + ": " + error.message());
    return false;
  }

  Task<> events() {
    const std::string driver =
        seen_.application.is_null() ? seen_.name + "-driver" : driver_pod_of(seen_.application);
    auto about_app =
        co_await events_about(cluster_, "SparkApplication", seen_.name, uid_of(seen_.application));
    if (!about_app) {
      note(about_app.error(), "events");
      co_return;
    }
    seen_.events = *std::move(about_app);
    if (auto about_pod = co_await events_about(cluster_, "Pod", driver, ""))
      for (Json& event : *about_pod) seen_.events.push_back(std::move(event));
    sort_events(seen_.events);
  }

  Task<> pods() {
    auto found = co_await pods_of(cluster_, seen_.application);
    if (!found) {
      note(found.error(), "pods");
      co_return;
    }
    seen_.pods_seen = true;
    const std::string current = kube::string_at(seen_.application, {"status", "submissionID"});
    for (Json& pod : *found) {
      if (!current.empty() && label_of(pod, api::label::kSubmissionId) != current) continue;
      (is_role(pod, api::label::kRoleDriver) ? seen_.drivers : seen_.executors).push_back(std::move(pod));
    }
  }

  Task<> around() {
    kube::Client& client = *cluster_.client;
    if (auto quotas = co_await kube::JsonApi(client, kube::kResourceQuotas, seen_.ns).list())
      seen_.quotas = std::move(quotas->items);
    else
      note(quotas.error(), "quotas");
    if (auto ns = co_await kube::JsonApi(client, kube::kNamespaces).get(seen_.ns))
      seen_.namespace_phase = kube::string_at(*ns, {"status", "phase"});
    seen_.service_account = kube::string_at(seen_.application, {"spec", "driver", "serviceAccount"});
    if (seen_.service_account.empty()) seen_.service_account = "default";
    auto account =
        co_await kube::JsonApi(client, kube::kServiceAccounts, seen_.ns).get(seen_.service_account);
    if (account)
      seen_.service_account_is_there = true;
    else if (account.error().is_not_found())
      seen_.service_account_is_there = false;
    else
      note(account.error(), "service account");
  }

  // Who else waits, and whether anybody is served.
  Task<> others() {
    kube::JsonApi everywhere(*cluster_.client, controller::kSparkApplications);
    auto all = co_await everywhere.list();
    if (!all && all.error().kind() == kube::ErrorKind::Forbidden) {
      note(all.error(), "applications of other namespaces");
      all = co_await kube::JsonApi(*cluster_.client, controller::kSparkApplications, seen_.ns).list();
    }
    if (!all) {
      note(all.error(), "applications");
      co_return;
    }
    const std::string created = kube::string_at(seen_.application, {"metadata", "creationTimestamp"});
    for (const Json& other : all->items) {
      const Json* suspended = kube::find_path(other, {"spec", "suspend"});
      const bool waits = state_of(other) == "NEW" && !(suspended != nullptr && *suspended == true);
      if (waits && uid_of(other) != uid_of(seen_.application) &&
          kube::string_at(other, {"metadata", "creationTimestamp"}) < created)
        ++seen_.waiting_before;
      const auto time = kube::parse_rfc3339(kube::string_at(other, {"status", "lastSubmissionAttemptTime"}));
      if (time) seen_.last_submission = std::max(seen_.last_submission.value_or(*time), *time);
    }
  }

  Task<> webhooks() {
    for (const kube::Resource* kind :
         {&kube::kMutatingWebhookConfigurations, &kube::kValidatingWebhookConfigurations}) {
      auto found = co_await kube::JsonApi(*cluster_.client, *kind).list();
      if (!found) {
        note(found.error(), "webhooks");
        co_return;
      }
      for (const Json& configuration : found->items) {
        for (const Json& hook : configuration.value("webhooks", Json::array())) {
          if (kube::string_at(hook, {"failurePolicy"}) == "Ignore" || !concerns_us(hook)) continue;
          const std::string ns = kube::string_at(hook, {"clientConfig", "service", "namespace"}),
                            name = kube::string_at(hook, {"clientConfig", "service", "name"});
          if (name.empty() || co_await is_served(ns, name)) continue;
          seen_.webhooks.push_back({kind->kind + " " + name_of(configuration), ns + "/" + name});
          break;
        }
      }
    }
  }

  static bool concerns_us(const Json& hook) {
    for (const Json& rule : hook.value("rules", Json::array()))
      for (const Json& resource : rule.value("resources", Json::array()))
        if (resource == "pods" || resource == "*" || resource == "*/*" || resource == "sparkapplications")
          return true;
    return false;
  }

  // True also where that cannot be seen: nothing is claimed without having looked.
  Task<bool> is_served(std::string ns, std::string name) {
    auto endpoints = co_await kube::JsonApi(*cluster_.client, kube::kEndpoints, ns).get(name);
    if (!endpoints) co_return !endpoints.error().is_not_found();
    for (const Json& subset : endpoints->value("subsets", Json::array()))
      if (!subset.value("addresses", Json::array()).empty()) co_return true;
    co_return false;
  }

  Task<> try_driver() {
    auto app = kube::decode<api::SparkApplication>(seen_.application);
    if (!app) {
      seen_.refusal = app.error();
      co_return;
    }
    auto options = render_options("");
    if (!options) co_return;
    auto made = render_objects(*std::move(app), *options);
    if (!made) {
      seen_.refusal = made.error();
      co_return;
    }
    const auto pod = std::ranges::find_if(
        made->objects, [](const Json& object) { return kube::string_at(object, {"kind"}) == "Pod"; });
    if (pod == made->objects.end()) co_return;  // only spark-submit can make it
    auto tried = co_await cluster_.client->request({.method = "POST",
                                                    .path = kube::kPods.collection_path(seen_.ns),
                                                    .query = {{"dryRun", "All"}},
                                                    .body = kube::dump_json(*pod)});
    if (tried || tried.error().is_already_exists()) co_return;
    // That *we* may not create pods says nothing about the operator.
    const bool ours = tried.error().message().find("cannot create resource") != std::string::npos;
    if (ours || tried.error().http_status() == 0)
      note(tried.error(), "whether the API server takes the driver");
    else
      seen_.refusal = tried.error();
  }

  Cluster cluster_;
  Evidence seen_;
};

}  // namespace

Task<Result<Evidence>> gather(Cluster cluster, std::string name) {
  Gatherer gatherer(cluster, std::move(name));
  co_return co_await gatherer.gather();
}

}  // namespace ctl

#include "test/sim/user.h"

#include "kube/async/timer.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

User::User(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number)
    : Person(loop, server, plan,
             {.name = "alice",
              .seed = plan.seed * 7919 + static_cast<std::uint64_t>(number) * 104'729 + 5,
              .key = {kNamespace, "app-" + std::to_string(number)},
              .table = kApplicationTable,
              .collection = applications_path(kNamespace),
              .hasty = 0.4,
              .pause = 12s}) {}

Task<> User::create() {
  co_await post(draw_application(key().name, random_));
}

Task<> User::act() {
  const auto app = object();
  if (!app) {
    if (random_.chance(0.8)) co_await create();
    co_return;
  }
  const double what = random_.unit();
  if (what < 0.25) {
    co_await edit(Json{{"arguments", Json::array({std::to_string(100 + ++edits_)})}});
  } else if (what < 0.5) {
    // A rename is an edit, too.
    const char* const suffixes[] = {"-own", "-other", "-driver"};
    Json spec{{"driver", {{"podName", key().name + suffixes[random_.below(3)]}}}};
    if (random_.chance(0.3)) spec["driver"]["podName"] = nullptr;
    co_await edit(std::move(spec));
  } else if (what < 0.75) {
    co_await edit(Json{{"suspend", !app->json().at("spec").value("suspend", false)}});
  } else {
    co_await remove();
    if (random_.chance(0.7)) co_await create_again();
  }
}

Task<> User::come_to_rest() {
  const auto app = object();
  if (app && app->json().at("spec").at("restartPolicy").value("type", "") == "Always")
    co_await edit(Json{{"restartPolicy", {{"type", "Never"}}}});
}

Task<> vandalise(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, const bool& go_on) {
  if (plan.vandal_every == kube::Duration::zero()) co_return;
  kube::Random random(plan.seed * 31 + 17);
  DirectClient vandal{server, "vandal"};
  while (true) {
    co_await kube::sleep(loop, draw_pause(random, plan.vandal_every));
    if (!go_on) co_return;
    std::vector<kube::ObjectKey> pods;
    for (const auto& pod : server.store().list(kPodTable)) {
      // Drivers by preference: executors are not what the protocol is about.
      if (is_driver(pod->json()) || random.chance(0.2)) pods.push_back(pod->key());
    }
    if (pods.empty()) continue;
    Json options = Json::object();
    if (random.chance(0.3)) options["gracePeriodSeconds"] = 0;
    (void)co_await vandal.send("DELETE", pod_path(pods[random.below(pods.size())]), std::move(options));
  }
}

Task<> occupy_names(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan) {
  if (!plan.foreign_pods) co_return;
  kube::Random random(plan.seed * 37 + 3);
  DirectClient stranger{server, "stranger"};
  const char* const suffixes[] = {"-driver", "-own", "-other"};
  for (int i = 0; i < plan.applications; ++i) {
    co_await kube::sleep(loop, draw_pause(random, 4s));
    Json pod{{"apiVersion", "v1"},
             {"kind", "Pod"},
             {"metadata",
              {{"name", "app-" + std::to_string(i) + suffixes[random.below(3)]}, {"namespace", kNamespace}}},
             {"spec",
              {{"restartPolicy", "Never"},
               {"containers", Json::array({{{"name", "main"}, {"image", "something:1"}}})}}}};
    (void)co_await stranger.send("POST", pods_path(kNamespace), std::move(pod));
  }
}

}  // namespace sim

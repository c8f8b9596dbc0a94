#include "test/sim/user.h"

#include "kube/async/timer.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

User::User(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number)
    : loop_(loop),
      server_(server),
      plan_(plan),
      random_(plan.seed * 7919 + static_cast<std::uint64_t>(number) * 104'729 + 5),
      api_{server, "alice"},
      key_{kNamespace, "app-" + std::to_string(number)} {}

Task<> User::create() {
  (void)co_await api_.send("POST", applications_path(key_.ns), draw_application(key_.name, random_));
}

Task<> User::live() {
  co_await kube::sleep(loop_, draw_pause(random_, 2s));
  co_await create();
  const std::uint64_t actions = random_.below(static_cast<std::uint64_t>(plan_.user_actions) + 1);
  for (std::uint64_t i = 0; i < actions; ++i) {
    // Sometimes at once, so that edits fall between two steps of one reconcile.
    co_await kube::sleep(loop_, random_.chance(0.4) ? draw_pause(random_, 20ms) : draw_pause(random_, 12s));
    co_await act();
  }
}

Task<> User::act() {
  if (!server_.store().get(kApplicationTable, key_)) {
    if (random_.chance(0.8)) co_await create();
    co_return;
  }
  const std::string path = application_path(key_);
  const double what = random_.unit();
  if (what < 0.25) {
    Json spec{{"arguments", Json::array({std::to_string(100 + ++edits_)})}};
    co_await api_.merge(path, Json{{"spec", std::move(spec)}});
  } else if (what < 0.5) {
    // A rename is an edit, too.
    const char* const suffixes[] = {"-own", "-other", "-driver"};
    Json spec{{"driver", {{"podName", key_.name + suffixes[random_.below(3)]}}}};
    if (random_.chance(0.3)) spec["driver"]["podName"] = nullptr;
    co_await api_.merge(path, Json{{"spec", std::move(spec)}});
  } else if (what < 0.75) {
    const auto app = server_.store().get(kApplicationTable, key_);
    const bool suspended = app && app->json().at("spec").value("suspend", false);
    co_await api_.merge(path, Json{{"spec", {{"suspend", !suspended}}}});
  } else {
    const char* const policies[] = {"Background", "Foreground"};
    co_await api_.send("DELETE", path, Json{{"propagationPolicy", policies[random_.below(2)]}});
    if (random_.chance(0.7)) {
      if (random_.chance(0.5)) co_await kube::sleep(loop_, draw_pause(random_, 3s));
      co_await create();
    }
  }
}

Task<> User::come_to_rest() {
  const auto app = server_.store().get(kApplicationTable, key_);
  if (!app) co_return;
  if (app->json().at("spec").at("restartPolicy").value("type", "") == "Always") {
    co_await api_.merge(application_path(key_), Json{{"spec", {{"restartPolicy", {{"type", "Never"}}}}}});
  }
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

#include "test/sim/connect_user.h"

#include "kube/async/timer.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

Json connect_spec() {
  return {{"sparkVersion", "4.1.4"},
          {"image", "spark:4.1.4"},
          {"server", {{"cores", 1}}},
          {"executor", {{"instances", 2}}}};
}

ConnectUser::ConnectUser(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number)
    : loop_(loop),
      server_(server),
      plan_(plan),
      random_(plan.seed * 5477 + static_cast<std::uint64_t>(number) * 104'729 + 11),
      api_{server, "dave"},
      key_{kNamespace, "sql-" + std::to_string(number)} {}

Task<> ConnectUser::create() {
  (void)co_await api_.send("POST", connects_path(key_.ns),
                           Json{{"apiVersion", "sparkoperator.k8s.io/v1alpha1"},
                                {"kind", "SparkConnect"},
                                {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                {"spec", connect_spec()}});
}

Task<> ConnectUser::edit(Json spec) {
  (void)co_await api_.merge(connect_path(key_), Json{{"spec", std::move(spec)}});
}

Task<> ConnectUser::live() {
  co_await kube::sleep(loop_, draw_pause(random_, 2s));
  co_await create();
  const std::uint64_t actions = random_.below(static_cast<std::uint64_t>(plan_.user_actions) + 1);
  for (std::uint64_t i = 0; i < actions; ++i) {
    co_await kube::sleep(loop_, random_.chance(0.3) ? draw_pause(random_, 20ms) : draw_pause(random_, 20s));
    co_await act();
  }
}

Task<> ConnectUser::act() {
  if (!server_.store().get(kConnectTable, key_)) {
    co_await create();
    co_return;
  }
  // Never back to what it was: it stays clear which server is of which spec.
  const std::string number = std::to_string(100 + ++edits_);
  const double what = random_.unit();
  if (what < 0.35) {
    Json conf{{"spark.sql.shuffle.partitions", number}};
    co_await edit(Json{{"sparkConf", std::move(conf)}});
  } else if (what < 0.55) {
    Json service{{"metadata", {{"name", key_.name + "-front-" + number}}}};
    co_await edit(Json{{"server", {{"service", std::move(service)}}}});
  } else if (what < 0.65) {
    Json service{{"spec", {{"type", random_.chance(0.5) ? "NodePort" : "ClusterIP"}}}};
    co_await edit(Json{{"server", {{"service", std::move(service)}}}});
  } else if (what < 0.8) {
    co_await edit(Json{{"image", nullptr}});
    co_await kube::sleep(loop_, draw_pause(random_, 5s));
    co_await edit(Json{{"image", "spark:4.1." + number}});
  } else {
    const char* const propagation[] = {"Background", "Foreground"};
    Json options{{"propagationPolicy", propagation[random_.below(2)]}};
    (void)co_await api_.send("DELETE", connect_path(key_), std::move(options));
    if (random_.chance(0.5)) co_await kube::sleep(loop_, draw_pause(random_, 3s));
    co_await create();
  }
}

}  // namespace sim

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
    : Person(loop, server, plan,
             {.name = "dave",
              .seed = plan.seed * 5477 + static_cast<std::uint64_t>(number) * 104'729 + 11,
              .key = {kNamespace, "sql-" + std::to_string(number)},
              .table = kConnectTable,
              .collection = connects_path(kNamespace),
              .hasty = 0.3,
              .pause = 20s}) {}

Task<> ConnectUser::create() {
  co_await post(Json{{"apiVersion", "sparkoperator.k8s.io/v1alpha1"},
                     {"kind", "SparkConnect"},
                     {"metadata", {{"name", key().name}, {"namespace", key().ns}}},
                     {"spec", connect_spec()}});
}

Task<> ConnectUser::act() {
  if (!object()) {
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
    Json service{{"metadata", {{"name", key().name + "-front-" + number}}}};
    co_await edit(Json{{"server", {{"service", std::move(service)}}}});
  } else if (what < 0.65) {
    Json service{{"spec", {{"type", random_.chance(0.5) ? "NodePort" : "ClusterIP"}}}};
    co_await edit(Json{{"server", {{"service", std::move(service)}}}});
  } else if (what < 0.8) {
    co_await edit(Json{{"image", nullptr}});
    co_await kube::sleep(loop_, draw_pause(random_, 5s));
    co_await edit(Json{{"image", "spark:4.1." + number}});
  } else {
    co_await remove();
    co_await create_again();
  }
}

}  // namespace sim

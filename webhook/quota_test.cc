#include "webhook/quota.h"

#include <catch2/catch.hpp>

#include "kube/client/test_server.h"
#include "kube/core/fields.h"
#include "webhook/quota_enforcer.h"
#include "webhook/review_of.h"

using kube::Json;
using webhook::application_json;
using webhook::review_of;

namespace {

webhook::Demand demand(const Json& spec) {
  auto made = webhook::demand_of(kube::decode<api::SparkApplication>(application_json(spec)).value().spec);
  REQUIRE(made);
  return std::move(*made);
}

// Of driver and executors together.
std::map<std::string, std::string> amounts(const Json& spec) {
  const auto made =
      webhook::demand_of(kube::decode<api::SparkApplication>(application_json(spec)).value().spec);
  if (!made) return {{"error", made.error().message()}};
  std::map<std::string, std::string> out;
  for (const auto& [name, amount] : made->driver.amounts)
    out[name] = (amount + made->executors.amounts.at(name)).to_string();
  return out;
}

Json quota(Json hard, Json used) {
  return {{"metadata", {{"namespace", "ns"}, {"name", "small"}}},
          {"spec", {{"hard", hard}}},
          {"status", {{"hard", hard}, {"used", used}}}};
}

}  // namespace

TEST_CASE("an application asks for its driver and its executors, memory with overhead", "[webhook]") {
  // Python: 1g + 40 %, at least 384 MiB.
  const auto plain = amounts({{"executor", {{"instances", 2}}}});
  CHECK(plain.at("cpu") == "3");
  CHECK(plain.at("requests.cpu") == "3");
  CHECK(plain.at("limits.cpu") == "3");
  CHECK(plain.at("memory") == plain.at("requests.memory"));
  CHECK(plain.at("memory") == "4299Mi");  // 3 × (1024 + 409), in whole MiB as Spark requests it

  const auto given = amounts({{"type", "Scala"},
                              {"driver",
                               {{"cores", 2},
                                {"coreRequest", "500m"},
                                {"coreLimit", "1200m"},
                                {"memory", "2g"},
                                {"memoryOverhead", "1g"},
                                {"memoryLimit", "4g"}}},
                              {"executor", {{"instances", 1}, {"memory", "10g"}}}});
  CHECK(given.at("cpu") == "1500m");
  CHECK(given.at("limits.cpu") == "2200m");
  CHECK(given.at("memory") == "14Gi");         // 3 + 10 × 1.1
  CHECK(given.at("limits.memory") == "15Gi");  // 4 + 10 × 1.1
}

TEST_CASE("executors of dynamic allocation count as many as there are at the start", "[webhook]") {
  const Json dynamic = {
      {"enabled", true}, {"minExecutors", 3}, {"initialExecutors", 5}, {"maxExecutors", 50}};
  CHECK(amounts({{"dynamicAllocation", dynamic}}).at("cpu") == "6");
  CHECK(amounts(
            {{"sparkConf",
              {{"spark.dynamicAllocation.enabled", "true"}, {"spark.dynamicAllocation.minExecutors", "2"}}}})
            .at("cpu") == "3");
  CHECK(amounts({{"sparkConf", {{"spark.executor.instances", "4"}, {"spark.executor.cores", "2"}}}})
            .at("cpu") == "9");
}

TEST_CASE("amounts that cannot be read are named", "[webhook]") {
  CHECK_THAT(amounts({{"driver", {{"memory", "1.5g"}}}}).at("error"), Catch::Contains("spark.driver.memory"));
  CHECK_THAT(amounts({{"executor", {{"coreRequest", "x"}}}}).at("error"),
             Catch::Contains("spark.kubernetes.executor.request.cores"));
  CHECK_THAT(amounts({{"memoryOverheadFactor", "half"}}).at("error"),
             Catch::Contains("memoryOverheadFactor"));
  CHECK_THAT(amounts({{"executor", {{"instances", 2147483647}, {"memory", "8000000000g"}}}}).at("error"),
             Catch::Contains("memory"));
}

TEST_CASE("a quota is exceeded by what is asked for on top of what is used", "[webhook]") {
  // Driver and two executors: 3 cores.
  const webhook::QuotaQuestion asks{.wanted = demand({{"executor", {{"instances", 2}}}})};
  CHECK_FALSE(webhook::exceeded_quota(asks, {quota({{"cpu", "4"}}, {{"cpu", "1"}})}));
  CHECK(webhook::exceeded_quota(asks, {quota({{"cpu", "4"}}, {{"cpu", "1100m"}})}) ==
        "ns/small: cpu: 3 requested, 1100m used, 4 allowed");
  CHECK(webhook::exceeded_quota(asks, {quota({{"limits.memory", "4Gi"}}, Json::object())}));
  CHECK_FALSE(webhook::exceeded_quota(asks, {quota({{"pods", 1}}, {{"pods", 1}})}));
  CHECK(webhook::exceeded_quota(
      asks, {quota({{"pods", 1}}, Json::object()), quota({{"memory", 99}}, Json::object())}));

  // What its own pods have in use is given back first; what others still take is not.
  webhook::QuotaQuestion more = asks;
  more.held = demand({{"executor", {{"instances", 1}}}});
  CHECK_FALSE(webhook::exceeded_quota(more, {quota({{"cpu", "3"}}, {{"cpu", "2"}})}));
  webhook::QuotaQuestion late = asks;
  late.pending = {std::make_shared<const webhook::Demand>(demand(Json::object()))};
  CHECK(webhook::exceeded_quota(late, {quota({{"cpu", "4"}}, Json::object())}) ==
        "ns/small: cpu: 3 requested, 0 used, 2 of applications admitted before, 4 allowed");
}

TEST_CASE("a quota with scopes counts the roles whose pods it is about", "[webhook]") {
  const Json elsewhere = {
      {"podAntiAffinity",
       {{"requiredDuringSchedulingIgnoredDuringExecution",
         Json::array({{{"topologyKey", "zone"}, {"namespaceSelector", Json::object()}}})}}}};
  const Json spec = {
      {"driver", {{"priorityClassName", "high"}, {"template", {{"spec", {{"activeDeadlineSeconds", 60}}}}}}},
      {"executor",
       {{"instances", 2},
        {"affinity", elsewhere},
        {"template", {{"spec", {{"priorityClassName", "low"}}}}}}}};
  struct Row {
    const char* why;
    Json of_quota;
    int cores;  // that count; 0: the quota is not concerned
  };
  const auto selector = [](const char* operation, Json values) -> Json {
    Json rule = {{"scopeName", "PriorityClass"}, {"operator", operation}};
    if (!values.is_null()) rule["values"] = std::move(values);
    return {{"scopeSelector", {{"matchExpressions", Json::array({rule})}}}};
  };
  const std::vector<Row> rows{
      {"none", Json::object(), 3},
      {"pods without requests", {{"scopes", {"BestEffort"}}}, 0},
      {"pods with requests", {{"scopes", {"NotBestEffort"}}}, 3},
      {"pods that end by themselves", {{"scopes", {"Terminating"}}}, 1},
      {"pods that do not", {{"scopes", {"NotTerminating"}}}, 2},
      {"all scopes must fit", {{"scopes", {"NotBestEffort", "NotTerminating"}}}, 2},
      {"affinity to other namespaces", {{"scopes", {"CrossNamespacePodAffinity"}}}, 2},
      {"a scope of tomorrow", {{"scopes", {"Weekend"}}}, 0},
      {"a class of the field", selector("In", {"high", "highest"}), 1},
      {"a class of the template", selector("In", {"low"}), 2},
      {"another class", selector("NotIn", {"low"}), 1},
      {"any class", selector("Exists", nullptr), 3},
      {"no class", selector("DoesNotExist", nullptr), 0},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    Json scoped = quota({{"cpu", std::to_string(row.cores)}}, Json::object());
    scoped["spec"].update(row.of_quota);
    CHECK_FALSE(webhook::exceeded_quota({.wanted = demand(spec)}, {scoped}));
    if (row.cores == 0) continue;
    scoped["spec"]["hard"]["cpu"] = std::to_string(row.cores * 1000 - 1) + "m";
    CHECK(webhook::exceeded_quota({.wanted = demand(spec)}, {scoped}));
  }
}

TEST_CASE("the enforcer asks for the quotas as they are now, and only when more is wanted", "[webhook]") {
  Json list = {{"kind", "ResourceQuotaList"}, {"metadata", Json::object()}, {"items", Json::array()}};
  list["items"].push_back(quota({{"cpu", "4"}}, {{"cpu", "2"}}));
  kube::TestServer server([&](kube::HttpExchange& exchange) -> kube::Task<> {
    co_await kube::reply(exchange, 200, kube::dump_json(list));
  });
  auto client = server.client();
  const auto pending = std::make_shared<webhook::PendingDemands>();
  webhook::QuotaEnforcer enforcer(*client, pending, std::chrono::seconds(5));
  const auto decide = [&](const kube::Review& review) { return server.run(enforcer.decide(review)); };

  const Json small = application_json();                              // 2 cores
  Json large = application_json({{"executor", {{"instances", 2}}}});  // 3 cores
  CHECK(decide(review_of("CREATE", small)).allowed);
  const auto refused = decide(review_of("CREATE", large));
  CHECK(refused.code == 403);
  CHECK_THAT(refused.message, Catch::Contains("ns/small: cpu: 3 requested"));

  large["spec"]["suspend"] = true;
  CHECK(decide(review_of("CREATE", large)).allowed);
  large["spec"].erase("suspend");
  const auto asked = server.requests.size();
  CHECK(decide(review_of("UPDATE", large, large)).allowed);
  CHECK(decide(review_of("DELETE", nullptr, large)).allowed);
  CHECK(server.requests.size() == asked);

  Json running = small;
  running["status"]["applicationState"]["state"] = "RUNNING";
  CHECK(decide(review_of("UPDATE", large, running)).allowed);  // one core beyond its own two
  CHECK_FALSE(decide(review_of("UPDATE", large, small)).allowed);
}

TEST_CASE("a burst does not pass a quota because each of it fits alone", "[webhook]") {
  Json list = {{"kind", "ResourceQuotaList"}, {"metadata", Json::object()}, {"items", Json::array()}};
  list["items"].push_back(quota({{"cpu", "5"}}, {{"cpu", "0"}}));
  kube::TestServer server([&](kube::HttpExchange& exchange) -> kube::Task<> {
    co_await kube::reply(exchange, 200, kube::dump_json(list));
  });
  auto client = server.client();
  const auto pending = std::make_shared<webhook::PendingDemands>();
  webhook::QuotaEnforcer enforcer(*client, pending, std::chrono::seconds(5));
  // Of names that the API server has made up (generateName), a review's own field says nothing.
  const bool made_up = GENERATE(false, true);
  const auto create = [&](const std::string& name, bool dry_run = false) {
    Json app = application_json();  // 2 cores
    app["metadata"]["name"] = name;
    kube::Review review = review_of("CREATE", app);
    review.dry_run = dry_run;
    if (made_up) review.name.clear();
    return server.run(enforcer.decide(review));
  };
  CHECK(create("tried", true).allowed);
  CHECK(create("one").allowed);
  CHECK(create("two").allowed);
  CHECK_THAT(create("three").message,
             Catch::Contains("2 requested, 0 used, 4 of applications admitted before"));
  CHECK(create("one").allowed);  // made again: its own demand is not in its way

  // Nobody has ever seen them: another webhook must have refused them.
  server.loop.run_for(std::chrono::seconds(6));
  CHECK(create("three").allowed);
}

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

std::map<std::string, std::string> amounts(const Json& spec) {
  const auto app = kube::decode<api::SparkApplication>(application_json(spec)).value();
  auto requested = webhook::requested_by(app.spec);
  if (!requested) return {{"error", requested.error().message()}};
  std::map<std::string, std::string> out;
  for (const auto& [name, amount] : *requested) out[name] = amount.to_string();
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
  CHECK(kube::Quantity::parse(plain.at("memory"))->value() == 3 * ((1024ll << 20) + (409ll << 20) + 629145));

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
  CHECK_THAT(amounts({{"driver", {{"memory", "1.5g"}}}}).at("error"), Catch::Contains("spec.driver.memory"));
  CHECK_THAT(amounts({{"executor", {{"coreRequest", "x"}}}}).at("error"),
             Catch::Contains("spec.executor.coreRequest"));
  CHECK_THAT(amounts({{"memoryOverheadFactor", "half"}}).at("error"),
             Catch::Contains("memoryOverheadFactor"));
  CHECK_THAT(amounts({{"executor", {{"instances", 2147483647}, {"memory", "8000000000g"}}}}).at("error"),
             Catch::Contains("memory"));
}

TEST_CASE("a quota is exceeded by what is asked for on top of what is used", "[webhook]") {
  const webhook::ResourceAmounts asks{{"cpu", kube::Quantity::of(3)}, {"memory", kube::Quantity::of(100)}};
  CHECK_FALSE(webhook::exceeded_quota(asks, {quota({{"cpu", "4"}}, {{"cpu", "1"}})}));
  CHECK(webhook::exceeded_quota(asks, {quota({{"cpu", "4"}}, {{"cpu", "1100m"}})}) ==
        "ns/small: cpu: 3 requested, 1100m used, 4 allowed");
  CHECK_FALSE(webhook::exceeded_quota(asks, {quota({{"pods", 1}}, {{"pods", 1}})}));
  Json scoped = quota({{"cpu", 1}}, {{"cpu", 1}});
  scoped["spec"]["scopes"] = {"BestEffort"};
  CHECK_FALSE(webhook::exceeded_quota(asks, {scoped}));
  CHECK(webhook::exceeded_quota(asks, {scoped, quota({{"memory", 99}}, Json::object())}));
}

TEST_CASE("the enforcer asks for the quotas as they are now, and only when more is wanted", "[webhook]") {
  Json list = {{"kind", "ResourceQuotaList"}, {"metadata", Json::object()}, {"items", Json::array()}};
  list["items"].push_back(quota({{"cpu", "4"}}, {{"cpu", "2"}}));
  kube::TestServer server([&](kube::HttpExchange& exchange) -> kube::Task<> {
    co_await kube::reply(exchange, 200, kube::dump_json(list));
  });
  auto client = server.client();
  webhook::QuotaEnforcer enforcer(*client, std::chrono::seconds(5));
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

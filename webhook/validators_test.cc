#include "webhook/validators.h"

#include <catch2/catch.hpp>

#include "kube/core/patch.h"
#include "webhook/configurations.h"
#include "webhook/defaulters.h"
#include "webhook/review_of.h"

using kube::Json;
using kube::Verdict;
using webhook::application_json;
using webhook::review_of;

namespace {

Json defaulted(const Json& object, const char* operation = "CREATE") {
  const Verdict verdict = webhook::default_application(review_of(operation, object, object));
  REQUIRE(verdict.allowed);
  if (verdict.operations.empty()) return object;
  return kube::apply_json_patch(object, verdict.operations).value();
}

Verdict validated(const char* operation, const Json& object, const Json& old = nullptr) {
  return webhook::validate_application(review_of(operation, object, old), {});
}

}  // namespace

TEST_CASE("defaults are added where nothing was said, and nothing else changes", "[webhook]") {
  Json object = application_json({{"deps", Json::object()}, {"a field of tomorrow", {1, 2}}});
  object["spec"].erase("type");
  object["spec"]["arguments"] = Json::array();
  const Json out = defaulted(object);
  Json expected = object;
  expected["spec"]["type"] = "Scala";
  expected["spec"]["mode"] = "cluster";
  expected["spec"]["restartPolicy"] = {{"type", "Never"}};
  expected["spec"]["driver"] = {{"cores", 1}, {"memory", "1g"}};
  expected["spec"]["executor"] = {{"cores", 1}, {"memory", "1g"}, {"instances", 1}};
  CHECK(out == expected);
  CHECK(defaulted(out) == out);
}

TEST_CASE("what a user has said is never replaced by a default", "[webhook]") {
  const Json object =
      application_json({{"restartPolicy", {{"type", "OnFailure"}, {"onFailureRetryInterval", 9}}},
                        {"sparkConf", {{"spark.driver.cores", ""}, {"spark.executor.memory", "3g"}}},
                        {"driver", {{"memory", "512m"}}},
                        {"dynamicAllocation", {{"enabled", true}}}});
  const Json spec = defaulted(object)["spec"];
  CHECK(
      spec["restartPolicy"] ==
      Json({{"type", "OnFailure"}, {"onFailureRetryInterval", 9}, {"onSubmissionFailureRetryInterval", 5}}));
  CHECK(spec["driver"] == Json({{"memory", "512m"}}));
  CHECK(spec["executor"] == Json({{"cores", 1}}));
  CHECK(spec["dynamicAllocation"]["shuffleTrackingEnabled"] == true);
}

TEST_CASE("dynamic allocation in Spark's own spelling needs no number of executors", "[webhook]") {
  const Json spec =
      defaulted(application_json({{"sparkConf", {{"spark.dynamicAllocation.enabled", "true"}}}}))["spec"];
  CHECK_FALSE(spec["executor"].contains("instances"));
}

TEST_CASE("an application is defaulted while it is new or being invalidated, and never later", "[webhook]") {
  Json object = application_json();
  object["status"]["applicationState"]["state"] = "INVALIDATING";
  CHECK(defaulted(object, "UPDATE") != object);
  object["status"]["applicationState"]["state"] = "RUNNING";
  CHECK(defaulted(object, "UPDATE") == object);
  CHECK(webhook::default_application(review_of("DELETE", nullptr, object)) == Verdict::allow());
}

TEST_CASE("an object without driver and executor gets them, as it would from a typed round trip",
          "[webhook]") {
  Json object = application_json();
  object["spec"].erase("driver");
  object["spec"]["executor"] = nullptr;
  const Json spec = defaulted(object)["spec"];
  CHECK(spec["driver"]["cores"] == 1);
  CHECK(spec["executor"]["memory"] == "1g");
}

TEST_CASE("what cannot be decoded is a bad request, with the path", "[webhook]") {
  const Json object = application_json({{"driver", {{"cores", "two"}}}});
  for (const Verdict& verdict :
       {webhook::default_application(review_of("CREATE", object)), validated("CREATE", object),
        validated("UPDATE", application_json(), object)}) {
    CHECK_FALSE(verdict.allowed);
    CHECK(verdict.code == 400);
    CHECK_THAT(verdict.message, Catch::Contains("spec.driver.cores"));
  }
  CHECK(validated("PATCH", application_json()).code == 400);
}

TEST_CASE("a creation is refused with every fault, a deletion never", "[webhook]") {
  Json object = application_json({{"sparkConf", {{"spark.master", "local"}}},
                                  {"nodeSelector", {{"a", "b"}}},
                                  {"driver", {{"nodeSelector", Json::object()}}}});
  object["metadata"]["name"] = "3pi";
  const Verdict verdict = validated("CREATE", object);
  CHECK(verdict.code == 403);
  for (const char* path : {"metadata.name", "spec.nodeSelector", "spec.sparkConf[spark.master]"})
    CHECK_THAT(verdict.message, Catch::Contains(path));
  CHECK(validated("DELETE", nullptr, object).allowed);
  CHECK(validated("CONNECT", object).allowed);
  CHECK(validated("CREATE", application_json()).allowed);
}

TEST_CASE("what was let in before a rule existed stays editable, but not where the rule looks", "[webhook]") {
  const Json old =
      application_json({{"sparkConf", {{"spark.master", "local"}}},
                        {"driverIngressOptions", {{{"servicePort", 1}, {"ingressURLFormat", ""}}}}});
  Json edited = old;
  edited["spec"]["executor"]["instances"] = 7;
  CHECK(validated("UPDATE", edited, old).allowed);
  edited["spec"]["sparkConf"]["spark.master"] = "yarn";
  CHECK_THAT(validated("UPDATE", edited, old).message, Catch::Contains("spec.sparkConf[spark.master]"));
  edited = old;
  edited["spec"]["nodeSelector"] = Json::object();
  edited["spec"]["driver"]["nodeSelector"] = Json::object();
  CHECK_THAT(validated("UPDATE", edited, old).message,
             Catch::Contains("spec.nodeSelector") && !Catch::Contains("spark.master"));
}

TEST_CASE("values are found by the path of a fault", "[webhook]") {
  const Json object = {{"spec", {{"conf", {{"a.b", 1}}}, {"list", {{{"x", 2}}}}}}};
  CHECK(*webhook::value_at(object, "spec.conf[a.b]") == 1);
  CHECK(*webhook::value_at(object, "spec.list[0].x") == 2);
  CHECK(webhook::value_at(object, "spec.list[1].x") == nullptr);
  CHECK(webhook::value_at(object, "spec.none.x") == nullptr);
  CHECK(webhook::value_at(object, "spec.conf[a.b") == nullptr);
}

TEST_CASE("the other kinds are validated by their own rules", "[webhook]") {
  const Json scheduled = {
      {"metadata", {{"name", "nightly"}, {"namespace", "ns"}}},
      {"spec", {{"schedule", "@daily"}, {"template", {{"sparkConf", {{"spark.master", "x"}}}}}}}};
  CHECK_THAT(webhook::validate_scheduled_application(review_of("CREATE", scheduled), {}).message,
             Catch::Contains("spec.template.sparkConf[spark.master]"));
  CHECK(webhook::validate_scheduled_application(review_of("CREATE", scheduled),
                                                {.allow_operator_keys_in_spark_conf = true})
            .allowed);
  const Json connect = {{"metadata", {{"name", "c"}, {"namespace", "ns"}}},
                        {"spec", {{"sparkVersion", "4.0.0"}}}};
  CHECK_THAT(webhook::validate_connect(review_of("CREATE", connect), {}).message,
             Catch::Contains("spec.image"));
}

TEST_CASE("the configurations ask at every path that is served, and send Spark's pods only", "[webhook]") {
  const webhook::ConfigurationOptions options{
      .url = "https://127.0.0.1:9443", .ca_bundle = "pem", .namespaces = {"a"}};
  const Json mutating = webhook::mutating_configuration(options);
  const Json validating = webhook::validating_configuration(options);
  std::vector<std::string> paths;
  for (const Json* configuration : {&mutating, &validating})
    for (const Json& entry : (*configuration)["webhooks"]) {
      paths.push_back(entry["clientConfig"]["url"].get<std::string>().substr(options.url.size()));
      CHECK(entry["name"] == paths.back().substr(1) + ".sparkoperator.k8s.io");
      CHECK(entry["namespaceSelector"]["matchExpressions"][0]["values"] == Json::array({"a"}));
      CHECK(entry["clientConfig"]["caBundle"] == "cGVt");
    }
  std::vector<std::string> served(webhook::kServedPaths.begin(), webhook::kServedPaths.end());
  std::ranges::sort(paths);
  std::ranges::sort(served);
  CHECK(paths == served);
  CHECK(mutating["webhooks"][0]["objectSelector"]["matchLabels"] ==
        Json({{"sparkoperator.k8s.io/launched-by-spark-operator", "true"}}));
  const Json service = webhook::mutating_configuration({.service_name = "s", .service_namespace = "n"});
  CHECK(
      service["webhooks"][0]["clientConfig"] ==
      Json({{"service", {{"name", "s"}, {"namespace", "n"}, {"port", 9443}, {"path", "/mutate--v1-pod"}}}}));
  CHECK_FALSE(service["webhooks"][0].contains("namespaceSelector"));
}

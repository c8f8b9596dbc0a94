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
        validated("UPDATE", object, application_json())}) {
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

TEST_CASE("what cannot be decoded is repaired by an update, and not by one with other faults", "[webhook]") {
  const Json broken = application_json({{"driver", {{"cores", "two"}}}});
  CHECK(validated("UPDATE", application_json(), broken).allowed);
  CHECK_THAT(validated("UPDATE", application_json({{"sparkConf", {{"spark.master", "x"}}}}), broken).message,
             Catch::Contains("spec.sparkConf[spark.master]"));
}

TEST_CASE("what would fail later is refused at once, by path and rule", "[webhook]") {
  struct Row {
    const char* why;
    Json spec;
    const char* fault;
  };
  const Json bounds = {{"enabled", true}, {"minExecutors", 5}, {"maxExecutors", 2}};
  const std::vector<Row> rows{
      {"bounds of dynamic allocation",
       {{"dynamicAllocation", bounds}},
       "spec.dynamicAllocation.minExecutors: must not exceed maxExecutors (5 > 2)"},
      {"bounds in sparkConf",
       {{"sparkConf",
         {{"spark.dynamicAllocation.enabled", "true"},
          {"spark.dynamicAllocation.minExecutors", "5"},
          {"spark.dynamicAllocation.maxExecutors", "2"}}}},
       "spec.sparkConf[spark.dynamicAllocation.minExecutors]: must not exceed"},
      {"a size", {{"driver", {{"memory", "1.5g"}}}}, "spec.driver.memory: expected digits and a unit"},
      {"an overhead", {{"executor", {{"memoryOverhead", "lots"}}}}, "spec.executor.memoryOverhead: expected"},
      {"a quantity",
       {{"executor", {{"coreLimit", "2 cores"}}}},
       "spec.executor.coreLimit: expected a quantity"},
      {"a request", {{"driver", {{"coreRequest", "-1"}}}}, "spec.driver.coreRequest: must not be negative"},
      {"a limit", {{"driver", {{"memoryLimit", "2gi"}}}}, "spec.driver.memoryLimit: expected a quantity"},
      {"a limit as it was written",
       {{"driver", {{"memoryLimit", "1.5.2g"}}}},
       "spec.driver.memoryLimit: expected a quantity such as 500m or 2Gi, got \"1.5.2g\""},
      {"a number", {{"driver", {{"cores", 0}}}}, "spec.driver.cores: must be at least 1, is 0"},
      {"a factor",
       {{"memoryOverheadFactor", "half"}},
       "spec.memoryOverheadFactor: expected a decimal number"},
      {"GPUs",
       {{"executor", {{"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", -1}}}}}},
       "spec.executor.gpu.quantity: must be at least 0, is -1"},
      {"a pod's name", {{"driver", {{"podName", "My_Driver"}}}}, "spec.driver.podName: \"My_Driver\""},
      {"resources of a pod group",
       {{"batchSchedulerOptions", {{"resources", {{"cpu", "some"}}}}}},
       "spec.batchSchedulerOptions.resources[cpu]: expected a quantity"},
      {"a size in sparkConf",
       {{"sparkConf", {{"spark.executor.memoryOverhead", "1Gi"}}}},
       "spec.sparkConf[spark.executor.memoryOverhead]: expected digits and a unit"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Verdict verdict = validated("CREATE", application_json(row.spec));
    CHECK(verdict.code == 403);
    CHECK_THAT(verdict.message, Catch::Contains(row.fault));
    // The same in the template of a schedule, one level deeper.
    Json scheduled = {{"metadata", {{"name", "nightly"}, {"namespace", "ns"}}},
                      {"spec", {{"schedule", "@daily"}, {"template", application_json(row.spec)["spec"]}}}};
    if (std::string(row.why) == "a pod's name") continue;  // the runs of a schedule are named by their time
    CHECK_THAT(webhook::validate_scheduled_application(review_of("CREATE", scheduled), {}).message,
               Catch::Contains("spec.template" + std::string(row.fault).substr(4)));
  }
  // Spark starts with the larger number, and has no quarrel with it.
  CHECK(validated("CREATE",
                  application_json({{"dynamicAllocation",
                                     {{"enabled", true}, {"initialExecutors", 1}, {"minExecutors", 3}}}}))
            .allowed);
}

TEST_CASE("a schedule that no run could follow is refused at once", "[webhook]") {
  const Json good = {{"schedule", "@daily"}, {"template", application_json()["spec"]}};
  const auto decide = [](const Json& spec, const std::string& name = "nightly", const Json& old = nullptr) {
    const Json object = {{"metadata", {{"name", name}, {"namespace", "ns"}}}, {"spec", spec}};
    const Json before = {{"metadata", {{"name", name}, {"namespace", "ns"}}}, {"spec", old}};
    return webhook::validate_scheduled_application(
        old.is_null() ? review_of("CREATE", object) : review_of("UPDATE", object, before), {});
  };
  REQUIRE(decide(good).allowed);
  struct Row {
    const char* field;
    Json value;
    const char* fault;
  };
  const std::vector<Row> rows{
      {"schedule", "0 25 * * *", "spec.schedule: "},
      {"schedule", "", "spec.schedule: "},
      {"schedule", "TZ=Mars/Olympus 0 2 * * *", "spec.schedule: provided bad location Mars/Olympus"},
      {"timeZone", "Mars/Olympus", "spec.timeZone: "},
      {"concurrencyPolicy", "Never", "spec.concurrencyPolicy: expected Allow, Forbid or Replace, got Never"},
      {"catchUpPolicy", "Some", "spec.catchUpPolicy: expected Latest, All or Skip, got Some"},
      {"successfulRunHistoryLimit", -1, "spec.successfulRunHistoryLimit: must not be negative"},
      {"failedRunHistoryLimit", -1, "spec.failedRunHistoryLimit: must not be negative"},
      {"startingDeadlineSeconds", -1, "spec.startingDeadlineSeconds: must not be negative"},
      {"jitterSeconds", -1, "spec.jitterSeconds: must not be negative"},
  };
  for (const Row& row : rows) {
    INFO(row.field << ": " << row.value);
    Json spec = good;
    spec[row.field] = row.value;
    const Verdict refused = decide(spec);
    CHECK(refused.code == 403);
    CHECK_THAT(refused.message, Catch::Contains(row.fault));
    // It stays editable where the rule does not look.
    Json edited = spec;
    edited["template"]["executor"]["instances"] = 3;
    CHECK(decide(edited, "nightly", spec).allowed);
    CHECK_FALSE(decide(spec, "nightly", good).allowed);
  }

  // 63 characters less a dash and the time: refused when not even minutes fit, warned of when nanoseconds do
  // not.
  CHECK(decide(good, std::string(43, 'n')).warnings.empty());
  CHECK(decide(good, std::string(44, 'n')).warnings.size() == 1);
  CHECK(decide(good, std::string(54, 'n')).allowed);
  CHECK_THAT(decide(good, std::string(55, 'n')).message,
             Catch::Contains("metadata.name: must have at most 54"));
  CHECK(decide(good, std::string(55, 'n'), good).allowed);
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
      {"spec",
       {{"schedule", "@daily"},
        {"template", {{"sparkVersion", "3.5.7"}, {"sparkConf", {{"spark.master", "x"}}}}}}}};
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

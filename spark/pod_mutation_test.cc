#include "spark/pod_mutation.h"

#include <catch2/catch.hpp>

#include "api/spark_application.h"

using kube::Json;
using spark::PodRole;

namespace {

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.metadata.uid = "u";
  app.spec.spark_version = "3.5.7";
  return app;
}

Json pod(const char* container = "spark-kubernetes-driver") {
  return Json::parse(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"other"},{"name":")" +
                     std::string(container) + R"("}]}})");
}

Json mutate(const Json& pod, const api::SparkApplication& app, PodRole role) {
  auto out = spark::mutate_pod(pod, app, role);
  if (!out) FAIL(out.error().message());
  return *out;
}

}  // namespace

TEST_CASE("the Spark container is found by its name, else it is the first", "[spark]") {
  auto app = application();
  app.spec.driver.env = app.spec.executor.env = {{{"name", "A"}, {"value", "1"}}};
  CHECK(mutate(pod(), app, PodRole::Driver)["spec"]["containers"][1].contains("env"));
  CHECK(mutate(pod("executor"), app, PodRole::Executor)["spec"]["containers"][1].contains("env"));
  CHECK(mutate(pod("spark-kubernetes-executor"), app, PodRole::Executor)["spec"]["containers"][1].contains(
      "env"));
  CHECK(mutate(pod("main"), app, PodRole::Driver)["spec"]["containers"][0].contains("env"));
  CHECK_FALSE(
      spark::mutate_pod({{"spec", {{"containers", Json::array()}}}}, app, PodRole::Driver).has_value());
}

TEST_CASE("mutating a pod twice changes it once", "[spark]") {
  auto app = application();
  app.spec.driver.env = {{{"name", "A"}, {"value", "1"}}};
  app.spec.driver.tolerations = {{{"key", "t"}}};
  app.spec.driver.memory_limit = "2g";
  const Json once = mutate(pod(), app, PodRole::Driver);
  CHECK(mutate(once, app, PodRole::Driver) == once);
}

TEST_CASE("variables that refer to each other, or are said twice, come to rest", "[spark]") {
  auto app = application();
  app.spec.spark_config_map = "conf";
  const auto variable = [](const char* name, const char* value) {
    return Json{{"name", name}, {"value", value}};
  };
  app.spec.executor.env = {variable("A", "$(B)"), variable("B", "$(A)"), variable("C", "1"),
                           variable("C", "2"), variable("SPARK_CONF_DIR", "/mine")};
  const auto env_of = [](const Json& executor) { return executor["spec"]["containers"][1]["env"]; };
  Json executor = pod("executor");
  executor["metadata"]["annotations"][spark::kMutatedAnnotation] = spark::kMutatedFully;
  const Json directory = variable("SPARK_CONF_DIR", "/etc/spark/conf");
  SECTION("as the template had them") {
    Json& env = executor["spec"]["containers"][1]["env"] = app.spec.executor.env;
    env.push_back(directory);
    CHECK(mutate(executor, app, PodRole::Executor) == executor);
  }
  SECTION("where Spark wrote over one of them") {
    Json& env = executor["spec"]["containers"][1]["env"] = app.spec.executor.env;
    env.push_back(directory);
    env.push_back(variable("A", "Spark's"));
    const Json once = mutate(executor, app, PodRole::Executor);
    // B is to see the right A.
    CHECK(env_of(once) ==
          Json::array({variable("A", "$(B)"), variable("B", "$(A)"), variable("C", "1"), variable("C", "2"),
                       variable("SPARK_CONF_DIR", "/mine"), directory, variable("A", "Spark's"),
                       variable("A", "$(B)"), variable("B", "$(A)")}));
    CHECK(mutate(once, app, PodRole::Executor) == once);
  }
  SECTION("where none of them is") {
    const Json once = mutate(executor, app, PodRole::Executor);
    CHECK(env_of(once) ==
          Json::array({variable("A", "$(B)"), variable("B", "$(A)"), variable("C", "2"), directory}));
    CHECK(mutate(once, app, PodRole::Executor) == once);
  }
}

TEST_CASE("a driver gets its owner once, an executor none", "[spark]") {
  auto app = application();
  const Json driver = mutate(pod(), app, PodRole::Driver);
  REQUIRE(driver["metadata"]["ownerReferences"].size() == 1);
  Json owned = pod();
  owned["metadata"]["ownerReferences"] = driver["metadata"]["ownerReferences"];
  CHECK(mutate(owned, app, PodRole::Driver)["metadata"]["ownerReferences"].size() == 1);
  CHECK_FALSE(mutate(pod("executor"), app, PodRole::Executor)["metadata"].contains("ownerReferences"));
}

TEST_CASE("lists append, single values replace, selectors merge", "[spark]") {
  Json given = pod();
  given["spec"]["tolerations"] = {{{"key", "old"}}};
  given["spec"]["affinity"] = {{"old", true}};
  given["spec"]["nodeSelector"] = {{"a", "old"}, {"b", "old"}};
  given["spec"]["priority"] = 5;
  auto app = application();
  app.spec.driver.tolerations = {{{"key", "new"}}};
  app.spec.driver.affinity = {{"new", true}};
  app.spec.driver.node_selector = api::StringMap{{"a", "new"}};
  app.spec.driver.priority_class_name = "high";
  const Json out = mutate(given, app, PodRole::Driver)["spec"];
  CHECK(out["tolerations"].size() == 2);
  CHECK(out["affinity"] == Json({{"new", true}}));
  CHECK(out["nodeSelector"] == Json({{"a", "new"}, {"b", "old"}}));
  CHECK(out["priorityClassName"] == "high");
  CHECK_FALSE(out.contains("priority"));
}

TEST_CASE("the batch scheduler's name wins, even when it is empty", "[spark]") {
  auto app = application();
  app.spec.driver.scheduler_name = "mine";
  CHECK(mutate(pod(), app, PodRole::Driver)["spec"]["schedulerName"] == "mine");
  app.spec.batch_scheduler = "volcano";
  CHECK(mutate(pod(), app, PodRole::Driver)["spec"]["schedulerName"] == "volcano");
  app.spec.batch_scheduler = "";
  CHECK_FALSE(mutate(pod(), app, PodRole::Driver)["spec"].contains("schedulerName"));
}

TEST_CASE("volumes come once, in the order of their mounts, and only when known", "[spark]") {
  auto app = application();
  app.spec.volumes = {{{"name", "a"}, {"emptyDir", Json::object()}},
                      {{"name", "a"}, {"hostPath", {{"path", "/x"}}}},
                      {{"name", "spark-local-dir-1"}, {"emptyDir", Json::object()}}};
  for (const char* name : {"a", "a", "unknown", "spark-local-dir-1"})
    app.spec.driver.volume_mounts.push_back({{"name", name}, {"mountPath", "/m"}});
  const Json out = mutate(pod(), app, PodRole::Driver)["spec"];
  REQUIRE(out["volumes"].size() == 1);
  CHECK(out["volumes"][0].contains("hostPath"));  // the last definition counts
  CHECK(out["containers"][1]["volumeMounts"].size() == 2);
}

TEST_CASE("a volume that fields and the own template both say comes once", "[spark]") {
  auto app = application();
  const Json data = {{"name", "data"}, {"emptyDir", Json::object()}};
  const Json extra = {{"name", "extra"}, {"emptyDir", Json::object()}};
  const Json mounted_there = {{"name", "data"}, {"mountPath", "/data"}};
  const Json mounted_here = {{"name", "data"}, {"mountPath", "/again"}};
  const Json mount_of_extra = {{"name", "extra"}, {"mountPath", "/extra"}};
  app.spec.volumes = {data, extra};
  const Json own = {
      {"spec",
       {{"volumes", Json::array({data})},
        {"containers",
         {{{"name", "helper"}, {"volumeMounts", Json::array({mount_of_extra})}},
          {{"name", "spark-kubernetes-executor"}, {"volumeMounts", Json::array({mounted_there})}}}}}}};
  for (api::SparkPodSpec* fields : {static_cast<api::SparkPodSpec*>(&app.spec.driver),
                                    static_cast<api::SparkPodSpec*>(&app.spec.executor)})
    fields->volume_mounts = {mounted_there, mounted_here, mount_of_extra};
  const auto check = [&](const Json& out) {
    CHECK(out["spec"]["volumes"] == Json::array({data, extra}));
    CHECK(out["spec"]["containers"][1]["volumeMounts"] ==
          Json::array({mounted_there, mounted_here, mount_of_extra}));
  };
  app.spec.executor.pod_template = own;
  check(spark::executor_pod_template(app, {}).value());
  app.spec.driver.pod_template = own;
  app.spec.driver.pod_template["spec"]["containers"][1]["name"] = "spark-kubernetes-driver";
  check(mutate(app.spec.driver.pod_template, app, PodRole::Driver));
}

TEST_CASE("containers of a name and image that are there are not added again", "[spark]") {
  auto app = application();
  app.spec.driver.sidecars = {{{"name", "other"}}, {{"name", "other"}, {"image", "x"}}};
  CHECK(mutate(pod(), app, PodRole::Driver)["spec"]["containers"].size() == 3);
}

TEST_CASE("an unreadable memory limit refuses the pod", "[spark]") {
  auto app = application();
  app.spec.driver.memory_limit = "10b";
  CHECK_FALSE(spark::mutate_pod(pod(), app, PodRole::Driver).has_value());
  app.spec.driver.memory_limit = "2G";
  CHECK(mutate(pod(), app, PodRole::Driver)["spec"]["containers"][1]["resources"]["limits"]["memory"] ==
        "2Gi");
}

TEST_CASE("volume names of config maps are legal and never collide", "[spark]") {
  CHECK(spark::config_map_volume_name("settings") == "settings-vol");
  CHECK(spark::config_map_volume_name("my.settings") == "my-settings-e68fc33d-vol");
  const std::string name = spark::config_map_volume_name(std::string(80, 'a'));
  CHECK(name.size() == 63);
  CHECK(name != spark::config_map_volume_name(std::string(81, 'a')));
}

TEST_CASE("executor fields that may change while it runs are left to a webhook that runs", "[spark]") {
  auto app = application();
  app.spec.executor.priority_class_name = "low";
  app.spec.executor.env = {{{"name", "A"}, {"value", "1"}}};
  spark::SubmitOptions options;
  options.partial_restart = true;
  CHECK((*spark::executor_pod_template(app, options))["spec"]["priorityClassName"] == "low");
  options.webhook_runs = true;
  const Json partly = *spark::executor_pod_template(app, options);
  CHECK_FALSE(partly["spec"].contains("priorityClassName"));
  CHECK(partly["spec"]["containers"][0]["env"].size() == 1);

  // The executor that Spark makes from it goes through the webhook, which adds what is missing and nothing
  // else.
  app.spec.executor.memory_limit = "3g";
  const Json executor = mutate(partly, app, PodRole::Executor);
  CHECK(executor["spec"]["priorityClassName"] == "low");
  CHECK(executor["spec"]["containers"][0]["env"].size() == 1);
  CHECK(executor["spec"]["containers"][0]["resources"]["limits"]["memory"] == "3Gi");
  CHECK(mutate(executor, app, PodRole::Executor) == executor);
}

TEST_CASE("service links are off in drivers and executors, unless their own template says something",
          "[spark]") {
  const auto made = [](const api::SparkApplication& app, spark::ServiceLinks links) {
    spark::SubmitOptions options;
    options.service_links = links;
    // At a webhook the API server has filled in its default already.
    Json seen = pod();
    seen["spec"]["enableServiceLinks"] = true;
    const Json driver = *spark::mutate_pod(seen, app, PodRole::Driver, links);
    const Json executor = *spark::executor_pod_template(app, options);
    return Json::array({driver["spec"].value("enableServiceLinks", Json()),
                        executor["spec"].value("enableServiceLinks", Json())});
  };
  auto app = application();
  CHECK(made(app, spark::ServiceLinks::Off) == Json::array({false, false}));
  CHECK(made(app, spark::ServiceLinks::On) == Json::array({true, nullptr}));
  app.spec.driver.pod_template = app.spec.executor.pod_template =
      Json::parse(R"({"spec": {"enableServiceLinks": true, "containers": [{"name": "x"}]}})");
  CHECK(made(app, spark::ServiceLinks::Off) == Json::array({true, true}));
  app.spec.executor.pod_template["spec"]["enableServiceLinks"] = nullptr;
  CHECK(made(app, spark::ServiceLinks::Off) == Json::array({true, false}));
}

TEST_CASE("a pod that was made right at submission keeps its service links at a webhook", "[spark]") {
  const auto app = application();
  const Json once = mutate(pod(), app, PodRole::Driver);
  CHECK(*spark::mutate_pod(once, app, PodRole::Driver, spark::ServiceLinks::Off) == once);
}

TEST_CASE("what Spark writes over an executor's template goes through its own properties", "[spark]") {
  auto app = application();
  app.spec.node_selector = api::StringMap{{"pool", "all"}};
  app.spec.executor.node_selector = api::StringMap{{"pool", "executors"}, {"own", "x"}};
  app.spec.spark_conf = {{"spark.kubernetes.scheduler.name", "conf"}};
  app.spec.executor.scheduler_name = "mine";
  app.spec.executor.termination_grace_period_seconds = 7;
  app.spec.executor.env = {{{"name", "ID"}, {"value", "$(SPARK_EXECUTOR_ID)"}},
                           {{"name", "IP"}, {"value", "$(SPARK_EXECUTOR_POD_IP)"}}};
  const auto conf = spark::executor_properties(app, {});
  CHECK(conf.raw("spark.kubernetes.executor.node.selector.pool") == "executors");
  CHECK_FALSE(conf.contains("spark.kubernetes.executor.node.selector.own"));
  CHECK(conf.raw("spark.kubernetes.executor.scheduler.name") == "mine");
  CHECK(conf.raw("spark.kubernetes.executor.terminationGracePeriodSeconds") == "7s");
  CHECK(conf.raw("spark.executorEnv.ID") == "$(SPARK_EXECUTOR_ID)");
  CHECK(spark::fields_needing_webhook(app) == std::vector<std::string>{"executor.env.IP"});
  // A webhook that may change them later has them to itself.
  spark::SubmitOptions options;
  options.webhook_runs = options.partial_restart = true;
  const auto partly = spark::executor_properties(app, options);
  CHECK_FALSE(partly.contains("spark.kubernetes.executor.node.selector.pool"));
  CHECK_FALSE(partly.contains("spark.kubernetes.executor.scheduler.name"));
}

TEST_CASE("environment that Spark would write over a template goes through its own property", "[spark]") {
  auto app = application();
  app.spec.spark_config_map = "conf";
  app.spec.executor.env_vars = {{"A", "1"}};
  app.spec.executor.env = {{{"name", "A"}, {"value", "2"}},
                           {{"name", "B"}, {"value", "3"}},
                           {{"name", "SPARK_LOCAL_DIRS"}, {"value", "/x"}}};
  auto conf = spark::executor_properties(app, {});
  CHECK(conf.raw("spark.executorEnv.A") == "2");
  CHECK_FALSE(conf.contains("spark.executorEnv.B"));
  CHECK(conf.raw("spark.executorEnv.SPARK_CONF_DIR") == "/etc/spark/conf");
  CHECK(spark::fields_needing_webhook(app) == std::vector<std::string>{"executor.env.SPARK_LOCAL_DIRS"});
  app.spec.executor.memory_limit = "1g";
  CHECK(spark::fields_needing_webhook(app).front() == "executor.memoryLimit");
}

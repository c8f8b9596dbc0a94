#include "api/validation.h"

#include <catch2/catch.hpp>

using api::validate;

namespace {

api::SparkApplication valid_app() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "team-a";
  app.spec.spark_version = "3.5.7";
  return app;
}

std::vector<std::string> paths(const std::vector<api::Fault>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) out.push_back(fault.path);
  return out;
}
using Paths = std::vector<std::string>;

api::DriverIngressOptions ingress(std::optional<std::int32_t> port, std::optional<std::string> format) {
  api::DriverIngressOptions options;
  options.service_port = port;
  options.ingress_url_format = std::move(format);
  return options;
}

}  // namespace

TEST_CASE("a plain application is valid", "[api]") {
  CHECK(api::describe(validate(valid_app())).empty());
}

TEST_CASE("a name must be a DNS-1035 label", "[api]") {
  const auto name = GENERATE(as<std::string>{}, "", "1pi", "Pi", "a.b", "pi-", std::string(64, 'a'));
  auto app = valid_app();
  app.metadata.name = name;
  CHECK(paths(validate(app)) == Paths{"metadata.name"});
  api::ScheduledSparkApplication scheduled;
  scheduled.metadata.name = name;
  CHECK(paths(validate(scheduled)).front() == "metadata.name");
}

TEST_CASE("pod templates need Spark 3.0.0, in semantic-version order", "[api]") {
  struct Row {
    const char* version;
    bool allowed;
  };
  const auto row = GENERATE(values<Row>({{"3.5", true},
                                         {"v3.5.1", true},
                                         {"3.5.1-vendor", true},
                                         {"3", true},
                                         {"3.0.0", true},
                                         {"4.0.0-preview1", true},
                                         {"10.0.0", true},
                                         {"3.0.0+build.1", true},
                                         {"3.0.0-preview", false},
                                         {"2.4.8", false},
                                         {"latest", false},
                                         {"3.5.x", false},
                                         {"V3.5.1", false},
                                         {"3.5.1.2", false},
                                         {"03.5.1", false},
                                         {"", false}}));
  INFO(row.version);
  auto app = valid_app();
  app.spec.spark_version = row.version;
  app.spec.executor.pod_template = kube::Json::object();
  CHECK(validate(app).empty() == row.allowed);
  if (!row.allowed) CHECK(paths(validate(app)) == Paths{"spec.executor.template"});
}

TEST_CASE("node selectors stand at one level only, and an empty one counts", "[api]") {
  auto app = valid_app();
  app.spec.node_selector = api::StringMap{{"pool", "spark"}};
  CHECK(validate(app).empty());
  app.spec.driver.node_selector.emplace();
  CHECK(api::describe(validate(app)) == "spec.nodeSelector: excludes spec.driver.nodeSelector");
}

TEST_CASE("driver ingress ports and URL formats are given and differ", "[api]") {
  auto app = valid_app();
  app.spec.driver_ingress_options = {ingress(4041, "a"), ingress(4042, "b")};
  CHECK(validate(app).empty());
  app.spec.driver_ingress_options = {ingress(4041, "a"), ingress(4041, "a"), ingress(std::nullopt, "")};
  CHECK(api::describe(validate(app)) ==
        "spec.driverIngressOptions[1].servicePort: must differ from spec.driverIngressOptions[0].servicePort "
        "(4041); "
        "spec.driverIngressOptions[1].ingressURLFormat: must differ from "
        "spec.driverIngressOptions[0].ingressURLFormat "
        "(a); spec.driverIngressOptions[2].servicePort: is required; "
        "spec.driverIngressOptions[2].ingressURLFormat: must not be empty");
}

TEST_CASE("sparkConf keys of the operator are refused unless the operator lets old applications in",
          "[api]") {
  auto app = valid_app();
  app.spec.spark_conf = {{"spark.kubernetes.container.image", "x"},
                         {"spark.kubernetes.namespace", "team-a"},
                         {"spark.master", "local"},
                         {"spark.app.name", "fine"}};
  CHECK(paths(validate(app)) ==
        Paths{"spec.sparkConf[spark.kubernetes.container.image]", "spec.sparkConf[spark.master]"});
  CHECK(validate(app, {.allow_operator_keys_in_spark_conf = true}).empty());

  app.spec.spark_conf = {{"spark.kubernetes.namespace", "team-b"}};
  CHECK(
      api::describe(validate(app)) ==
      "spec.sparkConf[spark.kubernetes.namespace]: must be the object's namespace \"team-a\", is \"team-b\"");

  api::ScheduledSparkApplication scheduled;
  scheduled.metadata.name = "nightly";
  scheduled.spec.schedule = "@daily";
  scheduled.spec.app_template.spark_version = "3.5.7";
  scheduled.spec.app_template.spark_conf = {{"spark.master", "local"}};
  CHECK(paths(validate(scheduled)) == Paths{"spec.template.sparkConf[spark.master]"});
}

namespace {
api::SparkConnect valid_connect() {
  api::SparkConnect connect;
  connect.metadata.name = "notebook";
  connect.spec.spark_version = "4.0.1";
  connect.spec.image = "spark:4.0.1";
  return connect;
}
}  // namespace

TEST_CASE("a Connect server leaves room for its service's name", "[api]") {
  auto connect = valid_connect();
  connect.metadata.name = std::string(56, 'a');
  CHECK(validate(connect).empty());
  connect.metadata.name += "a";
  CHECK(paths(validate(connect)) == Paths{"metadata.name"});
}

TEST_CASE("a Connect server's image comes from the spec or from both templates", "[api]") {
  const auto named = kube::Json::parse(R"({"spec":{"containers":[{"name":"x","image":"a"}]}})");
  auto connect = valid_connect();
  connect.spec.image.reset();
  CHECK(paths(validate(connect)) == Paths{"spec.image"});
  connect.spec.server.pod_template = named;
  CHECK(paths(validate(connect)) == Paths{"spec.image"});
  connect.spec.executor.pod_template = named;
  CHECK(validate(connect).empty());
  connect.spec.server.pod_template["spec"]["containers"].push_back({{"name", "spark-kubernetes-driver"}});
  CHECK(paths(validate(connect)) == Paths{"spec.image"});
  connect.spec.spark_version = "";
  CHECK(paths(validate(connect)) ==
        Paths{"spec.sparkVersion", "spec.server.template", "spec.executor.template", "spec.image"});
}

TEST_CASE("a Connect server's executor bounds are ordered and not negative, once enabled", "[api]") {
  auto connect = valid_connect();
  auto& dynamic = connect.spec.dynamic_allocation.emplace();
  dynamic.min_executors = 5;
  dynamic.max_executors = 2;
  dynamic.initial_executors = -1;
  CHECK(validate(connect).empty());
  dynamic.enabled = true;
  CHECK(api::describe(validate(connect)) ==
        "spec.dynamicAllocation.minExecutors: must not exceed maxExecutors (5 > 2); "
        "spec.dynamicAllocation.minExecutors: must not exceed initialExecutors (5 > -1); "
        "spec.dynamicAllocation.initialExecutors: must not be negative, is -1");
}

TEST_CASE("a Connect server's memory is digits and one unit", "[api]") {
  struct Row {
    const char* memory;
    bool allowed;
  };
  const auto row = GENERATE(values<Row>({{"1g", true},
                                         {"512m", true},
                                         {"1024", true},
                                         {"1GB", true},
                                         {"10b", true},
                                         {" 2g ", true},
                                         {"", true},
                                         {"1.5g", false},
                                         {"-1g", false},
                                         {"g", false},
                                         {"1gi", false},
                                         {" ", false}}));
  INFO(row.memory);
  auto connect = valid_connect();
  connect.spec.executor.memory = row.memory;
  CHECK(validate(connect).empty() == row.allowed);
}

TEST_CASE("a memory limit is what the pod webhook can read: a fraction has a JVM's unit, too", "[api]") {
  struct Row {
    const char* limit;
    bool allowed;
  };
  const auto row = GENERATE(values<Row>({{"1.5g", true},
                                         {"2.5GB", true},
                                         {" 2Gi ", true},
                                         {" 2g\n", true},
                                         {"500m", true},
                                         {"1024", true},
                                         {"", true},
                                         {"1.5.2g", false},
                                         {"-1g", false},
                                         {"1e3g", false},
                                         {"1Mg", false},
                                         {"2gi", false},
                                         {"10b", false},
                                         {"gb", false},
                                         {"b", false},
                                         {" ", false}}));
  INFO(row.limit);
  auto app = valid_app();
  app.spec.driver.memory_limit = row.limit;
  app.spec.executor.memory_limit = row.limit;
  CHECK(paths(validate_submission(app)) ==
        (row.allowed ? Paths{} : Paths{"spec.driver.memoryLimit", "spec.executor.memoryLimit"}));
}

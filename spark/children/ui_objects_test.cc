#include "spark/children/ui_objects.h"

#include <catch2/catch.hpp>

#include "spark/children/disruption_budget.h"

using kube::Json;

namespace {

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.metadata.uid = "u";
  app.status.submission_id = "sub";
  return app;
}

}  // namespace

TEST_CASE("the UI service selects the driver and belongs to the application", "[spark]") {
  const Json service = spark::ui_service(application());
  CHECK(service["metadata"]["name"] == "pi-ui-svc");
  CHECK(service["metadata"]["labels"] == Json({{"sparkoperator.k8s.io/app-name", "pi"},
                                               {"sparkoperator.k8s.io/created-by-spark-operator", "true"},
                                               {"sparkoperator.k8s.io/submission-id", "sub"}}));
  CHECK(service["metadata"]["ownerReferences"][0]["controller"] == true);
  CHECK(service["spec"] == Json::parse(R"({"type": "ClusterIP",
      "selector": {"sparkoperator.k8s.io/app-name": "pi", "spark-role": "driver"},
      "ports": [{"name": "spark-driver-ui-port", "port": 4040, "targetPort": 4040}]})"));
}

TEST_CASE("the UI service's port follows sparkConf until options are given", "[spark]") {
  struct Row {
    const char* why;
    const char* conf;
    bool options;
    int option_port;  // 0: none
    int port;
    int target;
  };
  auto row = GENERATE(values<Row>({{"conf", "4041", false, 0, 4041, 4041},
                                   {"no number", "x", false, 0, 4040, 4040},
                                   {"options without a port", "4041", true, 0, 4040, 4041},
                                   {"options with a port", "4041", true, 80, 80, 4041}}));
  INFO(row.why);
  auto app = application();
  app.spec.spark_conf["spark.ui.port"] = row.conf;
  if (row.options) app.spec.spark_ui_options.emplace();
  if (row.option_port != 0) app.spec.spark_ui_options->service_port = row.option_port;
  const Json port = spark::ui_service(app)["spec"]["ports"][0];
  CHECK(port["port"] == row.port);
  CHECK(port["targetPort"] == row.target);
}

TEST_CASE("labels of the user replace the usual ones of a service", "[spark]") {
  auto app = application();
  app.spec.spark_ui_options.emplace().service_labels = {{"mine", "1"}};
  CHECK(spark::ui_service(app)["metadata"]["labels"] ==
        Json({{"mine", "1"}, {"sparkoperator.k8s.io/created-by-spark-operator", "true"}}));
}

TEST_CASE("an ingress below the root cuts its path off", "[spark]") {
  spark::IngressOptions options;
  CHECK_FALSE(spark::ui_ingress(application(), options)->has_value());
  options.url_format = "https://ex.com:8443/{{$appNamespace}}/{{$appName}}?q";
  options.class_name = "nginx";
  options.annotations = {{"a", "b"}};
  options.tls = {{{"secretName", "tls"}}};
  const Json ingress = **spark::ui_ingress(application(), options);
  CHECK(ingress["metadata"]["name"] == "pi-ui-ingress");
  CHECK(ingress["metadata"]["annotations"] ==
        Json({{"a", "b"}, {"nginx.ingress.kubernetes.io/rewrite-target", "/$2"}}));
  const Json expected = Json::parse(R"json({"ingressClassName": "nginx", "tls": [{"secretName": "tls"}],
      "rules": [{"host": "ex.com", "http": {"paths": [{"path": "/ns/pi(/|$)(.*)",
      "pathType": "ImplementationSpecific",
      "backend": {"service": {"name": "pi-ui-svc", "port": {"number": 4040}}}}]}}]})json");
  CHECK(ingress["spec"] == expected);
}

TEST_CASE("an ingress at the root has no rewrite, and annotations of the application win", "[spark]") {
  spark::IngressOptions options;
  options.url_format = "{{$appName}}.ex.com";
  options.annotations = {{"a", "b"}};
  auto app = application();
  app.spec.spark_ui_options.emplace().ingress_annotations = {{"c", "d"}};
  const Json ingress = **spark::ui_ingress(app, options);
  CHECK(ingress["metadata"]["annotations"] == Json({{"c", "d"}}));
  CHECK(ingress["spec"]["rules"][0]["host"] == "pi.ex.com");
  CHECK_FALSE(ingress["spec"]["rules"][0]["http"]["paths"][0].contains("path"));
}

TEST_CASE("driver ingress entries make a service, and an ingress when they say where", "[spark]") {
  auto app = application();
  api::DriverIngressOptions entry;
  CHECK_FALSE(spark::driver_ingress_service(app, entry).has_value());
  entry.service_port = 8888;
  const Json service = *spark::driver_ingress_service(app, entry);
  CHECK(service["metadata"]["name"] == "pi-driver-8888");
  CHECK(service["spec"]["ports"][0]["name"] == "driver-ing-8888");
  CHECK_FALSE(spark::driver_ingress(app, entry, {})->has_value());
  entry.ingress_url_format = "ex.com/x";
  CHECK((**spark::driver_ingress(app, entry, {}))["metadata"]["name"] == "pi-ing-8888");
}

TEST_CASE("fault 24: an ingress' host is a name without port; for an address it has none", "[spark]") {
  spark::IngressOptions options;
  options.url_format = "EX.com:8443/x";
  CHECK((**spark::ui_ingress(application(), options))["spec"]["rules"][0]["host"] == "ex.com");
  options.url_format = "10.0.0.1:80/x";
  CHECK_FALSE((**spark::ui_ingress(application(), options))["spec"]["rules"][0].contains("host"));
}

TEST_CASE("the budget is named after the driver that runs", "[spark]") {
  auto app = application();
  app.spec.driver.pod_name = "mine";
  Json budget = spark::driver_pod_disruption_budget(app);
  CHECK(budget["metadata"]["name"] == "mine");
  CHECK(budget["spec"]["minAvailable"] == 1);
  CHECK(budget["spec"]["selector"]["matchLabels"]["spark-role"] == "driver");
  // Fault 35: after an edit of the name the old driver is still the one to keep.
  app.status.driver_info.pod_name = "before";
  budget = spark::driver_pod_disruption_budget(app);
  CHECK(budget["metadata"]["name"] == "before");
}

TEST_CASE("flags in JSON say what they expect", "[spark]") {
  CHECK(spark::parse_ingress_tls("")->empty());
  CHECK(spark::parse_ingress_tls(R"([{"hosts":["a"],"secretName":"s"}])")->size() == 1);
  for (const char* wrong :
       {"x", "{}", "[1]", R"([{"hosts":"a"}])", R"([{"secret":"a"}])", R"([{"hosts":[1]}])"}) {
    INFO(wrong);
    REQUIRE_FALSE(spark::parse_ingress_tls(wrong));
    CHECK(spark::parse_ingress_tls(wrong).error().message().starts_with(
        "--ingress-tls: expected a JSON array"));
  }
  CHECK(spark::parse_ingress_annotations(R"({"a":"b"})")->at("a") == "b");
  for (const char* wrong : {"[]", R"({"a":1})", "x"}) {
    INFO(wrong);
    REQUIRE_FALSE(spark::parse_ingress_annotations(wrong));
  }
}

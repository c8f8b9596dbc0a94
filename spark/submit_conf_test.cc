#include "spark/submit_conf.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "api/spark_application.h"
#include "spark/monitoring.h"

using kube::Json;
using Words = std::vector<std::string>;

namespace {

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.metadata.uid = "u";
  app.spec.spark_version = "3.5.7";
  app.spec.mode = api::DeployMode::Cluster;
  app.spec.main_application_file = "local:///a.jar";
  return app;
}

Words arguments(const api::SparkApplication& app, const spark::SubmitOptions& options = {}) {
  auto out = spark::spark_submit_arguments(app, options, {.submission_id = "sub", .time = {}});
  if (!out) FAIL(out.error().message());
  return *out;
}

bool has(const Words& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

std::ptrdiff_t place(const Words& words, const std::string& word) {
  return std::ranges::find(words, word) - words.begin();
}

}  // namespace

TEST_CASE("the master is the operator's own API server", "[spark]") {
  CHECK(*spark::master_url("10.0.0.1", "443") == "k8s://https://10.0.0.1:443");
  CHECK(*spark::master_url("fd00::1", "443") == "k8s://https://[fd00::1]:443");
  CHECK(*spark::master_url("[fd00::1]", "443") == "k8s://https://[fd00::1]:443");
  CHECK(spark::master_url("", "443").error().message() ==
        "failed to get master URL: environment variable KUBERNETES_SERVICE_HOST is not found");
  CHECK_FALSE(spark::master_url("h", "").has_value());
}

TEST_CASE("sparkConf stands between what it may override and what overrides it", "[spark]") {
  auto app = application();
  app.spec.spark_conf = {{"spark.z", "1"}, {"spark.kubernetes.driver.pod.name", "named"}};
  app.spec.hadoop_conf = {{"k", "v"}};
  app.spec.driver.memory = "1g";
  const Words words = arguments(app);
  CHECK(place(words, "spark.kubernetes.submission.waitAppCompletion=false") < place(words, "spark.z=1"));
  CHECK(place(words, "spark.z=1") < place(words, "spark.hadoop.k=v"));
  CHECK(place(words, "spark.hadoop.k=v") < place(words, "spark.kubernetes.driver.pod.name=named"));
  CHECK(place(words, "spark.kubernetes.driver.pod.name=named") < place(words, "spark.driver.memory=1g"));
  CHECK(std::ranges::count(words, "spark.kubernetes.driver.pod.name=named") == 1);
}

TEST_CASE("fields that are absent leave no argument, fields that are empty do", "[spark]") {
  auto app = application();
  app.spec.image = "";
  app.spec.driver.memory = "";
  app.spec.main_class = "";
  const Words words = arguments(app);
  CHECK(has(words, "spark.driver.memory="));
  CHECK(has(words, "--class"));
  CHECK_FALSE(has(words, "spark.kubernetes.container.image="));
  CHECK(std::ranges::none_of(words,
                             [](const std::string& w) { return w.starts_with("spark.executor.memory"); }));
}

TEST_CASE("with a template a modern pod is not marked for mutation", "[spark]") {
  auto app = application();
  const std::string label =
      "spark.kubernetes.driver.label.sparkoperator.k8s.io/mutated-by-spark-operator=true";
  CHECK(has(arguments(app), label));
  app.spec.driver.pod_template = {{"spec", Json::object()}};
  CHECK_FALSE(has(arguments(app), label));
  app.spec.spark_version = "2.4.8";
  CHECK(has(arguments(app), label));
}

TEST_CASE("scratch volumes must exist and be of a kind Spark knows", "[spark]") {
  auto app = application();
  app.spec.driver.volume_mounts = {{{"name", "spark-local-dir-1"}, {"mountPath", "/x"}}};
  auto result = spark::spark_submit_arguments(app, {}, {.submission_id = "sub", .time = {}});
  CHECK(result.error().message() == "volume spark-local-dir-1 not found");
  app.spec.volumes = {{{"name", "spark-local-dir-1"}, {"configMap", {{"name", "x"}}}}};
  result = spark::spark_submit_arguments(app, {}, {.submission_id = "sub", .time = {}});
  CHECK(result.error().message() == "unsupported volume type");
}

TEST_CASE("a secret's file lies at a clean path", "[spark]") {
  auto app = application();
  api::SecretInfo secret;
  secret.name = "s";
  secret.path = "/mnt//gcp/./x/../";
  secret.secret_type = api::SecretInfo::kGcpServiceAccount;
  app.spec.executor.secrets = {secret};
  const Words words = arguments(app);
  CHECK(has(words, "spark.kubernetes.executor.secrets.s=/mnt//gcp/./x/../"));
  CHECK(has(words, "spark.executorEnv.GOOGLE_APPLICATION_CREDENTIALS=/mnt/gcp/key.json"));
}

TEST_CASE("templates carry the owner once, and only the driver's is the controller", "[spark]") {
  auto app = application();
  app.spec.driver.pod_template = spark::pod_template(app, spark::PodRole::Driver);
  const Json driver = spark::pod_template(app, spark::PodRole::Driver);
  REQUIRE(driver["metadata"]["ownerReferences"].size() == 1);
  CHECK(driver["metadata"]["ownerReferences"][0]["controller"] == true);
  const Json executor = spark::pod_template(app, spark::PodRole::Executor);
  CHECK_FALSE(executor["metadata"]["ownerReferences"][0].contains("controller"));
  CHECK(executor["spec"]["containers"][0] ==
        Json({{"name", "spark-kubernetes-executor"}, {"resources", Json::object()}}));
}

const spark::Attempt kAttempt{.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", .time = {}};

TEST_CASE("the UI learns its path behind the ingress unless the user says otherwise", "[spark]") {
  spark::SubmitOptions options;
  options.ingress_url_format = "ex.com/{{$appNamespace}}/{{ $appName }}";
  auto app = application();
  CHECK(spark::prepare_application(app, options, kAttempt)->spec.spark_conf["spark.ui.proxyBase"] ==
        "/ns/pi");
  CHECK(spark::prepare_application(app, options, kAttempt)->spec.spark_conf["spark.ui.proxyRedirectUri"] ==
        "/");
  app.spec.spark_conf["spark.ui.proxyBase"] = "/mine";
  CHECK(spark::prepare_application(app, options, kAttempt)->spec.spark_conf["spark.ui.proxyBase"] == "/mine");
  options.ingress_url_format = "{{$appName}}.ex.com";
  CHECK_FALSE(spark::prepare_application(application(), options, kAttempt)
                  ->spec.spark_conf.contains("spark.ui.proxyBase"));
  options.ingress_url_format = "http:///x";
  CHECK(spark::prepare_application(application(), options, kAttempt)
            .error()
            .message()
            .starts_with("failed to configure web UI"));
}

TEST_CASE("the Prometheus config map holds only what the user did not bring", "[spark]") {
  auto app = application();
  CHECK_FALSE(spark::prometheus_config_map(app).has_value());
  app.spec.monitoring.emplace();
  CHECK_FALSE(spark::prometheus_config_map(app).has_value());
  app.spec.monitoring->prometheus.emplace();
  auto map = spark::prometheus_config_map(app);
  REQUIRE(map.has_value());
  CHECK((*map)["metadata"]["name"] == "pi-prom-conf");
  CHECK((*map)["metadata"]["ownerReferences"][0]["controller"] == true);
  const std::string rules = (*map)["data"]["prometheus.yaml"];
  CHECK(rules.starts_with("\nlowercaseOutputName: true\nattrNameSnakeCase: true\nrules:\n"));
  CHECK(rules.ends_with("    executor_id: \"$3\"\n"));
  CHECK(std::ranges::count(rules, '>') == 26);  // thirteen rules, "><" in each
  CHECK((*map)["data"]["metrics.properties"].get<std::string>().starts_with("\n*.sink.jmx.class="));
  app.spec.monitoring->metrics_properties_file = "/m";
  CHECK_FALSE((*spark::prometheus_config_map(app))["data"].contains("metrics.properties"));
  app.spec.monitoring->prometheus->config_file = "/p";
  CHECK_FALSE(spark::prometheus_config_map(app).has_value());
}

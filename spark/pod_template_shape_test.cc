#include "spark/pod_template_shape.h"

#include <catch2/catch.hpp>

#include "api/spark_application.h"
#include "spark/native_submission.h"

using kube::Json;

namespace {

// Templates that are no pods, and where the fault lies.
struct Row {
  const char* pod;
  const char* path;
};
const auto kMalformed = {
    Row{R"("x")", ": expected object"},
    Row{R"([])", ": expected object"},
    Row{R"({"metadata": 1})", ".metadata: expected object"},
    Row{R"({"metadata": {"labels": "x"}})", ".metadata.labels: expected object"},
    Row{R"({"metadata": {"ownerReferences": {}}})", ".metadata.ownerReferences: expected array"},
    Row{R"({"spec": "x"})", ".spec: expected object"},
    Row{R"({"spec": {"containers": {}}})", ".spec.containers: expected array"},
    Row{R"({"spec": {"containers": ["x"]}})", ".spec.containers[0]: expected object"},
    Row{R"({"spec": {"containers": [null]}})", ".spec.containers[0]: expected object"},
    Row{R"({"spec": {"containers": [{"env": "x"}]}})", ".spec.containers[0].env: expected array"},
    Row{R"({"spec": {"containers": [{"args": {}}]}})", ".spec.containers[0].args: expected array"},
    Row{R"({"spec": {"containers": [{"resources": {"limits": []}}]}})",
        ".spec.containers[0].resources.limits: expected object"},
    Row{R"({"spec": {"volumes": "x"}})", ".spec.volumes: expected array"},
    Row{R"({"spec": {"nodeSelector": []}})", ".spec.nodeSelector: expected object"},
};

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.spec.spark_version = "3.5.7";
  app.spec.image = "img";
  app.spec.main_class = "M";
  app.spec.main_application_file = "local:///a.jar";
  // Something for every list that is written to.
  for (api::SparkPodSpec* pod : {static_cast<api::SparkPodSpec*>(&app.spec.driver),
                                 static_cast<api::SparkPodSpec*>(&app.spec.executor)}) {
    pod->env = {{{"name", "A"}, {"value", "1"}}};
    pod->node_selector = api::StringMap{{"a", "b"}};
    pod->memory_limit = "1g";
    pod->config_maps.emplace_back().name = "m";
  }
  return app;
}

kube::Result<spark::Submission> submit(const api::SparkApplication& app) {
  spark::SubmitOptions options;
  options.master_url = "k8s://https://h:1";
  return spark::native_submission(app, options, {.submission_id = "id", .time = {}});
}

}  // namespace

TEST_CASE("a template that is no pod fails its own application, with the path", "[spark]") {
  for (const Row& row : kMalformed) {
    INFO(row.pod);
    auto app = application();
    app.spec.driver.pod_template = Json::parse(row.pod);
    auto driver = submit(app);
    REQUIRE_FALSE(driver.has_value());
    CHECK_THAT(driver.error().message(), Catch::Contains("spec.driver.template" + std::string(row.path)));

    app = application();
    app.spec.executor.pod_template = Json::parse(row.pod);
    auto executor = submit(app);
    REQUIRE_FALSE(executor.has_value());
    CHECK_THAT(executor.error().message(), Catch::Contains("executor.template" + std::string(row.path)));
  }
}

TEST_CASE("nulls in a template count as absent", "[spark]") {
  auto app = application();
  app.spec.driver.pod_template = app.spec.executor.pod_template = Json::parse(
      R"({"metadata": {"labels": null, "annotations": null, "ownerReferences": null, "creationTimestamp": null},
          "spec": {"containers": [{"name": "x", "env": null, "args": null, "resources": {"limits": null}}],
                   "volumes": null, "nodeSelector": null}, "status": null})");
  auto submission = submit(app);
  if (!submission) FAIL(submission.error().message());
  app.spec.driver.pod_template = app.spec.executor.pod_template =
      Json::parse(R"({"metadata": null, "spec": {"containers": null}})");
  CHECK(submit(app).has_value());
  app.spec.driver.pod_template = app.spec.executor.pod_template = Json::parse(R"({"spec": null})");
  CHECK(submit(app).has_value());
  app.spec.driver.pod_template = app.spec.executor.pod_template = Json::object();
  CHECK(submit(app).has_value());
}

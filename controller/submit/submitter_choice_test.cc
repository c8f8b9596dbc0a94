#include "controller/submit/submitter_choice.h"

#include <catch2/catch.hpp>

#include "controller/submit/fake_spark_submit.h"

using namespace controller;
using kube::Json;

namespace {

struct Row {
  const char* why;
  SubmitterMode flag;
  const char* annotation;
  bool needs_jvm;
  bool has_program;
  const char* chosen;   // "" when nothing is
  const char* message;  // of the event, or of the failure
  const char* spark_version = "3.5.7";
};

}  // namespace

TEST_CASE("flag, annotation, application and machine choose the submitter", "[submitter]") {
  const auto row = GENERATE(values<Row>({
      {"natively by default", SubmitterMode::Auto, "", false, true, "native", ""},
      {"… also without Spark on the machine", SubmitterMode::Auto, "", false, false, "native", ""},
      {"the JVM where only that can do it", SubmitterMode::Auto, "", true, true, "spark-submit",
       "spark-submit starts the driver: spark.jars holds a file of the submitter, which has to be uploaded"},
      {"no JVM to be had", SubmitterMode::Auto, "", true, false, "",
       "only spark-submit can do this (spark.jars holds a file of the submitter, which has to be uploaded), "
       "and "
       "it cannot be run: env SPARK_HOME is not specified"},
      {"natively or not at all", SubmitterMode::Native, "", true, true, "",
       "the native submitter cannot do this: spark.jars holds a file of the submitter, which has to be "
       "uploaded"},
      {"told by the flag", SubmitterMode::SparkSubmit, "", false, true, "spark-submit",
       "spark-submit starts the driver: the operator is told to by --submitter"},
      {"told by the flag, in vain", SubmitterMode::SparkSubmit, "", false, false, "",
       "failed to run spark-submit: env SPARK_HOME is not specified"},
      {"the annotation wins over the flag", SubmitterMode::Native, "spark-submit", false, true,
       "spark-submit",
       "spark-submit starts the driver: the annotation sparkoperator.k8s.io/submitter says so"},
      {"… also the other way", SubmitterMode::SparkSubmit, "native", false, true, "native", ""},
      {"… also to leave it open", SubmitterMode::Native, "auto", true, true, "spark-submit",
       "spark-submit starts the driver: spark.jars holds a file of the submitter, which has to be uploaded"},
      {"a Spark line that we do not know", SubmitterMode::Auto, "", false, true, "spark-submit",
       "spark-submit starts the driver: Spark 3.3.1 is of a line we do not know", "3.3.1"},
      {"… without Spark on the machine", SubmitterMode::Auto, "", false, false, "",
       "only spark-submit can do this (Spark 3.3.1 is of a line we do not know), and it cannot be run: env "
       "SPARK_HOME is not specified",
       "3.3.1"},
      {"a word of no meaning", SubmitterMode::Auto, "jvm", false, true, "",
       "annotation sparkoperator.k8s.io/submitter: expected auto, native, spark-submit or rest, got \"jvm\""},
  }));
  INFO(row.why);
  FakeApi api;
  auto client = api.server.client();
  FakeSparkSubmit process(api);
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  SparkSubmitOptions settings;
  settings.program = "/opt/spark/bin/spark-submit";
  if (!row.has_program) settings.unavailable = "env SPARK_HOME is not specified";
  NativeSubmitter native(*client, options);
  SparkSubmitSubmitter spark_submit(*client, process, options, settings);
  SubmitterChoice choice(row.flag, native, spark_submit);

  Json application = application_json();
  application["spec"]["sparkVersion"] = row.spark_version;
  if (row.needs_jvm) application["spec"]["deps"] = {{"jars", {"file:///opt/a.jar"}}};
  if (*row.annotation != '\0')
    application["metadata"]["annotations"] = {{"sparkoperator.k8s.io/submitter", row.annotation}};
  const auto app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), application)).value();
  const auto start = choice.begin(app, {"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", api.server.loop.now()});
  if (*row.chosen == '\0') {
    REQUIRE_FALSE(start);
    CHECK(start.error().kind() == kube::ErrorKind::InvalidInput);
    CHECK(start.error().message() == row.message);
    return;
  }
  REQUIRE(start);
  CHECK((*start)->submitter() == row.chosen);
  CHECK((*start)->takes_long() == (row.chosen == std::string_view("spark-submit")));
  const auto notes = (*start)->announcement();
  CHECK((notes.empty() ? "" : notes[0].message) == row.message);
}

TEST_CASE("a driver is completed by the submitter that made it", "[submitter]") {
  FakeApi api;
  auto client = api.server.client();
  FakeSparkSubmit process(api);
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  NativeSubmitter native(*client, options);
  SparkSubmitSubmitter spark_submit(*client, process, options, {.program = "", .unavailable = "not here"});
  SubmitterChoice choice(GENERATE(SubmitterMode::Native, SubmitterMode::SparkSubmit), native, spark_submit);
  const auto app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), application_json())).value();
  PodView driver;
  driver.key = {"ns", "pi-driver"};
  const spark::Attempt attempt{"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", api.server.loop.now()};
  CHECK(choice.resume(app, attempt, driver).value()->submitter() == "native");
  driver.submitted_by = "spark-submit";
  CHECK(choice.resume(app, attempt, driver).value()->submitter() == "spark-submit");
}

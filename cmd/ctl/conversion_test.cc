#include "cmd/ctl/conversion.h"

#include <algorithm>

#include <catch2/catch.hpp>
#include <filesystem>

#include "api/validation.h"
#include "cmd/ctl/ctl_world.h"
#include "cmd/ctl/rendering.h"
#include "cmd/ctl/shell_words.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

using namespace ctl;
using kube::Json;

namespace {

const spark::Attempt kAttempt{.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55"};

RenderOptions options() {
  RenderOptions out = render_options("--enable-ui-service=false").value();
  out.attempt = kAttempt;
  return out;
}

// Lists whose order means nothing to Kubernetes, in one order: what a template holds comes before what Spark
// adds, what a field holds behind it.
void put_in_order(Json& json) {
  if (json.is_object())
    for (auto& [key, value] : json.items()) put_in_order(value);
  if (!json.is_array()) return;
  for (Json& item : json) put_in_order(item);
  const auto named = [](const Json& item) { return item.is_object() && (item.contains("name")); };
  if (!std::all_of(json.begin(), json.end(), named)) return;
  auto items = json.get<std::vector<Json>>();
  std::ranges::sort(items, {}, [](const Json& item) { return kube::dump_json(item); });
  json = std::move(items);
}

// Texts in config maps are read, so that they compare as what they say.
std::vector<Json> comparable(std::vector<Json> objects) {
  for (Json& object : objects) {
    if (auto data = object.find("data"); data != object.end()) {
      for (auto& [name, text] : data->items()) {
        if (name != "podspec-configmap-key") continue;
        auto read = kube::parse_yaml_document(text.get<std::string>());
        REQUIRE(read);
        text = *read;
      }
    }
    put_in_order(object);
  }
  return objects;
}

api::SparkApplication load(const std::string& path) {
  auto json = kube::parse_yaml_document(source_text(path), path);
  REQUIRE(json);
  return kube::decode<api::SparkApplication>(*json).value();
}

Converted convert_script(const std::string& text) {
  const auto script = read_script(text);
  if (!script) FAIL(script.error().message());
  std::vector<std::string> arguments = script->commands.back();
  const auto program =
      std::ranges::find_if(arguments, [](const auto& w) { return w.ends_with("spark-submit"); });
  arguments.erase(arguments.begin(), program + 1);
  auto made = application_from({.arguments = std::move(arguments),
                                .read_file = [&](const std::string& path) -> kube::Result<std::string> {
                                  return script->files.at(path);
                                }});
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}

std::vector<std::string> words(const std::string& text) {
  return shell_words(text).value();
}

Converted converted(const std::string& text) {
  auto made = application_from(
      {.arguments = words(text), .read_file = [](const std::string& path) -> kube::Result<std::string> {
         return kube::fail(kube::ErrorKind::Io, "cannot read " + path);
       }});
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}

}  // namespace

TEST_CASE("the operator's spark-submit command, converted, makes the same objects", "[ctl]") {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SOURCE_DIR) + "/spark/testdata")) {
    const std::string name = entry.path().filename();
    DYNAMIC_SECTION(name) {
      api::SparkApplication app = load("spark/testdata/" + name + "/app.yaml");
      // A namespace in sparkConf that is not the object's is refused nowadays, as by the webhook.
      if (const auto ns = app.spec.spark_conf.find("spark.kubernetes.namespace");
          ns != app.spec.spark_conf.end())
        app.metadata.namespace_ = ns->second;
      const auto wanted = render_objects(app, options());
      if (!wanted) FAIL(wanted.error().message());
      const auto script = render_script(app, options());
      if (!script) FAIL(script.error().message());
      Converted made = convert_script(*script);
      INFO(kube::to_yaml(made.application));
      CHECK(api::describe(api::validate_submission(made.app)) == "");
      // As the API server would have it: stored, with the UID of the application that was there before.
      auto stored = kube::decode<api::SparkApplication>(made.application);
      REQUIRE(stored);
      stored->metadata.uid = app.metadata.uid;
      const auto got = render_objects(*stored, options());
      if (!got) FAIL(got.error().message());
      // The exporter's config map is the operator's, from a field that no property of Spark tells of.
      std::vector<Json> expected = wanted->objects;
      std::erase_if(expected, [](const Json& object) {
        return kube::string_at(object, {"metadata", "name"}).ends_with("-prom-conf");
      });
      CHECK(comparable(got->objects) == comparable(expected));
    }
    ++cases;
  }
  CHECK(cases >= 12);
}

TEST_CASE("a property goes where the operator makes it from", "[ctl]") {
  const Converted made = converted(
      "--master k8s://https://h:6443 --deploy-mode cluster --name Pi_Job --class org.example.Main "
      "--conf spark.kubernetes.namespace=team-a --conf spark.kubernetes.container.image=repo/spark:3.5.7 "
      "--conf spark.kubernetes.authenticate.driver.serviceAccountName=spark --driver-memory 2g "
      "--num-executors 3 "
      "--conf spark.kubernetes.executor.label.team=blue --conf spark.kubernetes.driverEnv.A=1 "
      "--conf spark.kubernetes.driver.secrets.keys=/etc/keys --conf spark.kubernetes.node.selector.disk=nvme "
      "--conf spark.kubernetes.driver.secretKeyRef.PASS=db:password --packages a:b:1,c:d:2 "
      "--conf spark.hadoop.fs.s3a.endpoint=http://minio --conf spark.sql.shuffle.partitions=8 "
      "local:///opt/app.jar 10 'two words'");
  CHECK(made.application == Json::parse(R"({
    "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
    "metadata": {"name": "pi-job", "namespace": "team-a"},
    "spec": {"type": "Scala", "mode": "cluster", "sparkVersion": "3.5.7", "image": "repo/spark:3.5.7",
      "mainClass": "org.example.Main", "mainApplicationFile": "local:///opt/app.jar",
      "arguments": ["10", "two words"], "deps": {"packages": ["a:b:1", "c:d:2"]},
      "hadoopConf": {"fs.s3a.endpoint": "http://minio"}, "sparkConf": {"spark.sql.shuffle.partitions": "8"},
      "nodeSelector": {"disk": "nvme"},
      "driver": {"memory": "2g", "serviceAccount": "spark", "envVars": {"A": "1"},
        "envSecretKeyRefs": {"PASS": {"name": "db", "key": "password"}},
        "secrets": [{"name": "keys", "path": "/etc/keys", "secretType": "Generic"}]},
      "executor": {"instances": 3, "labels": {"team": "blue"}}}})"));
  REQUIRE(made.notes.size() == 1);
  CHECK_THAT(made.notes[0], Catch::Contains("Pi_Job"));
}

TEST_CASE("what spark-submit assumes without a word is written down", "[ctl]") {
  const Converted made =
      converted("--master yarn --conf spark.kubernetes.container.image=spark:4.1.0-python3 /home/me/job.py");
  CHECK(made.app.metadata.name == "job");
  CHECK(made.app.metadata.namespace_ == "default");
  CHECK(made.app.spec.type == api::ApplicationType::Python);
  CHECK(made.app.spec.spark_version == "4.1.0");
  CHECK(made.app.spec.executor.instances == 2);
  CHECK(made.notes.size() == 3);  // client mode, YARN, and a file of this machine
}

TEST_CASE("convert reads a command from the command line and from a script", "[ctl]") {
  World world;
  const std::string command =
      "spark-submit --master k8s://https://h --deploy-mode cluster --conf "
      "spark.kubernetes.container.image=spark:3.5.7 --properties-file extra.conf local:///opt/app.py";
  const std::string extra = world.folder.write("extra.conf", "spark.ui.port 4444\nother.key x\n");
  std::vector<std::string> typed = {"convert", "--name", "pi", "-n", "team-b", "-o", "json", "--"};
  for (const std::string& word : words(command)) typed.push_back(word == "extra.conf" ? extra : word);
  const Ran first = world.run(typed);
  CHECK(first.err == "");
  REQUIRE(first.code == 0);
  const Json made = Json::parse(first.out);
  CHECK(made["metadata"] == Json({{"name", "pi"}, {"namespace", "team-b"}}));
  CHECK(made["spec"]["sparkConf"] == Json({{"spark.ui.port", "4444"}}));

  std::string script = "#!/bin/sh\nset -e\n/opt/spark/bin/" + command + "\n";
  script.replace(script.find("extra.conf"), 10, extra);
  const Ran second = world.run({"convert", "-f", "-", "--name", "pi", "-n", "team-b", "-o", "json"}, script);
  CHECK(second.err == "");
  CHECK(second.out == first.out);
}

TEST_CASE("what cannot be converted is named", "[ctl]") {
  struct Row {
    const char* command;
    const char* says;
  };
  const Row rows[] = {
      {"--frob x", "--frob"},
      {"--conf", "missing argument"},
      {"--conf nothing x.py", "key=value"},
      {"--name x", "names no application"},
      {"local:///x.py", "--spark-version"},
      {"--conf spark.kubernetes.container.image=spark:latest local:///x.py", "spark:latest"},
      {"--conf spark.kubernetes.driver.podTemplateFile=/nowhere.yaml local:///x.py", "/nowhere.yaml"},
      {"--properties-file /nowhere.conf local:///x.py", "/nowhere.conf"},
  };
  World world;
  for (const Row& row : rows) {
    INFO(row.command);
    std::vector<std::string> typed = {"convert", "--"};
    for (const std::string& word : words(row.command)) typed.push_back(word);
    const Ran ran = world.run(typed);
    CHECK(ran.code == 2);
    CHECK(ran.out == "");
    CHECK_THAT(ran.err, Catch::Contains(row.says));
  }
  CHECK(world.run({"convert"}).code == 2);
  CHECK_THAT(world.run({"convert", "-f", "-"}, "ls\n").err, Catch::Contains("found none"));
  CHECK_THAT(world.run({"convert", "-f", "-"}, "spark-submit a\nspark-submit b\n").err,
             Catch::Contains("found several"));
}

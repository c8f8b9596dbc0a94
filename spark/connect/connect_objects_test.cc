// Each folder of testdata is a SparkConnect and the objects that it becomes, or why it cannot.
// UPDATE_GOLDENS=1 writes them anew.
#include "spark/connect/connect_objects.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <sstream>

#include "api/constants.h"
#include "kube/core/yaml.h"
#include "spark/connect/connect_command.h"
#include "spark/golden_files.h"

namespace fs = std::filesystem;
using kube::Json;

namespace {

const fs::path kCases = fs::path(SOURCE_DIR) / "spark" / "connect" / "testdata";
constexpr const char* kMaster = "k8s://https://10.96.0.1:443";

api::SparkConnect load(const std::string& name) {
  auto connect = kube::decode<api::SparkConnect>(golden::document(kCases / name / "connect.yaml"));
  if (!connect) FAIL(connect.error().message());
  return *connect;
}

api::SparkConnect edited(const std::string& name, const std::function<void(api::SparkConnectSpec&)>& how) {
  api::SparkConnect connect = load(name);
  how(connect.spec);
  return connect;
}

// What a shell makes of the command: its arguments, one a line.
std::vector<std::string> words_after_bash(std::string command, const std::string& pod_ip) {
  const std::string program = "${SPARK_HOME}/sbin/start-connect-server.sh";
  REQUIRE(command.starts_with(program));
  command.replace(0, program.size(), "printf '%s\\n'");
  const std::string whole = "POD_IP='" + pod_ip + "' bash -c " + spark::shell_word(command);
  std::FILE* pipe = popen(whole.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
  REQUIRE(pclose(pipe) == 0);
  std::vector<std::string> words;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) words.push_back(line);
  return words;
}

bool has_conf(const std::vector<std::string>& words, const std::string& conf) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i - 1] == "--conf" && words[i] == conf) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a SparkConnect becomes a config map, a server pod and a service", "[connect]") {
  REQUIRE(golden::case_names(kCases).size() >= 9);
  for (const std::string& name : golden::case_names(kCases)) {
    DYNAMIC_SECTION(name) {
      const api::SparkConnect connect = load(name);
      const auto pod = spark::connect_server_pod(connect, kMaster);
      std::vector<Json> objects;
      if (pod)
        objects = {spark::connect_config_map(connect), *pod, spark::connect_service(connect)};
      else
        objects = {{{"refused", pod.error().message()}}};
      golden::compare(kCases / name / "expected.yaml", kube::to_yaml(objects));
    }
  }
}

TEST_CASE("a shell hands every word of the command on as it was written (fault 27 of the Go operator)",
          "[connect]") {
  const api::SparkConnect connect = load("conf-that-a-shell-would-read");
  const auto words = words_after_bash(*spark::connect_server_command(connect, kMaster), "10.0.0.8");
  for (const auto& [key, value] : connect.spec.spark_conf)
    CHECK(has_conf(words, key + "=" + value) == (key != api::spark_conf::kDriverPodName));
  CHECK(has_conf(words, "spark.hadoop.fs.defaultFS=s3a://lake"));
  CHECK(has_conf(words, "spark.hadoop.fs.s3a.endpoint=https://s3.example.com"));
  CHECK(has_conf(words, "spark.driver.memory=1g $(id)"));
  CHECK(has_conf(words, "spark.kubernetes.driver.pod.name=quoting-server"));
  CHECK(words.size() % 2 == 0);
}

TEST_CASE("the driver's host is the pod's address, an IPv6 one in brackets", "[connect]") {
  const std::string command = *spark::connect_server_command(load("smallest"), kMaster);
  CHECK(has_conf(words_after_bash(command, "10.0.0.8"), "spark.driver.host=10.0.0.8"));
  CHECK(has_conf(words_after_bash(command, "fd00::8"), "spark.driver.host=[fd00::8]"));
  CHECK(has_conf(words_after_bash(command, "[fd00::8]"), "spark.driver.host=[fd00::8]"));
}

TEST_CASE("an edit is one of the server unless it is of the service alone", "[connect]") {
  const std::string hash = spark::connect_spec_hash(load("templates").spec);
  CHECK_FALSE(spark::connect_spec_changed(hash, load("templates").spec));
  using Spec = api::SparkConnectSpec;
  const auto changed = [&](const std::function<void(Spec&)>& how) {
    return spark::connect_spec_changed(hash, edited("templates", how).spec);
  };
  CHECK(changed([](Spec& spec) { spec.spark_version = "4.1.5"; }));
  CHECK(changed([](Spec& spec) { spec.spark_conf["spark.sql.shuffle.partitions"] = "8"; }));
  CHECK(changed([](Spec& spec) { spec.executor.instances = 4; }));
  CHECK(changed([](Spec& spec) { spec.executor.pod_template["spec"]["nodeSelector"]["pool"] = "fast"; }));
  CHECK_FALSE(changed([](Spec& spec) { spec.server.service = {{"spec", {{"type", "NodePort"}}}}; }));
  CHECK_FALSE(changed([](Spec& spec) { spec.server.pod_template["metadata"].erase("creationTimestamp"); }));
  // Another operator's server, or one of a release that hashed otherwise, is no edited one.
  CHECK_FALSE(spark::connect_spec_changed("", load("templates").spec));
  CHECK_FALSE(spark::connect_spec_changed("9-0000000000000000", load("templates").spec));
}

TEST_CASE(
    "the user's ports stay as they are, and ours fill what they leave open (fault 27 of the Go operator)",
    "[connect]") {
  const auto ports_of = [](const Json& ports) {
    const Json service = spark::connect_service(edited("smallest", [&](api::SparkConnectSpec& spec) {
      spec.server.service = {{"spec", {{"ports", ports}}}};
    }));
    std::vector<std::pair<std::string, int>> found;
    for (const Json& port : service["spec"]["ports"]) found.emplace_back(port["name"], port["port"]);
    return found;
  };
  using Ports = std::vector<std::pair<std::string, int>>;
  const Ports ours{
      {"driver-rpc", 7078}, {"blockmanager", 7079}, {"web-ui", 4040}, {"spark-connect-server", 15002}};
  CHECK(ports_of(Json::array()) == ours);
  CHECK(ports_of(Json::array({{{"name", "sql"}, {"port", 443}, {"targetPort", 15002}}})) ==
        Ports{{"sql", 443}, {"driver-rpc", 7078}, {"blockmanager", 7079}, {"web-ui", 4040}});
  CHECK(ports_of(Json::array({{{"name", "jdbc"}, {"port", 10000}}})) ==
        Ports{{"jdbc", 10000},
              {"driver-rpc", 7078},
              {"blockmanager", 7079},
              {"web-ui", 4040},
              {"spark-connect-server", 15002}});
}

TEST_CASE("a service without a name is called like the server", "[connect]") {
  const api::SparkConnect connect = edited("smallest", [](api::SparkConnectSpec& spec) {
    spec.server.service = {{"spec", {{"type", "NodePort"}}}};
  });
  CHECK(spark::connect_service_name(connect) == connect.metadata.name + "-server");
  CHECK(spark::connect_service(connect)["metadata"]["name"] == connect.metadata.name + "-server");
}

TEST_CASE("the hash of a spec is the same in every release", "[connect]") {
  CHECK(spark::connect_spec_hash(load("smallest").spec) == "1-9976708f5bb58852");
  CHECK(spark::connect_spec_hash(load("templates").spec) == "1-bdfc501bed06b722");
}

TEST_CASE("the service selects by what no edit changes (fault 27 of the Go operator)", "[connect]") {
  const Json before = spark::connect_service(load("smallest"));
  const Json after = spark::connect_service(
      edited("smallest", [](api::SparkConnectSpec& spec) { spec.spark_version = "4.2.1"; }));
  CHECK(before == after);
  CHECK_FALSE(before["spec"]["selector"].contains(api::label::kSparkVersion));
}

TEST_CASE("service links that are off are so in a server and in what its executors are made from",
          "[connect]") {
  constexpr auto kOff = spark::ServiceLinks::Off;
  const auto executors_of = [](const api::SparkConnect& connect) {
    const std::string text = spark::connect_config_map(connect, kOff)["data"]["executor-pod-template.yaml"];
    return kube::parse_yaml_document(text, "template").value();
  };
  const auto smallest = load("smallest");
  const Json server = spark::connect_server_pod(smallest, kMaster, kOff).value();
  CHECK(server["spec"]["enableServiceLinks"] == false);
  CHECK(executors_of(smallest) ==
        Json({{"spec",
               {{"containers", Json::array({{{"name", "spark-kubernetes-executor"}}})},
                {"enableServiceLinks", false}}}}));
  const std::string command = server["spec"]["containers"][0]["args"][0];
  CHECK(command.find("spark.kubernetes.executor.podTemplateFile=") != std::string::npos);
  // It is no edit.
  CHECK(server["metadata"]["annotations"][spark::kConnectSpecHashAnnotation] ==
        spark::connect_spec_hash(smallest.spec));

  const auto own = edited("templates", [](api::SparkConnectSpec& spec) {
    spec.server.pod_template["spec"]["enableServiceLinks"] = true;
    spec.executor.pod_template["spec"]["enableServiceLinks"] = true;
  });
  CHECK(spark::connect_server_pod(own, kMaster, kOff).value() ==
        spark::connect_server_pod(own, kMaster).value());
  CHECK(executors_of(own) == own.spec.executor.pod_template);

  const auto of_the_image = edited("smallest", [](api::SparkConnectSpec& spec) {
    spec.spark_conf["spark.kubernetes.executor.podTemplateFile"] = "/opt/template.yaml";
  });
  CHECK(spark::connect_config_map(of_the_image, kOff) == spark::connect_config_map(of_the_image));
}

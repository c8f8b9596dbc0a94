#include "test/sim/simulated_spark_submit.h"

#include <signal.h>

#include <algorithm>
#include <vector>

#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/yaml.h"

namespace sim {

using kube::ChildCommand;
using kube::ChildEnd;
using kube::ChildExit;
using kube::Duration;
using kube::Json;
using kube::Result;
using kube::Task;
using namespace std::chrono_literals;

namespace {

constexpr Duration kPermitCheck = 500ms;
constexpr const char* kLabelPrefix = "spark.kubernetes.driver.label.";

std::vector<std::pair<std::string, std::string>> conf_of(const ChildCommand& command) {
  std::vector<std::pair<std::string, std::string>> conf;
  for (std::size_t i = 0; i + 1 < command.arguments.size(); ++i) {
    const std::string& word = command.arguments[i + 1];
    const std::size_t equals = word.find('=');
    if (command.arguments[i] != "--conf" || equals == std::string::npos) continue;
    conf.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return conf;
}

std::string conf_value(const ChildCommand& command, std::string_view key) {
  std::string value;
  for (const auto& [name, text] : conf_of(command)) {
    if (name == key) value = text;
  }
  return value;
}

Json driver_pod(const ChildCommand& command, const std::string& random_name) {
  auto read = kube::parse_yaml_document(command.folder.files.at("driver-pod-template.yaml"), "template");
  Json pod = read ? std::move(*read) : Json::object();
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  Json& meta = pod["metadata"];
  meta["name"] = conf_value(command, "spark.kubernetes.driver.pod.name");
  meta["namespace"] = conf_value(command, "spark.kubernetes.namespace");
  meta["labels"]["spark-role"] = "driver";
  meta["labels"]["spark-app-selector"] = "spark-" + random_name;
  for (const auto& [key, value] : conf_of(command)) {
    if (key.starts_with(kLabelPrefix))
      meta["labels"][key.substr(std::string_view(kLabelPrefix).size())] = value;
  }
  Json& spec = pod["spec"];
  spec["restartPolicy"] = "Never";
  if (!spec.contains("containers")) spec["containers"] = Json::array({{{"name", "spark-kubernetes-driver"}}});
  spec["containers"][0]["image"] = conf_value(command, "spark.kubernetes.container.image");
  spec["volumes"].push_back({{"name", "spark-conf-volume-driver"},
                             {"configMap", {{"name", "spark-drv-" + random_name + "-conf-map"}}}});
  return pod;
}

Json owned(Json object, const Json& pod) {
  object["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                        {"kind", "Pod"},
                                                        {"name", pod.at("metadata").at("name")},
                                                        {"uid", pod.at("metadata").at("uid")},
                                                        {"controller", true}}});
  return object;
}

}  // namespace

Task<bool> SimulatedSparkSubmit::pass(const ChildCommand& command, Duration duration, ChildExit& exit) {
  kube::Loop& loop = client_.loop();
  const kube::SteadyTime end = loop.after(duration);
  while (loop.steady() < end) {
    co_await kube::sleep_until(loop, std::min({end, loop.after(kPermitCheck), command.deadline}));
    if (command.permit && !command.permit()) {
      exit.how = ChildEnd::Revoked;
      co_return false;
    }
    if (loop.steady() >= command.deadline) {
      exit.how = ChildEnd::TimedOut;
      co_return false;
    }
  }
  co_return true;
}

Task<Result<ChildExit>> SimulatedSparkSubmit::run(ChildCommand command) {
  if (command.permit && !command.permit()) co_return kube::fail(kube::ErrorKind::ShuttingDown, "no permit");
  ChildExit exit;
  co_await submit(command, exit);
  co_return exit;
}

Task<> SimulatedSparkSubmit::submit(const ChildCommand& command, ChildExit& exit) {
  if (!co_await pass(command, 2s, exit)) co_return;  // a JVM starts
  std::string random_name = client_.loop().random().uuid_v4();
  std::erase(random_name, '-');
  const std::string ns = conf_value(command, "spark.kubernetes.namespace");
  kube::JsonApi pods(client_, kube::kPods, ns);
  auto pod = co_await pods.create(driver_pod(command, random_name));
  if (!pod) {
    exit.code = 1;
    exit.errors =
        "Failure executing: POST at: /api/v1/namespaces/" + ns + "/pods. Message: " + pod.error().message();
    if (pod.error().is_already_exists()) exit.errors += " code=409";
    co_return;
  }
  if (dies_()) {
    exit.how = ChildEnd::Signalled;
    exit.code = SIGKILL;
    co_return;
  }
  if (!co_await pass(command, 1s, exit)) co_return;

  const Json meta{{"namespace", ns}};
  Json service{
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", meta},
      {"spec", {{"clusterIP", "None"}, {"ports", Json::array({{{"name", "driver"}, {"port", 7078}}})}}}};
  service["metadata"]["name"] = "spark-" + random_name + "-driver-svc";
  Json map{
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", meta}, {"data", {{"spark.properties", ""}}}};
  map["metadata"]["name"] = "spark-drv-" + random_name + "-conf-map";
  auto made = co_await kube::JsonApi(client_, kube::kServices, ns).create(owned(std::move(service), *pod));
  if (made && !co_await pass(command, 1s, exit)) co_return;
  if (made) made = co_await kube::JsonApi(client_, kube::kConfigMaps, ns).create(owned(std::move(map), *pod));
  if (!made) {
    (void)co_await pods.remove(pod->at("metadata").at("name"));
    exit.code = 1;
    exit.errors = "Failure executing: POST. Message: " + made.error().message();
    co_return;
  }
  (void)co_await pass(command, 500ms, exit);  // the JVM ends
}

}  // namespace sim

#include "spark/connect/connect_objects.h"

#include <algorithm>
#include <array>

#include "api/constants.h"
#include "api/digest.h"
#include "api/names.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"
#include "spark/connect/connect_command.h"
#include "spark/pod_mutation.h"
#include "spark/pod_template_shape.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

constexpr std::string_view kHashVersion = "1-";
constexpr std::string_view kTcp = "TCP";

// Ends the JVM that serves and waits until it has, so that its executors are gone before it. spark-daemon.sh
// in the foreground writes no pid file, hence Spark's own script finds nothing to stop; and the shell that is
// the container's first process takes no signal. The kubelet bounds this by the grace period.
constexpr const char* kPreStop =
    R"--("${SPARK_HOME}/sbin/stop-connect-server.sh"
servers() {
  for p in /proc/[0-9]*; do
    [[ $(readlink "$p/exe") == */java ]] && grep -qs connect.service.SparkConnectServer "$p/cmdline" && echo "${p#/proc/}"
  done
}
for p in $(servers); do kill "$p"; done
while [ -n "$(servers)" ]; do sleep 0.2; done)--";

Json object_head(const api::SparkConnect& connect, const char* kind, const std::string& name, Json labels) {
  Json owner = {{"apiVersion", api::kConnectApiVersion},
                {"kind", api::SparkConnect::kKind},
                {"name", connect.metadata.name},
                {"uid", connect.metadata.uid},
                {"controller", true},
                {"blockOwnerDeletion", true}};
  return {{"apiVersion", "v1"},
          {"kind", kind},
          {"metadata",
           {{"name", name},
            {"namespace", connect.metadata.namespace_},
            {"labels", std::move(labels)},
            {"ownerReferences", Json::array({std::move(owner)})}}}};
}

Json map_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = kube::find_path(json, path);
  return found != nullptr && found->is_object() ? *found : Json::object();
}

// By that name, else the first; null when there is none.
template <class AnyJson>
AnyJson* container_of(AnyJson& pod, std::string_view name) {
  if (!pod.is_object() || !pod.contains("spec") || !pod["spec"].is_object()) return nullptr;
  auto& spec = pod["spec"];
  if (!spec.contains("containers") || !spec["containers"].is_array() || spec["containers"].empty())
    return nullptr;
  for (auto& container : spec["containers"]) {
    if (kube::string_at(container, {"name"}) == name) return &container;
  }
  return &spec["containers"][0];
}

Json& list_in(Json& object, const char* name) {
  Json& list = object[name];
  if (!list.is_array()) list = Json::array();
  return list;
}

void set_env(Json& container, const char* name, Json entry) {
  Json& env = list_in(container, "env");
  for (auto at = env.begin(); at != env.end();)
    at = kube::string_at(*at, {"name"}) == name ? env.erase(at) : std::next(at);
  entry["name"] = name;
  env.push_back(std::move(entry));
}

void fill_server_container(Json& container, std::string command, std::int32_t port) {
  container["command"] = {"bash", "-c"};
  container["args"] = Json::array({std::move(command)});
  if (!container.contains("startupProbe"))
    container["startupProbe"] = {{"tcpSocket", {{"port", port}}},
                                 {"initialDelaySeconds", 5},
                                 {"periodSeconds", 10},
                                 {"timeoutSeconds", 1},
                                 {"failureThreshold", 30}};
  if (!container.contains("readinessProbe"))
    container["readinessProbe"] = {{"tcpSocket", {{"port", port}}},
                                   {"periodSeconds", 10},
                                   {"timeoutSeconds", 1},
                                   {"failureThreshold", 3}};
  set_env(container, api::env::kPodIp, {{"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}});
  set_env(container, api::env::kSparkNoDaemonize, {{"value", "true"}});
  list_in(container, "volumeMounts")
      .push_back({{"name", api::volume::kConnectConf},
                  {"mountPath", kConnectTemplatePath},
                  {"subPath", api::path::kExecutorTemplate},
                  {"readOnly", true}});
  if (!container.contains("lifecycle") || !container["lifecycle"].is_object())
    container["lifecycle"] = Json::object();
  if (!container["lifecycle"].contains("preStop"))
    container["lifecycle"]["preStop"] = {{"exec", {{"command", {"bash", "-c", kPreStop}}}}};
}

struct ConnectPort {
  const char* name;
  std::int32_t port;
  std::int32_t target;
  const char* app_protocol;
};

std::array<ConnectPort, 4> ports_of(const api::SparkConnectSpec& spec) {
  return {{{"driver-rpc", api::port::kDriver, api::port::kDriver, "tcp"},
           {"blockmanager", api::port::kBlockManager, api::port::kBlockManager, "tcp"},
           {"web-ui", api::port::kUi, connect_ui_port(spec), "http"},
           {"spark-connect-server", api::port::kConnect, connect_port(spec), "grpc"}}};
}

// The number that a user's port leads to; by name it leads somewhere we do not know.
std::int64_t target_of(const Json& port) {
  const Json* target = kube::find_path(port, {"targetPort"});
  if (target == nullptr) target = kube::find_path(port, {"port"});
  return target != nullptr && target->is_number_integer() ? target->get<std::int64_t>() : 0;
}

Json service_ports(const api::SparkConnectSpec& spec, const Json& user) {
  Json ports = Json::array();
  const auto named = [&](std::string_view name) {
    return std::ranges::any_of(ports, [&](const Json& p) { return kube::string_at(p, {"name"}) == name; }) ||
           std::ranges::any_of(user, [&](const Json& p) { return kube::string_at(p, {"name"}) == name; });
  };
  for (Json port : user) {
    if (!port.is_object()) continue;
    if (kube::string_at(port, {"protocol"}).empty()) port["protocol"] = kTcp;
    // A service of several ports must name them all.
    if (kube::string_at(port, {"name"}).empty()) {
      port["name"] = "port-" + kube::dump_json(port.value("port", Json()));
      for (const ConnectPort& ours : ports_of(spec))
        if (target_of(port) == ours.target && !named(ours.name)) port["name"] = ours.name;
    }
    ports.push_back(std::move(port));
  }
  const std::size_t of_user = ports.size();
  for (const ConnectPort& ours : ports_of(spec)) {
    bool taken = false;
    for (std::size_t i = 0; i < of_user; ++i) {
      const Json& port = ports[i];
      if (port["protocol"] != kTcp) continue;
      taken = taken || port["name"] == ours.name || port.value("port", Json()) == ours.port ||
              target_of(port) == ours.target;
    }
    if (taken) continue;
    ports.push_back({{"name", ours.name},
                     {"port", ours.port},
                     {"targetPort", ours.target},
                     {"protocol", kTcp},
                     {"appProtocol", ours.app_protocol}});
  }
  return ports;
}

// Absent, null and empty mean the same wherever a template comes from.
void drop_absent(Json& json) {
  if (json.is_array()) {
    for (Json& item : json) drop_absent(item);
  } else if (json.is_object()) {
    for (auto item = json.begin(); item != json.end();) {
      drop_absent(item.value());
      item = item.value().is_null() ? json.erase(item) : std::next(item);
    }
  }
}

Json names_in(const Json& object) {
  Json names = Json::array();
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

// What is made of it: with the operator's own wish about pods in both templates.
api::SparkConnect with_service_links(api::SparkConnect connect, ServiceLinks links) {
  if (links != ServiceLinks::Off) return connect;
  api::SparkConnectSpec& spec = connect.spec;
  const Json server = spec.server.pod_template, executor = spec.executor.pod_template;
  if (server.is_null() || server.is_object()) apply_service_links(spec.server.pod_template, server, links);
  // One that the user brings into the image comes through a property that a template of ours would take over.
  if (executor.is_null() && spec.spark_conf.contains("spark.kubernetes.executor.podTemplateFile"))
    return connect;
  if (executor.is_null())
    spec.executor.pod_template["spec"]["containers"] = Json::array({{{"name", api::container::kExecutor}}});
  if (executor.is_null() || executor.is_object())
    apply_service_links(spec.executor.pod_template, executor, links);
  return connect;
}

}  // namespace

std::string connect_image(const api::SparkConnectSpec& spec, const Json& pod_template,
                          std::string_view container) {
  const Json* found = container_of(pod_template, container);
  const std::string own = found == nullptr ? "" : kube::string_at(*found, {"image"});
  return own.empty() ? spec.image.value_or("") : own;
}

Json connect_config_map(const api::SparkConnect& stored, ServiceLinks links) {
  const api::SparkConnect connect = with_service_links(stored, links);
  Json map = object_head(connect, "ConfigMap", api::connect_config_map_name(connect.metadata.name),
                         {{api::label::kCreatedByOperator, api::label::kTrue},
                          {api::label::kConnectName, connect.metadata.name}});
  map["data"][api::path::kExecutorTemplate] = kube::to_yaml(connect.spec.executor.pod_template);
  return map;
}

Result<Json> connect_server_pod(const api::SparkConnect& stored, std::string_view master_url,
                                ServiceLinks links) {
  if (auto shape = check_pod_template(stored.spec.server.pod_template, "spec.server.template"); !shape)
    return fail(std::move(shape));
  if (auto shape = check_pod_template(stored.spec.executor.pod_template, "spec.executor.template"); !shape)
    return fail(std::move(shape));
  const api::SparkConnect connect = with_service_links(stored, links);
  const api::SparkConnectSpec& spec = connect.spec;
  const Json& given = spec.server.pod_template;
  auto command = connect_server_command(connect, master_url);
  if (!command) return fail(std::move(command));

  Json labels = map_at(given, {"metadata", "labels"});
  labels[api::label::kLaunchedByOperator] = api::label::kTrue;
  labels[api::label::kConnectName] = connect.metadata.name;
  labels[api::label::kSparkRole] = api::label::kRoleConnectServer;
  labels[api::label::kSparkVersion] = spec.spark_version;
  Json pod =
      object_head(connect, "Pod", api::connect_server_pod_name(connect.metadata.name), std::move(labels));
  pod["metadata"]["annotations"] = map_at(given, {"metadata", "annotations"});
  pod["metadata"]["annotations"][kConnectSpecHashAnnotation] = connect_spec_hash(stored.spec);

  pod["spec"] = map_at(given, {"spec"});
  Json& containers = list_in(pod["spec"], "containers");
  if (containers.empty()) containers.push_back({{"name", api::container::kDriver}});
  Json& container = *container_of(pod, api::container::kDriver);
  const std::string image = connect_image(spec, given, api::container::kDriver);
  if (image.empty())
    return fail(ErrorKind::InvalidInput,
                "spec.image: is required, because spec.server.template has no image");
  container["image"] = image;
  fill_server_container(container, *std::move(command), connect_port(spec));
  list_in(pod["spec"], "volumes")
      .push_back({{"name", api::volume::kConnectConf},
                  {"configMap",
                   {{"name", api::connect_config_map_name(connect.metadata.name)},
                    {"items", Json::array({{{"key", api::path::kExecutorTemplate},
                                            {"path", api::path::kExecutorTemplate}}})}}}});
  return pod;
}

std::string connect_service_name(const api::SparkConnect& connect) {
  const std::string own = kube::string_at(connect.spec.server.service, {"metadata", "name"});
  return own.empty() ? api::connect_service_name(connect.metadata.name) : own;
}

Json connect_service(const api::SparkConnect& connect) {
  const Json& user = connect.spec.server.service;
  Json labels = map_at(user, {"metadata", "labels"});
  labels[api::label::kCreatedByOperator] = api::label::kTrue;
  labels[api::label::kConnectName] = connect.metadata.name;
  Json service = object_head(connect, "Service", connect_service_name(connect), std::move(labels));
  if (Json annotations = map_at(user, {"metadata", "annotations"}); !annotations.empty())
    service["metadata"]["annotations"] = std::move(annotations);
  service["spec"] = map_at(user, {"spec"});
  // Said, so that it is taken back when the user takes back another one.
  if (kube::string_at(service["spec"], {"type"}).empty()) service["spec"]["type"] = "ClusterIP";
  // Nothing that an edit changes, spark-version above all: while a server is replaced the service would lead
  // nowhere, or for good if it were not kept in step.
  Json selector = map_at(user, {"spec", "selector"});
  selector[api::label::kLaunchedByOperator] = api::label::kTrue;
  selector[api::label::kConnectName] = connect.metadata.name;
  selector[api::label::kSparkRole] = api::label::kRoleConnectServer;
  service["spec"]["selector"] = std::move(selector);
  const Json* ports = kube::find_path(user, {"spec", "ports"});
  service["spec"]["ports"] =
      service_ports(connect.spec, ports != nullptr && ports->is_array() ? *ports : Json::array());
  const Json written{{"labels", names_in(service["metadata"]["labels"])},
                     {"annotations", names_in(service["metadata"].value("annotations", Json::object()))},
                     {"spec", names_in(service["spec"])}};
  service["metadata"]["annotations"][api::annotation::kWrittenFields] = kube::dump_json(written);
  return service;
}

std::string connect_spec_hash(const api::SparkConnectSpec& spec) {
  api::SparkConnectSpec relevant = spec;
  relevant.server.service = nullptr;
  Json json = kube::encode(relevant);
  drop_absent(json);
  return std::string(kHashVersion) + api::sha256_hex(kube::dump_json(json)).substr(0, 16);
}

bool connect_spec_changed(std::string_view hash, const api::SparkConnectSpec& spec) {
  return hash.starts_with(kHashVersion) && hash != connect_spec_hash(spec);
}

}  // namespace spark

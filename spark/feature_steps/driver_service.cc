// The headless service under which executors find the driver.
#include <array>

#include "spark/feature_steps/feature_step.h"
#include "spark/resource_name.h"
#include "spark/uri.h"

namespace spark {

Result<> driver_service(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  if (build.conf.conf.contains("spark.driver.bindAddress"))
    conf.refuse("spark.driver.bindAddress: is set by the driver pod and cannot be given");
  const std::string policy = conf.text("spark.kubernetes.driver.service.ipFamilyPolicy", "SingleStack");
  if (policy != "SingleStack" && policy != "PreferDualStack" && policy != "RequireDualStack")
    conf.refuse(
        "spark.kubernetes.driver.service.ipFamilyPolicy: expected SingleStack, PreferDualStack or "
        "RequireDualStack");
  const std::string families = conf.text("spark.kubernetes.driver.service.ipFamilies", "IPv4");
  if (families != "IPv4" && families != "IPv6" && families != "IPv4,IPv6" && families != "IPv6,IPv4")
    conf.refuse("spark.kubernetes.driver.service.ipFamilies: expected IPv4, IPv6 or both with a comma");

  Json service = Json::object();
  Json& metadata = service["metadata"];
  metadata["labels"]["spark-app-selector"] = build.conf.app_id;
  for (const auto& [key, value] : build.conf.conf.with_prefix("spark.kubernetes.driver.service.label."))
    metadata["labels"][key] = value;
  for (const auto& [key, value] : build.conf.conf.with_prefix("spark.kubernetes.driver.service.annotation."))
    metadata["annotations"][key] = value;

  Json& spec = service["spec"];
  spec["clusterIP"] = "None";
  spec["ipFamilyPolicy"] = policy;
  spec["ipFamilies"] = split_list(families);
  // All labels of the driver that come from Spark and its conf, but none that only a template brought.
  for (const auto& [key, value] : build.conf.conf.with_prefix("spark.kubernetes.driver.label."))
    spec["selector"][key] = build.labels()[key];
  for (const char* key : {"spark-version", "spark-app-selector", "spark-app-name", "spark-role"})
    spec["selector"][key] = build.labels()[key];
  auto add = [&](std::string_view name, std::int64_t number) -> Json& {
    spec["ports"].push_back({{"name", name}, {"port", number}, {"targetPort", number}});
    return spec["ports"].back();
  };
  const std::int64_t rpc = driver_rpc_port(conf);
  const std::int64_t blocks = service_block_manager_port(conf);
  add("driver-rpc-port", rpc);
  add("blockmanager", blocks);
  add("spark-ui", ui_port(conf));
  if (build.line().connect_port) {
    Json& port = add("spark-connect", connect_port(conf));
    if (build.line().connect_app_protocol) port["appProtocol"] = "grpc";
  }
  if (build.line().publish_not_ready_addresses)
    spec["publishNotReadyAddresses"] =
        conf.flag("spark.kubernetes.driver.service.publishNotReadyAddresses", false);

  const std::string name = driver_service_name(build.conf.resource_name_prefix, build.conf.unique("service"));
  build.add_child("v1", "Service", name, std::move(service));
  build.properties.insert_or_assign("spark.driver.host", name + "." + build.conf.namespace_name + ".svc");
  build.properties.insert_or_assign("spark.driver.port", std::to_string(rpc));
  build.properties.insert_or_assign("spark.driver.blockManager.port", std::to_string(blocks));
  return conf.result();
}

}  // namespace spark

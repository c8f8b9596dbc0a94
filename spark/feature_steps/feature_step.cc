#include "spark/feature_steps/feature_step.h"

namespace spark {

using kube::ErrorKind;

void DriverBuild::add_env(std::string_view name, std::string_view value) {
  container["env"].push_back({{"name", name}, {"value", value}});
}

void DriverBuild::add_env_from_field(std::string_view name, std::string_view field_path) {
  container["env"].push_back(
      {{"name", name}, {"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", field_path}}}}}});
}

void DriverBuild::add_volume(Json volume) {
  spec()["volumes"].push_back(std::move(volume));
}

void DriverBuild::add_mount(std::string_view volume, std::string_view path) {
  container["volumeMounts"].push_back({{"mountPath", path}, {"name", volume}});
}

void DriverBuild::add_child(std::string_view api_version, std::string_view kind, std::string_view name,
                            Json body) {
  body["apiVersion"] = api_version;
  body["kind"] = kind;
  body["metadata"]["name"] = name;
  body["metadata"]["namespace"] = conf.namespace_name;
  children.push_back(std::move(body));
}

std::vector<std::string> ConfReader::list(std::string_view key) {
  return take(conf_.get_list(key));
}

void ConfReader::refuse(std::string message) {
  if (!error_) error_ = kube::Error(ErrorKind::InvalidInput, std::move(message));
}

Result<> ConfReader::result() const {
  if (error_) return kube::fail(*error_);
  return {};
}

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += value.size())
    text.replace(at, placeholder.size(), value);
  return text;
}

std::int64_t driver_rpc_port(ConfReader& conf) {
  return conf.undeclared_number("spark.driver.port").value_or(7078);
}

std::int64_t service_block_manager_port(ConfReader& conf) {
  return conf.undeclared_number("spark.driver.blockManager.port").value_or(7079);
}

std::int64_t container_block_manager_port(ConfReader& conf) {
  if (auto port = conf.undeclared_number("spark.driver.blockManager.port")) return *port;
  return conf.undeclared_number("spark.blockManager.port").value_or(7079);
}

std::int64_t ui_port(ConfReader& conf) {
  return conf.number("spark.ui.port").value_or(4040);
}

std::int64_t connect_port(ConfReader& conf) {
  return conf.undeclared_number("spark.connect.grpc.binding.port").value_or(15002);
}

}  // namespace spark

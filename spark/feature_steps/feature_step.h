// A feature step writes one aspect of the driver pod. Steps run in Spark's order (driver_builder.cc); each
// sees what earlier ones wrote.
//
//   Result<> mount_secrets(DriverBuild& build) {
//     for (const auto& [secret, path] : build.conf.conf.with_prefix("spark.kubernetes.driver.secrets.")) …
//     return {};
//   }
//
// Steps ask build.line() what their Spark line does and never compare versions. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/driver_conf.h"

namespace spark {

struct DriverBuild {
  explicit DriverBuild(const DriverConf& from) : conf(from), properties(from.conf.entries()) {}

  const DriverConf& conf;
  Json pod = Json::object();        // without the Spark container
  Json container = Json::object();  // the Spark container; appended last, as Spark does
  SparkConf::Entries properties;    // of spark.properties: the whole conf and what steps add
  std::vector<Json> pre_resources;
  std::vector<Json> children;

  const SparkLine& line() const { return *conf.line; }

  // Where values end, made when missing.
  Json& labels() { return pod["metadata"]["labels"]; }
  Json& spec() { return pod["spec"]; }
  void add_env(std::string_view name, std::string_view value);
  void add_env_from_field(std::string_view name, std::string_view field_path);
  void add_volume(Json volume);
  void add_mount(std::string_view volume, std::string_view path);
  void add_child(std::string_view api_version, std::string_view kind, std::string_view name, Json body);
};

// Reads typed properties and remembers the first error, so that a step reads straight down and ends with
// result().
class ConfReader {
 public:
  explicit ConfReader(const SparkConf& conf) : conf_(conf) {}

  std::optional<std::string> text(std::string_view key) { return take(conf_.get(key)); }
  std::string text(std::string_view key, std::string_view fallback) {
    return text(key).value_or(std::string(fallback));
  }
  bool flag(std::string_view key, bool fallback) { return take(conf_.get_bool(key)).value_or(fallback); }
  std::optional<std::int64_t> number(std::string_view key) { return take(conf_.get_int(key)); }
  std::optional<std::int64_t> undeclared_number(std::string_view key) {
    return take(conf_.get_undeclared_int(key));
  }
  std::optional<double> real(std::string_view key) { return take(conf_.get_double(key)); }
  std::optional<MemorySize> memory(std::string_view key, ByteUnit unit) {
    return take(conf_.get_memory(key, unit));
  }
  std::vector<std::string> list(std::string_view key);
  void refuse(std::string message);

  Result<> result() const;

 private:
  template <class T>
  T take(Result<T> value) {
    if (value) return *std::move(value);
    if (!error_) error_ = std::move(value).error();
    return T{};
  }

  const SparkConf& conf_;
  std::optional<kube::Error> error_;
};

// One file a step.
Result<> basic_driver(DriverBuild& build);
Result<> driver_kubernetes_credentials(DriverBuild& build);
Result<> driver_service(DriverBuild& build);
Result<> network_policy(DriverBuild& build);
Result<> mount_secrets(DriverBuild& build);
Result<> env_secrets(DriverBuild& build);
Result<> mount_volumes(DriverBuild& build);
Result<> driver_command(DriverBuild& build);
Result<> hadoop_conf_driver(DriverBuild& build);
Result<> kerberos_conf_driver(DriverBuild& build);
Result<> pod_template_config_map(DriverBuild& build);
Result<> local_dirs(DriverBuild& build);
Result<> volcano(DriverBuild& build);
// Not a step in Spark but its client's last act: the config map with spark.properties.
Result<> driver_config_map(DriverBuild& build);

// `text` with every occurrence of the placeholder replaced.
std::string replaced(std::string text, std::string_view placeholder, std::string_view value);

// Ports of the driver; the service does not follow spark.blockManager.port, the container does. As in Spark.
std::int64_t driver_rpc_port(ConfReader& conf);
std::int64_t container_block_manager_port(ConfReader& conf);
std::int64_t service_block_manager_port(ConfReader& conf);
std::int64_t ui_port(ConfReader& conf);
std::int64_t connect_port(ConfReader& conf);

}  // namespace spark

#include "spark/connect/connect_command.h"

#include <algorithm>
#include <charconv>

#include "api/constants.h"
#include "api/digest.h"
#include "api/names.h"
#include "spark/connect/connect_objects.h"
#include "spark/dynamic_allocation.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

constexpr std::string_view kDriver = "spark.kubernetes.driver.";
constexpr std::string_view kExecutor = "spark.kubernetes.executor.";

// The pod's own address, an IPv6 one in brackets. The parentheses before each pattern keep the substitution's
// own ones paired.
constexpr std::string_view kDriverHost =
    R"--("spark.driver.host=$(case "$POD_IP" in ([[]*) echo "$POD_IP";; (*:*) echo "[$POD_IP]";; (*) echo "$POD_IP";; esac)")--";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./:=,@%+").find(c) != std::string_view::npos;
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += R"('"'"')";
    else
      out += c;
  }
  return out + "'";
}

class Words {
 public:
  explicit Words(std::string first) : text_(std::move(first)) {}
  // As it is.
  void add(std::string_view word) { text_.append(" ").append(word); }
  void conf(std::string key, std::string_view value) {
    add("--conf");
    add(shell_word(key.append("=").append(value)));
  }
  template <class Value>
  void optional(std::string_view key, const std::optional<Value>& value) {
    if (!value) return;
    if constexpr (std::same_as<Value, std::string>)
      conf(std::string(key), *value);
    else
      conf(std::string(key), std::to_string(*value));
  }
  // Of the user: quoted whatever it is.
  void free_conf(const std::string& key, const std::string& value) {
    add("--conf");
    add(in_quotes(key + "=" + value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void labels(Words& out, std::string_view role, const api::SparkConnect& connect) {
  const std::string label = std::string(role) + "label.";
  out.conf(label + api::label::kLaunchedByOperator, api::label::kTrue);
  out.conf(label + api::label::kConnectName, connect.metadata.name);
  for (const auto& [name, value] : connect.metadata.labels) out.conf(label + name, value);
}

std::int32_t port_of(const api::StringMap& conf, const char* key, std::int32_t otherwise) {
  const auto found = conf.find(key);
  if (found == conf.end()) return otherwise;
  std::int32_t port = 0;
  const char* end = found->second.data() + found->second.size();
  const auto [rest, error] = std::from_chars(found->second.data(), end, port);
  // 0 would be any port, which no service can lead to; Spark refuses what is no number.
  return error == std::errc() && rest == end && port > 0 && port <= 65535 ? port : otherwise;
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  return in_quotes(text);
}

std::string executor_name_prefix(std::string_view connect) {
  // 63, less what Spark adds: "-exec-" and ten digits.
  constexpr std::size_t kMost = 47, kDigits = 8;
  if (connect.size() <= kMost) return std::string(connect);
  return std::string(connect.substr(0, kMost - kDigits - 1)) + "-" + api::md5_hex(connect).substr(0, kDigits);
}

std::int32_t connect_port(const api::SparkConnectSpec& spec) {
  return port_of(spec.spark_conf, "spark.connect.grpc.binding.port", api::port::kConnect);
}
std::int32_t connect_ui_port(const api::SparkConnectSpec& spec) {
  return port_of(spec.spark_conf, "spark.ui.port", api::port::kUi);
}

Result<std::string> connect_server_command(const api::SparkConnect& connect, std::string_view master_url) {
  const api::SparkConnectSpec& spec = connect.spec;
  const std::string executor_image =
      connect_image(spec, spec.executor.pod_template, api::container::kExecutor);
  if (executor_image.empty())
    return fail(ErrorKind::InvalidInput,
                "spec.image: is required, because spec.executor.template has no image");

  Words out("${SPARK_HOME}/sbin/start-connect-server.sh");
  out.add("--master");
  out.add(shell_word(master_url));
  out.conf(api::spark_conf::kNamespace, connect.metadata.namespace_);
  out.conf("spark.kubernetes.container.image", executor_image);
  out.conf("spark.kubernetes.executor.container.image", executor_image);
  for (const auto& [key, value] : spec.spark_conf)
    if (key != api::spark_conf::kDriverPodName) out.free_conf(key, value);
  for (const auto& [key, value] : spec.hadoop_conf)
    out.free_conf(key.starts_with("spark.hadoop.") ? key : "spark.hadoop." + key, value);

  labels(out, kDriver, connect);
  out.optional(api::spark_conf::kDriverCores, spec.server.cores);
  out.optional(api::spark_conf::kDriverMemory, spec.server.memory);
  // Where pods share addresses (hostNetwork) a user must be able to bind to one of them.
  if (!spec.spark_conf.contains("spark.driver.bindAddress")) out.conf("spark.driver.bindAddress", "0.0.0.0");
  out.add("--conf");
  out.add(kDriverHost);
  out.conf("spark.driver.port", std::to_string(api::port::kDriver));
  out.conf("spark.driver.blockManager.port", std::to_string(api::port::kBlockManager));
  out.conf(api::spark_conf::kDriverPodName, api::connect_server_pod_name(connect.metadata.name));

  labels(out, kExecutor, connect);
  out.optional(api::spark_conf::kExecutorInstances, spec.executor.instances);
  out.optional(api::spark_conf::kExecutorCores, spec.executor.cores);
  out.optional(api::spark_conf::kExecutorMemory, spec.executor.memory);
  out.conf("spark.kubernetes.executor.podNamePrefix", executor_name_prefix(connect.metadata.name));
  if (!spec.executor.pod_template.is_null()) {
    out.conf("spark.kubernetes.executor.podTemplateFile", kConnectTemplatePath);
    out.conf("spark.kubernetes.executor.podTemplateContainerName", api::container::kExecutor);
  }
  for (const auto& [key, value] : dynamic_allocation_properties(spec.dynamic_allocation))
    out.conf(key, value);
  return out.take();
}

}  // namespace spark

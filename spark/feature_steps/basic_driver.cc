// Container, resources, ports, environment, labels: what every driver has.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "spark/feature_steps/feature_step.h"
#include "spark/resource_name.h"

namespace spark {

namespace {

constexpr std::int64_t kMinOverheadMiB = 384;

std::string with_ids(const DriverBuild& build, std::string text) {
  return replaced(replaced(std::move(text), "{{APP_ID}}", build.conf.app_id), "{{EXECUTOR_ID}}", "");
}

// As java.lang.Double prints: always a fraction, exponents beyond 10^7 and below 10^-3.
std::string java_double(double value) {
  std::array<char, 32> text{};
  const double magnitude = std::fabs(value);
  const bool plain = value == 0 || (magnitude >= 1e-3 && magnitude < 1e7);
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value,
                                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string out(text.data(), end);
  if (plain) return out.find('.') == std::string::npos ? out + ".0" : out;
  const std::size_t e = out.find('e');
  std::string mantissa = out.substr(0, e);
  if (mantissa.find('.') == std::string::npos) mantissa += ".0";
  return mantissa + "E" + std::to_string(std::stoi(out.substr(e + 1)));
}

// Java's cast to int: towards zero, and no further than its ends.
std::int64_t java_int(double value) {
  return static_cast<std::int64_t>(std::clamp(value, -2147483648.0, 2147483647.0));
}

// The submitter's environment decides, then the proxied user, then who runs the submitter; later lines ask
// for the proxied user first.
std::string spark_user(const DriverConf& conf) {
  if (conf.line->proxy_user_first && conf.proxy_user) return *conf.proxy_user;
  const auto& environment = conf.submitter.environment;
  if (auto user = environment.find("SPARK_USER"); user != environment.end()) return user->second;
  return conf.proxy_user.value_or(conf.submitter.user);
}

void resources(DriverBuild& build, ConfReader& conf) {
  Json& resources = build.container["resources"];
  resources["requests"]["cpu"] = conf.text("spark.kubernetes.driver.request.cores")
                                     .value_or(std::to_string(conf.number("spark.driver.cores").value_or(1)));
  if (auto limit = conf.text("spark.kubernetes.driver.limit.cores")) resources["limits"]["cpu"] = *limit;

  const bool jvm_only = build.conf.kind == ResourceKind::Java;
  const auto memory =
      conf.memory("spark.driver.memory", ByteUnit::MiB).value_or(MemorySize::of_mebibytes(1024));
  const double usual = conf.real("spark.kubernetes.memoryOverheadFactor").value_or(jvm_only ? 0.1 : 0.4);
  if (!(usual >= 0)) conf.refuse("spark.kubernetes.memoryOverheadFactor: must not be negative");
  const double factor = conf.real("spark.driver.memoryOverheadFactor").value_or(usual);
  if (!(factor > 0) && factor != usual)
    conf.refuse("spark.driver.memoryOverheadFactor: must be greater than zero");
  std::int64_t least = kMinOverheadMiB;
  if (build.line().min_memory_overhead_key)
    least = conf.memory("spark.driver.minMemoryOverhead", ByteUnit::MiB)
                .value_or(MemorySize::of_mebibytes(kMinOverheadMiB))
                .mebibytes();
  std::int64_t overhead = std::max(java_int(factor * static_cast<double>(memory.mebibytes())), least);
  if (auto given = conf.memory("spark.driver.memoryOverhead", ByteUnit::MiB)) overhead = given->mebibytes();
  const std::string quantity = std::to_string(memory.mebibytes() + overhead) + "Mi";
  resources["requests"]["memory"] = quantity;
  resources["limits"]["memory"] = quantity;
  // Executors multiply with it; always the usual factor, also when the driver has its own.
  build.properties.insert_or_assign("spark.kubernetes.memoryOverheadFactor", java_double(usual));

  std::vector<std::string> names;
  for (const auto& [rest, value] : build.conf.conf.with_prefix("spark.driver.resource."))
    if (auto dot = rest.find('.'); dot != std::string::npos)
      if (names.empty() || names.back() != rest.substr(0, dot)) names.push_back(rest.substr(0, dot));
  for (const std::string& name : names) {
    const std::string prefix = "spark.driver.resource." + name;
    const auto amount = conf.number(prefix + ".amount");
    if (!amount) conf.refuse(prefix + ".amount: missing");
    if (amount.value_or(0) == 0) continue;
    const auto vendor = conf.text(prefix + ".vendor");
    if (!vendor) conf.refuse(prefix + ".vendor: missing");
    resources["limits"][vendor.value_or("") + "/" + name] = std::to_string(*amount);
  }
}

void ports(DriverBuild& build, ConfReader& conf) {
  auto add = [&](std::string_view name, std::int64_t number) {
    build.container["ports"].push_back({{"containerPort", number}, {"name", name}, {"protocol", "TCP"}});
  };
  add("driver-rpc-port", driver_rpc_port(conf));
  add("blockmanager", container_block_manager_port(conf));
  add("spark-ui", ui_port(conf));
  if (build.line().connect_port) add("spark-connect", connect_port(conf));
}

void image(DriverBuild& build, ConfReader& conf) {
  auto image = conf.text("spark.kubernetes.driver.container.image");
  if (!image) image = conf.text("spark.kubernetes.container.image");
  if (!image) conf.refuse("spark.kubernetes.driver.container.image: a container image is required");
  std::string name = image.value_or("");
  if (build.line().spark_version_in_images)
    name = replaced(name, "{{SPARK_VERSION}}", build.conf.identity.version.to_string());
  build.container["image"] = name;
  const std::string policy = conf.text("spark.kubernetes.container.image.pullPolicy", "IfNotPresent");
  if (policy != "Always" && policy != "Never" && policy != "IfNotPresent")
    conf.refuse("spark.kubernetes.container.image.pullPolicy: expected Always, Never or IfNotPresent");
  build.container["imagePullPolicy"] = policy;
}

void metadata(DriverBuild& build, ConfReader& conf) {
  Json& metadata = build.pod["metadata"];
  metadata["name"] =
      conf.text("spark.kubernetes.driver.pod.name", build.conf.resource_name_prefix + "-driver");
  metadata["namespace"] = build.conf.namespace_name;
  static constexpr std::array kReserved{"spark-version", "spark-app-selector", "spark-app-name",
                                        "spark-role"};
  for (const auto& [key, value] : build.conf.conf.with_prefix("spark.kubernetes.driver.label.")) {
    if (std::ranges::find(kReserved, key) != kReserved.end())
      conf.refuse("spark.kubernetes.driver.label." + key + ": this label is Spark's own");
    metadata["labels"][key] = build.line().app_id_in_labels ? with_ids(build, value) : value;
  }
  metadata["labels"]["spark-version"] = build.conf.identity.version.to_string();
  metadata["labels"]["spark-app-selector"] = build.conf.app_id;
  metadata["labels"]["spark-app-name"] = app_name_label(build.conf.app_name);
  metadata["labels"]["spark-role"] = "driver";
  for (const auto& [key, value] : build.conf.conf.with_prefix("spark.kubernetes.driver.annotation."))
    metadata["annotations"][key] = with_ids(build, value);
}

void placement(DriverBuild& build, ConfReader& conf) {
  Json& spec = build.spec();
  spec["restartPolicy"] = "Never";
  for (const char* prefix : {"spark.kubernetes.node.selector.", "spark.kubernetes.driver.node.selector."})
    for (const auto& [key, value] : build.conf.conf.with_prefix(prefix)) spec["nodeSelector"][key] = value;
  for (const std::string& secret : conf.list("spark.kubernetes.container.image.pullSecrets"))
    spec["imagePullSecrets"].push_back({{"name", secret}});
  auto scheduler = conf.text("spark.kubernetes.driver.scheduler.name");
  if (!scheduler) scheduler = conf.text("spark.kubernetes.scheduler.name");
  if (scheduler) spec["schedulerName"] = *scheduler;
}

void security(DriverBuild& build, ConfReader& conf) {
  if (!build.line().allow_privilege_escalation) return;
  const bool usual = conf.flag("spark.kubernetes.securityContext.allowPrivilegeEscalation", false);
  build.container["securityContext"]["allowPrivilegeEscalation"] =
      conf.flag("spark.kubernetes.driver.securityContext.allowPrivilegeEscalation", usual);
}

}  // namespace

Result<> basic_driver(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  if (!build.container.contains("name")) build.container["name"] = "spark-kubernetes-driver";
  image(build, conf);
  ports(build, conf);
  build.add_env("SPARK_USER", spark_user(build.conf));
  build.add_env("SPARK_APPLICATION_ID", build.conf.app_id);
  for (const auto& [name, value] : build.conf.conf.with_prefix("spark.kubernetes.driverEnv."))
    build.add_env(name, value);
  build.add_env_from_field("SPARK_DRIVER_BIND_ADDRESS", "status.podIP");
  resources(build, conf);
  security(build, conf);
  metadata(build, conf);
  placement(build, conf);

  auto& properties = build.properties;
  properties.insert_or_assign("spark.kubernetes.driver.pod.name",
                              build.pod["metadata"]["name"].get<std::string>());
  properties.insert_or_assign("spark.app.id", build.conf.app_id);
  properties.insert_or_assign("spark.kubernetes.submitInDriver", "true");
  return conf.result();
}

}  // namespace spark

// The driver's config map: the submitter's conf files and spark.properties, mounted at /opt/spark/conf.
#include <algorithm>
#include <string>
#include <vector>

#include "spark/feature_steps/feature_step.h"
#include "spark/properties.h"

namespace spark {

namespace {

constexpr std::int64_t kMaxSize = 1048576;  // what etcd takes in one object

bool has_suffix(std::string_view name, std::initializer_list<std::string_view> suffixes) {
  return std::ranges::any_of(suffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

// Archives and templates are no configuration; Spark's own property files come as spark.properties.
bool is_shipped(const std::string& name) {
  if (has_suffix(name, {".gz", ".zip", ".jar", ".tar", ".template"})) return false;
  return !(name.starts_with("spark") && has_suffix(name, {"conf", "properties"}));
}

bool is_utf8(const std::string& text) {
  // nlohmann's strict printer is the check: it refuses what is not UTF-8.
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

// Smallest files first, while they fit.
Json shipped_files(const std::map<std::string, std::string>& files, std::int64_t limit) {
  std::vector<std::pair<std::size_t, std::string>> by_size;
  for (const auto& [name, content] : files)
    if (is_shipped(name) && static_cast<std::int64_t>(name.size() + content.size()) <= limit)
      by_size.emplace_back(name.size() + content.size(), name);
  std::ranges::sort(by_size);
  Json data = Json::object();
  std::size_t total = 0;
  for (const auto& [size, name] : by_size) {
    const std::string& content = files.at(name);
    if (!is_utf8(content) || total + size >= static_cast<std::size_t>(limit)) continue;
    data[name] = content;
    total += size;
  }
  return data;
}

}  // namespace

Result<> driver_config_map(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  const std::int64_t limit = conf.number("spark.kubernetes.configMap.maxSize").value_or(kMaxSize);
  if (limit > kMaxSize) conf.refuse("spark.kubernetes.configMap.maxSize: must not exceed 1048576 bytes");

  const std::string name = "spark-drv-" + build.conf.unique("config-map") + "-conf-map";
  Json data = shipped_files(build.conf.submitter.spark_conf_files, limit);
  data["spark.properties"] = properties_text(
      build.properties, {"Java properties built from Kubernetes config map with name: " + name,
                         properties_date(build.conf.identity.submit_time)});
  Json source = {{"name", name}};
  for (auto item = data.begin(); item != data.end(); ++item)
    source["items"].push_back({{"key", item.key()}, {"mode", 420}, {"path", item.key()}});
  // Spark carries the namespace to the executors in the map, as a key that is not mounted.
  data["spark.kubernetes.namespace"] = build.conf.namespace_name;

  build.add_env("SPARK_CONF_DIR", "/opt/spark/conf");
  build.add_mount("spark-conf-volume-driver", "/opt/spark/conf");
  build.add_volume({{"configMap", source}, {"name", "spark-conf-volume-driver"}});
  build.add_child("v1", "ConfigMap", name, {{"data", data}, {"immutable", true}});
  return conf.result();
}

}  // namespace spark

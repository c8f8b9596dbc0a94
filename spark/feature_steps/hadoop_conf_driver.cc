// Hadoop's configuration files, from the submitter's HADOOP_CONF_DIR or from a config map that exists.
#include "spark/feature_steps/feature_step.h"

namespace spark {

Result<> hadoop_conf_driver(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  const auto existing = conf.text("spark.kubernetes.hadoop.configMapName");
  const auto& files = build.conf.submitter.hadoop_conf_files;
  if (existing && files)
    conf.refuse("spark.kubernetes.hadoop.configMapName: cannot be given together with HADOOP_CONF_DIR");
  if (!existing && !files) return conf.result();

  const std::string name = existing.value_or(build.conf.resource_name_prefix + "-hadoop-config");
  Json source = {{"name", name}};
  if (files) {
    Json data = Json::object();
    for (const auto& [file, content] : *files) {
      source["items"].push_back({{"key", file}, {"path", file}});
      data[file] = content;
    }
    Json body = {{"immutable", true}};
    if (!data.empty()) body["data"] = data;
    build.add_child("v1", "ConfigMap", name, std::move(body));
  }
  build.add_volume({{"configMap", source}, {"name", "hadoop-properties"}});
  build.add_mount("hadoop-properties", "/opt/hadoop/conf");
  build.add_env("HADOOP_CONF_DIR", "/opt/hadoop/conf");
  if (build.line().executor_hadoop_config_map)
    build.properties.insert_or_assign("spark.kubernetes.executor.hadoopConfigMapName", name);
  return conf.result();
}

}  // namespace spark

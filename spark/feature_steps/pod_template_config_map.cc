// The executors' pod template travels to the driver in a config map; the driver parses it.
#include "spark/feature_steps/feature_step.h"
#include "spark/feature_steps/submitter_file.h"

namespace spark {

Result<> pod_template_config_map(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  const auto file = conf.text("spark.kubernetes.executor.podTemplateFile");
  if (!file) return conf.result();
  auto text = submitter_file(build.conf, *file);
  if (!text)
    return kube::fail(std::move(text).error().while_doing("spark.kubernetes.executor.podTemplateFile"));

  const std::string name = build.conf.resource_name_prefix + "-driver-podspec-conf-map";
  build.add_child("v1", "ConfigMap", name,
                  {{"data", {{"podspec-configmap-key", *text}}}, {"immutable", true}});
  Json source = {{"name", name}};
  source["items"].push_back({{"key", "podspec-configmap-key"}, {"path", "pod-spec-template.yml"}});
  build.add_volume({{"configMap", source}, {"name", "pod-template-volume"}});
  build.add_mount("pod-template-volume", "/opt/spark/pod-template");
  build.properties.insert_or_assign("spark.kubernetes.executor.podTemplateFile",
                                    "/opt/spark/pod-template/pod-spec-template.yml");
  return conf.result();
}

}  // namespace spark

// The one user feature step that needs no JVM: Volcano's pod group, created before the pod.
#include "kube/core/yaml.h"
#include "spark/feature_steps/feature_step.h"
#include "spark/feature_steps/submitter_file.h"

namespace spark {

Result<> volcano(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  const std::string name = build.conf.app_id + "-podgroup";
  Json group = Json::object();
  if (auto file = conf.text("spark.kubernetes.scheduler.volcano.podGroupTemplateFile")) {
    auto text = submitter_file(build.conf, *file);
    if (!text)
      return kube::fail(
          std::move(text).error().while_doing("spark.kubernetes.scheduler.volcano.podGroupTemplateFile"));
    auto parsed = kube::parse_yaml_document(*text);
    if (!parsed)
      return kube::fail(
          std::move(parsed).error().while_doing("spark.kubernetes.scheduler.volcano.podGroupTemplateFile"));
    if (!parsed->is_object())
      return kube::fail(kube::ErrorKind::InvalidInput, "the pod group template is no object");
    group = *std::move(parsed);
  }
  group["apiVersion"] = "scheduling.volcano.sh/v1beta1";
  group["kind"] = "PodGroup";
  group["metadata"]["name"] = name;
  group["metadata"]["namespace"] = build.conf.namespace_name;
  if (!group.contains("spec")) group["spec"] = Json::object();
  build.pre_resources.push_back(std::move(group));
  build.pod["metadata"]["annotations"]["scheduling.k8s.io/group-name"] = name;
  return conf.result();
}

}  // namespace spark

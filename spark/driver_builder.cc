#include "spark/driver_builder.h"

#include <algorithm>
#include <array>

#include "kube/core/yaml.h"
#include "spark/feature_steps/feature_step.h"
#include "spark/feature_steps/submitter_file.h"
#include "spark/feature_steps/volume_conf.h"
#include "spark/pod_template_shape.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

constexpr std::string_view kStepPackage = "org.apache.spark.deploy.k8s.features.";

struct DriverStep {
  std::string_view name;  // of Spark's class, as excludedFeatureSteps spells it
  Result<> (*apply)(DriverBuild&);
  // Spark makes the step's object, whose properties are read then, before it leaves the step out.
  bool checks_when_left_out = false;
  bool SparkLine::* only_if = nullptr;  // lines that have the step; null: all
};

// Order matters: later steps see what earlier ones wrote, and Spark's order is what the API server sees.
constexpr std::array kDriverSteps{
    DriverStep{"BasicDriverFeatureStep", basic_driver, true},
    DriverStep{"DriverKubernetesCredentialsFeatureStep", driver_kubernetes_credentials, true},
    DriverStep{"DriverServiceFeatureStep", driver_service, true},
    DriverStep{"NetworkPolicyFeatureStep", network_policy, false, &SparkLine::network_policy},
    DriverStep{"MountSecretsFeatureStep", mount_secrets},
    DriverStep{"EnvSecretsFeatureStep", env_secrets},
    DriverStep{"MountVolumesFeatureStep", mount_volumes},
    DriverStep{"DriverCommandFeatureStep", driver_command},
    DriverStep{"HadoopConfDriverFeatureStep", hadoop_conf_driver, true},
    DriverStep{"KerberosConfDriverFeatureStep", kerberos_conf_driver, true},
    DriverStep{"PodTemplateConfigMapStep", pod_template_config_map},
    DriverStep{"LocalDirsFeatureStep", local_dirs, true},
};
// Steps a user may ask for by class name; all others are code we cannot run (fallback rule "feature-steps").
constexpr DriverStep kVolcano{"VolcanoFeatureStep", volcano};

// The template's Spark container is the one of the configured name, else the first. It is taken out and comes
// back as the last one.
Json take_spark_container(Json& pod, const std::optional<std::string>& wanted) {
  if (!pod.contains("spec") || !pod["spec"].contains("containers") || pod["spec"]["containers"].empty())
    return Json::object();
  Json& containers = pod["spec"]["containers"];
  std::size_t chosen = 0;
  if (wanted) {
    std::size_t matches = 0;
    std::size_t match = 0;
    for (std::size_t i = 0; i < containers.size(); ++i)
      if (kube::string_at(containers[i], {"name"}) == *wanted) {
        ++matches;
        match = i;
      }
    if (matches == 1) chosen = match;
  }
  Json container = containers[chosen];
  containers.erase(chosen);
  return container;
}

Result<> load_template(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  const auto file = conf.text("spark.kubernetes.driver.podTemplateFile");
  const auto container = conf.text("spark.kubernetes.driver.podTemplateContainerName");
  if (auto read = conf.result(); !read || !file) return read;
  auto text = submitter_file(build.conf, *file);
  if (!text) return fail(std::move(text).error().while_doing("could not load driver pod from template file"));
  auto pod = kube::parse_yaml_document(*text);
  if (!pod) return fail(std::move(pod).error().while_doing("could not load driver pod from template file"));
  if (auto shaped = check_pod_template(*pod, "driver pod template"); !shaped) return shaped;
  if (pod->is_null()) return {};
  if (kube::find_path(*pod, {"spec"}) == nullptr || (*pod)["spec"].is_null())
    return fail(ErrorKind::InvalidInput, "driver pod template: spec: missing");
  build.pod = *std::move(pod);
  build.container = take_spark_container(build.pod, container);
  return {};
}

// fabric8 leaves out what is null or an empty list or map when it writes metadata, spec and containers.
void drop_empty(Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (object.contains(key) && object[key].is_structured() && object[key].empty()) object.erase(key);
}

}  // namespace

Result<Submission> build_submission(const DriverConf& conf) {
  DriverBuild build(conf);
  // Executors read their volumes later, in the driver; what is wrong with them must be said now.
  if (auto volumes = read_volumes(conf.conf, "spark.kubernetes.executor.volumes.", *conf.line); !volumes)
    return fail(volumes);
  if (auto loaded = load_template(build); !loaded) return fail(loaded);

  auto excluded = conf.conf.get_list("spark.kubernetes.driver.pod.excludedFeatureSteps");
  if (!excluded) return fail(excluded);
  if (!conf.line->excluded_feature_steps) excluded->clear();
  for (const DriverStep& step : kDriverSteps) {
    if (step.only_if != nullptr && !(conf.line->*step.only_if)) continue;
    if (std::ranges::find(*excluded, std::string(kStepPackage) + std::string(step.name)) != excluded->end()) {
      if (step.checks_when_left_out) {
        DriverBuild aside = build;
        if (auto checked = step.apply(aside); !checked) return fail(checked);
      }
      continue;
    }
    if (auto done = step.apply(build); !done) return fail(done);
  }
  auto asked = conf.conf.get_list("spark.kubernetes.driver.pod.featureSteps");
  if (!asked) return fail(asked);
  for (const std::string& step : *asked) {
    if (step != std::string(kStepPackage) + std::string(kVolcano.name))
      return fail(ErrorKind::InvalidInput, "feature step " + step + " needs a JVM");
    if (auto done = kVolcano.apply(build); !done) return fail(done);
  }
  if (auto done = driver_config_map(build); !done) return fail(done);

  build.pod["apiVersion"] = "v1";
  build.pod["kind"] = "Pod";
  build.pod.erase("status");
  drop_empty(build.container, {"env", "ports", "volumeMounts", "args"});
  build.spec()["containers"].push_back(std::move(build.container));
  drop_empty(build.pod["metadata"], {"annotations", "labels", "ownerReferences"});
  return Submission{.app_id = conf.app_id,
                    .driver_pod = std::move(build.pod),
                    .pre_resources = std::move(build.pre_resources),
                    .children = std::move(build.children)};
}

std::vector<Json> with_owner(std::vector<Json> children, std::string_view driver_pod_name,
                             std::string_view driver_pod_uid) {
  for (Json& child : children)
    child["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                         {"controller", true},
                                                         {"kind", "Pod"},
                                                         {"name", driver_pod_name},
                                                         {"uid", driver_pod_uid}}});
  return children;
}

}  // namespace spark

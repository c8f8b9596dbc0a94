// spark.kubernetes.driver.volumes.*: volumes, mounts, and claims that are made on demand.
#include <set>

#include "spark/feature_steps/feature_step.h"
#include "spark/feature_steps/volume_conf.h"

namespace spark {

namespace {

Json source_of(const VolumeConf& volume, const std::string& claim, const SparkLine& line) {
  if (volume.type == "hostPath") {
    const std::string type = line.sub_path_expr ? volume.option("type").value_or("") : "";
    return {{"hostPath", {{"path", *volume.option("path")}, {"type", type}}}};
  }
  if (volume.type == "nfs")
    return {{"nfs", {{"path", *volume.option("path")}, {"server", *volume.option("server")}}}};
  if (volume.type == "persistentVolumeClaim")
    return {{"persistentVolumeClaim", {{"claimName", claim}, {"readOnly", volume.read_only}}}};
  Json empty = {{"medium", volume.option("medium").value_or("")}};
  if (auto limit = volume.option("sizeLimit")) empty["sizeLimit"] = *limit;
  return {{"emptyDir", empty}};
}

Json claim_object(const DriverBuild& build, const VolumeConf& volume, bool read_write_once_pod) {
  Json claim = Json::object();
  if (build.line().sub_path_expr) {
    for (const auto& [key, value] : volume.labels) claim["metadata"]["labels"][key] = value;
    for (const auto& [key, value] : volume.annotations) claim["metadata"]["annotations"][key] = value;
  }
  claim["metadata"]["labels"]["spark-app-selector"] = build.conf.app_id;
  Json& spec = claim["spec"];
  spec["storageClassName"] = *volume.option("storageClass");
  spec["accessModes"].push_back(read_write_once_pod ? "ReadWriteOncePod" : "ReadWriteOnce");
  spec["resources"]["requests"]["storage"] = *volume.option("sizeLimit");
  return claim;
}

}  // namespace

Result<> mount_volumes(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  auto volumes = read_volumes(build.conf.conf, "spark.kubernetes.driver.volumes.", build.line());
  if (!volumes) return kube::fail(volumes);
  const bool once =
      conf.flag("spark.kubernetes.legacy.useReadWriteOnceAccessMode", !build.line().read_write_once_pod);
  std::set<std::string> paths;
  for (std::size_t i = 0; i < volumes->size(); ++i) {
    const VolumeConf& volume = (*volumes)[i];
    if (!paths.insert(volume.mount_path).second)
      conf.refuse("spark.kubernetes.driver.volumes." + volume.type + "." + volume.name +
                  ".mount.path: another volume is mounted there");
    const std::string on_demand = build.conf.resource_name_prefix + "-driver-pvc-" + std::to_string(i);
    const std::string claim = replaced(volume.option("claimName").value_or(""), "OnDemand", on_demand);
    Json described = source_of(volume, claim, build.line());
    described["name"] = volume.name;
    build.add_volume(std::move(described));

    Json mount = {{"mountPath", volume.mount_path},
                  {"name", volume.name},
                  {"readOnly", volume.read_only},
                  {"subPath", volume.sub_path}};
    if (build.line().sub_path_expr) mount["subPathExpr"] = volume.sub_path_expr;
    build.container["volumeMounts"].push_back(std::move(mount));

    if (volume.type == "persistentVolumeClaim" && volume.option("storageClass") && volume.option("sizeLimit"))
      build.add_child("v1", "PersistentVolumeClaim", claim, claim_object(build, volume, !once));
  }
  return conf.result();
}

}  // namespace spark

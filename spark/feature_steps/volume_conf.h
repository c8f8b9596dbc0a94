// Volumes given as properties: spark.kubernetes.<role>.volumes.<type>.<name>.<rest>.
//
//   auto volumes = read_volumes(conf, "spark.kubernetes.driver.volumes.", line);
//
// Sorted by type and name (Spark's own order comes from hash tables). Names hold no dots. Errors name the
// key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "spark/spark_conf.h"
#include "spark/spark_version.h"

namespace spark {

struct VolumeConf {
  std::string type;  // hostPath, persistentVolumeClaim, emptyDir, nfs
  std::string name;
  std::string mount_path;
  std::string sub_path;
  std::string sub_path_expr;
  bool read_only = false;
  std::map<std::string, std::string>
      options;  // path, type, server, claimName, storageClass, sizeLimit, medium
  std::map<std::string, std::string> labels;  // of a claim that is made on demand
  std::map<std::string, std::string> annotations;

  std::optional<std::string> option(const std::string& key) const {
    auto found = options.find(key);
    if (found == options.end()) return std::nullopt;
    return found->second;
  }
};

Result<std::vector<VolumeConf>> read_volumes(const SparkConf& conf, std::string_view prefix,
                                             const SparkLine& line);

}  // namespace spark

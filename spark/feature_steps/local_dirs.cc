// Scratch space: the user's spark-local-dir-* volumes, else fresh emptyDirs.
#include <algorithm>

#include "spark/feature_steps/feature_step.h"

namespace spark {

namespace {

// As Java splits: nothing trimmed, empty items kept, but not at the end.
std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    items.emplace_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  while (items.size() > 1 && items.back().empty()) items.pop_back();
  return items;
}

}  // namespace

// Spark shuffles the directories, so that disks fill evenly over many pods of one host. Their order carries
// no meaning for one pod; we keep the given one, and so the same attempt always builds the same pod.
Result<> local_dirs(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  // Read even where it decides nothing: Spark refuses a word there, too.
  const bool in_memory = conf.flag("spark.kubernetes.local.dirs.tmpfs", false);
  std::string paths;
  auto add_path = [&](std::string_view path) { paths.append(paths.empty() ? "" : ",").append(path); };
  if (const Json* mounts = kube::find_path(build.container, {"volumeMounts"}))
    for (const Json& mount : *mounts)
      if (kube::string_at(mount, {"name"}).starts_with("spark-local-dir-"))
        add_path(kube::string_at(mount, {"mountPath"}));

  if (paths.empty()) {
    std::string directories = "/var/data/spark-" + build.conf.unique_uuid("local-dir");
    if (auto given = build.conf.submitter.environment.find("SPARK_LOCAL_DIRS");
        given != build.conf.submitter.environment.end())
      directories = given->second;
    else if (auto key = build.conf.conf.raw("spark.local.dir"))
      directories = *key;
    const std::vector<std::string> list = split_at_commas(directories);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string name = "spark-local-dir-" + std::to_string(i + 1);
      Json empty = Json::object();
      if (in_memory) empty["medium"] = "Memory";
      build.add_volume({{"emptyDir", empty}, {"name", name}});
      build.add_mount(name, list[i]);
      add_path(list[i]);
    }
  }
  build.add_env("SPARK_LOCAL_DIRS", paths);
  return conf.result();
}

}  // namespace spark

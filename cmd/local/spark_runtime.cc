#include "cmd/local/spark_runtime.h"

#include <cstdlib>
#include <filesystem>

#include "cmd/local/state_folder.h"

namespace cmd {
namespace {

namespace fs = std::filesystem;

// Where the machine's Java lies, followed through links: the containers see /usr but not every other folder.
std::string java_home() {
  if (const char* home = std::getenv("JAVA_HOME"); home != nullptr && *home != '\0') return home;
  std::error_code error;
  const fs::path java = fs::canonical("/usr/bin/java", error);
  return error ? "" : java.parent_path().parent_path().string();
}

}  // namespace

kube::ProcessRuntimeOptions spark_runtime_options(const SparkRuntime& spark) {
  kube::ProcessRuntimeOptions options;
  options.folder = spark.folder;
  options.images = images_folder();
  options.api_server = spark.api_server;
  options.address_prefix = spark.address_prefix;
  options.node_name = spark.node_name;
  options.host_address = spark.node_address;
  options.extra_environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                               // Without it every driver's UI would want 0.0.0.0:4040.
                               {"SPARK_LOCAL_IP", "$(POD_IP)"}};
  if (spark.api_server.port != 443) {
    options.extra_environment.emplace_back(
        "SPARK_DRIVER_MASTER", "https://kubernetes.default.svc:" + std::to_string(spark.api_server.port));
  }
  if (const std::string java = java_home(); !java.empty()) {
    options.extra_environment.emplace_back("JAVA_HOME", java);
    if (!java.starts_with("/usr/")) options.host_folders.push_back(java);
  }
  options.log = spark.log;
  return options;
}

}  // namespace cmd

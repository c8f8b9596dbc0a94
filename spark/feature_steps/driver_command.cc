// What the image's entrypoint is told to run.
#include "spark/feature_steps/feature_step.h"
#include "spark/uri.h"

namespace spark {

namespace {

void python_interpreters(DriverBuild& build, ConfReader& conf) {
  const auto& environment = build.conf.submitter.environment;
  auto variable = [&](const char* name) -> std::optional<std::string> {
    auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  auto python = conf.text("spark.pyspark.python");
  auto driver_python = conf.text("spark.pyspark.driver.python");
  if (!driver_python) driver_python = python;
  if (!driver_python) driver_python = variable("PYSPARK_DRIVER_PYTHON");
  if (!driver_python) driver_python = variable("PYSPARK_PYTHON");
  if (!python) python = variable("PYSPARK_PYTHON");
  if (build.line().python_version_key && conf.text("spark.kubernetes.pyspark.pythonVersion", "3") != "3")
    conf.refuse("spark.kubernetes.pyspark.pythonVersion: only Python 3 is supported");
  if (python) build.add_env("PYSPARK_PYTHON", *python);
  if (driver_python) build.add_env("PYSPARK_DRIVER_PYTHON", *driver_python);
}

}  // namespace

Result<> driver_command(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  Json& args = build.container["args"];  // after a template's own
  args.push_back("driver");
  if (build.conf.proxy_user) {
    args.push_back("--proxy-user");
    args.push_back(*build.conf.proxy_user);
  }
  args.push_back("--properties-file");
  args.push_back("/opt/spark/conf/spark.properties");
  args.push_back("--class");
  args.push_back(build.conf.main_class);
  // A Java application's local jar travels in spark.jars.
  const bool in_jars =
      build.conf.kind == ResourceKind::Java && is_submitter_file(build.conf.primary_resource);
  args.push_back(in_jars ? "spark-internal" : build.conf.primary_resource);
  for (const std::string& argument : build.conf.arguments) args.push_back(argument);

  if (build.conf.kind == ResourceKind::Python) python_interpreters(build, conf);
  const char* type = build.conf.kind == ResourceKind::Python ? "python"
                     : build.conf.kind == ResourceKind::R    ? "r"
                                                             : "java";
  build.properties.insert_or_assign("spark.kubernetes.resource.type", type);
  return conf.result();
}

}  // namespace spark

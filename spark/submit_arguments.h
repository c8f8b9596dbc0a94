// The arguments of spark-submit, read by its grammar.
//
//   auto parsed = parse_submit_arguments({"--master", "k8s://…", "--conf", "a=b", "local:///pi.py", "10"});
//   parsed->conf.raw("spark.master")        // "k8s://…": flags end in the conf, and win over --conf
//   parsed->application_arguments           // {"10"}
//
// "--flag=value" is understood. The first word that is no flag is the application; all that follows is its
// own. Errors (InvalidInput) name flags and keys, never values. Pure function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/base/result.h"
#include "spark/spark_conf.h"

namespace spark {

struct SubmitArguments {
  SparkConf conf;
  std::optional<std::string> main_class;
  std::optional<std::string> proxy_user;
  std::optional<std::string> primary_resource;
  std::vector<std::string> application_arguments;
};

Result<SubmitArguments> parse_submit_arguments(const std::vector<std::string>& arguments);

}  // namespace spark

// From a spark-submit command line to the SparkApplication that an operator submits in the same way: the
// reverse of spark::spark_submit_arguments() (spark/submit_conf.h).
//
//   auto made = application_from({.arguments = {"--master", "k8s://…", "--conf", "spark.a=b", "x.py"},
//                                 .read_file = …});
//   print(to_yaml(made->application));
//   for (const std::string& note : made->notes) …   // what could not be taken over, and what was assumed
//
// A property goes into the field that the operator makes it from, else into sparkConf; properties of the
// operator's own are left out. So the operator's own command line gives an application that makes the same
// objects. Pure but for `read_file`. Errors are InvalidInput: words that spark-submit would refuse, or what
// is needed and not said.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"

namespace ctl {

struct Conversion {
  std::vector<std::string> arguments;  // behind the program's name
  // Of --properties-file and of pod templates.
  std::function<kube::Result<std::string>(const std::string& path)> read_file;
  std::string name = {};           // "": that of --name, of the class or the file
  std::string ns = {};             // "": that of the command, else "default"
  std::string spark_version = {};  // "": that of the image's tag
};

struct Converted {
  api::SparkApplication app;
  kube::Json application;  // as a manifest
  std::vector<std::string> notes;
};
kube::Result<Converted> application_from(Conversion conversion);

}  // namespace ctl

// DriverConf is everything the driver's feature steps may look at: what spark-submit knows after it has read
// its arguments, and what it would have read from its own process and disk, handed in as values.
//
//   auto conf = driver_conf(arguments, submitter, identity);   // arguments: spark/submit_conf.h
//   auto submission = build_submission(*conf);                 // spark/driver_builder.h
//
// Most callers want native_submission() (spark/native_submission.h), which does both for a SparkApplication.
//
// Pure: equal inputs give equal bytes. What is random in Spark derives from Identity::submission_id.
// Errors (InvalidInput) are those the real spark-submit would end with before its first API call. They name
// keys, never values that could be secrets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/spark_conf.h"
#include "spark/spark_version.h"

namespace spark {

using kube::Json;
using kube::Result;

// What spark-submit would find around itself. The defaults are those of an operator without Hadoop or Spark
// configuration of its own, which is how upstream's image is shipped.
struct Submitter {
  std::string user = "spark";  // its OS user: SPARK_USER of the driver unless environment or proxy user say
  std::map<std::string, std::string> environment;         // for ${env:…}, PYSPARK_PYTHON, SPARK_LOCAL_DIRS
  std::string working_directory = "/opt/spark/work-dir";  // relative paths resolve against it
  std::map<std::string, std::string> spark_conf_files;    // of SPARK_CONF_DIR: name → content
  std::optional<std::map<std::string, std::string>>
      hadoop_conf_files;  // of HADOOP_CONF_DIR, when that is set
  // Files that conf keys point to (credentials, krb5.conf, pod templates): path → content.
  std::map<std::string, std::string> files;
};

// What makes one attempt this attempt.
struct Identity {
  std::string submission_id;  // the attempt's id; every generated name derives from it
  SparkVersion version;       // whose spark-submit we are
  // spark.app.submitTime. An adopted driver's children are completed with the pod's creationTimestamp, so
  // that a second build gives the same config map.
  kube::TimePoint submit_time{};
};

enum class ResourceKind { Java, Python, R };

struct DriverConf {
  SparkConf conf;  // effective, as spark-submit hands it to its Kubernetes client
  std::string app_name;
  std::string app_id;  // "spark-<32 hex>"
  std::string resource_name_prefix;
  std::string namespace_name;
  ResourceKind kind = ResourceKind::Java;
  std::string primary_resource;  // "spark-internal": none
  std::string main_class;
  std::vector<std::string> arguments;
  std::optional<std::string> proxy_user;
  Submitter submitter;
  Identity identity;
  const SparkLine* line = nullptr;  // never null in a DriverConf that driver_conf() returned

  // A name part that Spark would draw at random, fixed by the attempt and the purpose: 16 hex digits.
  std::string unique(std::string_view purpose) const;
  // The same as a UUID.
  std::string unique_uuid(std::string_view purpose) const;
};

// The Spark application id of a natively built driver: "spark-<32 hex>", fixed by the attempt.
std::string application_id(std::string_view submission_id);

// Reads spark-submit's arguments (without the program's name) as its front end does: precedence, path
// resolution, checks.
Result<DriverConf> driver_conf(const std::vector<std::string>& arguments, Submitter submitter,
                               Identity identity);

}  // namespace spark

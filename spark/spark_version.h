// SparkVersion names a Spark release; SparkLine says how the spark-submit of one line (3.5, 4.0 …) behaves.
//
//   SparkVersion version = resolve_version("3.5", "spark:3.5.7-python3");   // 3.5.7: the image is more exact
//   const SparkLine* line = find_line(version);          // nullptr: a line we know nothing about
//   if (line->connect_port) …
//
// Every difference between lines that a submitter can see is a field of SparkLine; feature steps read fields
// and never compare version numbers. A line that is new costs one row. Thread: pure functions over constants.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace spark {

struct SparkVersion {
  int major = 0;
  int minor = 0;
  int patch = -1;      // -1: not said ("3.5")
  std::string suffix;  // "-vendor.1", with its dash; "" for a release

  std::string to_string() const;
  bool operator==(const SparkVersion&) const = default;
};

// "3.5.7", "v3.5.7", "3.5", "3.5.1-vendor"; nullopt for what names no version ("latest", "").
std::optional<SparkVersion> parse_spark_version(std::string_view text);

// The first version in an image's tag ("repo/spark:v3.5.7-scala2.12-java17" → 3.5.7). The registry's port is
// no tag.
std::optional<SparkVersion> guess_version_from_image(std::string_view image);

// What runs: spec.sparkVersion, made exact by the image's tag when both are of one line, else by the line's
// newest release that we know. nullopt when neither names a version.
std::optional<SparkVersion> resolve_version(std::string_view spark_version, std::string_view image);

// Whether a template is beyond Spark's means: upstream compares as Go's semver does, where "3", "3.0" and
// "3.0.0" are equal, pre-releases sort below, and text that is no semantic version sorts below everything.
bool is_below_3_0(std::string_view spark_version);

// One line's behaviour, as seen on the API server. Comments say which object shows it.
struct SparkLine {
  int major;
  int minor;
  int newest_patch;                  // completes a version that names the line only
  bool native;                       // feature steps were compared with this line's real spark-submit
  bool server_side_apply;            // children: PATCH apply (3.5+) or POST (3.4)
  bool connect_port;                 // container and service: port spark-connect
  bool connect_app_protocol;         // service: appProtocol grpc on it
  bool network_policy;               // object <prefix>-policy
  bool allow_privilege_escalation;   // container: securityContext.allowPrivilegeEscalation always written
  bool publish_not_ready_addresses;  // service: always written
  bool app_id_in_labels;             // {{APP_ID}} replaced in labels too, not only in annotations
  bool spark_version_in_images;      // {{SPARK_VERSION}} replaced in image names
  bool sub_path_expr;                // mounts: subPathExpr always written; host path type, PVC labels read
  bool refuse_small_sizes;           // volume sizes below 1024 without a unit are refused
  bool read_write_once_pod;          // PVCs: ReadWriteOncePod by default
  bool min_memory_overhead_key;      // spark.driver.minMemoryOverhead is read
  bool executor_hadoop_config_map;   // property spark.kubernetes.executor.hadoopConfigMapName
  bool keeps_submit_time;            // spark.app.submitTime of the user stays
  bool excluded_feature_steps;       // spark.kubernetes.driver.pod.excludedFeatureSteps is read
  bool proxy_user_first;    // SPARK_USER: the proxied user, whatever the submitter's environment says
  bool python_version_key;  // spark.kubernetes.pyspark.pythonVersion is checked (only "3")
};

std::span<const SparkLine> spark_lines();
const SparkLine* find_line(const SparkVersion& version);

}  // namespace spark

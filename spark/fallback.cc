#include "spark/fallback.h"

#include <algorithm>
#include <array>
#include <optional>

#include "spark/uri.h"

namespace spark {

namespace {

constexpr std::array<std::string_view, 4> kLists{"spark.jars", "spark.files", "spark.archives",
                                                 "spark.submit.pyFiles"};
constexpr std::string_view kVolcanoStep = "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep";

using Text = std::optional<std::string>;

Text unknown_line(const DriverConf& conf) {
  if (conf.line->native) return std::nullopt;
  return "Spark " + conf.identity.version.to_string() +
         " is of a line whose objects are not built natively yet";
}

Text feature_steps(const DriverConf& conf) {
  const auto steps = conf.conf.get_list("spark.kubernetes.driver.pod.featureSteps");
  if (!steps) return std::nullopt;  // the builder says what is wrong
  for (const std::string& step : *steps)
    if (step != kVolcanoStep) return "spark.kubernetes.driver.pod.featureSteps names the class " + step;
  return std::nullopt;
}

// A file of the submitter has to be uploaded through a Hadoop file system. Without an upload path Spark
// refuses it, and so does the JVM that we hand over to: its message is the one users know.
Text local_files(const DriverConf& conf) {
  for (std::string_view key : kLists)
    for (const std::string& item : split_list(conf.conf.raw(key).value_or("")))
      if (is_submitter_file(item))
        return std::string(key) + " holds a file of the submitter, which has to be uploaded";
  if (conf.kind == ResourceKind::Python && is_submitter_file(conf.primary_resource))
    return "the application is a file of the submitter, which has to be uploaded";
  return std::nullopt;
}

Text globs(const DriverConf& conf) {
  static constexpr std::array<std::string_view, 5> kNeverGlobbed{"file", "local", "http", "https", "ftp"};
  for (std::string_view key : kLists)
    for (const std::string& item : split_list(conf.conf.raw(key).value_or(""))) {
      const std::string_view scheme = uri_scheme(item);
      if (std::ranges::find(kNeverGlobbed, scheme) != kNeverGlobbed.end() || scheme.empty()) continue;
      if (item.find_first_of("*?[]{}\\") != std::string::npos)
        return std::string(key) + " holds a pattern that only its file system can expand";
    }
  return std::nullopt;
}

Text main_class(const DriverConf& conf) {
  if (conf.kind != ResourceKind::Java || !conf.main_class.empty()) return std::nullopt;
  return "no main class is given: it has to be read from the jar's manifest";
}

Text kerberos(const DriverConf& conf) {
  const std::string keytab = conf.conf.raw("spark.kerberos.keytab").value_or("");
  if (!keytab.empty() && !keytab.starts_with("local:"))
    return "spark.kerberos.keytab needs a login at submission";
  const std::string security =
      conf.conf.raw("spark.hadoop.hadoop.security.authentication").value_or("simple");
  if (security != "simple") return "spark.hadoop.hadoop.security.authentication is not simple";
  if (conf.submitter.environment.contains("HADOOP_TOKEN_FILE_LOCATION"))
    return "the submitter has delegation tokens (HADOOP_TOKEN_FILE_LOCATION)";
  if (!conf.conf.with_prefix("spark.kafka.clusters.").empty())
    return "spark.kafka.clusters.* fetches tokens at submission";
  return std::nullopt;
}

Text templates(const DriverConf& conf) {
  for (const char* key :
       {"spark.kubernetes.driver.podTemplateFile", "spark.kubernetes.executor.podTemplateFile"}) {
    const std::string file = conf.conf.raw(key).value_or("");
    const std::string_view scheme = uri_scheme(file);
    if (!scheme.empty() && scheme != "file" && scheme != "local")
      return std::string(key) + " has to be fetched (" + std::string(scheme) + ")";
  }
  return std::nullopt;
}

// The operator submits as itself. Whoever names somebody else means that somebody's rights.
Text submission_credentials(const DriverConf& conf) {
  const auto credentials = conf.conf.with_prefix("spark.kubernetes.authenticate.submission.");
  if (credentials.empty()) return std::nullopt;
  return "spark.kubernetes.authenticate.submission." + credentials.front().first +
         " asks for a submission under another identity than the operator's";
}

Text r_packages(const DriverConf& conf) {
  if (conf.kind != ResourceKind::R || split_list(conf.conf.raw("spark.jars").value_or("")).empty())
    return std::nullopt;
  return "an R application with spark.jars: the jars are searched for R packages";
}

Text jvm_inputs(const DriverConf& conf) {
  if (conf.submitter.environment.contains("SPARK_SUBMIT_OPTS"))
    return "SPARK_SUBMIT_OPTS are options of spark-submit's own JVM";
  for (const auto& [key, value] : conf.conf.entries())
    if (value.find("${system:") != std::string::npos) return key + " refers to a JVM system property";
  return std::nullopt;
}

struct FallbackRule {
  std::string_view name;
  Text (*applies)(const DriverConf&);
};
constexpr std::array kRules{
    FallbackRule{"spark-line", unknown_line}, FallbackRule{"feature-steps", feature_steps},
    FallbackRule{"local-files", local_files}, FallbackRule{"globs", globs},
    FallbackRule{"main-class", main_class},   FallbackRule{"kerberos", kerberos},
    FallbackRule{"pod-templates", templates}, FallbackRule{"r-packages", r_packages},
    FallbackRule{"jvm-inputs", jvm_inputs},   FallbackRule{"submission-credentials", submission_credentials},
};

}  // namespace

std::vector<FallbackReason> fallback_reasons(const DriverConf& conf) {
  std::vector<FallbackReason> reasons;
  for (const FallbackRule& rule : kRules)
    if (auto text = rule.applies(conf)) reasons.push_back({rule.name, *std::move(text)});
  return reasons;
}

}  // namespace spark

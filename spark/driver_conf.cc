#include "spark/driver_conf.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "api/digest.h"
#include "spark/properties.h"
#include "spark/resource_name.h"
#include "spark/submit_arguments.h"
#include "spark/uri.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

std::unexpected<kube::Error> refuse(std::string message) {
  return fail(ErrorKind::InvalidInput, std::move(message));
}

bool is_true(const std::optional<std::string>& text) {
  std::string lower = text.value_or("");
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "true";
}

// The checks that spark-submit makes before it looks at Kubernetes at all.
Result<> check_numbers(const SparkConf& conf) {
  for (const char* key : {"spark.driver.memory", "spark.executor.memory"}) {
    const auto text = conf.raw(key);
    if (!text) continue;
    const auto size = parse_memory_size(*text, ByteUnit::Byte);
    if (!size || size->bytes <= 0) return refuse(std::string(key) + ": must be a positive amount of memory");
  }
  for (const char* key : {"spark.driver.cores", "spark.executor.cores"}) {
    if (!conf.contains(key)) continue;
    const auto count = conf.get_undeclared_int(key);
    if (!count || **count <= 0) return refuse(std::string(key) + ": must be a positive number");
  }
  if (conf.contains("spark.executor.instances") && !is_true(conf.raw("spark.dynamicAllocation.enabled"))) {
    const auto count = conf.get_undeclared_int("spark.executor.instances");
    if (!count || **count <= 0) return refuse("spark.executor.instances: must be a positive number");
  }
  return {};
}

// The launcher looks for the heap flag anywhere in the driver's options: -Xmx belongs to spark.driver.memory.
Result<> check_heap_flags(const SparkConf& conf, const SparkLine& line) {
  for (const char* key : {"spark.driver.extraJavaOptions", "spark.driver.defaultJavaOptions"}) {
    const std::string options = conf.raw(key).value_or("");
    const auto at = options.find(line.major >= 4 ? "-Xmx" : "Xmx");
    const bool found = at != std::string::npos && (line.major < 4 || at == 0 || options[at - 1] == ' ');
    if (found)
      return refuse(std::string(key) + ": the maximum heap size is set by the driver's memory, not by -Xmx");
  }
  return {};
}

// What the real submitter's own client reads: nothing of it reaches an object, but a value that is none ends
// the submission.
Result<> check_client(const SparkConf& conf, const SparkLine& line) {
  for (const char* key :
       {"spark.kubernetes.submission.requestTimeout", "spark.kubernetes.submission.connectionTimeout"})
    if (auto milliseconds = conf.get_int(key); !milliseconds) return fail(milliseconds);
  for (const char* key :
       {"spark.kubernetes.trust.certificates", "spark.kubernetes.submission.waitAppCompletion"})
    if (auto flag = conf.get_bool(key); !flag) return fail(flag);
  // Read by the submitter as well since the driver may set the time, too.
  if (line.keeps_submit_time)
    if (auto flag = conf.get_undeclared_bool("spark.kubernetes.setSubmitTimeInDriver"); !flag)
      return fail(flag);
  return {};
}

Result<> check_main_class(const std::string& main_class, const std::string& resource) {
  static constexpr std::array kNotInCluster{"org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver",
                                            "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
                                            "org.apache.spark.sql.connect.service.SparkConnectServer"};
  if (std::ranges::find(kNotInCluster, main_class) != kNotInCluster.end())
    return refuse("main class " + main_class + " cannot run in cluster mode");
  static constexpr std::array kShells{"spark-shell", "pyspark-shell", "sparkr-shell", "connect-shell"};
  if (std::ranges::find(kShells, resource) != kShells.end())
    return refuse("a shell cannot run in cluster mode");
  return {};
}

// "k8s://host" means https. Anything but http and https is no API server.
Result<std::string> checked_master(const std::string& master) {
  if (!master.starts_with("k8s://")) return refuse("spark.master: expected k8s://<URL of the API server>");
  const std::string rest = master.substr(6);
  const std::size_t scheme_end = rest.find("://");
  if (scheme_end == std::string::npos) return "k8s://https://" + rest;
  const std::string scheme = rest.substr(0, scheme_end);
  if (scheme != "https" && scheme != "http") return refuse("spark.master: invalid scheme " + scheme);
  return master;
}

// spark-defaults.conf has the last word on what nobody else set. Values are trimmed, except of line breaks.
void read_defaults(const Submitter& submitter, SparkConf& conf) {
  const auto file = submitter.spark_conf_files.find("spark-defaults.conf");
  if (file == submitter.spark_conf_files.end()) return;
  for (const auto& [key, value] : parse_properties(file->second)) {
    auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' && c != '\r' && c != '\n'; };
    std::string_view text = value;
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    if (key.starts_with("spark.")) conf.set_if_missing(key, std::string(text));
  }
}

ResourceKind kind_of(std::string_view resource) {
  if (resource.ends_with(".py")) return ResourceKind::Python;
  if (resource.ends_with(".R") || resource.ends_with(".r")) return ResourceKind::R;
  return ResourceKind::Java;
}

}  // namespace

std::string DriverConf::unique(std::string_view purpose) const {
  return api::sha256_hex(identity.submission_id + "|" + std::string(purpose)).substr(0, 16);
}

std::string DriverConf::unique_uuid(std::string_view purpose) const {
  std::string hex = api::sha256_hex(identity.submission_id + "|" + std::string(purpose)).substr(0, 32);
  hex[12] = '4';  // the form of a random UUID, which Spark would have drawn
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::string application_id(std::string_view submission_id) {
  return "spark-" + api::sha256_hex(std::string(submission_id) + "|app-id").substr(0, 32);
}

Result<DriverConf> driver_conf(const std::vector<std::string>& arguments, Submitter submitter,
                               Identity identity) {
  const SparkLine* line = find_line(identity.version);
  if (line == nullptr)
    return refuse("Spark " + identity.version.to_string() + " is of a line we do not know");
  auto parsed = parse_submit_arguments(arguments);
  if (!parsed) return fail(parsed);

  DriverConf out;
  out.line = line;
  read_defaults(submitter, parsed->conf);
  SparkConf& conf = out.conf;
  conf = std::move(parsed->conf);
  conf.set_environment(submitter.environment);
  if (auto checked = check_heap_flags(conf, *line); !checked) return fail(checked);

  const std::string& cwd = submitter.working_directory;
  if (!parsed->primary_resource)
    return refuse("missing application resource: a JAR, Python or R file is required");
  const std::string given = *parsed->primary_resource;
  out.kind = kind_of(given);
  if (auto checked = check_main_class(parsed->main_class.value_or(""), given); !checked) return fail(checked);
  out.primary_resource = given == "spark-internal" ? given : resolve_uri(given, cwd);
  out.arguments = std::move(parsed->application_arguments);
  out.proxy_user = parsed->proxy_user;

  if (conf.raw("spark.submit.deployMode").value_or("client") != "cluster")
    return refuse("spark.submit.deployMode: only cluster mode makes a driver pod");
  auto master = checked_master(conf.raw("spark.master").value_or(""));
  if (!master) return fail(master);
  conf.set("spark.master", *master);
  if (conf.contains("spark.remote") || submitter.environment.contains("SPARK_REMOTE"))
    return refuse("spark.remote: Spark Connect and an API server as master exclude each other");
  if (auto checked = check_numbers(conf); !checked) return fail(checked);
  if (auto checked = check_client(conf, *line); !checked) return fail(checked);
  if (out.proxy_user && conf.contains("spark.kerberos.principal"))
    return refuse("only one of --proxy-user and spark.kerberos.principal can be given");

  switch (out.kind) {
    case ResourceKind::Python:
      out.main_class = "org.apache.spark.deploy.PythonRunner";
      break;
    case ResourceKind::R:
      out.main_class = "org.apache.spark.deploy.RRunner";
      break;
    case ResourceKind::Java:
      // A jar's manifest could name it too; reading jars is the JVM's (fallback rule main-class).
      out.main_class = parsed->main_class.value_or("");
      if (out.main_class.empty() && uri_scheme(out.primary_resource) == "local")
        return refuse("no main class given, and a local:// jar's manifest cannot be read; set mainClass");
      break;
  }
  if (!conf.contains("spark.app.name")) {
    const std::string fallback = parsed->main_class.value_or(given.substr(given.find_last_of('/') + 1));
    conf.set("spark.app.name", fallback);
  }

  if (out.kind == ResourceKind::Java) {
    // Java applications always have spark.jars, if only an empty one.
    std::string jars = conf.raw("spark.jars").value_or("");
    if (out.primary_resource != "spark-internal") jars += (jars.empty() ? "" : ",") + out.primary_resource;
    conf.set("spark.jars", jars);
  }
  conf.remove("spark.driver.host");
  for (const char* key : {"spark.jars", "spark.files", "spark.archives"})
    if (auto list = conf.raw(key)) conf.set(key, resolve_uri_list(*list, cwd));
  conf.set("spark.submit.pyFiles", resolve_uri_list(conf.raw("spark.submit.pyFiles").value_or(""), cwd));
  const auto since_epoch = identity.submit_time.time_since_epoch();
  const std::string millis =
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  if (line->keeps_submit_time)
    conf.set_if_missing("spark.app.submitTime", millis);
  else
    conf.set("spark.app.submitTime", millis);

  out.submitter = std::move(submitter);
  out.identity = std::move(identity);
  out.app_name = conf.raw("spark.app.name").value_or("");
  out.app_id = application_id(out.identity.submission_id);
  out.resource_name_prefix = resource_name_prefix(out.app_name, out.unique("resource-prefix"));
  auto ns = conf.get("spark.kubernetes.namespace", "default");
  if (!ns) return fail(ns);
  out.namespace_name = *std::move(ns);
  return out;
}

}  // namespace spark

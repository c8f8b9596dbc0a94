#include "cmd/ctl/conversion.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "api/constants.h"
#include "api/names.h"
#include "cmd/ctl/template_fields.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"
#include "spark/properties.h"
#include "spark/spark_version.h"
#include "spark/submit_arguments.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

// What every command of the operator holds, and no application.
constexpr std::array<std::string_view, 4> kOperatorLabels{
    api::label::kAppName, api::label::kLaunchedByOperator, api::label::kMutatedByOperator,
    api::label::kSubmissionId};
// Spark's own default, which an application without a number would not get.
constexpr std::int32_t kSparkInstances = 2;

std::optional<std::int64_t> whole(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> listed(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    items.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return items;
}

// A name that the API server takes.
std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (std::isalnum(u) && u < 128)
      name += static_cast<char>(std::tolower(u));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  if (name.size() > 60) name.resize(60);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "spark" : name;
}

std::string file_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  return name;
}

class Converter {
 public:
  explicit Converter(Conversion conversion) : in_(std::move(conversion)) {}
  Result<Converted> convert();

 private:
  Result<> read_arguments();
  void name_it();
  Result<> what_runs();
  Result<> version();
  void dependencies();
  void general();
  void role(api::SparkPodSpec& pod, const std::string& spark, const std::string& kube,
            const std::string& env);
  void driver();
  void executor();
  void dynamic_allocation();
  Result<> pod_template(spark::PodRole role, api::SparkPodSpec& pod);
  void node_selector();
  void the_rest();

  // The property, taken out of the conf.
  std::optional<std::string> take(const std::string& key);
  void take_text(const std::string& key, std::optional<std::string>& into) {
    if (auto value = take(key)) into = std::move(value);
  }
  template <class Int>
  void take_number(const std::string& key, std::optional<Int>& into);
  void take_map(const std::string& prefix, api::StringMap& into);
  void take_list(const std::string& key, std::vector<std::string>& into) {
    if (auto value = take(key); value && !value->empty()) into = listed(*value);
  }
  api::SparkApplicationSpec& spec() { return out_.app.spec; }
  void note(std::string text) { out_.notes.push_back(std::move(text)); }

  Conversion in_;
  spark::SubmitArguments given_;
  std::map<std::string, std::string> conf_;
  bool by_operator_ = false;
  Converted out_;
};

std::optional<std::string> Converter::take(const std::string& key) {
  const auto found = conf_.find(key);
  if (found == conf_.end()) return std::nullopt;
  std::string value = std::move(found->second);
  conf_.erase(found);
  return value;
}

// A number that the field cannot hold stays a property, and Spark complains about it.
template <class Int>
void Converter::take_number(const std::string& key, std::optional<Int>& into) {
  const auto found = conf_.find(key);
  if (found == conf_.end()) return;
  const auto number = whole(found->second);
  if (!number || *number < 1 || *number > std::numeric_limits<Int>::max()) return;
  into = static_cast<Int>(*number);
  conf_.erase(found);
}

void Converter::take_map(const std::string& prefix, api::StringMap& into) {
  for (auto at = conf_.lower_bound(prefix); at != conf_.end() && at->first.starts_with(prefix);) {
    const std::string key = at->first.substr(prefix.size());
    if (!key.empty()) into[key] = at->second;
    at = conf_.erase(at);
  }
}

// --properties-file is no flag of the operator's grammar: what it holds counts where nobody else says
// anything.
Result<> Converter::read_arguments() {
  std::vector<std::string> words;
  std::string properties;
  for (std::size_t i = 0; i < in_.arguments.size(); ++i) {
    const std::string& word = in_.arguments[i];
    if (word == "--properties-file" && i + 1 < in_.arguments.size()) {
      properties = in_.arguments[++i];
    } else if (word.starts_with("--properties-file=")) {
      properties = word.substr(word.find('=') + 1);
    } else {
      words.push_back(word);
    }
  }
  auto parsed = spark::parse_submit_arguments(words);
  if (!parsed) return fail(std::move(parsed));
  given_ = *std::move(parsed);
  if (!properties.empty()) {
    auto text = in_.read_file(properties);
    if (!text) return fail(std::move(text).error().while_doing("--properties-file"));
    for (const auto& [key, value] : spark::parse_properties(*text))
      if (key.starts_with("spark.")) given_.conf.set_if_missing(key, value);
  }
  for (const auto& [key, value] : given_.conf.entries()) conf_[key] = value;
  by_operator_ =
      conf_.contains(std::string("spark.kubernetes.driver.label.") + api::label::kLaunchedByOperator);
  return {};
}

void Converter::name_it() {
  kube::ObjectMeta& meta = out_.app.metadata;
  const std::string given = take("spark.app.name").value_or("");
  std::string wanted = in_.name;
  if (wanted.empty()) wanted = given;
  if (wanted.empty() && given_.main_class)
    wanted = given_.main_class->substr(given_.main_class->rfind('.') + 1);
  if (wanted.empty()) wanted = file_of(given_.primary_resource.value_or(""));
  meta.name = as_name(wanted);
  if (!given.empty() && meta.name != given)
    note("the application is called " + meta.name + " instead of \"" + given + "\", also inside Spark");
  const std::string ns = take("spark.kubernetes.namespace").value_or("");
  meta.namespace_ = !in_.ns.empty() ? in_.ns : ns.empty() ? "default" : ns;
}

Result<> Converter::what_runs() {
  if (!given_.primary_resource)
    return fail(ErrorKind::InvalidInput,
                "the command names no application: a JAR, Python or R file is required");
  const std::string& file = *given_.primary_resource;
  spec().type = file.ends_with(".py")                          ? api::ApplicationType::Python
                : file.ends_with(".R") || file.ends_with(".r") ? api::ApplicationType::R
                                                               : api::ApplicationType::Scala;
  spec().main_application_file = file;
  spec().main_class = given_.main_class;
  spec().arguments = given_.application_arguments;
  spec().proxy_user = given_.proxy_user;
  spec().mode = api::DeployMode::Cluster;
  if (take("spark.submit.deployMode").value_or("client") != "cluster")
    note("the command runs its driver where it is typed (client mode); the application runs it in a pod");
  if (const std::string master = take("spark.master").value_or(""); !master.starts_with("k8s://"))
    note("master \"" + master + "\" is replaced: the application runs on Kubernetes");
  if (const std::size_t scheme = file.find("://");
      file != "spark-internal" && (scheme == std::string::npos || file.starts_with("file:")))
    note(file +
         " is a file of the machine that submits; an operator finds it only in its own image: use local://, "
         "or a URL");
  return {};
}

Result<> Converter::version() {
  const std::string image = spec().image.value_or(spec().driver.image.value_or(""));
  const auto guessed = spark::guess_version_from_image(image);
  if (in_.spark_version.empty() && !guessed)
    return fail(ErrorKind::InvalidInput,
                image.empty()
                    ? std::string("the command names no image (spark.kubernetes.container.image) to read "
                                  "Spark's version from: say --spark-version")
                    : "the tag of image " + image + " tells no version of Spark: say --spark-version");
  spec().spark_version = in_.spark_version.empty() ? guessed->to_string() : in_.spark_version;
  return {};
}

void Converter::dependencies() {
  api::Dependencies& deps = spec().deps;
  take_list("spark.jars", deps.jars);
  take_list("spark.files", deps.files);
  take_list("spark.archives", deps.archives);
  take_list("spark.submit.pyFiles", deps.py_files);
  take_list("spark.jars.packages", deps.packages);
  take_list("spark.jars.excludes", deps.exclude_packages);
  take_list("spark.jars.repositories", deps.repositories);
}

void Converter::general() {
  take_text("spark.kubernetes.container.image", spec().image);
  take_text("spark.kubernetes.container.image.pullPolicy", spec().image_pull_policy);
  take_list("spark.kubernetes.container.image.pullSecrets", spec().image_pull_secrets);
  take_text("spark.kubernetes.pyspark.pythonVersion", spec().python_version);
  take_text("spark.kubernetes.memoryOverheadFactor", spec().memory_overhead_factor);
  (void)take("spark.kubernetes.submission.waitAppCompletion");
  take_map("spark.hadoop.", spec().hadoop_conf);
}

void Converter::role(api::SparkPodSpec& pod, const std::string& spark, const std::string& kube,
                     const std::string& env) {
  take_map(kube + "label.", pod.labels);
  for (const std::string_view label : kOperatorLabels) pod.labels.erase(std::string(label));
  take_map(kube + "annotation.", pod.annotations);
  take_text(kube + "container.image", pod.image);
  if (pod.image == spec().image) pod.image.reset();
  take_number(spark + "cores", pod.cores);
  take_text(kube + "request.cores", pod.core_request);
  take_text(kube + "limit.cores", pod.core_limit);
  take_text(spark + "memory", pod.memory);
  take_text(spark + "memoryOverhead", pod.memory_overhead);
  take_text(spark + "extraJavaOptions", pod.java_options);
  take_map(env, pod.env_vars);
  api::StringMap references, secrets;
  take_map(kube + "secretKeyRef.", references);
  for (const auto& [name, reference] : references) {
    const std::size_t colon = reference.find(':');
    if (colon == std::string::npos) {
      conf_[kube + "secretKeyRef." + name] = reference;
      continue;
    }
    pod.env_secret_key_refs[name] = {
        .name = reference.substr(0, colon), .key = reference.substr(colon + 1), .unknown = {}};
  }
  take_map(kube + "secrets.", secrets);
  for (const auto& [name, path] : secrets)
    pod.secrets.push_back(
        {.name = name, .path = path, .secret_type = api::SecretInfo::kGeneric, .unknown = {}});
}

void Converter::driver() {
  api::DriverSpec& driver = spec().driver;
  role(driver, "spark.driver.", "spark.kubernetes.driver.", "spark.kubernetes.driverEnv.");
  take_text("spark.kubernetes.authenticate.driver.serviceAccountName", driver.service_account);
  take_text("spark.kubernetes.driver.master", driver.kubernetes_master);
  take_map("spark.kubernetes.driver.service.label.", driver.service_labels);
  take_map("spark.kubernetes.driver.service.annotation.", driver.service_annotations);
  take_text("spark.kubernetes.driver.pod.name", driver.pod_name);
  if (driver.pod_name == api::default_driver_pod_name(out_.app.metadata.name)) driver.pod_name.reset();
}

void Converter::executor() {
  api::ExecutorSpec& executor = spec().executor;
  role(executor, "spark.executor.", "spark.kubernetes.executor.", "spark.executorEnv.");
  take_text("spark.kubernetes.authenticate.executor.serviceAccountName", executor.service_account);
  take_number("spark.executor.instances", executor.instances);
  const auto keep = conf_.find("spark.kubernetes.executor.deleteOnTermination");
  if (keep != conf_.end() && (keep->second == "true" || keep->second == "false")) {
    executor.delete_on_termination = keep->second == "true";
    conf_.erase(keep);
  }
  const auto dynamic = conf_.find(api::spark_conf::kDynamicAllocation);
  if (!executor.instances && !conf_.contains(api::spark_conf::kExecutorInstances) &&
      (dynamic == conf_.end() || dynamic->second != "true"))
    executor.instances = kSparkInstances;
}

// The field says more than some properties do (shuffle tracking is on unless it is switched off), so it is
// used only where the command says as much.
void Converter::dynamic_allocation() {
  const std::string prefix = "spark.dynamicAllocation.";
  const auto text = [&](const char* key) {
    const auto found = conf_.find(prefix + key);
    return found == conf_.end() ? std::string() : found->second;
  };
  const std::string tracking = text("shuffleTracking.enabled");
  if (text("enabled") != "true" || (tracking != "true" && tracking != "false")) return;
  api::DynamicAllocation dynamic;
  dynamic.enabled = true;
  dynamic.shuffle_tracking_enabled = tracking == "true";
  conf_.erase(prefix + "enabled");
  conf_.erase(prefix + "shuffleTracking.enabled");
  take_number(prefix + "initialExecutors", dynamic.initial_executors);
  take_number(prefix + "minExecutors", dynamic.min_executors);
  take_number(prefix + "maxExecutors", dynamic.max_executors);
  take_number(prefix + "shuffleTracking.timeout", dynamic.shuffle_tracking_timeout);
  spec().dynamic_allocation = std::move(dynamic);
}

Result<> Converter::pod_template(spark::PodRole role, api::SparkPodSpec& pod) {
  const bool driver = role == spark::PodRole::Driver;
  const std::string prefix = driver ? "spark.kubernetes.driver." : "spark.kubernetes.executor.";
  const auto file = take(prefix + "podTemplateFile");
  const auto container = take(prefix + "podTemplateContainerName");
  if (!file) return {};
  auto text = in_.read_file(*file);
  if (!text) return fail(std::move(text).error().while_doing(prefix + "podTemplateFile"));
  auto read = kube::parse_yaml_document(*text, *file);
  if (!read) return fail(std::move(read));
  // The operator always names Spark's container so.
  const char* name = driver ? api::container::kDriver : api::container::kExecutor;
  if (container && *container != name && read->is_object() && (*read)["spec"].is_object() &&
      (*read)["spec"]["containers"].is_array()) {
    for (Json& candidate : (*read)["spec"]["containers"])
      if (kube::string_at(candidate, {"name"}) == *container) candidate["name"] = name;
  }
  Json rest = lift_template(*std::move(read), role, out_.app);
  // The operator marks pods without a template of their own; that it had one is all that is left of this one.
  const std::string mark = prefix + "label." + api::label::kMutatedByOperator;
  if (rest.is_null() && by_operator_ && !given_.conf.contains(mark))
    rest = {{"spec", {{"containers", Json::array()}}}};
  pod.pod_template = std::move(rest);
  return {};
}

// An application has either one selector for all, or one each.
void Converter::node_selector() {
  if (spec().driver.node_selector || spec().executor.node_selector) return;
  api::StringMap selector;
  take_map("spark.kubernetes.node.selector.", selector);
  if (!selector.empty()) spec().node_selector = std::move(selector);
}

void Converter::the_rest() {
  const std::string ours = "spark.kubernetes.authenticate.submission.";
  api::StringMap submission;
  take_map(ours, submission);
  if (!submission.empty()) note(ours + "* is left out: the operator has an identity of its own");
  for (auto& [key, value] : conf_) spec().spark_conf[key] = std::move(value);
}

Result<Converted> Converter::convert() {
  if (auto read = read_arguments(); !read) return fail(std::move(read));
  name_it();
  if (auto done = what_runs(); !done) return fail(std::move(done));
  dependencies();
  general();
  driver();
  executor();
  dynamic_allocation();
  if (auto done = pod_template(spark::PodRole::Driver, spec().driver); !done) return fail(std::move(done));
  if (auto done = pod_template(spark::PodRole::Executor, spec().executor); !done)
    return fail(std::move(done));
  node_selector();
  the_rest();
  if (auto done = version(); !done) return fail(std::move(done));
  out_.application = kube::encode(out_.app);
  out_.application.erase("status");
  return std::move(out_);
}

}  // namespace

Result<Converted> application_from(Conversion conversion) {
  return Converter(std::move(conversion)).convert();
}

}  // namespace ctl

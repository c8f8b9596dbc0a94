#include "spark/submit_conf.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "api/constants.h"
#include "api/defaults.h"
#include "api/names.h"
#include "api/spark_application.h"
#include "kube/core/quantity.h"
#include "spark/application_owner.h"
#include "spark/children/web_ui_url.h"
#include "spark/dynamic_allocation.h"
#include "spark/monitoring.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

// Where a role's properties live.
struct RoleKeys {
  std::string_view spark;  // "spark.driver."
  std::string_view kube;   // "spark.kubernetes.driver."
  std::string_view env;
  std::string_view template_container;
};
constexpr RoleKeys kDriverKeys{"spark.driver.", "spark.kubernetes.driver.", "spark.kubernetes.driverEnv.",
                               api::container::kDriver};
constexpr RoleKeys kExecutorKeys{"spark.executor.", "spark.kubernetes.executor.", "spark.executorEnv.",
                                 api::container::kExecutor};

// One argument list; each word its own element, nothing quoted.
class Arguments {
 public:
  void add(std::string_view word) { words_.emplace_back(word); }
  void add(std::string_view flag, std::string_view value) {
    add(flag);
    add(value);
  }
  void conf(std::string key, std::string_view value) {
    add("--conf");
    words_.push_back(std::move(key) + "=" + std::string(value));
  }
  void optional(std::string key, const std::optional<std::string>& value) {
    if (value) conf(std::move(key), *value);
  }
  void conf_if_given(std::string key, const std::optional<std::string>& value) {
    if (value && !value->empty()) conf(std::move(key), *value);
  }
  template <std::integral Int>
  void optional(std::string key, const std::optional<Int>& value) {
    if (!value) return;
    if constexpr (std::same_as<Int, bool>)
      conf(std::move(key), *value ? "true" : "false");
    else
      conf(std::move(key), std::to_string(*value));
  }
  void list(std::string_view flag, const std::vector<std::string>& items) {
    if (!items.empty()) add(flag, joined(items));
  }
  static std::string joined(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items)
      out.append(out.empty() && &item == &items.front() ? "" : ",").append(item);
    return out;
  }
  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

std::string_view wire_name(api::DeployMode mode) {
  for (const auto& word : wire_names(mode))
    if (word.value == mode) return word.name;
  return {};
}

std::string operator+(std::string_view prefix, const std::string& rest) {
  return std::string(prefix) + rest;
}

void operator_labels(Arguments& out, const RoleKeys& keys, const api::SparkApplication& app,
                     const Json& pod_template, const Attempt& attempt) {
  const std::string label = std::string(keys.kube) + "label.";
  out.conf(label + std::string(api::label::kAppName), app.metadata.name);
  out.conf(label + std::string(api::label::kLaunchedByOperator), "true");
  if (is_below_3_0(app.spec.spark_version) || pod_template.is_null())
    out.conf(label + std::string(api::label::kMutatedByOperator), "true");
  out.conf(label + std::string(api::label::kSubmissionId), attempt.submission_id);
}

void user_labels(Arguments& out, const RoleKeys& keys, const api::SparkApplication& app,
                 const api::SparkPodSpec& pod) {
  for (const auto& [key, value] : app.metadata.labels)
    if (!key.starts_with(api::label::kKueuePrefix)) out.conf(keys.kube + ("label." + key), value);
  for (const auto& [key, value] : pod.labels) out.conf(keys.kube + ("label." + key), value);
  for (const auto& [key, value] : pod.annotations) out.conf(keys.kube + ("annotation." + key), value);
}

void secret_key_refs(Arguments& out, const RoleKeys& keys, const api::SparkPodSpec& pod) {
  for (const auto& [name, reference] : pod.env_secret_key_refs)
    out.conf(keys.kube + ("secretKeyRef." + name), reference.name + ":" + reference.key);
}

void sizes(Arguments& out, const RoleKeys& keys, const api::SparkApplication& app,
           const api::SparkPodSpec& pod) {
  out.conf_if_given(keys.kube + std::string("container.image"),
                    pod.image && !pod.image->empty() ? pod.image : app.spec.image);
  out.optional(keys.spark + std::string("cores"), pod.cores);
  out.optional(keys.kube + std::string("request.cores"), pod.core_request);
  out.optional(keys.kube + std::string("limit.cores"), pod.core_limit);
  out.optional(keys.spark + std::string("memory"), pod.memory);
  out.optional(keys.spark + std::string("memoryOverhead"), pod.memory_overhead);
}

void driver_block(Arguments& out, const api::SparkApplication& app, const Attempt& attempt) {
  const api::DriverSpec& driver = app.spec.driver;
  operator_labels(out, kDriverKeys, app, driver.pod_template, attempt);
  sizes(out, kDriverKeys, app, driver);
  out.optional("spark.kubernetes.authenticate.driver.serviceAccountName", driver.service_account);
  out.optional("spark.driver.extraJavaOptions", driver.java_options);
  out.optional("spark.kubernetes.driver.master", driver.kubernetes_master);
  user_labels(out, kDriverKeys, app, driver);
  for (const auto& [key, value] : driver.service_labels)
    out.conf("spark.kubernetes.driver.service.label." + key, value);
  for (const auto& [key, value] : driver.service_annotations)
    out.conf("spark.kubernetes.driver.service.annotation." + key, value);
  secret_key_refs(out, kDriverKeys, driver);
}

void executor_block(Arguments& out, const api::SparkApplication& app, const Attempt& attempt) {
  const api::ExecutorSpec& executor = app.spec.executor;
  operator_labels(out, kExecutorKeys, app, executor.pod_template, attempt);
  out.optional("spark.executor.instances", executor.instances);
  sizes(out, kExecutorKeys, app, executor);
  out.optional("spark.kubernetes.authenticate.executor.serviceAccountName", executor.service_account);
  out.optional("spark.kubernetes.executor.deleteOnTermination", executor.delete_on_termination);
  user_labels(out, kExecutorKeys, app, executor);
  secret_key_refs(out, kExecutorKeys, executor);
  out.optional("spark.executor.extraJavaOptions", executor.java_options);
}

// Go's path.Join: one slash between, "." and ".." resolved.
std::string clean_join(std::string_view directory, std::string_view file) {
  const std::string text =
      directory.empty() ? std::string(file) : std::string(directory) + "/" + std::string(file);
  const bool rooted = text.starts_with('/');
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t slash = std::min(text.find('/', at), text.size());
    const std::string part = text.substr(at, slash - at);
    at = slash + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (!rooted)
      parts.push_back(part);
  }
  std::string out = rooted ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) out.append(i == 0 ? "" : "/").append(parts[i]);
  return out.empty() ? "." : out;
}

void secrets(Arguments& out, const RoleKeys& keys, const api::SparkPodSpec& pod) {
  for (const api::SecretInfo& secret : pod.secrets) {
    out.conf(keys.kube + ("secrets." + secret.name), secret.path);
    if (secret.secret_type == api::SecretInfo::kGcpServiceAccount)
      out.conf(keys.env + std::string("GOOGLE_APPLICATION_CREDENTIALS"), clean_join(secret.path, "key.json"));
    if (secret.secret_type == api::SecretInfo::kHadoopDelegationToken)
      out.conf(keys.env + std::string("HADOOP_TOKEN_FILE_LOCATION"), clean_join(secret.path, "hadoop.token"));
  }
}

bool is_set(const Json& object, const char* key) {
  return object.contains(key) && !object[key].is_null();
}
bool is_true(const Json& object, const char* key) {
  return is_set(object, key) && object[key] == true;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : kube::dump_json(value);
}

Result<> volume_source(Arguments& out, const std::string& prefix, const Json& volume) {
  if (is_set(volume, "emptyDir")) {
    const Json& source = volume["emptyDir"];
    if (is_set(source, "sizeLimit")) {
      auto size = kube::Quantity::parse(text_of(source["sizeLimit"]));
      if (!size) return fail(std::move(size).error().while_doing("emptyDir.sizeLimit"));
      out.conf(prefix + "options.sizeLimit", size->to_string());
    }
    if (auto medium = kube::string_at(source, {"medium"}); !medium.empty())
      out.conf(prefix + "options.medium", medium);
  } else if (is_set(volume, "hostPath")) {
    const Json& source = volume["hostPath"];
    out.conf(prefix + "options.path", kube::string_at(source, {"path"}));
    if (is_set(source, "type")) out.conf(prefix + "options.type", text_of(source["type"]));
  } else if (is_set(volume, "nfs")) {
    const Json& source = volume["nfs"];
    out.conf(prefix + "options.path", kube::string_at(source, {"path"}));
    out.conf(prefix + "options.server", kube::string_at(source, {"server"}));
    if (is_true(source, "readOnly")) out.conf(prefix + "options.readOnly", "true");
  } else {
    const Json& source = volume["persistentVolumeClaim"];
    out.conf(prefix + "options.claimName", kube::string_at(source, {"claimName"}));
    if (is_true(source, "readOnly")) out.conf(prefix + "options.readOnly", "true");
  }
  return {};
}

// Scratch space is the one kind of volume that Spark must know of: it sets SPARK_LOCAL_DIRS from it.
Result<> local_dir_volumes(Arguments& out, const RoleKeys& keys, const api::SparkApplication& app,
                           const api::SparkPodSpec& pod) {
  for (const Json& mount : pod.volume_mounts) {
    const std::string name = kube::string_at(mount, {"name"});
    if (!name.starts_with(api::volume::kLocalDirPrefix)) continue;
    const Json* volume = nullptr;
    for (const Json& candidate : app.spec.volumes)
      if (kube::string_at(candidate, {"name"}) == name) volume = &candidate;
    if (volume == nullptr) return fail(ErrorKind::InvalidInput, "volume " + name + " not found");
    static constexpr std::array kKinds{"emptyDir", "hostPath", "nfs", "persistentVolumeClaim"};
    const auto kind = std::ranges::find_if(kKinds, [&](const char* k) { return is_set(*volume, k); });
    if (kind == kKinds.end()) return fail(ErrorKind::InvalidInput, "unsupported volume type");
    const std::string prefix = std::string(keys.kube) + "volumes." + *kind + "." + name + ".";
    if (auto path = kube::string_at(mount, {"mountPath"}); !path.empty())
      out.conf(prefix + "mount.path", path);
    if (auto path = kube::string_at(mount, {"subPath"}); !path.empty())
      out.conf(prefix + "mount.subPath", path);
    if (is_true(mount, "readOnly")) out.conf(prefix + "mount.readOnly", "true");
    if (auto done = volume_source(out, prefix, *volume); !done)
      return fail(std::move(done).error().while_doing("volume " + name));
  }
  return {};
}

Result<> role_extras(Arguments& out, const RoleKeys& keys, const api::SparkApplication& app,
                     const api::SparkPodSpec& pod) {
  for (const auto& [name, value] : pod.env_vars) out.conf(keys.env + name, value);
  secrets(out, keys, pod);
  return local_dir_volumes(out, keys, app, pod);
}

void template_files(Arguments& out, const RoleKeys& keys, PodRole role, const Attempt& attempt) {
  out.conf(keys.kube + std::string("podTemplateFile"), template_path(attempt.submission_id, role));
  out.conf(keys.kube + std::string("podTemplateContainerName"), keys.template_container);
}

void dependencies(Arguments& out, const api::Dependencies& deps) {
  out.list("--jars", deps.jars);
  out.list("--packages", deps.packages);
  out.list("--exclude-packages", deps.exclude_packages);
  out.list("--repositories", deps.repositories);
  out.list("--py-files", deps.py_files);
  out.list("--files", deps.files);
  out.list("--archives", deps.archives);
}

// What the user's sparkConf may override, then sparkConf and hadoopConf.
void general_conf(Arguments& out, const api::SparkApplication& app) {
  const api::SparkApplicationSpec& spec = app.spec;
  out.conf("spark.kubernetes.namespace", app.metadata.namespace_);
  out.conf_if_given("spark.kubernetes.container.image", spec.image);
  out.conf_if_given("spark.kubernetes.container.image.pullPolicy", spec.image_pull_policy);
  if (!spec.image_pull_secrets.empty())
    out.conf("spark.kubernetes.container.image.pullSecrets", Arguments::joined(spec.image_pull_secrets));
  out.conf_if_given("spark.kubernetes.pyspark.pythonVersion", spec.python_version);
  out.conf_if_given("spark.kubernetes.memoryOverheadFactor", spec.memory_overhead_factor);
  out.conf("spark.kubernetes.submission.waitAppCompletion", "false");
  for (const auto& [key, value] : spec.spark_conf)
    if (key != "spark.kubernetes.driver.pod.name") out.conf(key, value);
  for (const auto& [key, value] : spec.hadoop_conf) out.conf("spark.hadoop." + key, value);
  out.conf("spark.kubernetes.driver.pod.name", api::driver_pod_name(app));
}

}  // namespace

Result<std::string> master_url(std::string_view host, std::string_view port) {
  auto missing = [](const char* name) {
    return fail(ErrorKind::InvalidInput,
                std::string("failed to get master URL: environment variable ") + name + " is not found");
  };
  if (host.empty()) return missing("KUBERNETES_SERVICE_HOST");
  if (port.empty()) return missing("KUBERNETES_SERVICE_PORT");
  const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  return "k8s://https://" + (bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" +
         std::string(port);
}

Result<api::SparkApplication> prepare_application(const api::SparkApplication& stored,
                                                  const SubmitOptions& options, const Attempt& attempt) {
  api::SparkApplication app = stored;
  app.spec = api::with_defaults(std::move(app.spec));
  if (options.enable_ui_service && !options.ingress_url_format.empty()) {
    api::SparkApplication submitted = app;  // the ingress will be made from what status says then
    submitted.status.submission_id = attempt.submission_id;
    auto url = web_ui_url(options.ingress_url_format, submitted);
    if (!url) return fail(std::move(url).error().while_doing("failed to configure web UI"));
    if (!url->path.empty()) {
      app.spec.spark_conf.try_emplace("spark.ui.proxyBase", url->path);
      app.spec.spark_conf.try_emplace("spark.ui.proxyRedirectUri", "/");
    }
  }
  configure_monitoring(app);
  if (auto marked = mark_for_batch_scheduler(app, options.batch); !marked) return fail(std::move(marked));
  return app;
}

Result<std::vector<std::string>> spark_submit_arguments(const api::SparkApplication& app,
                                                        const SubmitOptions& options, const Attempt& attempt,
                                                        PodTemplates templates) {
  const api::SparkApplicationSpec& spec = app.spec;
  Arguments out;
  out.add("--master", options.master_url);
  out.add("--deploy-mode", spec.mode ? wire_name(*spec.mode) : std::string_view());
  if (spec.main_class) out.add("--class", *spec.main_class);
  out.add("--name", app.metadata.name);
  if (options.load_spark_defaults) out.add("--load-spark-defaults");
  dependencies(out, spec.deps);
  general_conf(out, app);

  driver_block(out, app, attempt);
  if (auto done = role_extras(out, kDriverKeys, app, spec.driver); !done) return fail(done);
  executor_block(out, app, attempt);
  if (auto done = role_extras(out, kExecutorKeys, app, spec.executor); !done) return fail(done);
  if (spec.node_selector)
    for (const auto& [key, value] : *spec.node_selector)
      out.conf("spark.kubernetes.node.selector." + key, value);
  for (const auto& [key, value] : dynamic_allocation_properties(spec.dynamic_allocation))
    out.conf(key, value);
  if (templates == PodTemplates::Files) {
    template_files(out, kDriverKeys, PodRole::Driver, attempt);
    template_files(out, kExecutorKeys, PodRole::Executor, attempt);
  }

  if (spec.proxy_user && !spec.proxy_user->empty()) out.add("--proxy-user", *spec.proxy_user);
  if (spec.main_application_file) out.add(*spec.main_application_file);
  for (const std::string& argument : spec.arguments) out.add(argument);
  return out.take();
}

std::string template_path(std::string_view submission_id, PodRole role) {
  return "/tmp/spark/" + std::string(submission_id) +
         (role == PodRole::Driver ? "/driver-pod-template.yaml" : "/executor-pod-template.yaml");
}

Json pod_template(const api::SparkApplication& app, PodRole role) {
  const bool driver = role == PodRole::Driver;
  const Json& given = driver ? app.spec.driver.pod_template : app.spec.executor.pod_template;
  Json out = given;
  if (out.is_null()) {
    Json container = {{"name", driver ? api::container::kDriver : api::container::kExecutor},
                      {"resources", Json::object()}};
    out["spec"]["containers"].push_back(std::move(container));
  }
  if (!out.is_object()) out = Json::object();
  if (out.contains("metadata") && out["metadata"].is_object() &&
      out["metadata"].contains("creationTimestamp") && out["metadata"]["creationTimestamp"].is_null())
    out["metadata"].erase("creationTimestamp");
  out.erase("status");
  // Spark refuses a template without a spec. Upstream's always have one: Go writes it, be it empty.
  if (!out.contains("spec") || out["spec"].is_null()) out["spec"] = {{"containers", Json::array()}};
  const Json owner = application_owner(app, driver ? Ownership::Controller : Ownership::Plain);
  if (!out["metadata"].is_object()) out["metadata"] = Json::object();
  Json& owners = out["metadata"]["ownerReferences"];
  if (!owners.is_array()) owners = Json::array();
  if (std::ranges::find(owners, owner) == owners.end()) owners.push_back(owner);
  return out;
}

}  // namespace spark

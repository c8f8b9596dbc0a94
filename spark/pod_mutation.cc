#include "spark/pod_mutation.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>

#include "api/constants.h"
#include "api/digest.h"
#include "api/names.h"
#include "api/spark_application.h"
#include "kube/core/quantity.h"
#include "spark/application_owner.h"
#include "spark/memory_size.h"
#include "spark/monitoring.h"
#include "spark/pod_template_shape.h"
#include "spark/spark_version.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

// Which of the mutations a call makes.
enum class Scope {
  All,
  AllButScheduling,    // without the executor fields of the PartialRestart gate
  Scheduling,          // just those
  OverwrittenBySpark,  // what Spark writes over a template: doing it twice is doing it once
};

struct Mutation {
  Json& pod;
  Json& container;  // the Spark container
  const api::SparkApplication& app;
  const api::SparkPodSpec& fields;
  PodRole role;
  ServiceLinks links;

  Json& spec() { return pod["spec"]; }
  static void append(Json& list, const std::vector<Json>& items) {
    for (const Json& item : items) list.push_back(item);
  }
  void mount_read_only(std::string_view volume, std::string_view path) {
    container["volumeMounts"].push_back({{"mountPath", path}, {"name", volume}, {"readOnly", true}});
  }
  void mount_config_map(std::string_view volume, std::string_view config_map, std::string_view path) {
    spec()["volumes"].push_back({{"configMap", {{"name", config_map}}}, {"name", volume}});
    mount_read_only(volume, path);
  }
};

void owner_reference(Json& pod, const api::SparkApplication& app, PodRole role) {
  if (role != PodRole::Driver) return;
  const Json owner = application_owner(app, Ownership::Controller);
  Json& owners = pod["metadata"]["ownerReferences"];
  if (std::ranges::find(owners, owner) == owners.end()) owners.push_back(owner);
}

void environment(Mutation& m) {
  if (!m.fields.env.empty()) Mutation::append(m.container["env"], m.fields.env);
  if (!m.fields.env_from.empty()) Mutation::append(m.container["envFrom"], m.fields.env_from);
}

std::string plain_value(const Json& variable) {
  return kube::string_at(variable, {"value"});
}

// Whether `value` has $(name): a container sees there what stands before it in the list.
bool refers_to(const std::string& value, std::string_view name) {
  return value.find("$(" + std::string(name) + ")") != std::string::npos;
}

Json directory_variable(const char* name, std::string_view path) {
  return {{"name", name}, {"value", path}};
}

// A variable counts by its last entry, and sees those before it. What Spark wrote behind ours stands in the
// way of both. Our own that come later do not, wherever they are by now: they are looked at after it.
void environment_again(Mutation& m) {
  std::vector<Json> ours = m.fields.env;
  if (m.app.spec.hadoop_config_map)
    ours.push_back(directory_variable("HADOOP_CONF_DIR", api::path::kHadoopConf));
  if (m.app.spec.spark_config_map)
    ours.push_back(directory_variable("SPARK_CONF_DIR", api::path::kSparkConf));
  if (ours.empty()) return;
  Json& env = m.container["env"];
  if (!env.is_array()) env = Json::array();
  std::map<std::string, std::size_t> last_place;  // of each name among ours
  for (std::size_t i = 0; i < ours.size(); ++i) last_place[kube::string_at(ours[i], {"name"})] = i;
  const auto comes_after = [&](std::size_t place, const std::string& name) {
    const auto found = last_place.find(name);
    return found != last_place.end() && found->second > place;
  };
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::string name = kube::string_at(ours[i], {"name"});
    if (comes_after(i, name)) continue;  // said again, and that counts
    bool right = false;
    for (const Json& entry : env) {
      const std::string other = kube::string_at(entry, {"name"});
      if (other == name)
        right = entry == ours[i];
      else if (right && refers_to(plain_value(ours[i]), other) && !comes_after(i, other))
        right = false;
    }
    if (!right) env.push_back(ours[i]);
  }
}

void config_maps(Mutation& m) {
  if (const auto& name = m.app.spec.hadoop_config_map) {
    m.mount_config_map(api::volume::kHadoopConfigMap, *name, api::path::kHadoopConf);
    m.container["env"].push_back(directory_variable("HADOOP_CONF_DIR", api::path::kHadoopConf));
  }
  if (const auto& name = m.app.spec.spark_config_map) {
    m.mount_config_map(api::volume::kSparkConfigMap, *name, api::path::kSparkConf);
    m.container["env"].push_back(directory_variable("SPARK_CONF_DIR", api::path::kSparkConf));
  }
  for (const api::NamePath& map : m.fields.config_maps)
    m.mount_config_map(config_map_volume_name(map.name), map.name, map.path);
}

// What objects of a list are called, by that member.
std::set<std::string> names_in(const Json* list, const char* member) {
  std::set<std::string> names;
  if (list == nullptr || !list->is_array()) return names;
  for (const Json& object : *list) names.insert(kube::string_at(object, {member}));
  return names;
}

// What the application's own template has as well is in the pod already, and twice the API server refuses it.
// The template is asked, not the pod, of which a webhook has only an outline.
void volumes(Mutation& m) {
  const Json& own = m.fields.pod_template;
  std::set<std::string> added = names_in(kube::find_path(own, {"spec", "volumes"}), "name");
  std::set<std::string> mounted;
  if (const Json* containers = kube::find_path(own, {"spec", "containers"}); containers != nullptr)
    for (const Json& container : *containers)
      if (kube::string_at(container, {"name"}) == kube::string_at(m.container, {"name"}))
        mounted = names_in(kube::find_path(container, {"volumeMounts"}), "mountPath");
  for (const Json& mount : m.fields.volume_mounts) {
    const std::string name = kube::string_at(mount, {"name"});
    if (name.starts_with(api::volume::kLocalDirPrefix)) continue;
    if (mounted.contains(kube::string_at(mount, {"mountPath"}))) continue;
    const Json* volume = nullptr;
    for (const Json& candidate : m.app.spec.volumes)
      if (kube::string_at(candidate, {"name"}) == name) volume = &candidate;
    if (volume == nullptr) continue;
    if (added.insert(name).second) m.spec()["volumes"].push_back(*volume);
    m.container["volumeMounts"].push_back(mount);
  }
}

void network(Mutation& m) {
  for (const api::Port& port : m.fields.ports)
    m.container["ports"].push_back(
        {{"containerPort", port.container_port}, {"name", port.name}, {"protocol", port.protocol}});
  if (m.fields.host_network.value_or(false)) {
    m.spec()["hostNetwork"] = true;
    m.spec()["dnsPolicy"] = "ClusterFirstWithHostNet";
  }
  if (!m.fields.host_aliases.empty()) Mutation::append(m.spec()["hostAliases"], m.fields.host_aliases);
  if (!m.fields.dns_config.is_null()) m.spec()["dnsConfig"] = m.fields.dns_config;
}

void append_new_containers(Json& spec, const char* list, const std::vector<Json>& containers) {
  for (const Json& container : containers) {
    auto same = [&](const Json& other) {
      return kube::string_at(other, {"name"}) == kube::string_at(container, {"name"}) &&
             kube::string_at(other, {"image"}) == kube::string_at(container, {"image"});
    };
    if (!spec.contains(list) || std::ranges::none_of(spec[list], same)) spec[list].push_back(container);
  }
}

void scheduling(Mutation& m) {
  Json& spec = m.spec();
  if (const auto& name = m.fields.priority_class_name; name && !name->empty()) {
    spec["priorityClassName"] = *name;
    // Admission computes both from the class; what a template brought would contradict it.
    spec.erase("priority");
    spec.erase("preemptionPolicy");
  }
  const auto& scheduler = m.app.spec.batch_scheduler ? m.app.spec.batch_scheduler : m.fields.scheduler_name;
  if (scheduler && !scheduler->empty()) spec["schedulerName"] = *scheduler;
  if (m.fields.node_selector)
    for (const auto& [key, value] : *m.fields.node_selector) spec["nodeSelector"][key] = value;
  if (!m.fields.affinity.is_null()) spec["affinity"] = m.fields.affinity;
  if (!m.fields.tolerations.empty()) Mutation::append(spec["tolerations"], m.fields.tolerations);
}

Result<> memory_limit(Mutation& m) {
  if (!m.fields.memory_limit) return {};
  auto limit = memory_limit_quantity(*m.fields.memory_limit);
  if (!limit) return fail(std::move(limit).error().while_doing("memoryLimit"));
  m.container["resources"]["limits"]["memory"] = *limit;
  return {};
}

void gpu(Mutation& m) {
  if (!m.fields.gpu || m.fields.gpu->name.empty() || m.fields.gpu->quantity <= 0) return;
  m.container["resources"]["limits"][m.fields.gpu->name] = std::to_string(m.fields.gpu->quantity);
}

void prometheus(Mutation& m) {
  const auto& monitoring = m.app.spec.monitoring;
  if (!needs_prometheus_config_map(m.app)) return;
  const bool exposed =
      m.role == PodRole::Driver ? monitoring->expose_driver_metrics : monitoring->expose_executor_metrics;
  if (!exposed) return;
  const std::string map = api::prometheus_config_map_name(m.app.metadata.name);
  m.mount_config_map(config_map_volume_name(map), map, api::path::kMetricsConf);
  if (!monitoring->prometheus) return;
  m.container["ports"].push_back({{"containerPort", prometheus_port(*monitoring->prometheus)},
                                  {"name", prometheus_port_name(*monitoring->prometheus)},
                                  {"protocol", "TCP"}});
}

void lifecycle(Mutation& m) {
  if (!m.fields.lifecycle.is_null()) m.container["lifecycle"] = m.fields.lifecycle;
}

void security(Mutation& m) {
  if (!m.fields.security_context.is_null()) m.container["securityContext"] = m.fields.security_context;
}

void security_and_end(Mutation& m) {
  security(m);
  if (!m.fields.pod_security_context.is_null()) m.spec()["securityContext"] = m.fields.pod_security_context;
  if (m.fields.termination_grace_period_seconds)
    m.spec()["terminationGracePeriodSeconds"] = *m.fields.termination_grace_period_seconds;
  lifecycle(m);
  if (m.fields.share_process_namespace.value_or(false)) m.spec()["shareProcessNamespace"] = true;
}

// In upstream's order; a container list that grows may move the Spark container, so sidecars come last.
Result<> apply(Mutation& m, Scope scope) {
  if (scope == Scope::Scheduling) {
    scheduling(m);
    return {};
  }
  if (scope == Scope::OverwrittenBySpark) {
    environment_again(m);
    security(m);
    lifecycle(m);
    return memory_limit(m);
  }
  owner_reference(m.pod, m.app, m.role);
  apply_service_links(m.pod, m.fields.pod_template, m.links);
  environment(m);
  config_maps(m);
  volumes(m);
  network(m);
  append_new_containers(m.spec(), "initContainers", m.fields.init_containers);
  if (scope == Scope::All) scheduling(m);
  if (auto limited = memory_limit(m); !limited) return limited;
  gpu(m);
  prometheus(m);
  security_and_end(m);
  return {};
}

// The Spark container by name, else the first. Error: no container at all.
Result<std::size_t> spark_container(const Json& pod, PodRole role) {
  const Json* containers = kube::find_path(pod, {"spec", "containers"});
  if (containers == nullptr || !containers->is_array() || containers->empty())
    return fail(ErrorKind::InvalidInput, "the pod has no Spark container");
  for (std::size_t i = 0; i < containers->size(); ++i) {
    const std::string name = kube::string_at((*containers)[i], {"name"});
    if (role == PodRole::Driver
            ? name == api::container::kDriver
            : name == api::container::kExecutor || name == api::container::kLegacyExecutor)
      return i;
  }
  return 0;
}

Result<Json> mutated(Json pod, const api::SparkApplication& app, PodRole role, Scope scope, std::size_t index,
                     ServiceLinks links = ServiceLinks::On) {
  const api::SparkPodSpec& fields =
      role == PodRole::Driver ? static_cast<const api::SparkPodSpec&>(app.spec.driver) : app.spec.executor;
  Json container = std::move(pod["spec"]["containers"][index]);
  Mutation mutation{pod, container, app, fields, role, links};
  if (auto done = apply(mutation, scope); !done) return fail(done);  // and the pod is nobody's any more
  pod["spec"]["containers"][index] = std::move(container);
  if (scope == Scope::All || scope == Scope::AllButScheduling)
    append_new_containers(pod["spec"], "containers", fields.sidecars);
  if (scope != Scope::OverwrittenBySpark)
    pod["metadata"]["annotations"][kMutatedAnnotation] =
        scope == Scope::AllButScheduling ? kMutatedPartly : kMutatedFully;
  return pod;
}

Result<Json> mutated_once(const Json& pod, const api::SparkApplication& app, PodRole role, std::size_t index,
                          ServiceLinks links) {
  const std::string mark = kube::string_at(pod, {"metadata", "annotations", kMutatedAnnotation});
  if (mark.empty()) return mutated(pod, app, role, Scope::All, index, links);
  Json out = pod;
  // Garbage collection hangs on it, so the mark is not believed here: anybody can write an annotation.
  owner_reference(out, app, role);
  if (role == PodRole::Executor) {
    auto again = mutated(std::move(out), app, role, Scope::OverwrittenBySpark, index);
    if (!again) return again;
    out = *std::move(again);
  }
  if (mark == kMutatedPartly) return mutated(std::move(out), app, role, Scope::Scheduling, index);
  return out;
}

// kAfterTemplate: what Spark writes into executors after their template; mutate_pod() writes it again when a
// webhook runs. Without one:
//  - environment, where the last entry counts. spark.executorEnv.* comes after the first group, so plain
//    values of these names go that way, and so do those that refer to one of them; the second group comes
//    later still.
//  - node selectors and the scheduler, from properties of both roles: properties of executors alone win.
//  - the grace period, since 4.1: its property.
//  - the memory limit, lifecycle when spark.decommission.enabled, and since 4.3 one member of the security
//    context: fields_needing_webhook() has them.
constexpr std::array<std::string_view, 8> kBeforeExecutorEnv{
    "SPARK_USER",           "SPARK_DRIVER_URL", "SPARK_EXECUTOR_CORES", "SPARK_EXECUTOR_MEMORY",
    "SPARK_APPLICATION_ID", "SPARK_CONF_DIR",   "SPARK_EXECUTOR_ID",    "SPARK_RESOURCE_PROFILE_ID"};
constexpr std::array<std::string_view, 4> kAfterExecutorEnv{"SPARK_CLASSPATH", "SPARK_EXECUTOR_POD_IP",
                                                            "SPARK_EXECUTOR_POD_NAME", "SPARK_LOCAL_DIRS"};

bool spark_writes_first(const api::SparkApplication& app, const std::string& name) {
  if (std::ranges::find(kBeforeExecutorEnv, name) != kBeforeExecutorEnv.end()) return true;
  if (app.spec.executor.env_vars.contains(name)) return true;
  if (app.spec.spark_conf.contains("spark.executorEnv." + name)) return true;
  auto sets = [&](const api::SecretInfo& secret) {
    return (secret.secret_type == api::SecretInfo::kGcpServiceAccount &&
            name == "GOOGLE_APPLICATION_CREDENTIALS") ||
           (secret.secret_type == api::SecretInfo::kHadoopDelegationToken &&
            name == "HADOOP_TOKEN_FILE_LOCATION");
  };
  return std::ranges::any_of(app.spec.executor.secrets, sets);
}

bool refers_to_any(const Json& variable, std::span<const std::string_view> names) {
  return std::ranges::any_of(names,
                             [&](std::string_view name) { return refers_to(plain_value(variable), name); });
}

// Whether it refers to a variable that comes as a property, among which there is no order.
bool refers_to_a_property(const api::SparkApplication& app, const Json& variable) {
  const auto refers = [&](const std::string& name) { return refers_to(plain_value(variable), name); };
  for (const auto& [name, value] : app.spec.executor.env_vars)
    if (refers(name)) return true;
  for (const auto& [key, value] : app.spec.spark_conf)
    if (key.starts_with("spark.executorEnv.") && refers(key.substr(18))) return true;
  return std::ranges::any_of(app.spec.executor.env, [&](const Json& other) {
    const std::string name = kube::string_at(other, {"name"});
    return &other != &variable && refers(name) &&
           (spark_writes_first(app, name) || refers_to_any(other, kBeforeExecutorEnv));
  });
}

}  // namespace

void apply_service_links(Json& pod, const Json& own_template, ServiceLinks links) {
  if (links != ServiceLinks::Off) return;
  const Json* own = kube::find_path(own_template, {"spec", "enableServiceLinks"});
  if (own == nullptr || own->is_null()) pod["spec"]["enableServiceLinks"] = false;
}

Result<Json> mutate_pod(const Json& pod, const api::SparkApplication& app, PodRole role, ServiceLinks links) {
  // What the API server hands us has the right shape; whoever else calls a webhook may send anything.
  if (auto shaped = check_pod_template(pod, "pod"); !shaped) return fail(shaped);
  auto index = spark_container(pod, role);
  if (!index) return fail(index);
  return mutated_once(pod, app, role, *index, links);
}

std::optional<PodRole> pod_role(std::string_view spark_role_label) {
  if (spark_role_label == api::label::kRoleDriver) return PodRole::Driver;
  if (spark_role_label == api::label::kRoleExecutor) return PodRole::Executor;
  return std::nullopt;
}

Result<Json> executor_pod_template(const api::SparkApplication& app, const SubmitOptions& options) {
  if (auto shaped = check_pod_template(app.spec.executor.pod_template, "executor.template"); !shaped)
    return fail(shaped);
  Json out = pod_template(app, PodRole::Executor);
  Json& containers = out["spec"]["containers"];
  if (!containers.is_array() || containers.empty())
    containers = Json::array({{{"name", api::container::kExecutor}, {"resources", Json::object()}}});
  // Spark's own choice, which knows only the configured name.
  std::size_t index = 0;
  for (std::size_t i = 0; i < containers.size(); ++i)
    if (kube::string_at(containers[i], {"name"}) == api::container::kExecutor) index = i;
  const bool partly = options.webhook_runs && options.partial_restart;
  return mutated(std::move(out), app, PodRole::Executor, partly ? Scope::AllButScheduling : Scope::All, index,
                 options.service_links);
}

SparkConf executor_properties(const api::SparkApplication& app, const SubmitOptions& options) {
  SparkConf out;
  const auto& conf = app.spec.spark_conf;
  // Left to the webhook where that may change them while executors come and go.
  if (!(options.webhook_runs && options.partial_restart)) {
    if (app.spec.executor.node_selector)
      for (const auto& [key, value] : *app.spec.executor.node_selector)
        if ((app.spec.node_selector && app.spec.node_selector->contains(key)) ||
            conf.contains("spark.kubernetes.node.selector." + key) ||
            conf.contains("spark.kubernetes.executor.node.selector." + key))
          out.set("spark.kubernetes.executor.node.selector." + key, value);
    const auto& scheduler =
        app.spec.batch_scheduler ? app.spec.batch_scheduler : app.spec.executor.scheduler_name;
    if (scheduler && !scheduler->empty() &&
        (conf.contains("spark.kubernetes.scheduler.name") ||
         conf.contains("spark.kubernetes.executor.scheduler.name")))
      out.set("spark.kubernetes.executor.scheduler.name", *scheduler);
  }
  if (const auto& grace = app.spec.executor.termination_grace_period_seconds)
    out.set("spark.kubernetes.executor.terminationGracePeriodSeconds", std::to_string(*grace) + "s");
  // As the webhook would append them: the user's env, then the config maps' directories.
  for (const Json& variable : app.spec.executor.env) {
    const std::string name = kube::string_at(variable, {"name"});
    if (variable.contains("value") && variable["value"].is_string() &&
        (spark_writes_first(app, name) || refers_to_any(variable, kBeforeExecutorEnv)))
      out.set("spark.executorEnv." + name, variable["value"].get<std::string>());
  }
  if (app.spec.spark_config_map) out.set("spark.executorEnv.SPARK_CONF_DIR", api::path::kSparkConf);
  // Spark writes this one member of the security context, by this property (4.3).
  const Json* escalation = kube::find_path(app.spec.executor.security_context, {"allowPrivilegeEscalation"});
  if (escalation != nullptr && escalation->is_boolean())
    out.set("spark.kubernetes.executor.securityContext.allowPrivilegeEscalation",
            escalation->get<bool>() ? "true" : "false");
  return out;
}

std::vector<std::string> fields_needing_webhook(const api::SparkApplication& app) {
  std::vector<std::string> out;
  if (app.spec.executor.memory_limit) out.emplace_back("executor.memoryLimit");
  auto decommission = app.spec.spark_conf.find("spark.decommission.enabled");
  if (!app.spec.executor.lifecycle.is_null() && decommission != app.spec.spark_conf.end() &&
      decommission->second == "true")
    out.emplace_back("executor.lifecycle");
  const auto version = resolve_version(app.spec.spark_version, app.spec.image.value_or(""));
  const SparkLine* line = version ? find_line(*version) : nullptr;
  if (!app.spec.executor.security_context.is_null() && line != nullptr && line->allow_privilege_escalation &&
      !app.spec.executor.security_context.contains("allowPrivilegeEscalation"))
    out.emplace_back("executor.securityContext");
  if (app.spec.hadoop_config_map && app.spec.spark_conf.contains("spark.kubernetes.hadoop.configMapName"))
    out.emplace_back("hadoopConfigMap");  // two directories for one HADOOP_CONF_DIR
  for (const Json& variable : app.spec.executor.env) {
    const std::string name = kube::string_at(variable, {"name"});
    const bool from_elsewhere = !variable.contains("value") && spark_writes_first(app, name);
    if (from_elsewhere || std::ranges::find(kAfterExecutorEnv, name) != kAfterExecutorEnv.end() ||
        refers_to_any(variable, kAfterExecutorEnv) || refers_to_a_property(app, variable))
      out.push_back("executor.env." + name);
  }
  return out;
}

std::string config_map_volume_name(std::string_view config_map) {
  const std::string plain = std::string(config_map) + "-vol";
  if (plain.size() <= 63 && plain.find('.') == std::string::npos) return plain;
  const std::string suffix = "-" + api::sha256_hex(config_map).substr(0, 8) + "-vol";
  std::string stem(config_map);
  std::ranges::replace(stem, '.', '-');
  stem.resize(std::min(stem.size(), 63 - suffix.size()));
  while (stem.ends_with('-')) stem.pop_back();
  return stem + suffix;
}

}  // namespace spark

// SparkPodSpec is what driver and executor have in common; DriverSpec and ExecutorSpec add their own few
// fields.
//
//   spec.driver.cores            absent: the default (api/defaults.h) or sparkConf decides
//   spec.driver.env              Kubernetes types that we only pass on are Json, as the user wrote them
//   spec.driver.pod_template     `template` in the API: a whole PodTemplateSpec, never validated by the
//   schema
//
// Fields without kRequired are optional; std::optional tells "absent" from "zero". What a field is for stands
// in its Doc below. Thread: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/schema_hints.h"
#include "kube/core/fields.h"
#include "kube/core/json.h"

namespace api {

using kube::Json;
using kube::kAlways;
using StringMap = std::map<std::string, std::string>;

struct GpuSpec {
  std::string name;
  std::int64_t quantity = 0;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name, kAlways, kRequired, Doc{"Extended resource, such as nvidia.com/gpu."});
    field("quantity", self.quantity, kAlways, kRequired, Doc{"How many of them the pod gets."});
  }
  bool operator==(const GpuSpec&) const = default;
};

struct NamePath {
  std::string name;
  std::string path;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name, kAlways, kRequired, Doc{"Name of the config map."});
    field("path", self.path, kAlways, kRequired, Doc{"Folder in the container where it is mounted."});
  }
  bool operator==(const NamePath&) const = default;
};

// A secret that is mounted at a path. Two types also set an environment variable that points at a file in it.
struct SecretInfo {
  static constexpr const char* kGcpServiceAccount = "GCPServiceAccount";
  static constexpr const char* kHadoopDelegationToken = "HadoopDelegationToken";
  static constexpr const char* kGeneric = "Generic";

  std::string name;
  std::string path;
  std::string secret_type;  // one of the above, but the schema lets anything through
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name, kAlways, kRequired, Doc{"Name of the secret."});
    field("path", self.path, kAlways, kRequired, Doc{"Folder in the container where it is mounted."});
    field(
        "secretType", self.secret_type, kAlways, kRequired,
        Doc{"GCPServiceAccount, HadoopDelegationToken or Generic: which environment variable points at it."});
  }
  bool operator==(const SecretInfo&) const = default;
};

struct NameKey {
  std::string name;
  std::string key;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name, kAlways, kRequired, Doc{"Name of the secret."});
    field("key", self.key, kAlways, kRequired, Doc{"Key in the secret."});
  }
  bool operator==(const NameKey&) const = default;
};

struct Port {
  std::string name;
  std::string protocol;
  std::int32_t container_port = 0;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name, kAlways, kRequired, Doc{"Name of the port, unique in the pod."});
    field("protocol", self.protocol, kAlways, kRequired, Doc{"TCP, UDP or SCTP."});
    field("containerPort", self.container_port, kAlways, kRequired, Doc{"Number of the port."});
  }
  bool operator==(const Port&) const = default;
};

struct SparkPodSpec {
  Json pod_template;  // null = absent
  std::optional<std::int32_t> cores;
  std::optional<std::string> core_limit;
  std::optional<std::string> core_request;
  std::optional<std::string> memory;
  std::optional<std::string> memory_limit;
  std::optional<std::string> memory_overhead;
  std::optional<GpuSpec> gpu;
  std::optional<std::string> image;
  std::vector<NamePath> config_maps;
  std::vector<SecretInfo> secrets;
  std::vector<Json> env;
  StringMap env_vars;
  std::vector<Json> env_from;
  std::map<std::string, NameKey> env_secret_key_refs;
  StringMap labels;
  StringMap annotations;
  std::vector<Json> volume_mounts;
  Json affinity;
  std::vector<Json> tolerations;
  Json pod_security_context;
  Json security_context;
  std::optional<std::string> scheduler_name;
  std::vector<Json> sidecars;
  std::vector<Json> init_containers;
  std::optional<bool> host_network;
  std::optional<StringMap>
      node_selector;  // present but empty still excludes the application's own node selector
  Json dns_config;
  std::optional<std::int64_t> termination_grace_period_seconds;
  std::optional<std::string> service_account;
  std::vector<Json> host_aliases;
  std::optional<bool> share_process_namespace;
  std::optional<std::string> java_options;
  Json lifecycle;
  std::vector<Port> ports;
  std::optional<std::string> priority_class_name;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("template", self.pod_template, kSchemaless,
          Doc{"Pod template that Spark starts from; Spark 3.0 or later."});
    field("cores", self.cores, Minimum{1}, Doc{"CPU cores that Spark counts with."});
    field("coreLimit", self.core_limit, Doc{"CPU limit of the pod."});
    field("coreRequest", self.core_request, Doc{"CPU request of the pod where it differs from cores."});
    field("memory", self.memory, Doc{"Java heap, in JVM notation such as 512m or 2g."});
    field("memoryLimit", self.memory_limit,
          Doc{"Memory limit of the pod where it differs from heap and overhead."});
    field("memoryOverhead", self.memory_overhead, Doc{"Memory beside the heap, in JVM notation."});
    field("gpu", self.gpu, Doc{"GPUs of the pod."});
    field("image", self.image, Doc{"Container image; wins over the application's."});
    field("configMaps", self.config_maps, Doc{"Config maps to mount."});
    field("secrets", self.secrets, Doc{"Secrets to mount."});
    field("env", self.env, Embedded{"EnvVar"}, Doc{"Environment variables."});
    field("envVars", self.env_vars, Doc{"Environment variables by name. Deprecated: use env."});
    field("envFrom", self.env_from, Embedded{"EnvFromSource"},
          Doc{"Config maps and secrets whose keys become environment variables."});
    field("envSecretKeyRefs", self.env_secret_key_refs,
          Doc{"Environment variables from keys of secrets. Deprecated: use env."});
    field("labels", self.labels, Doc{"Labels of the pod."});
    field("annotations", self.annotations, Doc{"Annotations of the pod."});
    field("volumeMounts", self.volume_mounts, Embedded{"VolumeMount"},
          Doc{"Where the Spark container mounts the application's volumes."});
    field("affinity", self.affinity, Embedded{"Affinity"}, Doc{"Scheduling affinity of the pod."});
    field("tolerations", self.tolerations, Embedded{"Toleration"}, Doc{"Taints that the pod tolerates."});
    field("podSecurityContext", self.pod_security_context, Embedded{"PodSecurityContext"},
          Doc{"Security settings of the pod."});
    field("securityContext", self.security_context, Embedded{"SecurityContext"},
          Doc{"Security settings of the Spark container."});
    field("schedulerName", self.scheduler_name, Doc{"Scheduler of the pod."});
    field("sidecars", self.sidecars, Embedded{"Container"}, Doc{"Containers that run beside Spark's."});
    field("initContainers", self.init_containers, Embedded{"Container"},
          Doc{"Containers that run before Spark's."});
    field("hostNetwork", self.host_network, Doc{"Whether the pod uses its node's network."});
    field("nodeSelector", self.node_selector, Doc{"Labels that the pod's node must have."});
    field("dnsConfig", self.dns_config, Embedded{"PodDNSConfig"}, Doc{"DNS settings of the pod."});
    field("terminationGracePeriodSeconds", self.termination_grace_period_seconds,
          Doc{"Time between the request to end and the kill."});
    field("serviceAccount", self.service_account, Doc{"Service account of the pod."});
    field("hostAliases", self.host_aliases, Embedded{"HostAlias"},
          Doc{"Further lines of the pod's hosts file."});
    field("shareProcessNamespace", self.share_process_namespace,
          Doc{"Whether the pod's containers see each other's processes."});
    field("javaOptions", self.java_options, Doc{"Options of the Java virtual machine."});
    field("lifecycle", self.lifecycle, Embedded{"Lifecycle"},
          Doc{"What to run after the start and before the end of the Spark container."});
    field("ports", self.ports, Doc{"Further ports of the Spark container."});
    field("priorityClassName", self.priority_class_name, Doc{"Priority class of the pod."});
  }
  bool operator==(const SparkPodSpec&) const = default;
};

struct DriverSpec : SparkPodSpec {
  std::optional<std::string> pod_name;
  std::optional<std::string> kubernetes_master;
  StringMap service_annotations;
  StringMap service_labels;
  std::optional<std::int64_t> start_timeout_seconds;  // ours

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    SparkPodSpec::fields(self, field);
    // Unanchored and with a literal backslash, so it lets through any text with one of [a-z0-9]: kept,
    // because objects stored under it must stay valid.
    field("podName", self.pod_name,
          Pattern{R"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)"},
          Doc{"Name of the driver pod."});
    field("kubernetesMaster", self.kubernetes_master, Doc{"URL of the API server as the driver sees it."});
    field("serviceAnnotations", self.service_annotations,
          Doc{"Annotations of the driver's headless service."});
    field("serviceLabels", self.service_labels, Doc{"Labels of the driver's headless service."});
    field(
        "startTimeoutSeconds", self.start_timeout_seconds, Minimum{1},
        Doc{"Seconds that the driver pod may take to start; then the run has failed, and the restart policy "
            "decides."});
  }
  bool operator==(const DriverSpec&) const = default;
};

struct ExecutorSpec : SparkPodSpec {
  std::optional<std::int32_t> instances;
  std::optional<bool> delete_on_termination;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    SparkPodSpec::fields(self, field);
    field("instances", self.instances, Minimum{1}, Doc{"Number of executors."});
    field("deleteOnTermination", self.delete_on_termination,
          Doc{"Whether finished executor pods are deleted."});
  }
  bool operator==(const ExecutorSpec&) const = default;
};

}  // namespace api

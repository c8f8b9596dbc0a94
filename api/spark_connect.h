// SparkConnect, kind of sparkoperator.k8s.io/v1alpha1: a Spark Connect server with its executors.
//
// Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema_hints.h"
#include "api/spark_application.h"
#include "kube/base/clock.h"
#include "kube/core/fields.h"
#include "kube/core/object_meta.h"

namespace api {

inline constexpr const char* kConnectApiVersion = "sparkoperator.k8s.io/v1alpha1";

enum class ConnectState { New, Provisioning, Ready, NotReady, Failed };

inline constexpr std::array kConnectStates{
    kube::WireName{ConnectState::New, ""},
    kube::WireName{ConnectState::Provisioning, "Provisioning"},
    kube::WireName{ConnectState::Ready, "Ready"},
    kube::WireName{ConnectState::NotReady, "NotReady"},
    kube::WireName{ConnectState::Failed, "Failed"},
};
constexpr auto wire_names(ConnectState) {
  return kConnectStates;
}
constexpr std::string_view to_string(ConnectState state) {
  return kConnectStates[static_cast<std::size_t>(state)].name;
}

struct ConnectPodSpec {
  std::optional<std::int32_t> cores;
  std::optional<std::string> memory;
  Json pod_template;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("cores", self.cores, Minimum{1}, Doc{"CPU cores that Spark counts with."});
    field("memory", self.memory, Doc{"Java heap, in JVM notation such as 512m or 2g."});
    field("template", self.pod_template, kSchemaless, Doc{"Pod template that the pod starts from."});
  }
  bool operator==(const ConnectPodSpec&) const = default;
};

struct ConnectServerSpec : ConnectPodSpec {
  Json service;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    ConnectPodSpec::fields(self, field);
    field("service", self.service, Embedded{"Service"}, Doc{"Service in front of the server."});
  }
  bool operator==(const ConnectServerSpec&) const = default;
};

struct ConnectExecutorSpec : ConnectPodSpec {
  std::optional<std::int32_t> instances;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    ConnectPodSpec::fields(self, field);
    field("instances", self.instances, Minimum{0}, Doc{"Number of executors."});
  }
  bool operator==(const ConnectExecutorSpec&) const = default;
};

struct SparkConnectSpec {
  std::string spark_version;
  std::optional<std::string> image;
  StringMap hadoop_conf;
  StringMap spark_conf;
  ConnectServerSpec server;
  ConnectExecutorSpec executor;
  std::optional<DynamicAllocation> dynamic_allocation;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("sparkVersion", self.spark_version, kAlways, kRequired, Doc{"Spark version of the image."});
    field("image", self.image, Doc{"Container image of server and executors."});
    field("hadoopConf", self.hadoop_conf, Doc{"Hadoop properties, without the prefix spark.hadoop."});
    field("sparkConf", self.spark_conf, Doc{"Spark properties."});
    field("server", self.server, kAlways, kRequired, Doc{"The server pod."});
    field("executor", self.executor, kAlways, kRequired, Doc{"The executor pods."});
    field("dynamicAllocation", self.dynamic_allocation, Doc{"Executors by load."});
  }
  bool operator==(const SparkConnectSpec&) const = default;
};

struct ConnectServerStatus {
  std::string pod_name;
  std::string pod_ip;
  std::string service_name;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("podName", self.pod_name, Doc{"Name of the server pod."});
    field("podIp", self.pod_ip, Doc{"Address of the server pod."});
    field("serviceName", self.service_name, Doc{"Name of the service in front of it."});
  }
  bool operator==(const ConnectServerStatus&) const = default;
};

// The schema refuses null for both times: whoever writes this status sets them.
struct SparkConnectStatus {
  static constexpr const char* kServerPodReady = "ServerPodReady";  // the one condition type

  std::vector<Json> conditions;  // metav1.Condition
  ConnectState state = ConnectState::New;
  ConnectServerStatus server;
  std::map<std::string, std::int64_t> executors;  // number of pods by phase in lower case
  std::optional<kube::TimePoint> start_time;
  std::optional<kube::TimePoint> last_update_time;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("conditions", self.conditions, Embedded{"Condition"}, ListMapKey{"type"},
          Doc{"Latest observations of the server."});
    field("state", self.state, kOpenWords, Doc{"State of the server."});
    field("server", self.server, kAlways, Doc{"The server pod and its service."});
    field("executors", self.executors, Doc{"Number of executors by phase."});
    field("startTime", self.start_time, Doc{"When the server was started."});
    field("lastUpdateTime", self.last_update_time, Doc{"When this status last changed."});
  }
  bool operator==(const SparkConnectStatus&) const = default;
};

struct SparkConnect {
  static constexpr const char* kKind = "SparkConnect";
  static constexpr const char* kPlural = "sparkconnects";
  static constexpr const char* kVersion = "v1alpha1";

  std::string api_version = kConnectApiVersion;
  std::string kind = kKind;
  kube::ObjectMeta metadata;
  SparkConnectSpec spec;
  SparkConnectStatus status;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("apiVersion", self.api_version);
    field("kind", self.kind);
    field("metadata", self.metadata, kAlways, kRequired);
    field("spec", self.spec, kAlways, kRequired, Doc{"What to serve."});
    field("status", self.status, Doc{"What became of it."});
  }
  bool operator==(const SparkConnect&) const = default;
};

}  // namespace api

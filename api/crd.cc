#include "api/crd.h"

#include <algorithm>
#include <concepts>
#include <type_traits>
#include <utility>

#include "api/scheduled_spark_application.h"
#include "api/schema/kubernetes_types.h"
#include "api/schema_hints.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

namespace api {
namespace {

using kube::Json;

// The embedded text is part of the program; were it broken, the first test would see an empty object.
const Json& kubernetes_types() {
  static const Json types = kube::parse_json(kubernetes_types_json()).value_or(Json::object());
  return types;
}

Json resolve(const Json& schema) {
  if (schema.is_array()) {
    Json items = Json::array();
    for (const Json& item : schema) items.push_back(resolve(item));
    return items;
  }
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "$ref") {
      out.update(kubernetes_type(value.get_ref<const std::string&>()));
    } else {
      out[key] = resolve(value);
    }
  }
  return out;
}

// What the hints of one field say, gathered before its schema is made.
struct Hints {
  bool required = false;
  bool nullable = false;
  bool open_words = false;
  bool schemaless = false;
  std::string_view embedded;
  std::string_view doc;
  Json constraints = Json::object();

  void add(Required) { required = true; }
  void add(Nullable) { nullable = true; }
  void add(OpenWords) { open_words = true; }
  void add(Schemaless) { schemaless = true; }
  void add(Embedded hint) { embedded = hint.type; }
  void add(Doc hint) { doc = hint.text; }
  void add(Minimum hint) { constraints["minimum"] = hint.value; }
  void add(Maximum hint) { constraints["maximum"] = hint.value; }
  void add(Pattern hint) { constraints["pattern"] = hint.regex; }
  void add(OneOf hint) { constraints["enum"] = hint.words; }
  void add(ListMapKey hint) {
    constraints["x-kubernetes-list-type"] = "map";
    constraints["x-kubernetes-list-map-keys"] = Json::array({hint.key});
  }
  void add(kube::Always) {}
};

template <class T>
Json struct_schema();

template <class T>
Json schema(std::type_identity<std::optional<T>>, const Hints& hints);
template <class T>
Json schema(std::type_identity<std::vector<T>>, const Hints& hints);
template <class T>
Json schema(std::type_identity<std::map<std::string, T>>, const Hints& hints);

template <class T>
Json schema(std::type_identity<T>, const Hints& hints) {
  if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::same_as<T, std::int32_t>) {
    return {{"type", "integer"}, {"format", "int32"}};
  } else if constexpr (std::same_as<T, std::int64_t>) {
    return {{"type", "integer"}, {"format", "int64"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (std::same_as<T, kube::TimePoint>) {
    return {{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::is_enum_v<T>) {
    Json out = {{"type", "string"}};
    if (!hints.open_words)
      for (const auto& word : wire_names(T{})) out["enum"].push_back(word.name);
    return out;
  } else if constexpr (std::same_as<T, Json>) {
    if (!hints.embedded.empty()) return kubernetes_type(hints.embedded);
    return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  } else if constexpr (std::same_as<T, kube::ObjectMeta>) {
    return {{"type", "object"}};  // the API server knows metadata better than a CRD may say
  } else {
    return struct_schema<T>();
  }
}
template <class T>
Json schema(std::type_identity<std::optional<T>>, const Hints& hints) {
  return schema(std::type_identity<T>{}, hints);
}
template <class T>
Json schema(std::type_identity<std::vector<T>>, const Hints& hints) {
  return {{"type", "array"}, {"items", schema(std::type_identity<T>{}, hints)}};
}
template <class T>
Json schema(std::type_identity<std::map<std::string, T>>, const Hints& hints) {
  // Counts by name carry no format: their width is nobody's business.
  Json value = schema(std::type_identity<T>{}, hints);
  if constexpr (std::integral<T>) value.erase("format");
  return {{"type", "object"}, {"additionalProperties", std::move(value)}};
}

template <class T>
Json struct_schema() {
  Json properties = Json::object();
  std::vector<std::string> required;
  kube::visit_fields<T>([&](std::string_view name, auto type, const auto&... given) {
    Hints hints;
    (hints.add(given), ...);
    Json property = schema(type, hints);
    property.update(hints.constraints);
    if (hints.nullable) property["nullable"] = true;
    if (!hints.doc.empty()) property["description"] = hints.doc;
    if (hints.required) required.emplace_back(name);
    properties[std::string(name)] = std::move(property);
  });
  Json out = {{"type", "object"}, {"properties", std::move(properties)}};
  std::ranges::sort(required);
  if (!required.empty()) out["required"] = required;
  return out;
}

Json column(const char* name, const char* type, const char* path) {
  return {{"name", name}, {"type", type}, {"jsonPath", path}};
}

struct Definition {
  const char* kind;
  const char* plural;
  const char* singular;
  const char* short_name;
  const char* version;
  const char* doc;
  Json columns;
};

Definition definition_of(Kind kind) {
  const Json age = column("Age", "date", ".metadata.creationTimestamp");
  switch (kind) {
    case Kind::SparkApplication:
      return {SparkApplication::kKind,
              SparkApplication::kPlural,
              "sparkapplication",
              "sparkapp",
              SparkApplication::kVersion,
              "A Spark application that runs on Kubernetes.",
              Json::array({column("Suspend", "boolean", ".spec.suspend"),
                           column("Status", "string", ".status.applicationState.state"),
                           column("Attempts", "string", ".status.executionAttempts"),
                           column("Start", "string", ".status.lastSubmissionAttemptTime"),
                           column("Finish", "string", ".status.terminationTime"), age})};
    case Kind::ScheduledSparkApplication:
      return {
          ScheduledSparkApplication::kKind,
          ScheduledSparkApplication::kPlural,
          "scheduledsparkapplication",
          "scheduledsparkapp",
          ScheduledSparkApplication::kVersion,
          "Runs a Spark application at the times that a schedule names.",
          Json::array(
              {column("Schedule", "string", ".spec.schedule"), column("TimeZone", "string", ".spec.timeZone"),
               column("Suspend", "string", ".spec.suspend"), column("Last Run", "date", ".status.lastRun"),
               column("Last Run Name", "string", ".status.lastRunName"), age})};
    case Kind::SparkConnect:
      break;
  }
  return {SparkConnect::kKind,
          SparkConnect::kPlural,
          "sparkconnect",
          "sparkconn",
          SparkConnect::kVersion,
          "A Spark Connect server with its executors.",
          Json::array({age, column("Status", "string", ".status.state"),
                       column("PodName", "string", ".status.server.podName")})};
}

}  // namespace

Json kubernetes_type(std::string_view name) {
  const auto found = kubernetes_types().find(name);
  return found == kubernetes_types().end() ? Json() : resolve(*found);
}

Json object_schema(Kind kind) {
  Json out;
  switch (kind) {
    case Kind::SparkApplication:
      out = struct_schema<SparkApplication>();
      break;
    case Kind::ScheduledSparkApplication:
      out = struct_schema<ScheduledSparkApplication>();
      break;
    case Kind::SparkConnect:
      out = struct_schema<SparkConnect>();
      break;
  }
  out["description"] = definition_of(kind).doc;
  return out;
}

std::string crd_name(Kind kind) {
  return std::string(definition_of(kind).plural) + "." + kGroup;
}

Json crd(Kind kind) {
  const Definition definition = definition_of(kind);
  const Json version = {{"name", definition.version},
                        {"served", true},
                        {"storage", true},
                        {"subresources", {{"status", Json::object()}}},
                        {"additionalPrinterColumns", definition.columns},
                        {"schema", {{"openAPIV3Schema", object_schema(kind)}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata",
           {{"name", crd_name(kind)},
            {"annotations",
             {{"api-approved.kubernetes.io", "https://github.com/kubeflow/spark-operator/pull/1298"}}}}},
          {"spec",
           {{"group", kGroup},
            {"scope", "Namespaced"},
            {"names",
             {{"kind", definition.kind},
              {"listKind", std::string(definition.kind) + "List"},
              {"plural", definition.plural},
              {"singular", definition.singular},
              {"shortNames", Json::array({definition.short_name})}}},
            {"versions", Json::array({version})}}}};
}

std::string crd_yaml(Kind kind) {
  return kube::to_yaml(crd(kind));
}

std::string crd_file_name(Kind kind) {
  return std::string(kGroup) + "_" + definition_of(kind).plural + ".yaml";
}

}  // namespace api

#include "api/crd.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "api/scheduled_spark_application.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "kube/core/yaml.h"

using api::Kind;
using kube::Json;

namespace {

std::string file_of(Kind kind) {
  return SOURCE_DIR "/charts/spark-operator-chart/crds/" + api::crd_file_name(kind);
}

Json committed(Kind kind) {
  std::stringstream text;
  text << std::ifstream(file_of(kind)).rdbuf();
  auto document = kube::parse_yaml_document(text.str(), file_of(kind));
  if (!document) FAIL(document.error().message());
  return *document;
}

Json committed_schema(Kind kind) {
  return committed(kind).at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

// Every schema node below, with its path.
void walk(const Json& schema, const std::string& path,
          const std::function<void(const Json&, const std::string&)>& visit) {
  visit(schema, path);
  if (schema.contains("properties"))
    for (const auto& [name, property] : schema["properties"].items())
      walk(property, path + "." + name, visit);
  if (schema.contains("items")) walk(schema["items"], path + "[]", visit);
  if (schema.contains("additionalProperties")) walk(schema["additionalProperties"], path + "{}", visit);
}

// An object with every property that the schema has.
Json example(const Json& schema) {
  if (schema.value("x-kubernetes-int-or-string", false)) return "7";
  if (schema.contains("enum")) return schema["enum"][0];
  const std::string type = schema.at("type");
  if (type == "boolean") return true;
  if (type == "integer") return schema.value("minimum", 7);
  if (type == "string") return schema.value("format", "") == "date-time" ? "2026-03-01T08:00:00Z" : "RUNNING";
  if (type == "array") return Json::array({example(schema.at("items"))});
  if (schema.contains("additionalProperties")) return {{"some-key", example(schema["additionalProperties"])}};
  Json object = Json::object();
  if (schema.contains("properties"))
    for (const auto& [name, property] : schema["properties"].items()) object[name] = example(property);
  if (object.empty()) object["anything"] = Json::array({1});
  return object;
}

// Paths of members that were decoded into `unknown`, that is, for which there is no field.
template <class T>
void find_unknown(const T& value, const std::string& path, std::vector<std::string>& found) {
  if constexpr (requires { T::fields(value, [](auto&&...) {}); }) {
    if (!value.unknown.is_null()) found.push_back(path + ": " + value.unknown.dump());
    T::fields(value, [&](std::string_view name, const auto& member, const auto&...) {
      find_unknown(member, path + "." + std::string(name), found);
    });
  } else if constexpr (requires { value.has_value(); }) {
    if (value) find_unknown(*value, path, found);
  } else if constexpr (!std::same_as<T, Json> && !std::same_as<T, std::string> &&
                       requires { value.begin(); }) {
    for (const auto& item : value) {
      if constexpr (requires { item.second; }) {
        find_unknown(item.second, path + "{}", found);
      } else {
        find_unknown(item, path + "[]", found);
      }
    }
  }
}

template <class T>
void check_properties_have_fields(Kind kind) {
  Json object = example(committed_schema(kind));
  object["metadata"] = {{"name", "x"}};
  if (kind == Kind::SparkConnect) object["status"]["state"] = "Ready";
  if (kind == Kind::ScheduledSparkApplication) object["status"]["scheduleState"] = "Scheduled";
  const auto value = kube::decode<T>(object);
  if (!value) FAIL(value.error().message());
  std::vector<std::string> unknown;
  find_unknown(*value, "", unknown);
  CHECK(unknown == std::vector<std::string>{});
  CHECK(kube::encode(*value) == object);
}

}  // namespace

TEST_CASE("the CRDs of the chart are the generated ones", "[api]") {
  const Kind kind = GENERATE(from_range(api::kKinds));
  INFO(file_of(kind) << " differs; run this test with API_UPDATE_CRDS=1 to write it");
  if (std::getenv("API_UPDATE_CRDS") != nullptr) std::ofstream(file_of(kind)) << api::crd_yaml(kind);
  std::stringstream text;
  text << std::ifstream(file_of(kind)).rdbuf();
  CHECK((text.str() == api::crd_yaml(kind)));
  CHECK((committed(kind) == api::crd(kind)));
}

TEST_CASE("every property of a CRD has a field, and every field a property", "[api]") {
  // The reverse holds because an example of all properties is a fixed point: a field without property would
  // be lost only if its schema were missing, and then the generated CRD would not equal the committed one.
  check_properties_have_fields<api::SparkApplication>(Kind::SparkApplication);
  check_properties_have_fields<api::ScheduledSparkApplication>(Kind::ScheduledSparkApplication);
  check_properties_have_fields<api::SparkConnect>(Kind::SparkConnect);
}

TEST_CASE("schemas are structural", "[api]") {
  const Kind kind = GENERATE(from_range(api::kKinds));
  walk(api::object_schema(kind), "", [](const Json& schema, const std::string& path) {
    INFO(path);
    CHECK(schema.is_object());
    CHECK_FALSE(schema.contains("$ref"));
    const bool int_or_string = schema.value("x-kubernetes-int-or-string", false);
    CHECK(int_or_string != schema.contains("type"));
    if (int_or_string) CHECK(schema.at("anyOf") == Json::parse(R"([{"type":"integer"},{"type":"string"}])"));
    if (schema.value("type", "") == "array") CHECK(schema.contains("items"));
    if (schema.contains("required"))
      for (const auto& name : schema["required"]) CHECK(schema.at("properties").contains(name));
    CHECK_FALSE((schema.contains("properties") && schema.contains("additionalProperties")));
  });
}

TEST_CASE("keys of list maps are required or have a default", "[api]") {
  const Kind kind = GENERATE(from_range(api::kKinds));
  walk(api::object_schema(kind), "", [](const Json& schema, const std::string& path) {
    if (schema.value("x-kubernetes-list-type", "") != "map") return;
    INFO(path);
    REQUIRE(schema.at("x-kubernetes-list-map-keys").size() > 0);
    const Json& items = schema.at("items");
    for (const std::string key : schema["x-kubernetes-list-map-keys"]) {
      const Json required = items.value("required", Json::array());
      const bool is_required = std::find(required.begin(), required.end(), key) != required.end();
      CHECK((is_required || items.at("properties").at(key).contains("default")));
    }
  });
}

TEST_CASE("embedded types bring their defaults, the operator's own fields have none", "[api]") {
  int defaults = 0;
  walk(api::object_schema(Kind::SparkApplication), "", [&](const Json& schema, const std::string&) {
    if (schema.contains("default")) ++defaults;
  });
  CHECK(defaults == 65);
}

TEST_CASE("only four fields that users write are limited to words", "[api]") {
  std::vector<std::string> limited;
  walk(api::object_schema(Kind::SparkApplication), "", [&](const Json& schema, const std::string& path) {
    if (schema.contains("enum")) limited.push_back(path);
  });
  CHECK(limited == std::vector<std::string>{".spec.mode", ".spec.pythonVersion", ".spec.restartPolicy.type",
                                            ".spec.type", ".status.conditions[].status"});
}

TEST_CASE("limits and required fields are those that stored objects were checked against", "[api]") {
  const Json schema = api::object_schema(Kind::SparkApplication);
  CHECK(schema.at("required") == Json({"metadata", "spec"}));
  const Json spec = schema.at("properties").at("spec");
  CHECK(spec.at("required") == Json({"driver", "executor", "mainApplicationFile", "sparkVersion", "type"}));
  const auto at = [&](const char* pointer) { return spec.at(Json::json_pointer(pointer)); };
  CHECK(at("/properties/executor/properties/instances/minimum") == 1);
  CHECK(at("/properties/driver/properties/cores/minimum") == 1);
  CHECK(at("/properties/restartPolicy/properties/onFailureRetries/minimum") == 0);
  CHECK(at("/properties/monitoring/properties/prometheus/properties/port/maximum") == 49151);
  CHECK(at("/properties/timeToLiveSeconds/format") == "int64");
  CHECK_FALSE(at("/properties/timeToLiveSeconds").contains("minimum"));
  CHECK(at("/properties/driver/properties/podName/pattern") ==
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  CHECK(at("/properties/driver/properties/template/x-kubernetes-preserve-unknown-fields") == true);
  CHECK(at("/properties/batchSchedulerOptions/properties/resources/additionalProperties/"
           "x-kubernetes-int-or-string") == true);
  CHECK_FALSE(at("/properties/driver/properties/env").contains("x-kubernetes-list-type"));
  CHECK(at("/properties/driver/properties/sidecars/items/properties/ports/x-kubernetes-list-map-keys") ==
        Json({"containerPort", "protocol"}));
  const Json status = schema.at("properties").at("status");
  CHECK(status.at("required") == Json({"driverInfo"}));
  CHECK(status.at("properties").at("terminationTime").at("nullable") == true);
  CHECK_FALSE(api::object_schema(Kind::SparkConnect)
                  .at(Json::json_pointer("/properties/status/properties/startTime"))
                  .contains("nullable"));
}

TEST_CASE("kubectl get shows the columns that people know", "[api]") {
  const auto columns = [](Kind kind) {
    std::string names;
    for (const auto& column : api::crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"])
      names += column["name"].get<std::string>() + ":" + column["type"].get<std::string>() + " ";
    return names;
  };
  CHECK(columns(Kind::SparkApplication) ==
        "Suspend:boolean Status:string Attempts:string Start:string Finish:string Age:date ");
  CHECK(columns(Kind::ScheduledSparkApplication) ==
        "Schedule:string TimeZone:string Suspend:string Last Run:date Last Run Name:string Age:date ");
  CHECK(columns(Kind::SparkConnect) == "Age:date Status:string PodName:string ");
}

TEST_CASE("a type that is not embedded has no schema", "[api]") {
  CHECK(api::kubernetes_type("Deployment").is_null());
  CHECK(api::kubernetes_type("Volume").at("required") == Json({"name"}));
}

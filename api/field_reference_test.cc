#include "api/field_reference.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "api/defaults.h"
#include "kube/core/fields.h"

using namespace api;

namespace {

const FieldRow* row_of(const std::vector<FieldRow>& rows, const std::string& path) {
  const auto found = std::ranges::find(rows, path, &FieldRow::path);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("the reference names each field with its type, default and meaning", "[reference]") {
  const auto rows = field_rows(Kind::SparkApplication);
  const FieldRow* cores = row_of(rows, "spec.driver.cores");
  REQUIRE(cores != nullptr);
  CHECK(cores->type == "integer");
  CHECK(cores->standard.starts_with("1"));
  CHECK_FALSE(cores->doc.empty());
  CHECK_FALSE(cores->required);
  REQUIRE(row_of(rows, "spec.type") != nullptr);
  CHECK(row_of(rows, "spec.type")->required);
  CHECK(row_of(rows, "spec.driver.volumeMounts")->type == "list of VolumeMount");
  CHECK(row_of(rows, "spec.driverIngressOptions[].servicePort") != nullptr);
  CHECK(row_of(rows, "spec.sparkConf")->type == "map to string");
  CHECK(row_of(rows, "metadata") == nullptr);
  CHECK(row_of(field_rows(Kind::ScheduledSparkApplication), "spec.template.driver.cores")->standard ==
        cores->standard);
}

TEST_CASE("the table of defaults speaks of fields that there are", "[reference]") {
  const auto rows = field_rows(Kind::SparkApplication);
  for (const std::string& path : noted_fields()) {
    INFO(path);
    CHECK(row_of(rows, path) != nullptr);
  }
}

TEST_CASE("every field has a meaning", "[reference]") {
  for (const Kind kind : kKinds) {
    for (const FieldRow& row : field_rows(kind)) {
      INFO(row.path);
      CHECK_FALSE(row.doc.empty());
    }
  }
}

TEST_CASE("defaults that are applied are in the reference, and those in the reference are applied",
          "[reference]") {
  SparkApplicationSpec spec;
  spec.dynamic_allocation = DynamicAllocation{};
  spec.dynamic_allocation->enabled = false;
  const kube::Json applied = kube::encode(with_defaults(spec));
  const auto rows = field_rows(Kind::SparkApplication);
  for (const char* path : {"spec.mode", "spec.restartPolicy.type", "spec.driver.cores", "spec.driver.memory",
                           "spec.executor.cores", "spec.executor.memory", "spec.executor.instances"}) {
    INFO(path);
    std::string pointer = std::string(path).substr(4);
    std::ranges::replace(pointer, '.', '/');
    REQUIRE(applied.contains(kube::Json::json_pointer(pointer)));
    const kube::Json& value = applied.at(kube::Json::json_pointer(pointer));
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const std::string standard = row_of(rows, path)->standard;
    CHECK(standard.substr(0, standard.find(' ')) == text);
  }
}

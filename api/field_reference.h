// The reference of all fields of the three kinds, as docs/fields.md has it, read off the field lists.
//
//   for (const FieldRow& row : field_rows(Kind::SparkApplication)) …    // "spec.driver.cores", "integer" …
//   std::string page = field_reference();                               // Markdown
//
// Types that are Kubernetes' own are named, not unfolded. Defaults and since when a field is there are a
// table in field_reference.cc; tests hold it to the field lists and to with_defaults().
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/crd.h"

namespace api {

struct FieldRow {
  std::string path;      // "spec.deps.jars", "spec.driverIngressOptions[].servicePort"
  std::string type;      // "integer", "list of string", "Java, Python, Scala or R", "Volume"
  std::string standard;  // what holds when it is absent; "" = nothing
  std::string doc;
  std::string since;  // "" = since release 2.1 of the Go operator or before
  bool required = false;
};

// In the order of the field lists, spec before status; without apiVersion, kind and metadata.
std::vector<FieldRow> field_rows(Kind kind);

// Fields of a SparkApplication whose default or beginning the table knows.
std::vector<std::string> noted_fields();

std::string field_reference();

}  // namespace api

// YAML text into Json and back, as kubectl reads and prints it.
//
//   auto documents = parse_yaml(text, "app.yaml");    // error: `app.yaml:7:12: expected a value after
//   "cores:"` … std::string text = to_yaml(object);
//
// Plain words become null (~, null, empty), true/false, integers (also 0x1F, 0o17, 0b11 and 0644, which is
// octal, as file modes in manifests mean it), floats or strings; quoted ones are strings. Unlike YAML 1.1,
// yes/no/on/off/y/n are strings. Anchors, aliases and merge keys (<<) work within bounds. Refused: a key
// twice in one mapping, keys that are no plain text, infinities, values that JSON cannot hold.
//
// to_yaml quotes every string that some YAML reader would take for something else, so parse_yaml(to_yaml(j))
// == j.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube {

// Every document of the stream but the empty ones. `source` names the text in messages ("" for nothing). JSON
// is YAML. Error: InvalidInput with line and column, counted from 1.
Result<std::vector<Json>> parse_yaml(std::string_view text, std::string_view source = "");
// Exactly one document.
Result<Json> parse_yaml_document(std::string_view text, std::string_view source = "");

// Block style, keys sorted, indented by two spaces, ends with a line end. Several documents are joined by
// "---".
std::string to_yaml(const Json& json);
std::string to_yaml(const std::vector<Json>& documents);

}  // namespace kube

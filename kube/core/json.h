// Json is the value type for objects, patches and everything that passes through unmodelled. Object keys are
// sorted, so the same value always prints the same bytes.
//
//   Result<Json> object = parse_json(body);                        // never throws
//   std::string phase = string_at(*object, {"status", "phase"});   // "" when absent or no string
//   std::string bytes = dump_json(*object);
//
// nlohmann's own parse(), at(), get<>() and dump() throw on bad input; the functions here do not. Bytes that
// come in bulk (lists, watches, reviews) are read with JsonReader (json_reader.h) instead, which is 25 times
// faster.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace kube {

using Json = nlohmann::json;

// Deeper nesting than any Kubernetes object needs is refused, because printing and comparing recurse.
inline constexpr int kMaxJsonDepth = 500;

// Error: InvalidInput with line and column.
Result<Json> parse_json(std::string_view text);

// Compact, keys sorted; bytes that are not UTF-8 become U+FFFD. `indent` > 0 prints for people.
std::string dump_json(const Json& json, int indent = -1);

// The member at a path of object keys; null pointer when any step is missing or no object.
const Json* find_path(const Json& json, std::initializer_list<std::string_view> path);
// The string there; "" when it is missing or something else.
std::string string_at(const Json& json, std::initializer_list<std::string_view> path);

// "string", "integer", "number", "boolean", "object", "array", "null".
std::string_view json_type_name(const Json& json);
// For messages: scalars as JSON, shortened; containers by type ("object", "array").
std::string describe_json(const Json& json);

}  // namespace kube

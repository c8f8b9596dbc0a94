// What a plain (unquoted) YAML word means. Shared by the reader and the emitter of yaml.h, so that they
// cannot disagree on which strings need quotes. Thread: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "kube/core/json.h"

namespace kube {

// Null, boolean, number, or nullopt: then the word is a string.
std::optional<Json> plain_yaml_scalar(std::string_view word);

// ".inf", "-.Inf", ".NaN" …: numbers to YAML that JSON has no word for.
bool is_yaml_infinity_or_nan(std::string_view word);

}  // namespace kube

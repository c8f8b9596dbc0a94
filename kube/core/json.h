// Json is the value type for objects, patches and everything that passes through unmodelled. Object keys are sorted,
// so the same value always prints the same bytes.
#pragma once

#include <nlohmann/json.hpp>

namespace kube {
using Json = nlohmann::json;
}

// Members that stand twice in one object of a JSON text: parsers keep the last, strict servers refuse the
// text.
//
//   duplicate_members(R"({"data": {"a": 1, "a": 2}})")        // {"data.a"}
//
// Thread: a pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kube::apiserver {

// Paths in the order in which the second one was met; empty for a text that is no JSON.
std::vector<std::string> duplicate_members(std::string_view json);

}  // namespace kube::apiserver

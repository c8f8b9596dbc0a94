// unified_diff() compares two texts line by line, as `diff -u` prints it.
//
//   unified_diff("live", before, "app.yaml", after)        // "" when they are equal
//
// Pure function; its work grows with the product of the changed parts, which are shown whole beyond four
// million.
#pragma once

#include <string>
#include <string_view>

namespace ctl {

std::string unified_diff(std::string_view before_name, std::string_view before, std::string_view after_name,
                         std::string_view after);

}  // namespace ctl

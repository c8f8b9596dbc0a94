// The text of Java property files, as java.util.Properties writes and Spark reads it.
//
//   properties_text({{"spark.k ey", " v=1"}}, {"made by …"})   // "#made by …\nspark.k\\ ey=\\ v\\=1\n"
//   parse_properties(text)["spark.k ey"]                       // " v=1"
//
// Written as Spark writes spark.properties: LF line ends, non-ASCII raw in UTF-8, keys sorted.
// Read as java.util.Properties reads: comments with # or !, "=", ":" or white space between key and value, a
// backslash at the line's end goes on with the next line, \uXXXX is understood. A later key replaces an
// earlier one. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"

namespace spark {

using PropertyMap = std::map<std::string, std::string, std::less<>>;

// Each comment becomes a line of its own with "#" in front; comments hold no line breaks.
std::string properties_text(const PropertyMap& properties, const std::vector<std::string>& comments);

PropertyMap parse_properties(std::string_view text);

// "Sat Nov 21 01:30:10 UTC 2026": the date line that Java puts under the first comment. In UTC.
std::string properties_date(kube::TimePoint time);

}  // namespace spark

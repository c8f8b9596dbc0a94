// Names that Spark makes out of an application's name.
//
//   resource_name_prefix("My App", "2f0c…")   // "my-app-2f0c…"
//   app_name_label("My App")                  // "my-app", at most 63 characters
//   driver_service_name(prefix, fallback)     // "<prefix>-driver-svc", or the fallback when that is too long
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace spark {

// Lower case, everything but letters, digits and dashes turned into single dashes; a first digit becomes "x".
std::string resource_name_prefix(std::string_view app_name, std::string_view unique);

// The value of the label spark-app-name.
std::string app_name_label(std::string_view app_name);

std::string driver_service_name(std::string_view prefix, std::string_view unique);

}  // namespace spark
